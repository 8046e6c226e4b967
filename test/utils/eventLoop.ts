/** The event loop of the test process. */
import * as Effect from "effect/Effect"

/**
 * Lets the event loop run once. Effects run in microtasks, so a long test that only runs effects keeps the test process
 * from reporting, and after a minute vitest assumes that it hangs.
 */
export const yieldToEventLoop: Effect.Effect<void> = Effect.promise(() =>
  new Promise((resolve) => setImmediate(resolve))
)
