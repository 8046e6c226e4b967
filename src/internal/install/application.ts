/**
 * The effects of the application, as a flow runs them: with the services of the layer, and with a deadline.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as InstallFlow from "../../InstallFlow.js"
import { withDeadline } from "../deadline.js"
import type * as LayerContext from "../layerContext.js"

/** What `begin` gives: what is special about this install, or a response to send instead. */
export type Begun<M> = InstallFlow.BeginOptions | InstallFlow.BeginWithMetadata<M> | Response

/** The options of any flow, with metadata or without. */
export interface AnyOptions<M, R1, R2, R3> extends InstallFlow.Options<M, R1, R2> {
  readonly metadata?: Schema.Schema<M, any> | undefined
  readonly begin?: ((request: Request) => Effect.Effect<Begun<M>, unknown, R3>) | undefined
}

export interface Application<M> {
  readonly begin: (request: Request) => Effect.Effect<Begun<M>, unknown>
  readonly onInstalled: (installed: InstallFlow.Installed<M>) => Effect.Effect<unknown, unknown>
  /** Logs a failed install and tells the application. */
  readonly report: (failed: InstallFlow.Failed<M>) => Effect.Effect<void>
}

/** How long an effect of the application may take. */
const limit = Duration.minutes(5)

const log = ({ error }: InstallFlow.Failed<unknown>): Effect.Effect<void> =>
  error._tag === "InstallNotCompleted" ? Effect.logError(error.message) : Effect.logDebug(error.message)

export const make = <M, R1, R2, R3>(
  { begin, onFailed, onInstalled }: AnyOptions<M, R1, R2, R3>,
  layerContext: LayerContext.LayerContext<R1 | R2 | R3>
): Application<M> => {
  const run = <A, E>(effect: () => Effect.Effect<A, E, R1 | R2 | R3>) =>
    withDeadline(layerContext.run(Effect.suspend(effect)), limit, () => "it took longer than five minutes")
  return {
    begin: (request) => begin === undefined ? Effect.succeed({}) : run(() => begin(request)),
    onInstalled: (installed) => run(() => onInstalled(installed)),
    report: (failed) =>
      onFailed === undefined
        ? log(failed)
        : Effect.zipRight(
          log(failed),
          Effect.catchAllCause(run(() => onFailed(failed)), () => Effect.logError("onFailed failed"))
        )
  }
}
