/** The examples in the comments of public modules. `npm run docs:api` compiles and runs them, and fails for one that does not work. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "..")

const modules = ["src", "src/sql", "src/testing"].flatMap((folder) =>
  Fs.readdirSync(Path.join(root, folder)).filter((file) => file.endsWith(".ts") && file !== "index.ts")
    .map((file) => `${folder}/${file}`)
)

/** The code of the examples. */
const examplesOf = (file: string): ReadonlyArray<string> =>
  Array.from(
    Fs.readFileSync(Path.join(root, file), "utf8").matchAll(/^ *\* @example\n *\* ```ts\n([^]*?)^ *\* ```$/gm),
    ([, code = ""]) => code.replaceAll(/^ *\* ?/gm, "")
  )

/** A module by itself, or by the index that exports it. */
const isUsed = (file: string, code: string): boolean => {
  const name = Path.basename(file, ".ts")
  return new RegExp(`\\b${name}\\b`).test(code) ||
    // `SlackEmulator` exports them.
    (/^SlackEmulator(Fault|Model)$/.test(name) && /\bSlackEmulator\b/.test(code))
}

describe("every public module", () => {
  it("is found", () => {
    assert.isAbove(modules.length, 35)
  })

  for (const file of modules) {
    it(`has an example that uses it: ${file}`, () => {
      const examples = examplesOf(file)
      assert.isAbove(examples.length, 0, "add an @example to what a user needs first")
      assert.isTrue(examples.some((code) => isUsed(file, code)))
    })
  }

  it("shows examples that a user can copy: with imports of this package, and of nothing inside it", () => {
    const wrong = modules.flatMap((file) =>
      examplesOf(file).filter((code) => !code.includes("effect-slack-oauth") || /internal\/|from "\./.test(code))
        .map(() => file)
    )
    assert.deepStrictEqual(wrong, [])
  })
})
