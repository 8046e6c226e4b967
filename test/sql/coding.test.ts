/** The JSON in rows, which is coded by hand, compared with schemas. */
import { assert, describe, it } from "@effect/vitest"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Details from "../../src/internal/sql/details.js"
import * as Tokens from "../../src/internal/sql/tokens.js"
import * as Properties from "../utils/effect/properties.js"

/** The schema that first wrote and read the tokens. */
const Stored = Schema.parseJson(Schema.Struct({
  accessToken: Schema.Redacted(Schema.String),
  refreshToken: Schema.OptionFromNullOr(Schema.Redacted(Schema.String))
}))

const encodeStored = Schema.encodeSync(Stored)
const decodeStored = Schema.decodeUnknownOption(Stored)

const text = FastCheck.oneof(
  FastCheck.string(),
  FastCheck.string({ unit: "binary" }),
  // With halves of surrogate pairs.
  FastCheck.array(FastCheck.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units))
)

const tokens: FastCheck.Arbitrary<Tokens.Tokens> = FastCheck.record({
  accessToken: text.map((token) => Redacted.make(token)),
  refreshToken: FastCheck.option(text).map((token) => Option.map(Option.fromNullable(token), Redacted.make))
})

const show = (tokens: Option.Option<Tokens.Tokens>) =>
  Option.getOrNull(Option.map(tokens, ({ accessToken, refreshToken }) => ({
    accessToken: Redacted.value(accessToken),
    refreshToken: Option.getOrNull(Option.map(refreshToken, Redacted.value))
  })))

describe("tokens as they are stored", () => {
  it("are written as the schema writes them", () => {
    FastCheck.assert(FastCheck.property(tokens, (tokens) => {
      assert.strictEqual(Tokens.encode(tokens), encodeStored(tokens))
    }))
  })

  it("are read as they were written, by hand and by the schema", () => {
    FastCheck.assert(FastCheck.property(tokens, (tokens) => {
      const expected = show(Option.some(tokens))
      assert.deepStrictEqual(show(Tokens.decode(encodeStored(tokens))), expected)
      assert.deepStrictEqual(show(decodeStored(Tokens.encode(tokens))), expected)
    }))
  })

  it("are read as the schema reads them, whatever is stored", () => {
    const field = FastCheck.oneof(FastCheck.string(), FastCheck.constant(null), FastCheck.jsonValue())
    const object = FastCheck.dictionary(
      FastCheck.constantFrom("accessToken", "refreshToken", "other", "__proto__", "length", "toString"),
      field
    )
    const stored = FastCheck.oneof(
      object.map((value) => JSON.stringify(value)),
      FastCheck.json(),
      FastCheck.string(),
      FastCheck.tuple(object, FastCheck.nat()).map(([value, length]) => JSON.stringify(value).slice(0, length))
    )
    FastCheck.assert(
      FastCheck.property(stored, (stored) => {
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
    FastCheck.assert(FastCheck.property(Properties.of(Stored), (details) => {
      const stored = Details.encode(details)
      assert.deepStrictEqual(JSON.parse(stored), JSON.parse(encodeStored(details)))
      assert.deepStrictEqual(Details.decode(stored), Option.some(details))
    }))
  })
})
