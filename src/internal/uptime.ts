/**
 * A time that only passes. `Clock.currentTimeMillis` jumps when the clock of the machine is set.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { monotonicNanos } from "./effect/clock.js"

/** `uptime` by a clock. */
export const uptimeOf = (clock: Clock.Clock): number => {
  try {
    return Number(monotonicNanos(clock) / 1_000_000n)
  } catch {
    // Effect's test clock throws if its time is not a whole number of nanoseconds. It is never set back.
    return clock.unsafeCurrentTimeMillis()
  }
}

/** Milliseconds since some moment in the past. The difference of two of them is how much time has passed. */
export const uptime: Effect.Effect<number> = Effect.clockWith((clock) => Effect.succeed(uptimeOf(clock)))

/** The time by the clock, and `uptime`. Cheaper than both by `Effect.zip`. */
export const clockAndUptime: Effect.Effect<readonly [clock: number, uptime: number]> = Effect.clockWith((clock) =>
  Effect.succeed([clock.unsafeCurrentTimeMillis(), uptimeOf(clock)] as const)
)
