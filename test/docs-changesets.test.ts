import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

describe("a changeset", () => {
  const folder = Path.resolve(import.meta.dirname, "../.changeset")
  const changesets = Fs.readdirSync(folder).filter((name) => name.endsWith(".md")).map((name) => ({
    name,
    text: Fs.readFileSync(Path.join(folder, name), "utf8")
  }))

  it("about a name that has changed says what a user has to do", () => {
    const changed =
      /\b(is|are) now `|\bmoved (from|to)\b|\bis called\b|\b(is|are) (now )?private\b|\bno longer exported\b|\bis needed from\b/
    const silent = changesets.filter(({ text }) => changed.test(text) && !text.includes("**To do:**"))
    assert.deepStrictEqual(silent.map(({ name }) => name), [])
  })
})
