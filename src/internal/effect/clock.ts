/**
 * The clock of the system.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"

/** The clock that programs have unless they are given another. */
export const systemClock: Clock.Clock = Context.get(DefaultServices.liveServices, Clock.Clock)
