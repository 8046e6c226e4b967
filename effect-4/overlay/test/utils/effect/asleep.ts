/** Fibers that sleep on the test clock. */
import type * as Effect from "effect/Effect"
import { settle } from "./TestClock.js"

/** Lets fibers and promises run. Effect 4's clock does not tell who sleeps. */
export const untilAsleep: Effect.Effect<void> = settle
