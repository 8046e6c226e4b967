import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "..")
const page = Fs.readFileSync(Path.join(root, "docs/architecture.md"), "utf8")
const contributing = Fs.readFileSync(Path.join(root, "CONTRIBUTING.md"), "utf8")
const manifest = JSON.parse(Fs.readFileSync(Path.join(root, "package.json"), "utf8")) as {
  readonly devDependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}

const modulesIn = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync(Path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => Path.posix.join(folder, ...file.split(Path.sep)))

const overlay = "effect-4/overlay/"
const modules = [...modulesIn("src"), ...modulesIn("cli")]
/** Modules that only the package for Effect 4 has. */
const only4 = modulesIn(`${overlay}src`).filter((file) => !modules.includes(file.slice(overlay.length)))

/** The files that a text names, and that do not exist. */
const missingFiles = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/`((?:src|cli|test|docs)\/[\w/.-]+\.\w+)`/g), ([, file = ""]) => file)
    .filter((file) => !Fs.existsSync(Path.join(root, file)))

/** The modules in the first column of the tables, in the order of the page. */
const inMap = Array.from(
  page.matchAll(/^\| `((?:effect-4\/overlay\/)?(?:src|cli)\/[^`]+)` \| .+ \|$/gm),
  ([, file = ""]) => file
)

describe("docs/architecture.md", () => {
  it("has one row in its map for every module", () => {
    const all = [...modules, ...only4]
    assert.deepStrictEqual([...inMap].sort(), all.sort(), "docs/architecture.md needs one row for each module")
  })

  it("names no file that does not exist", () => {
    assert.deepStrictEqual(missingFiles(page), [])
  })

  it("says why each development dependency is there", () => {
    const isNamed = (name: string) => page.includes(`\`${name}\``)
    assert.deepStrictEqual(Object.keys(manifest.devDependencies).filter((name) => !isNamed(name)), [])
  })

  it("shows the picture of the modules, which is drawn from their imports", () => {
    assert.include(page, "](pictures/modules.svg)")
  })
})

describe("CONTRIBUTING.md", () => {
  it("names no file that does not exist", () => {
    assert.deepStrictEqual(missingFiles(contributing), [])
  })

  it("shows a test that exists", () => {
    const lines = (text: string) => text.split("\n").map((line) => line.trim()).join("\n")
    const [, shown = ""] = /```ts\n(.*?)```/s.exec(contributing) ?? []
    const test = Fs.readFileSync(Path.join(root, "test/processes.test.ts"), "utf8")
    assert.include(lines(test), lines(shown).trim())
    assert.isAbove(shown.length, 100)
  })

  it("names commands that exist, and no others", () => {
    const named = Array.from(contributing.matchAll(/`npm (?:run )?([a-z][\w:-]*)/g), ([, name = ""]) => name)
    const builtIn = ["ci", "publish", "pack", "audit"]
    assert.isAbove(named.length, 10)
    assert.deepStrictEqual(
      named.filter((name) => !Object.hasOwn(manifest.scripts, name) && !builtIn.includes(name)),
      []
    )
  })
})

describe("the helpers of the tests", () => {
  it("each begin with a comment that says what the file is for", () => {
    const files = [...modulesIn("test/utils"), ...modulesIn("test/stress")]
    const isExplained = (file: string) => Fs.readFileSync(Path.join(root, file), "utf8").startsWith("/**")
    assert.deepStrictEqual(files.filter((file) => !isExplained(file)), [])
  })
})
