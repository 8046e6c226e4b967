import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

class Row extends Schema.Class<Row>("Row")({ name: Schema.OptionFromNullOr(Schema.String) }) {}

const some = Option.some("a")
const none = Option.none<string>()

/** Pairs of different values. Each pair looks the same to chai itself. */
const different: ReadonlyArray<readonly [name: string, left: unknown, right: unknown]> = [
  ["a some and a none", some, none],
  ["in an object", { name: some }, { name: none }],
  ["in an array", [some], [none]],
  ["in a class", new Row({ name: some }), new Row({ name: none })],
  ["in an option", Option.some(some), Option.some(none)],
  ["in a class in an option", Option.some(new Row({ name: some })), Option.some(new Row({ name: none }))],
  ["in a set", new Set([some]), new Set([none])],
  ["two secrets", Redacted.make("a"), Redacted.make("b")],
  ["a secret in an option", Option.some(Redacted.make("a")), Option.some(Redacted.make("b"))]
]

describe("assert.deepStrictEqual", () => {
  for (const [name, left, right] of different) {
    it(`tells different values apart: ${name}`, () => {
      assert.throws(() => assert.deepStrictEqual(left, right))
      assert.throws(() => assert.deepStrictEqual(right, left))
      assert.deepStrictEqual(left, left)
    })
  }

  it("finds equal values equal", () => {
    assert.deepStrictEqual(new Row({ name: Option.some("a") }), new Row({ name: Option.some("a") }))
    assert.deepStrictEqual({ name: Redacted.make("a") }, { name: Redacted.make("a") })
    assert.deepInclude({ name: Option.some("a"), other: 1 }, { name: Option.some("a") })
  })
})
