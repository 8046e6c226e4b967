import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Scopes from "../../src/internal/install/scopes.js"

const scopes = (bot: ReadonlyArray<string>, user: ReadonlyArray<string> = []) => ({ bot, user })

const installUrl = "https://example.com/slack/install"
const flowScopes = scopes(["chat:write", "files:read"], ["search:read"])

describe("report", () => {
  it("has no missing scopes and no address if everything was granted, or more", () => {
    for (const granted of [flowScopes, scopes(["files:read", "chat:write", "commands"], ["search:read"])]) {
      const report = Scopes.report(flowScopes, granted, { flowScopes, installUrl })
      assert.deepStrictEqual(report, {
        requested: flowScopes,
        granted,
        missing: scopes([]),
        restUrl: Option.none()
      })
    }
  })

  it("has the missing scopes of both kinds, and an address that asks for them", () => {
    const report = Scopes.report(flowScopes, scopes(["chat:write"]), { flowScopes, installUrl })
    assert.deepStrictEqual(report.missing, scopes(["files:read"], ["search:read"]))
    const restUrl = new URL(Option.getOrThrow(report.restUrl))
    assert.strictEqual(`${restUrl.origin}${restUrl.pathname}`, installUrl)
    assert.deepStrictEqual(Scopes.fromQuery(restUrl.searchParams), report.missing)
  })

  it("has the plain address if the flow may not ask for the missing scopes by address", () => {
    const report = Scopes.report(scopes(["team:read"]), scopes([]), { flowScopes, installUrl })
    assert.deepStrictEqual(report.missing, scopes(["team:read"]))
    assert.deepStrictEqual(report.restUrl, Option.some(installUrl))
  })
})

describe("covers", () => {
  it("compares the scopes of each kind", () => {
    assert.isTrue(Scopes.covers(flowScopes, scopes([])))
    assert.isTrue(Scopes.covers(flowScopes, scopes(["files:read"], ["search:read"])))
    assert.isFalse(Scopes.covers(flowScopes, scopes(["search:read"])))
    assert.isFalse(Scopes.covers(scopes([]), scopes([], ["search:read"])))
  })
})
