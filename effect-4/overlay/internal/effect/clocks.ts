/**
 * Clocks of one's own.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A clock by its times and its sleeps. */
export const make = ({ base, millis, nanos, sleep }: {
  /** The clock that the new one runs by. Its monotonic time is the new one's too. */
  readonly base: Clock.Clock
  readonly millis: () => number
  readonly nanos: () => bigint
  readonly sleep: (duration: Duration.Duration) => Effect.Effect<void>
}): Clock.Clock => ({
  currentTimeMillisUnsafe: millis,
  currentTimeNanosUnsafe: nanos,
  monotonicTimeNanosUnsafe: () => base.monotonicTimeNanosUnsafe(),
  currentTimeMillis: Effect.sync(millis),
  currentTimeNanos: Effect.sync(nanos),
  monotonicTimeNanos: base.monotonicTimeNanos,
  sleep
})

/** Replaces the clock of a program. */
export const layer = (clock: Clock.Clock): Layer.Layer<never> => Layer.succeed(Clock.Clock, clock)
