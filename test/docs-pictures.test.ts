import { assert, beforeAll, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "..")
const folder = Path.join(root, "docs/pictures")
const files = Fs.readdirSync(folder).sort()

describe("docs/performance.md", () => {
  const page = Fs.readFileSync(Path.join(root, "docs/performance.md"), "utf8")

  it("begins with ten lines that say what its tables say", async () => {
    const { withSummary } = await import("../scripts/performance.js")
    assert.strictEqual(page, withSummary(page), "run npm run docs:pictures")
    const [, summary = ""] = /<!-- summary -->\n([^]*?)<!-- \/summary -->/.exec(page) ?? []
    assert.strictEqual(summary.trim().split("\n").length, 10)
    assert.isBelow(page.indexOf("<!-- summary -->"), page.indexOf("<!-- bench:"))
  })

  it("says which number is missing when a benchmark has other rows", async () => {
    const { reader } = await import("../scripts/performance/tables.js")
    assert.throws(
      () => reader(page)("call", "oauth.v2.access, one at a time", "OAuthV2 on paper", "wall ×"),
      /one at a time", OAuthV2 on paper, wall ×: there is no such number/
    )
  })
})

describe("docs/pictures", () => {
  let drawn: Readonly<Record<string, string>> = {}

  // It runs the storm of a thousand callers.
  beforeAll(async () => {
    drawn = (await import("../scripts/pictures.js")).pictures
  }, 60_000)

  it("has the pictures that the script draws, and no others", () => {
    assert.deepStrictEqual(Object.keys(drawn).sort(), files)
  })

  for (const file of files) {
    it(`shows what the code does now: ${file}`, () => {
      assert.strictEqual(Fs.readFileSync(Path.join(folder, file), "utf8"), drawn[file], "run npm run docs:pictures")
    })

    it(`has a title, a description and no script: ${file}`, () => {
      const svg = Fs.readFileSync(Path.join(folder, file), "utf8")
      assert.match(svg, /role="img" aria-labelledby="title description"/)
      assert.match(svg, /<title id="title">.{10,}<\/title>/)
      assert.match(svg, /<desc id="description">.{30,}<\/desc>/)
      assert.notMatch(svg, /<script|<foreignObject|\son\w+=|href=/)
    })

    it(`is on a page, with words for those who do not see it: ${file}`, () => {
      const pages = Fs.readdirSync(Path.join(root, "docs")).filter((name) => name.endsWith(".md"))
        .map((name) => Fs.readFileSync(Path.join(root, "docs", name), "utf8"))
      assert.isTrue(pages.some((page) => new RegExp(`!\\[[^\\]]{20,}\\]\\(pictures/${file}\\)`).test(page)))
    })
  }
})
