/**
 * A web handler over a layer, for servers that are not Effect programs.
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { withDeadline } from "./deadline.js"

export interface WebHandler {
  readonly handler: (request: Request) => Promise<Response>
  readonly dispose: () => Promise<void>
}

export interface Options<I, S> {
  readonly tag: Context.Tag<I, S>
  /** What the log calls the layer. */
  readonly name: string
  readonly handle: (service: S, request: Request) => Effect.Effect<Response>
  /** The answer while there is no service: its layer cannot be built, or was disposed of. */
  readonly unavailable: Effect.Effect<Response>
}

/** How long a layer may take to be built, and to be released after it could not be built. */
const buildLimit = Duration.seconds(30)

/** Builds the layer at the first request. A failed build is forgotten, so that the next request builds again. */
export const make = <I, S, E>(
  layer: Layer.Layer<I, E>,
  { handle, name, tag, unavailable }: Options<I, S>
): WebHandler => {
  let current: ManagedRuntime.ManagedRuntime<I, E> | undefined
  let disposed = false

  /** Many requests may have waited for a failed build. The first of them forgets it. */
  const forget = (runtime: ManagedRuntime.ManagedRuntime<I, E>, cause: Cause.Cause<unknown>) =>
    Effect.suspend(() => {
      if (current !== runtime || disposed) return Effect.void
      current = undefined
      return Effect.zipRight(
        Effect.logError(`The layer of ${name} cannot be built; the next request tries again`, cause),
        Effect.ignore(withDeadline(runtime.disposeEffect, buildLimit, () => "late"))
      )
    })

  const answer = (request: Request): Effect.Effect<Response> =>
    Effect.suspend(() => {
      if (disposed) return unavailable
      const runtime = current ??= ManagedRuntime.make(layer)
      return withDeadline(runtime.runtimeEffect, buildLimit, () => "it took longer than 30 seconds").pipe(
        Effect.matchCauseEffect({
          onFailure: (cause) => Effect.zipRight(forget(runtime, cause), unavailable),
          onSuccess: (built) => Effect.provide(Effect.flatMap(tag, (service) => handle(service, request)), built)
        })
      )
    })

  return {
    // oxlint-disable-next-line no-restricted-properties -- a web handler is where an Effect program meets another
    handler: (request) => Effect.runPromise(answer(request)),
    dispose: () => {
      disposed = true
      return current === undefined ? Promise.resolve() : current.dispose()
    }
  }
}
