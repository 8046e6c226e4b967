/**
 * A deadline that holds for every effect: also for one that never ends, one that cannot be interrupted, and one inside an
 * uninterruptible region.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { exitOf, stop, withFork } from "./effect/fibers.js"

/** How long, at most, the event loop may read what arrived during a pause before a deadline fires, in milliseconds. */
const catchUp = 1000

/**
 * Sleeps, then lets the event loop read what has arrived. When a paused process continues, all its timers fire at once,
 * before it has read anything. So a timer that is late waits for the time by which it is late, up to a second.
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
 * Runs an effect, and fails if it has not ended after `duration`. The effect runs in its own fiber: it can be interrupted
 * even if the caller cannot, and its `FiberRef` changes end with it. After the deadline it is interrupted in the
 * background, and the caller does not wait for its end. If the caller is interrupted, the effect is interrupted too, and the
 * caller waits for its end until the deadline. An effect that ends at once starts no timer.
 */
export const withDeadline = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  onTimeout: () => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) =>
    withFork<R, A, E | E2>((fork) => {
      // The exit is a value, because a fiber that fails logs its cause, which may contain a secret.
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
