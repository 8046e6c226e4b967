/** The event loop of the test process. */
import * as Effect from "effect/Effect"

/**
 * Lets the event loop run once. Effects run in microtasks, so a long test that only runs effects keeps the test process
 * from reporting, and after a minute vitest assumes that it hangs.
 */
export const yieldToEventLoop: Effect.Effect<void> = Effect.promise(() =>
  new Promise((resolve) => setImmediate(resolve))
)

/** Lets the event loop run for some milliseconds of real time, for a program with a test clock and a real database. */
export const runEventLoop = (millis: number): Effect.Effect<void> =>
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, millis)))

/** An answer that arrives after 60 ms. Nothing reads it before 100 ms, because the event loop is blocked until then. */
export const answerWhileBlocked: Effect.Effect<string> = Effect.async<string>((resume) => {
  const until = performance.now() + 100
  setImmediate(() => {
    while (performance.now() < until);
  })
  setTimeout(() => setTimeout(() => resume(Effect.succeed("answer")), 0), 60)
})
