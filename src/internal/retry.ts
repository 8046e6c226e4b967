/**
 * Attempts under a retry policy: each has a deadline, and some are repeated.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schedule from "effect/Schedule"
import type { OAuthV2Error } from "../OAuthV2Error.js"
import type * as RetryPolicy from "../RetryPolicy.js"
import { after } from "./deadline.js"
import { exitOf, type Fork, stop } from "./effect/fibers.js"
import { driver, notPast } from "./effect/schedules.js"
import { flatten } from "./flatten.js"

/** Whether the same call may be sent again: Slack did nothing, and waiting can help. */
export const isRepeatable = (error: OAuthV2Error): boolean => error.remedy === "retry" && error.outcome === "rejected"

/**
 * Ends a schedule instead of waiting beyond a budget. The last fifth is kept free, because an attempt that is cut
 * off halfway may have spent the grant. The budget counts from `startedAt`, or from the first failure.
 */
export const withinBudget = <Out, In>(
  schedule: Schedule.Schedule<Out, In>,
  budget: Duration.Duration,
  startedAt?: number
): Schedule.Schedule<Out, In> => notPast(schedule, Duration.toMillis(budget) * 0.8, startedAt)

/**
 * Runs an attempt in a fiber of its own, and interrupts it after so many milliseconds. Unlike `withDeadline` it waits
 * for the attempt to end, so that its socket is closed by then.
 */
const cutOff = <A, E, R>(
  attempt: Effect.Effect<A, E, R>,
  fork: Fork<R>,
  clock: Clock.Clock,
  millis: number,
  onTimeout: (timeout: Duration.Duration) => E
): Effect.Effect<A, E> =>
  Effect.async((resume) => {
    // The exit is a value, because a fiber that fails logs its cause, and a defect may contain a secret.
    const fiber = fork(Effect.exit(attempt))
    const ended = exitOf(fiber)
    if (ended !== undefined) return resume(flatten(ended))

    let isLate = false
    const callOff = after(fork, clock, millis, () => {
      isLate = true
      stop(fiber)
    })
    fiber.addObserver((exit) => {
      callOff()
      const ended = flatten(exit)
      resume(isLate && Exit.isInterrupted(ended) ? Effect.failSync(() => onTimeout(Duration.millis(millis))) : ended)
    })
  })

/**
 * Runs an attempt under a policy: each attempt is cut off at its timeout or at the end of the budget, whichever comes
 * first. Only a repeatable error leads to another, and only if `mayRepeat` allows it.
 *
 * `fork` starts a fiber for each attempt: what an attempt does to a `FiberRef` ends with it. If the caller is interrupted,
 * it has to interrupt that fiber, as `observeInSpan` does. `clock` is the caller's. `onFailure` runs after each attempt that
 * failed.
 */
export const run = <A, E extends OAuthV2Error, R>(
  policy: RetryPolicy.Service,
  attempt: Effect.Effect<A, E, R>,
  { clock, fork, onFailure, onTimeout }: {
    readonly clock: Clock.Clock
    readonly fork: Fork<R>
    readonly onTimeout: (timeout: Duration.Duration) => E
    readonly onFailure: (error: E) => Effect.Effect<void>
  }
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const now = () => clock.unsafeCurrentTimeMillis()
    const startedAt = now()
    const latest = startedAt + Duration.toMillis(policy.budget)
    const once = Effect.suspend(() =>
      cutOff(attempt, fork, clock, Math.min(Duration.toMillis(policy.attemptTimeout), latest - now()), onTimeout)
    )
    const wait = driver(() => withinBudget(policy.schedule, policy.budget, startedAt))
    const mayRepeat = (error: E): Effect.Effect<boolean> =>
      isRepeatable(error)
        ? Effect.flatMap(wait(error), (goesOn) => goesOn && policy.mayRepeat || Effect.succeed(goesOn))
        : Effect.succeed(false)
    const attempts: Effect.Effect<A, E> = Effect.catchAll(once, (error) =>
      Effect.flatMap(
        Effect.zipRight(onFailure(error), mayRepeat(error)),
        // The process may have been paused during the wait, and `policy.mayRepeat` may have taken long.
        (again) => again && now() < latest ? attempts : Effect.fail(error)
      ))
    return attempts
  })
