import { assert, beforeAll, describe, it } from "vitest"
import * as Docs from "./utils/docs.js"

const blocks = Docs.readBlocks()
const code = blocks.filter((block) => block.language === "ts")
const withSlack = Docs.withSlack(Docs.startEmulator)

describe("documentation", () => {
  let diagnostics: ReadonlyArray<string> = []

  beforeAll(async () => {
    diagnostics = await Docs.compile(code)
  })

  it("has code", () => {
    assert.isAbove(code.length, 0)
  })

  it("tests all the code it shows, or says why not", () => {
    assert.deepStrictEqual(Docs.problems(blocks), [])
  })

  it("compiles", () => {
    assert.deepStrictEqual(diagnostics, [])
  })

  for (const block of code.filter(Docs.isRunnable)) {
    it.concurrent(`${Docs.location(block)} runs`, async () => {
      assert.isUndefined(await withSlack((env) => Docs.run(block, env)))
    }, 40_000)
  }
})

describe("the extraction of blocks", () => {
  const page = [
    "# Page",
    "```ts",
    "const one = 1",
    "```",
    "<!-- needs a browser -->",
    "",
    "  ```ts no-run",
    "  two()",
    "  ```",
    "````text",
    "```ts",
    "````",
    "```ts no-run",
    "three()",
    "```",
    "```js",
    "```",
    "```ts norun",
    "```"
  ].join("\n")
  const parsed = Docs.parseBlocks("page.md", page)

  it("keeps the place, the language and the code of a block", () => {
    assert.deepStrictEqual(
      parsed.map((block) => [Docs.location(block), block.language, block.code]),
      [
        ["page.md:2", "ts", "const one = 1"],
        ["page.md:7", "ts", "two()"],
        ["page.md:10", "text", "```ts"],
        ["page.md:13", "ts", "three()"],
        ["page.md:16", "js", ""],
        ["page.md:18", "ts", ""]
      ]
    )
  })

  it("refuses code that nothing would run", () => {
    assert.deepStrictEqual(Docs.problems(parsed).map((problem) => problem.split(": ")[0]), [
      "page.md:13",
      "page.md:16",
      "page.md:18"
    ])
  })
})
