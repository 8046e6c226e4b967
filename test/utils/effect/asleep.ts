/** Fibers that sleep on the test clock. */
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"

/** Lets fibers and promises run until a fiber sleeps. The clock stands still meanwhile. */
export const untilAsleep: Effect.Effect<void> = Effect.gen(function*() {
  while (Array.from(yield* TestClock.sleeps()).length === 0) {
    yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
  }
})
