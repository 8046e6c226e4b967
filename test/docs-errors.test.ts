import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import { readFileSync } from "node:fs"
import { page } from "../scripts/errors-doc.js"

const written = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8")

describe("docs/errors.md", () => {
  it("is what `npm run docs:errors` writes", () => {
    assert.strictEqual(written, page)
  })

  it("has one row for every error class", () => {
    const classes = Object.keys(OAuthV2Error).filter((name) => name.startsWith("Slack"))
    const rows = Array.from(written.matchAll(/^\|[^|]*\| `(Slack\w+)` \|/gm), ([, tag]) => tag)
    assert.sameMembers(rows, classes)
    assert.strictEqual(rows.length, 53)
  })
})
