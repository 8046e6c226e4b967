/** The JSON in rows, which is written by hand, beside the schemas of it. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, FastCheck as fc, Option, Redacted, Schema } from "effect"
import { TokenResponse } from "effect-slack-oauth"
import * as Details from "../../src/internal/sql/details.js"
import * as Tokens from "../../src/internal/sql/tokens.js"

/** What wrote and read the tokens first. */
const Stored = Schema.parseJson(Schema.Struct({
  accessToken: Schema.Redacted(Schema.String),
  refreshToken: Schema.OptionFromNullOr(Schema.Redacted(Schema.String))
}))

const encodeStored = Schema.encodeSync(Stored)
const decodeStored = Schema.decodeUnknownOption(Stored)

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  // Also halves of surrogate pairs.
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units))
)

const tokens: fc.Arbitrary<Tokens.Tokens> = fc.record({
  accessToken: text.map((token) => Redacted.make(token)),
  refreshToken: fc.option(text).map((token) => Option.map(Option.fromNullable(token), Redacted.make))
})

const show = (tokens: Option.Option<Tokens.Tokens>) =>
  Option.getOrNull(Option.map(tokens, ({ accessToken, refreshToken }) => ({
    accessToken: Redacted.value(accessToken),
    refreshToken: Option.getOrNull(Option.map(refreshToken, Redacted.value))
  })))

describe("tokens as they are stored", () => {
  it("are written as the schema writes them", () => {
    fc.assert(fc.property(tokens, (tokens) => {
      assert.strictEqual(Tokens.encode(tokens), encodeStored(tokens))
    }))
  })

  it("are read as they were written, by hand and by the schema", () => {
    fc.assert(fc.property(tokens, (tokens) => {
      const expected = show(Option.some(tokens))
      assert.deepStrictEqual(show(Tokens.decode(encodeStored(tokens))), expected)
      assert.deepStrictEqual(show(decodeStored(Tokens.encode(tokens))), expected)
    }))
  })

  it("are read as the schema reads them, whatever is stored", () => {
    const field = fc.oneof(fc.string(), fc.constant(null), fc.jsonValue())
    const object = fc.dictionary(
      fc.constantFrom("accessToken", "refreshToken", "other", "__proto__", "length", "toString"),
      field
    )
    const stored = fc.oneof(
      object.map((value) => JSON.stringify(value)),
      fc.json(),
      fc.string(),
      fc.tuple(object, fc.nat()).map(([value, length]) => JSON.stringify(value).slice(0, length))
    )
    fc.assert(
      fc.property(stored, (stored) => {
        assert.deepStrictEqual(show(Tokens.decode(stored)), show(decodeStored(stored)))
      }),
      { numRuns: 1000 }
    )
  })
})

describe("details as they are stored", () => {
  const Stored = Schema.Struct({
    target: Schema.Union(TokenResponse.Workspace, TokenResponse.Organization),
    installedBy: Schema.OptionFromNullOr(Schema.String)
  })
  const encodeStored = Schema.encodeSync(Schema.parseJson(Stored))

  it("are written as the schema writes them, and read as they were written", () => {
    fc.assert(fc.property(Arbitrary.make(Stored), (details) => {
      const stored = Details.encode(details)
      assert.deepStrictEqual(JSON.parse(stored), JSON.parse(encodeStored(details)))
      assert.deepStrictEqual(Details.decode(stored), Option.some(details))
    }))
  })
})
