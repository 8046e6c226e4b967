/**
 * A clock that goes on by itself and can be moved ahead: twelve hours later at the press of a button, in a demo or on
 * a desk, where the program runs and `TestClock` is not at hand.
 *
 * A move is a jump. To the program it is as if its machine had been suspended: nothing runs meanwhile, and then
 * everything whose time has come wakes up. Time outside of the program, such as a server's or a database's, stays as
 * it is.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

/**
 * Effect's `Clock`, and a way to move it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service extends Clock.Clock {
  /**
   * Moves the clock ahead, and wakes those whose sleep is over by that, in the order in which their time was to come.
   * What they do then is not waited for. A clock is never moved back: a negative duration is no move, and one without
   * end is a defect.
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

/** A clock that is ahead of another by as much as it was moved. */
const over = (base: Clock.Clock): Service => {
  let ahead = 0n
  const sleepers = new Set<Sleeper>()

  const unsafeCurrentTimeMillis = () => base.unsafeCurrentTimeMillis() + Number(ahead / nanosPerMilli)
  const unsafeCurrentTimeNanos = () => base.unsafeCurrentTimeNanos() + ahead

  // Either contender has to give way also where the sleep as such cannot be interrupted.
  const sleepUntil = (until: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const left = until - unsafeCurrentTimeMillis()
      if (left <= 0) return Effect.void
      const sleeper: Sleeper = { until, moved: Deferred.unsafeMake(FiberId.none) }
      return Effect.sync(() => sleepers.add(sleeper)).pipe(
        Effect.zipRight(Effect.raceFirst(
          Effect.as(Effect.interruptible(base.sleep(Duration.millis(left))), Effect.void),
          Effect.as(Effect.interruptible(Deferred.await(sleeper.moved)), sleepUntil(until))
        )),
        Effect.ensuring(Effect.sync(() => sleepers.delete(sleeper))),
        Effect.flatten
      )
    })

  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis,
    unsafeCurrentTimeNanos,
    currentTimeMillis: Effect.sync(unsafeCurrentTimeMillis),
    currentTimeNanos: Effect.sync(unsafeCurrentTimeNanos),
    sleep: (duration) => Effect.suspend(() => sleepUntil(unsafeCurrentTimeMillis() + Duration.toMillis(duration))),
    move: (duration) =>
      Effect.suspend(() => {
        const nanos = Duration.toNanos(duration)
        if (Option.isNone(nanos)) return Effect.dieMessage("MovableClock: time without end cannot pass")
        ahead += nanos.value
        for (const { moved } of Array.from(sleepers).sort((a, b) => a.until - b.until)) {
          Deferred.unsafeDone(moved, Effect.void)
        }
        return Effect.void
      })
  }
}

/**
 * Makes a clock over the one that the program has now. It begins with the same time.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Service> = Effect.clockWith((clock) => Effect.sync(() => over(clock)))

/**
 * Gives a program a clock that can be moved. Provide it last, so that everything else goes by it.
 *
 * @example
 * ```ts
 * import { DateTime, Effect } from "effect"
 * import { MovableClock } from "effect-slack-oauth/testing"
 *
 * const program = Effect.gen(function*() {
 *   const before = yield* DateTime.now
 *   yield* MovableClock.move("12 hours")
 *   return DateTime.distanceDuration(before, yield* DateTime.now) // 12 hours, and the moment that this took
 * })
 *
 * Effect.runPromise(program.pipe(Effect.provide(MovableClock.layer)))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<MovableClock> = Layer.scoped(MovableClock, Effect.tap(make, Effect.withClockScoped))

/**
 * Moves the clock ahead; see {@link Service.move}.
 *
 * @since 0.1.0
 * @category moving
 */
export const move = (duration: Duration.DurationInput): Effect.Effect<void, never, MovableClock> =>
  Effect.flatMap(MovableClock, (clock) => clock.move(duration))
