/** The pages of docs/: how long they are, and how a reader finds them. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "..")
const read = (file: string) => Fs.readFileSync(Path.join(root, file), "utf8")

const pages = Fs.readdirSync(Path.join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) =>
  `docs/${name}`
)

/** The words that are read from the first to the last. Tables are for looking up, and those of benchmarks are not for all. */
const wordsIn = (page: string): number =>
  page.replaceAll(/<!-- bench:(\w+) -->[^]*?<!-- \/bench:\1 -->/g, "").replaceAll(/^ *\|.*$/gm, "")
    .split(/\s+/).filter((word) => word !== "").length

/** How much a person reads in ten minutes. */
const tenMinutes = 2_200

describe("the pages of docs", () => {
  for (const page of pages) {
    it(`are read in ten minutes, and begin with a sentence under their title: ${page}`, () => {
      const text = read(page)
      assert.isAtMost(wordsIn(text), tenMinutes, "split the page: one idea a page")
      assert.match(text, /^# .+\n\n(<!--[^]*?-->\n+)?[A-Z`]/)
    })
  }

  const [, section = ""] = /^## Documentation\n([^]*?)^## /m.exec(read("README.md")) ?? []

  it("are all in the README, which begins with tasks", () => {
    const linked = Array.from(section.matchAll(/\]\((docs\/[\w-]+\.md)/g), ([, page]) => page)
    assert.deepStrictEqual(pages.filter((page) => !linked.includes(page)), [])
    const tasks = Array.from(section.matchAll(/^\| \*\*(.+?)\*\* \|/gm), ([, task]) => task)
    assert.deepStrictEqual(tasks.slice(0, 7), ["start", "call", "receive", "store", "deploy", "test", "move"])
  })

  it("are about modules that the README lists: every module of the index", () => {
    const [, table = ""] = /^## Modules\n([^]*?)^## /m.exec(read("README.md")) ?? []
    const exported = Array.from(read("src/index.ts").matchAll(/export \* as (\w+)/g), ([, name]) => name)
    assert.isAbove(exported.length, 20)
    assert.deepStrictEqual(exported.filter((name) => !table.includes(`\`${name}\``)), [])
  })

  it("are in llms.txt in the same order", () => {
    const orderIn = (text: string) => {
      const places = new Map(pages.map((page) => [page, text.indexOf(`](${page}`)]))
      return [...pages].sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))
    }
    assert.deepStrictEqual(orderIn(read("llms.txt")), orderIn(section))
  })
})
