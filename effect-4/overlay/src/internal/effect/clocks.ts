/**
 * Clocks of one's own.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A clock by its times and its sleeps. */
export const make = ({ millis, nanos, sleep }: {
  /** The clock that the new one runs by. */
  readonly base: Clock.Clock
  readonly millis: () => number
  readonly nanos: () => bigint
  readonly sleep: (duration: Duration.Duration) => Effect.Effect<void>
}): Clock.Clock => ({
  currentTimeMillisUnsafe: millis,
  currentTimeNanosUnsafe: nanos,
  monotonicTimeNanosUnsafe: nanos,
  currentTimeMillis: Effect.sync(millis),
  currentTimeNanos: Effect.sync(nanos),
  monotonicTimeNanos: Effect.sync(nanos),
  sleep
})

/** A service that is also the clock of the program. */
export const layer = <I, S extends Clock.Clock>(tag: Context.Service<I, S>, make: Effect.Effect<S>): Layer.Layer<I> =>
  Layer.unwrap(Effect.map(make, (clock) => Layer.merge(Layer.succeed(tag, clock), Layer.succeed(Clock.Clock, clock))))
