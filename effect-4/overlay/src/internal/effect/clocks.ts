/**
 * Clocks of one's own.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
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

/** A service that is also the clock of the program. */
export const layer = <I, S extends Clock.Clock>(tag: Context.Service<I, S>, make: Effect.Effect<S>): Layer.Layer<I> =>
  Layer.unwrap(Effect.map(make, (clock) => Layer.merge(Layer.succeed(tag, clock), Layer.succeed(Clock.Clock, clock))))
