/**
 * A time that only passes. `Clock.currentTimeMillis` jumps when the clock of the machine is set.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Milliseconds since some moment in the past. The difference of two of them is how much time has passed. */
export const uptime: Effect.Effect<number> = Effect.catchAllDefect(
  Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n)),
  // Effect's test clock throws if its time is not a whole number of nanoseconds. It is never set back.
  () => Clock.currentTimeMillis
)
