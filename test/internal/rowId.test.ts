import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as FastCheck from "effect/FastCheck"
import { credentialRowId, installationRowId, parseInstallationRowId } from "../../src/internal/rowId.js"

/** Any text, with half of a surrogate pair, slashes and escapes among it. */
const id = FastCheck.oneof(
  FastCheck.string({
    unit: FastCheck.constantFrom("T", "1", "/", "%", "2", "F", "u", "D800", "\ud800", "\udc00", "\u0000", "é")
  }),
  FastCheck.string({ unit: FastCheck.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) })
)

const key = FastCheck.tuple(FastCheck.boolean(), id, id).map(([isWorkspace, appId, place]) =>
  isWorkspace ? Installation.workspace(appId, place) : Installation.organization(appId, place)
)

describe("the text of a key", () => {
  it("has Slack's ids unchanged, and the kind between them", () => {
    const workspace = Installation.workspace("A0APP", "T0TEAM")
    assert.strictEqual(String(workspace), "A0APP/workspace/T0TEAM")
    assert.strictEqual(String(Installation.organization("A0APP", "E0ORG")), "A0APP/organization/E0ORG")
    assert.strictEqual(String(Installation.botKey(workspace)), "A0APP/workspace/T0TEAM/bot")
    assert.strictEqual(String(Installation.userKey(workspace, "U0USER")), "A0APP/workspace/T0TEAM/U0USER")
  })

  it("exists for every key, and can be parsed back", () => {
    FastCheck.assert(FastCheck.property(key, (key) => {
      assert.deepStrictEqual({ ...parseInstallationRowId(installationRowId(key)) }, { ...key })
    }))
  })

  it("differs for different keys", () => {
    FastCheck.assert(FastCheck.property(key, key, id, id, (a, b, one, other) => {
      const isSame = JSON.stringify([a, one]) === JSON.stringify([b, other])
      assert.strictEqual(credentialRowId(a, one) === credentialRowId(b, other), isSame)
    }))
  })

  it("differs between the bot and a person whose id is \"bot\"", () => {
    const workspace = Installation.workspace("A0APP", "T0TEAM")
    assert.notStrictEqual(String(Installation.userKey(workspace, "bot")), String(Installation.botKey(workspace)))
  })
})

describe("a text of another form", () => {
  it("is not parsed", () => {
    for (const row of ["", "A1", "A1/workspace/T1/U1", "A%/workspace/T1", "%41/workspace/T1", "A1/workspace/T%ud800"]) {
      assert.isUndefined(parseInstallationRowId(row), row)
    }
  })
})
