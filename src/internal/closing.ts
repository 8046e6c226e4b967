/**
 * How a manager closes. Refresh tokens work once, so what was sent is waited for, and what Slack has answered is stored.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Entry } from "./credentialCache.js"
import { withDeadline } from "./deadline.js"
import type { LayerContext } from "./layerContext.js"
import * as LeaseTime from "./leaseTime.js"
import type { UnsavedTokens } from "./unsavedTokens.js"
import { uptime } from "./uptime.js"

/** A rotation under way, until this process has concluded what came of it. */
export interface Attempt {
  readonly entry: Entry
  /** Whether a refresh token was sent. */
  hasSent: boolean
  readonly ended: Deferred.Deferred<void>
}

/** What is under way in a manager, and what it may still begin. */
export interface Closing {
  /**
   * - `open`: it is not closing
   * - `finishing`: no attempt begins any more. Those under way may send their refresh tokens
   * - `saving`: no refresh token is sent any more, unless it was sent before
   */
  stage: "open" | "finishing" | "saving"
  readonly attempts: Set<Attempt>
}

/** Of a manager that is not closing. */
export const make = (): Closing => ({ stage: "open", attempts: new Set() })

/** Runs an attempt, for which the manager waits when it closes. Interrupts itself if it is closing. */
export const attempt = <A, E>(
  closing: Closing,
  entry: Entry,
  run: (attempt: Attempt) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.flatMap(Deferred.make<void>(), (ended) => {
    if (closing.stage !== "open") return Effect.interrupt
    const attempt: Attempt = { entry, hasSent: false, ended }
    closing.attempts.add(attempt)
    return Effect.ensuring(
      run(attempt),
      Effect.suspend(() => {
        closing.attempts.delete(attempt)
        return Deferred.succeed(ended, undefined)
      })
    )
  })

/**
 * Closes a manager. The refreshes under way get two thirds of the lease time. What is left of it is for the saving of tokens,
 * and for the attempts that have sent a refresh token by then. A process that was paused meanwhile gets the time of the pause
 * again, up to as much as it had. Work that takes longer continues in the background.
 */
export const close = (
  closing: Closing,
  { context, leaseDuration, unsaved }: {
    readonly context: LayerContext<never>
    readonly leaseDuration: Duration.Duration
    readonly unsaved: UnsavedTokens
  },
  /** Closes the scope of the shared refreshes. */
  closeScope: Effect.Effect<void>
): Effect.Effect<void> => {
  const finish = (work: Effect.Effect<void>, millis: number, problem: () => string) =>
    Effect.catchAll(
      withDeadline(Effect.flatMap(context.fork(work), Fiber.join), Duration.millis(millis), problem, millis),
      (problem) => Effect.logError(`TokenManager is closing, and ${problem}.`)
    )
  const whenEnded = (attempts: ReadonlyArray<Attempt>, then: (entry: Entry) => Effect.Effect<void>) =>
    Effect.forEach(attempts, ({ ended, entry }) => Effect.zipRight(Deferred.await(ended), then(entry)), {
      concurrency: "unbounded",
      discard: true
    })
  return Effect.gen(function*() {
    closing.stage = "finishing"
    const begunAt = yield* uptime
    yield* finish(
      // Where refreshes are not shared, they do not run in that scope.
      Effect.zipRight(closeScope, whenEnded(Array.from(closing.attempts), () => Effect.void)),
      LeaseTime.millisOf("closingRefreshes", leaseDuration),
      () => "refreshes under way did not finish"
    )
    closing.stage = "saving"
    const left = LeaseTime.millisOf("closing", leaseDuration) - ((yield* uptime) - begunAt)
    yield* finish(
      Effect.zip(
        unsaved.saveAll,
        whenEnded(Array.from(closing.attempts).filter(({ hasSent }) => hasSent), unsaved.saveLast),
        { concurrent: true }
      ),
      Math.max(left, LeaseTime.millisOf("closingSaves", leaseDuration)),
      () =>
        unsaved.size() > 0
          ? "tokens that Slack gave could not be saved: the store does not answer, or other processes hold their leases"
          : "refresh tokens were sent, and what came of them is not known"
    )
  })
}
