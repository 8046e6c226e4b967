/**
 * How a manager closes. Refresh tokens work once, so what was sent is waited for, and what Slack has answered is stored.
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Entry } from "./credentialCache.js"
import type { LayerContext } from "./layerContext.js"
import * as LeaseTime from "./leaseTime.js"
import type { UnsavedTokens } from "./unsavedTokens.js"
import { uptime } from "./uptime.js"

/** A rotation under way, until this process has concluded what came of it. */
interface Attempt {
  readonly entry: Entry
  readonly ended: Deferred.Deferred<void>
}

/** What is under way in a manager, and what it may still begin. */
export interface Closing {
  /**
   * - `open`: it is not closing
   * - `finishing`: no attempt begins any more. Those under way may send their refresh tokens
   * - `saving`: no refresh token is sent any more
   */
  stage: "open" | "finishing" | "saving"
  readonly attempts: Set<Attempt>
}

/** Of a manager that is not closing. */
export const make = (): Closing => ({ stage: "open", attempts: new Set() })

/** Runs an attempt, for which the manager waits when it closes. Interrupts itself if it is closing. */
export const attempt = <A, E>(closing: Closing, entry: Entry, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Deferred.make<void>(), (ended) => {
    if (closing.stage !== "open") return Effect.interrupt
    const attempt: Attempt = { entry, ended }
    closing.attempts.add(attempt)
    return Effect.ensuring(
      work,
      Effect.suspend(() => {
        closing.attempts.delete(attempt)
        return Deferred.succeed(ended, undefined)
      })
    )
  })

/** How many ticks with a pause do not count, so that nothing waits for ever. */
const mostPauses = 30

/** Waits until this process was awake for so many ticks: one in which it was paused does not count. */
const awakeFor = (ticks: number, tick: number): Effect.Effect<void> => {
  const wait = (left: number, pauses: number): Effect.Effect<void> =>
    left === 0 ? Effect.void : Effect.flatMap(uptime, (begunAt) =>
      Effect.sleep(tick).pipe(
        Effect.zipRight(uptime),
        Effect.flatMap((now) =>
          now - begunAt > 2 * tick && pauses < mostPauses ? wait(left, pauses + 1) : wait(left - 1, pauses)
        )
      ))
  return wait(ticks, 0)
}

/**
 * Closes a manager: it finishes the attempts under way, and tries once more to save each unsaved token. This takes one lease
 * time at most; pauses of the process do not count. Work that takes longer continues in the background.
 */
export const close = (
  closing: Closing,
  { context, leaseDuration, unsaved }: {
    readonly context: LayerContext<never>
    readonly leaseDuration: Duration.Duration
    readonly unsaved: UnsavedTokens
  },
  /** Closes the scope of the shared refreshes: their waits end. */
  closeScope: Effect.Effect<void>
): Effect.Effect<void> => {
  const save = (entry: Entry): Effect.Effect<void> =>
    Effect.catchAll(
      unsaved.save(entry),
      (error) => Effect.logError(`The last token that Slack gave could not be saved. ${error.message}`)
    )
  const all = { concurrency: "unbounded", discard: true } as const
  return Effect.gen(function*() {
    closing.stage = "finishing"
    const ended = yield* Deferred.make<void>()
    const end = Deferred.succeed(ended, undefined)
    const work = Effect.all([
      closeScope,
      Effect.forEach(unsaved.entries(), save, all),
      Effect.forEach(
        Array.from(closing.attempts),
        ({ ended, entry }) => Effect.zipRight(Deferred.await(ended), save(entry)),
        all
      )
    ], all)
    const tick = LeaseTime.millisOf("closingTick", leaseDuration)
    const timer = Effect.gen(function*() {
      yield* awakeFor(20, tick)
      closing.stage = "saving"
      yield* awakeFor(10, tick)
    })
    yield* context.fork(Effect.ensuring(work, end))
    const running = yield* context.fork(Effect.ensuring(timer, end))
    yield* Deferred.await(ended)
    yield* Fiber.interrupt(running)
    closing.stage = "saving"
    if (closing.attempts.size > 0) {
      yield* Effect.logError("TokenManager is closing, and refreshes under way did not finish.")
    }
    if (unsaved.entries().length > 0) {
      yield* Effect.logError(
        "TokenManager is closing, and tokens that Slack gave could not be saved: the store fails or does not answer, or " +
          "other processes hold their leases."
      )
    }
  })
}
