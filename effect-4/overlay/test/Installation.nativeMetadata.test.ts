/** Metadata whose schema has no JSON as its own encoding, as many of Effect 4's schemas. */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Metadata from "../src/internal/install/metadata.js"
import { botToken, install } from "../src/internal/storeSuite/fixtures.js"

const installation = install({ appId: "A1", teamId: "T1", bot: botToken("b") })

const textOf = ({ metadata }: Installation.Installation) => Redacted.value(Option.getOrThrow(metadata))

/** What comes back of metadata that were stored. */
const storedAndRead = <M, I>(schema: Schema.Codec<M, I>, metadata: M) => {
  const written = Installation.withMetadata(installation, schema, metadata)
  const json = JSON.stringify(Schema.encodeSync(Installation.Installation)(written))
  const read = Schema.decodeSync(Installation.Installation)(JSON.parse(json))
  return Option.getOrThrow(Result.getOrThrow(Installation.metadataOf(read, schema)))
}

describe("metadata", () => {
  const schemas: Record<string, readonly [schema: Schema.Codec<any, any>, value: unknown]> = {
    "a Date": [Schema.Date, new Date(86_400_000)],
    "a DateTime.Utc": [Schema.DateTimeUtc, DateTime.makeUnsafe(86_400_000)],
    "a Duration": [Schema.Duration, Duration.minutes(5)],
    "a bigint": [Schema.BigInt, 12345678901234567890n],
    "a URL": [Schema.URL, new URL("https://example.com/a?b=c")],
    "an Option": [Schema.Option(Schema.Date), Option.some(new Date(0))],
    "a Map": [Schema.ReadonlyMap(Schema.String, Schema.Date), new Map([["a", new Date(0)]])],
    "a Set": [Schema.ReadonlySet(Schema.Number), new Set([1, 2])],
    "bytes": [Schema.Uint8Array, new Uint8Array([1, 2, 255])]
  }
  for (const [name, [schema, value]] of Object.entries(schemas)) {
    it(`with ${name} are read as they were written`, () => {
      const Struct = Schema.Struct({ inside: schema, list: Schema.Array(schema), absent: Schema.optional(schema) })
      const metadata = { inside: value, list: [value, value], absent: undefined }
      assert.deepStrictEqual(storedAndRead<any, any>(Struct, metadata), { inside: value, list: [value, value] })
      assert.deepStrictEqual(storedAndRead(schema, value), value)
    })
  }

  it("with a Date are the text that the schema of ISO texts gives", () => {
    const since = new Date(86_400_000)
    const text = `{"since":"1970-01-02T00:00:00.000Z"}`
    for (const schema of [Schema.Date, Schema.DateFromString]) {
      assert.strictEqual(
        textOf(Installation.withMetadata(installation, Schema.Struct({ since: schema }), { since })),
        text
      )
    }
  })

  it("are the same on their way through the store of pending installs", () => {
    const schema = Schema.Struct({ since: Schema.DateTimeUtc, until: Schema.optional(Schema.Date) })
    const metadata = { since: DateTime.makeUnsafe(0), until: undefined }
    const way = Metadata.make(schema)
    const text = Effect.runSync(way.encode({ metadata }))
    assert.strictEqual(Redacted.value(text), textOf(Installation.withMetadata(installation, schema, metadata)))
    assert.deepStrictEqual(Effect.runSync(way.decode(text)), { since: metadata.since })
  })

  it("that do not fit are an error that names the place", () => {
    const written = Installation.withMetadata(installation, Schema.Unknown, { inside: { since: "soon" } })
    const read = Installation.metadataOf(written, Schema.Struct({ inside: Schema.Struct({ since: Schema.Date }) }))
    assert.deepStrictEqual(Result.getOrThrow(Result.flip(read)).paths, ["inside.since"])
  })
})
