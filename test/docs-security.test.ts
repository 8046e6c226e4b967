import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "..")
const page = Fs.readFileSync(Path.join(root, "docs/security.md"), "utf8")

/** The tests that the page names: a file and a title. */
const named = Array.from(
  page.matchAll(/\| `(test\/[^`]+)`: (.+) \|$/gm),
  ([, file = "", title = ""]) => ({ file, title })
)

describe("docs/security.md", () => {
  it("names a test in every row", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (threat|---)/.test(line))
    assert.isAbove(rows.length, 25)
    assert.strictEqual(named.length, rows.length)
  })

  for (const { file, title } of named) {
    it(`${file} has the test: ${title}`, () => {
      const source = Fs.readFileSync(Path.join(root, file), "utf8")
      const [before = ""] = source.split(`"${title}",`)
      assert.notStrictEqual(before, source, "the file has the title")
      assert.match(before, /\bit(\.\w+)?\(\s*$/, "as that of a test")
    })
  }
})
