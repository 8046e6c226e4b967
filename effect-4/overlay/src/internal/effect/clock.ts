/**
 * The clock of the system.
 */
import * as Clock from "effect/Clock"

/** The clock that programs have unless they are given another. */
export const systemClock: Clock.Clock = Clock.Clock.defaultValue()
