/**
 * A running clock that can be moved ahead, for demos and manual tests: twelve hours pass at the press of a button.
 * `TestClock` stands still between moves, which a program with sockets or a database cannot use.
 *
 * A move is a jump, as if the machine had been suspended: nothing runs during the move, and then every sleep wakes whose
 * end has passed. The clocks of other programs, such as a server or a database, do not move.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Clocks from "../internal/effect/clocks.js"

/**
 * Effect's `Clock` with a function that moves it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service extends Clock.Clock {
  /**
   * Moves the clock ahead and wakes every sleep whose end has passed, in the order of their ends. It does not wait for
   * what the woken fibers do. A negative duration moves nothing, and an infinite one is a defect.
   */
  readonly move: (duration: Duration.DurationInput) => Effect.Effect<void>
}

/**
 * A clock that can be moved.
 *
 * @since 0.1.0
 * @category tags
 */
export class MovableClock extends Context.Tag("effect-slack-oauth/MovableClock")<MovableClock, Service>() {}

interface Sleeper {
  readonly until: number
  readonly moved: Deferred.Deferred<void>
}

const nanosPerMilli = 1_000_000n

/** A clock that is ahead of another clock by the sum of its moves. */
const over = (base: Clock.Clock): Service => {
  let ahead = 0n
  const sleepers = new Set<Sleeper>()

  const millis = () => base.unsafeCurrentTimeMillis() + Number(ahead / nanosPerMilli)

  // `raceFirst` interrupts the loser, which therefore has to be interruptible even in an uninterruptible region.
  const sleepUntil = (until: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const left = until - millis()
      if (left <= 0) return Effect.void
      return Effect.flatMap(Deferred.make<void>(), (moved) => {
        const sleeper: Sleeper = { until, moved }
        return Effect.sync(() => sleepers.add(sleeper)).pipe(
          Effect.zipRight(Effect.raceFirst(
            Effect.as(Effect.interruptible(base.sleep(Duration.millis(left))), Effect.void),
            Effect.as(Effect.interruptible(Deferred.await(moved)), sleepUntil(until))
          )),
          Effect.ensuring(Effect.sync(() => sleepers.delete(sleeper))),
          Effect.flatten
        )
      })
    })

  return {
    ...Clocks.make({
      base,
      millis,
      nanos: () => base.unsafeCurrentTimeNanos() + ahead,
      sleep: (duration) => Effect.suspend(() => sleepUntil(millis() + Duration.toMillis(duration)))
    }),
    move: (duration) =>
      Effect.suspend(() => {
        const nanos = Duration.toNanos(duration)
        if (Option.isNone(nanos)) {
          return Effect.dieMessage("MovableClock: the duration is infinite. Move the clock by a finite one.")
        }
        // Effect 4 has durations below zero.
        if (nanos.value > 0n) ahead += nanos.value
        for (const { moved } of Array.from(sleepers).sort((a, b) => a.until - b.until)) {
          Deferred.unsafeDone(moved, Effect.void)
        }
        return Effect.void
      })
  }
}

/**
 * Makes a clock that starts at the time of the current clock.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Service> = Effect.clockWith((clock) => Effect.sync(() => over(clock)))

/**
 * Replaces the program's clock with one that can be moved. Provide it last, so that all other layers use it.
 *
 * @example
 * ```ts
 * import { DateTime, Effect } from "effect"
 * import { MovableClock } from "effect-slack-oauth/testing"
 *
 * const program = Effect.gen(function*() {
 *   const before = yield* DateTime.now
 *   yield* MovableClock.move("12 hours")
 *   return DateTime.distanceDuration(before, yield* DateTime.now) // 12 hours and some milliseconds
 * })
 *
 * Effect.runPromise(program.pipe(Effect.provide(MovableClock.layer)))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<MovableClock> = Clocks.layer(MovableClock, make)

/**
 * Moves the clock ahead; see {@link Service.move}.
 *
 * @since 0.1.0
 * @category moving
 */
export const move = (duration: Duration.DurationInput): Effect.Effect<void, never, MovableClock> =>
  Effect.flatMap(MovableClock, (clock) => clock.move(duration))
