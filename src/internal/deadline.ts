/**
 * A deadline that holds for every effect: also for one that never ends, one that cannot be interrupted, and one inside an
 * uninterruptible region.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { systemClock } from "./effect/clock.js"
import { exitOf, type Fork, stop, withCaller } from "./effect/fibers.js"
import { flatten } from "./flatten.js"
import { uptimeOf } from "./uptime.js"

/** How long, at most, the event loop may read what arrived during a pause before a deadline fires, in milliseconds. */
const catchUp = 1000

/** How often, at most, a deadline that is over waits. */
const mostWaits = 3

/** The longest delay of `setTimeout`, in milliseconds. */
const longestTimeout = 2 ** 31 - 1

/**
 * Calls `then` after so many milliseconds, unless the function that it returns is called first.
 *
 * When a paused process continues, all its timers fire at once, before it has read anything. So a timer that is late waits
 * for the time by which it is late, up to a second: until then the event loop reads what has arrived. If the process is
 * paused again before it has read, the timer waits again: three times in all, at most. `uptime` says how late it is, because
 * the clock may have been set meanwhile.
 *
 * Each call to Slack and to a store has a deadline, and a fiber that sleeps costs several times what `setTimeout` does. So
 * with the system's clock, which `Effect.sleep` implements by `setTimeout` too, there is no fiber. Every other clock needs
 * one. Nothing else in this package uses the platform's timers.
 */
export const after = (
  fork: Fork<never>,
  clock: Clock.Clock,
  millis: number,
  then: () => void
): () => void => {
  const start = (millis: number, then: () => void): () => void => {
    if (clock === systemClock && millis <= longestTimeout) {
      // oxlint-disable no-restricted-globals -- the one place for them, see above
      const timer = setTimeout(then, millis)
      return () => clearTimeout(timer)
      // oxlint-enable no-restricted-globals
    }
    const fiber = fork(Effect.map(clock.sleep(Duration.millis(millis)), then))
    return () => stop(fiber)
  }
  let cancel = (): void => {}
  let waits = 0
  const wait = (millis: number): void => {
    const round = waits
    const due = uptimeOf(clock) + millis
    const stopTimer = start(millis, () => {
      const late = Math.max(0, Math.min(uptimeOf(clock) - due, catchUp))
      if (round > 0 && (late === 0 || round === mostWaits)) return then()
      waits++
      wait(late)
    })
    // A clock may call back at once, before `start` returns.
    if (waits === round) cancel = stopTimer
  }
  wait(millis)
  return () => cancel()
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
    withCaller<A, E | E2, R>(({ clock, fork }) => {
      const start = fork((context) => context)
      // The exit is a value, because a fiber that fails logs its cause, which may contain a secret.
      const call = start(Effect.exit(effect))
      const ended = exitOf(call)
      if (ended !== undefined) return flatten(ended)

      let isLate = false
      let onLate = (): void => {}
      // Effect 4 has durations below zero.
      const callOff = after(start, clock, Math.max(0, Duration.toMillis(duration)), () => {
        isLate = true
        // First, since a fiber that is told to stop may end at once, and its exit is then not what the caller gets.
        onLate()
        stop(call)
      })
      const result = Effect.async<A, E | E2>((resume) => {
        onLate = () => resume(Effect.failSync(onTimeout))
        // A deadline that is over when it begins has fired by now.
        if (isLate) return onLate()
        call.addObserver((exit) => {
          callOff()
          resume(flatten(exit))
        })
      })
      const interrupted = Effect.async<void>((resume) => {
        onLate = () => resume(Effect.void)
        call.addObserver(onLate)
        stop(call)
        if (isLate) onLate()
      })
      return Effect.tapErrorCause(restore(result), () => interrupted)
    })
  )
