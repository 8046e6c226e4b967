/** What an application knows of an installation. */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import { botToken, install } from "../src/internal/storeSuite/fixtures.js"

const Metadata = Schema.Struct({ customer: Schema.NumberFromString, since: Schema.Date })
const metadata = { customer: 7, since: new Date(0) }
const installation = install({ appId: "A1", teamId: "T1", bot: botToken("b") })

describe("metadata", () => {
  it("are read by the schema that they were written by, also after the installation was stored as JSON", () => {
    const written = Installation.withMetadata(installation, Metadata, metadata)
    assert.deepStrictEqual(Installation.metadataOf(written, Metadata), Either.right(Option.some(metadata)))
    const json = JSON.stringify(Schema.encodeSync(Installation.Installation)(written))
    const read = Schema.decodeSync(Installation.Installation)(JSON.parse(json))
    assert.deepStrictEqual(Installation.metadataOf(read, Metadata), Either.right(Option.some(metadata)))
  })

  it("are the same text whichever version of Effect wrote them, and each reads what the other wrote", () => {
    const Usual = Schema.Struct({
      customer: Schema.String,
      seats: Schema.Number,
      trial: Schema.Boolean,
      plan: Schema.optional(Schema.String),
      note: Schema.optional(Schema.String),
      owner: Schema.NullOr(Schema.String),
      teams: Schema.Array(Schema.Struct({ id: Schema.String, parent: Schema.optional(Schema.String) })),
      since: Schema.Date
    })
    const values = { customer: "c", seats: 7, trial: true, owner: null, since: new Date(0) }
    const usual = { ...values, plan: "free", note: undefined, teams: [{ id: "a" }, { id: "b", parent: undefined }] }
    const text = `{"customer":"c","seats":7,"trial":true,"plan":"free","owner":null,` +
      `"teams":[{"id":"a"},{"id":"b"}],"since":"1970-01-01T00:00:00.000Z"}`

    const written = Installation.withMetadata(installation, Usual, usual)
    assert.deepStrictEqual(JSON.parse(Redacted.value(Option.getOrThrow(written.metadata))), JSON.parse(text))
    const stored = new Installation.Installation({ ...installation, metadata: Option.some(Redacted.make(text)) })
    assert.deepStrictEqual(
      Installation.metadataOf(stored, Usual),
      Either.right(Option.some({ ...values, plan: "free", teams: [{ id: "a" }, { id: "b" }] }))
    )
  })

  it("that are no JSON do not fit", () => {
    const stored = new Installation.Installation({ ...installation, metadata: Option.some(Redacted.make("{CANARY")) })
    const error = Either.getOrThrow(Either.flip(Installation.metadataOf(stored, Metadata)))
    assert.deepStrictEqual([error._tag, error.paths], ["InstallationMetadataError", []])
  })

  it("are none in an installation that was stored before there were any", () => {
    const { metadata: _, ...before } = Schema.encodeSync(Installation.Installation)(installation)
    const read = Schema.decodeSync(Installation.Installation)(before)
    assert.deepStrictEqual(Installation.metadataOf(read, Metadata), Either.right(Option.none()))
  })

  it("that do not fit are an error that names the place, and quotes nothing", () => {
    const written = Installation.withMetadata(installation, Schema.Unknown, { customer: "CANARY", since: "CANARY" })
    const error = Either.getOrThrow(Either.flip(Installation.metadataOf(written, Metadata)))
    assert.deepStrictEqual([error._tag, error.paths], ["InstallationMetadataError", ["customer", "since"]])
    for (const text of [error.message, inspect(error, { depth: null }), inspect(written, { depth: null })]) {
      assert.notInclude(text, "CANARY")
    }
  })
})
