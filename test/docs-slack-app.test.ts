import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallError from "effect-slack-oauth/InstallError"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as Fs from "node:fs"
import * as Path from "node:path"

const page = Fs.readFileSync(Path.resolve(import.meta.dirname, "../docs/slack-app.md"), "utf8")

const steps = page.split(/^## (?=\d)/m).slice(1).map((text) => ({ title: text.split("\n")[0] ?? "", text }))

describe("docs/slack-app.md", () => {
  it("has its steps in order", () => {
    assert.isAbove(steps.length, 10)
    assert.deepStrictEqual(steps.map(({ title }) => Number.parseInt(title)), steps.map((_, index) => index + 1))
  })

  for (const { text, title } of steps) {
    it(`says what is seen without step ${title}`, () => {
      assert.include(text, "**If it is missing:**")
    })
  }

  it("says of each switch that cannot be undone that it cannot, before it says how", () => {
    for (const name of ["token_rotation_enabled", "pkce_enabled"]) {
      const step = steps.slice(2).find(({ text }) => text.includes(name))
      assert.match(step?.text.split("\n")[2] ?? "", /^\*\*This cannot be undone/, name)
    }
  })

  it("names only errors that exist", () => {
    const named = Array.from(page.matchAll(/`((?:Slack|Install)[A-Z]\w+)`/g), ([, name = ""]) => name)
      .filter((name) => !["SlackApp", "InstallFlow", "InstallError"].includes(name))
    assert.isAbove(named.length, 5)
    const known = { ...OAuthV2Error, ...InstallError, ...InstallationStore }
    assert.deepStrictEqual(named.filter((name) => !(name in known)), [])
  })
})
