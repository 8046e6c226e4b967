/**
 * The clock of the system, and a time that only passes.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"

/** The clock that programs have unless they are given another. */
export const systemClock: Clock.Clock = Context.get(DefaultServices.liveServices, Clock.Clock)

/** Nanoseconds since some moment in the past. They only pass, whatever happens to the clock of the machine. */
export const monotonicNanos = (clock: Clock.Clock): bigint => clock.unsafeCurrentTimeNanos()
