/** What both majors of Effect name alike and mean differently. In this package, and in its tests, it means the same. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Randoms from "./utils/effect/random.js"

describe("what this package uses of Effect", () => {
  it.effect("leaves the end out of a range of random integers", () =>
    Effect.gen(function*() {
      const index = Effect.map(Random.nextIntBetween(0, 3), (index) => ["a", "b", "c"][index])
      const drawn = Effect.forEach([0, 0.4, 0.9, 1 - Number.EPSILON], (number) => Randoms.withNumbers([number])(index))
      for (const letter of yield* drawn) assert.isDefined(letter)
    }))

  it("gives the distance of two times its sign", () => {
    const [before, after] = [0, 1000].map((millis) => DateTime.unsafeMake(millis))
    assert.deepStrictEqual([DateTime.distance(before!, after!), DateTime.distance(after!, before!)], [1000, -1000])
  })

  it("reads dates and numbers from texts, and refuses texts that are none", () => {
    const read = Schema.decodeUnknownEither(Schema.Struct({ at: Schema.Date, count: Schema.NumberFromString }))
    assert.deepStrictEqual(
      read({ at: "1970-01-01T00:00:00.000Z", count: "7" }),
      Either.right({ at: new Date(0), count: 7 })
    )
    assert.isTrue(Either.isLeft(read({ at: "1970-01-01T00:00:00.000Z", count: "seven" })))
  })

  it.effect("fails with an Either that is on its left side, where an effect is wanted", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Effect.flip(Effect.flatMap(Effect.void, () => Either.left("no"))), "no")
    }))
})
