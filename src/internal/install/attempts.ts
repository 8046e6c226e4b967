/**
 * Runs the install of each code and state once, however often the callback comes within the window.
 *
 * An attempt does not run in a request, but in the context of the layer. It may have tokens from Slack, so neither a browser
 * that gives up nor a transaction of the request that rolls back may end it.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as InstallError from "../../InstallError.js"
import type * as InstallFlow from "../../InstallFlow.js"
import { withDeadline } from "../deadline.js"
import { observedByCaller } from "../effect/observed.js"
import type * as LayerContext from "../layerContext.js"
import type { Answer } from "./answer.js"
import * as Recent from "./recentCallbacks.js"

/** A callback from the browser that began the install. */
export interface Callback {
  readonly code: string
  readonly stateHash: string
  /** What the browser carried for the store of pending installs. */
  readonly carried: string
  /** Whether this browser was told before that the state is used. */
  readonly used: boolean
}

/** The progress of an install, and how an attempt keeps what it has achieved. */
export interface Keeper<M> {
  readonly progress: Recent.Progress<M>
  readonly keep: (progress: Recent.Progress<M>) => void
}

export interface Options<M> {
  readonly window: Duration.Duration
  readonly layerContext: LayerContext.LayerContext<never>
  readonly run: (callback: Callback, keeper: Keeper<M>) => Effect.Effect<Answer, InstallError.InstallError>
  /** Runs after each attempt that failed, also after one that was interrupted. */
  readonly report: (failed: InstallFlow.Failed<M>) => Effect.Effect<void>
}

/** How long a server that shuts down waits for attempts. */
const shutdownGrace = Duration.seconds(30)

/** How long it then waits for `onFailed`, which gets the tokens of attempts that did not end. */
const reportGrace = Duration.seconds(10)

/** What runs the attempts of a server. */
interface Runner {
  /** Whether the server is shutting down, so that no attempt begins. */
  readonly isClosing: () => boolean
  /** Forks work that ends before the scope closes, or is interrupted after a while. */
  readonly fork: (work: Effect.Effect<void>) => Effect.Effect<void>
}

const makeRunner = (layerContext: LayerContext.LayerContext<never>): Effect.Effect<Runner, never, Scope.Scope> =>
  Effect.gen(function*() {
    const inner = yield* Scope.make()
    const fibers = yield* Scope.extend(FiberSet.make<void>(), inner)
    let isClosing = false
    yield* Effect.addFinalizer(() => {
      isClosing = true
      return Effect.ensuring(
        Effect.ignore(withDeadline(FiberSet.awaitEmpty(fibers), shutdownGrace, () => "late")),
        Effect.ignore(withDeadline(Scope.close(inner, Exit.void), shutdownGrace, () => "late"))
      )
    })
    return {
      isClosing: () => isClosing,
      fork: (work) =>
        Effect.flatMap(
          observedByCaller,
          (observed) =>
            Effect.flatMap(layerContext.fork(observed(Effect.uninterruptible(work)), inner), (fiber) =>
              FiberSet.add(fibers, fiber))
        )
    }
  })

const shuttingDown = "the server is shutting down"

const toError = (cause: Cause.Cause<InstallError.InstallError>): InstallError.InstallError =>
  Option.getOrElse(Cause.failureOption(cause), () =>
    new InstallError.InstallUnexpected({
      problem: Cause.isInterrupted(cause) ? shuttingDown : "an unexpected error occurred"
    }))

/** Makes the function that takes a callback to its outcome. */
export const make = <M>(
  { layerContext, report, run, window }: Options<M>
): Effect.Effect<(callback: Callback) => Effect.Effect<Recent.Outcome>, never, Scope.Scope> =>
  Effect.map(makeRunner(layerContext), ({ fork, isClosing }) => {
    const entries = new Map<string, Recent.Entry<M>>()

    const begin = (key: string, now: number): Recent.Entry<M> => {
      entries.delete(key)
      for (const forgotten of Recent.makeRoom(entries, now)) entries.delete(forgotten)
      return Recent.newEntry(now, Duration.toMillis(window))
    }

    /** Only `run` can be interrupted, so every attempt has an outcome. */
    const attempt = (
      key: string,
      entry: Recent.Entry<M>,
      callback: Callback,
      running: Deferred.Deferred<Recent.Outcome>
    ): Effect.Effect<void> => {
      let current = entry
      const change = (changed: Partial<Recent.Entry<M>>) => {
        current = { ...current, ...changed }
        entries.set(key, current)
      }
      change({ running })

      const reportFailure = (cause: Cause.Cause<InstallError.InstallError>) => {
        const { cause: ofApplication, installed } = current.progress
        const reported = report({
          error: toError(cause),
          installed: Option.fromNullable(installed),
          cause: Option.fromNullable(ofApplication)
        })
        return Cause.isInterrupted(cause)
          ? Effect.ignore(withDeadline(reported, reportGrace, () => "late"))
          : reported
      }

      return run(callback, { progress: current.progress, keep: (progress) => change({ progress }) }).pipe(
        Effect.interruptible,
        Effect.catchAllCause((cause) => Effect.zipRight(reportFailure(cause), Effect.fail(toError(cause)))),
        Effect.either,
        Effect.flatMap((outcome) => {
          change({ outcome, running: undefined })
          if (!Recent.isRemembered(outcome)) entries.delete(key)
          return Deferred.succeed(running, outcome)
        })
      )
    }

    return (callback) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const key = `${callback.stateHash}.${callback.code}`
          const now = yield* Clock.currentTimeMillis
          const running = yield* Deferred.make<Recent.Outcome>()
          // From here to the fork no other request runs, so only one of them starts an attempt.
          const decision = Recent.decide(entries.get(key), now)
          if (decision._tag === "Show") return decision.outcome
          if (decision._tag === "Join") return yield* restore(Deferred.await(decision.running))
          // Neither the state nor the code is used, so another server can take them.
          if (isClosing()) {
            const error = new InstallError.InstallUnexpected({ problem: shuttingDown })
            yield* report({ error, installed: Option.none(), cause: Option.none() })
            return Either.left(error)
          }
          const entry = decision._tag === "Begin" ? begin(key, now) : decision.entry
          yield* fork(attempt(key, entry, callback, running))
          return yield* restore(Deferred.await(running))
        })
      )
  })
