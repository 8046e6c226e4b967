import * as Effect from "effect/Effect"

/**
 * Lets others have a turn. A long run of effects goes from one microtask to the next, and the test runner, which is
 * told nothing for a minute, takes it for dead.
 */
export const yieldToEventLoop: Effect.Effect<void> = Effect.promise(() =>
  new Promise((resolve) => setImmediate(resolve))
)
