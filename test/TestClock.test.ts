/** Effect's test clock, as the tests of both majors need it. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"

const answer = Effect.promise(() => Promise.resolve())

describe("the test clock", () => {
  it.effect("stands still until all that a sleep held up has run", () =>
    Effect.gen(function*() {
      const work = yield* Effect.fork(Effect.gen(function*() {
        yield* Effect.sleep("1 second")
        for (let step = 0; step < 3; step++) {
          yield* answer
          yield* Effect.yieldNow()
        }
        return yield* Clock.currentTimeMillis
      }))
      yield* Effect.fork(Effect.sleep("2 seconds"))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* Fiber.join(work), 1000)
    }))
})
