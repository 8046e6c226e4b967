/**
 * A deadline that holds whatever the effect does: one that never answers, one that cannot be interrupted, and one that
 * runs inside an uninterruptible region all end in time.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { exitOf, stop, withFork } from "./effect/fibers.js"

/** How long at most what arrived during a pause is read before a deadline counts. */
const catchUp = 1000

/**
 * Sleeps, then lets the event loop read what has arrived. When a paused process continues, all its timers are due at
 * once, before it has read anything. So a timer that is late waits as long again as it is late, up to a second.
 */
export const elapsed = (duration: Duration.Duration): Effect.Effect<void> =>
  Effect.clockWith((clock) => {
    const due = clock.unsafeCurrentTimeMillis() + Duration.toMillis(duration)
    return Effect.zipRight(
      clock.sleep(duration),
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        clock.sleep(Duration.millis(Math.max(0, Math.min(now - due, catchUp)))))
    )
  })

/** The result of a fiber, or `undefined` once the timer has fired. */
const firstOf = <A, E>(
  call: Fiber.RuntimeFiber<Exit.Exit<A, E>>,
  timer: Fiber.RuntimeFiber<void>,
  resume: (exit: Exit.Exit<A, E> | undefined) => void
): void => {
  call.addObserver((exit) => {
    stop(timer)
    resume(Exit.flatten(exit))
  })
  timer.addObserver(() => resume(undefined))
}

/**
 * Runs an effect, and fails if it has not ended after `duration`. The effect has a fiber of its own: it can be
 * interrupted also where the caller cannot, and what it does to a `FiberRef` ends with it. Past the deadline it is
 * interrupted in the background, and nobody waits for it. If the caller is interrupted, the effect is too, and the
 * caller waits for its end until the deadline. An effect that ends at once costs no timer.
 */
export const withDeadline = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  onTimeout: () => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) =>
    withFork<R, A, E | E2>((fork) => {
      // As a value, because a fiber that fails tells the log, and the cause may have a secret in it.
      const call = fork(Effect.exit(Effect.interruptible(effect)))
      const ended = exitOf(call)
      if (ended !== undefined) return Exit.flatten(ended)
      const timer = fork(Effect.interruptible(elapsed(duration)))
      return restore(
        Effect.async<A, E | E2>((resume) => {
          firstOf(call, timer, (exit) => {
            if (exit !== undefined) return resume(exit)
            stop(call)
            resume(Effect.failSync(onTimeout))
          })
          return Effect.async<void>((resume) => {
            stop(call)
            firstOf(call, timer, () => resume(Effect.void))
          })
        })
      )
    })
  )
