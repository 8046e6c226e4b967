/** What an application knows of an installation. */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
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
