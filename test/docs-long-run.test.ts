import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as LongRun from "./simulation/longRun.js"

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), "utf8")

describe("the long run in docs/token-rotation.md", () => {
  const parts = JSON.parse(read("test/long-run.json")) as ReadonlyArray<LongRun.Part>

  it("is what `npm run simulate -- --record` writes", () => {
    const [, written] = /<!-- long run -->\n([^]*?)<!-- end of long run -->/.exec(read("docs/token-rotation.md")) ?? []
    assert.strictEqual(written, `${LongRun.render(parts).join("\n")}\n`)
  })

  it("counts no life twice", () => {
    for (const part of parts) assert.isUndefined(LongRun.refusal(parts.filter((other) => other !== part), part))
  })
})
