import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import ts from "typescript"

const root = Path.resolve(import.meta.dirname, "../..")
const overlay = Path.join(root, "effect-4/overlay")

const read = (file: string) => JSON.parse(Fs.readFileSync(Path.join(root, file), "utf8"))

/** What a module exports, by its text. */
const exportsOf = (file: string): ReadonlyArray<string> => {
  const source = ts.createSourceFile(file, Fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest)
  return source.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause
      return clause !== undefined && ts.isNamedExports(clause) ? clause.elements.map(({ name }) => name.text) : []
    }
    const isExported = ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    if (isExported !== true) return []
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.map(({ name }) => name.getText(source))
    }
    return [(statement as ts.DeclarationStatement).name!.getText(source)]
  }).sort()
}

const seamsIn = (folder: string) => Fs.readdirSync(folder).sort()

describe("the package for Effect 4", () => {
  for (const folder of [Path.join("src", "internal", "effect"), Path.join("cli", "effect")]) {
    it(`has each seam of ${folder}, and no other`, () => {
      assert.deepStrictEqual(seamsIn(Path.join(overlay, folder)), seamsIn(Path.join(root, folder)))
    })

    for (const file of seamsIn(Path.join(root, folder))) {
      it(`has the same exports in the seam ${Path.join(folder, file)} for both majors`, () => {
        assert.deepStrictEqual(exportsOf(Path.join(overlay, folder, file)), exportsOf(Path.join(root, folder, file)))
      })
    }
  }

  it("says of itself what the package for Effect 3 says", () => {
    const three = read("package.json")
    const four = read("effect-4/package.json")
    for (
      const field of ["name", "description", "keywords", "homepage", "license", "type", "sideEffects", "bin", "exports"]
    ) {
      assert.deepStrictEqual(four[field], three[field], field)
    }
    assert.match(three.version, /^0\./)
    assert.match(four.version, /^1\./)
    assert.deepStrictEqual([three, four].map(({ publishConfig }) => publishConfig.tag), ["effect-3", "latest"])
  })

  it("is tested with the oldest peers that it permits", () => {
    const { devDependencies, peerDependencies } = read("effect-4/package.json")
    for (const [name, range] of Object.entries<string>(peerDependencies)) {
      assert.strictEqual(/^(?:\^|>=)(\S+)/.exec(range)?.[1], devDependencies[name], name)
    }
  })

  it("gets its next version, and what has changed, from the same changesets", () => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-slack-oauth-version-"))
    const inFolder = (file: string) => Path.join(folder, file)
    const version = (kind: string, text: string) => {
      Fs.writeFileSync(inFolder(".changeset/some.md"), `---\n"effect-slack-oauth": ${kind}\n---\n\n${text}\n`)
      execFileSync(process.execPath, ["scripts/version.mjs"], { cwd: folder, stdio: "pipe" })
      return ["package.json", "effect-4/package.json", "effect-4/package-lock.json"]
        .map((file) => JSON.parse(Fs.readFileSync(inFolder(file), "utf8")).version)
    }
    try {
      const files = ["package.json", "CHANGELOG.md", ".changeset/config.json", "src/internal/version.ts"]
        .concat(["version", "sync-version"].map((name) => `scripts/${name}.mjs`))
        .concat(["package.json", "package-lock.json", "CHANGELOG.md"].map((name) => `effect-4/${name}`))
      for (const file of files) {
        Fs.mkdirSync(Path.dirname(inFolder(file)), { recursive: true })
        Fs.copyFileSync(Path.join(root, file), inFolder(file))
      }
      Fs.symlinkSync(Path.join(root, "node_modules"), inFolder("node_modules"))
      Fs.writeFileSync(inFolder("effect-4/CHANGELOG.md"), "# Changelog\n")
      const [old] = read("package.json").version.split(".").slice(1).map(Number)
      const first = read("effect-4/package.json").version
      const after = (minors: number, patch: number) =>
        first.replace(/\d+\.\d+$/, (text: string) => `${Number(text.split(".")[0]) + minors}.${patch}`)

      assert.deepStrictEqual(version("minor", "One."), [`0.${old + 1}.0`, first, first])
      assert.deepStrictEqual(version("minor", "Two."), [`0.${old + 2}.0`, after(1, 0), after(1, 0)])
      assert.deepStrictEqual(version("patch", "Three."), [`0.${old + 2}.1`, after(1, 1), after(1, 1)])
      const changelog = Fs.readFileSync(inFolder("effect-4/CHANGELOG.md"), "utf8")
      assert.deepStrictEqual(
        changelog.split("\n").filter((line) => /^#|[.]$/.test(line)).map((line) => line.replace(/^- (\w+: )?/, "")),
        [
          "# Changelog",
          `## ${after(1, 1)}`,
          "### Patch Changes",
          "Three.",
          `## ${after(1, 0)}`,
          "### Minor Changes",
          "Two.",
          `## ${first}`,
          "### Minor Changes",
          "One."
        ]
      )
      assert.include(Fs.readFileSync(inFolder("src/internal/version.ts"), "utf8"), `"0.${old + 2}.1"`)
    } finally {
      Fs.rmSync(folder, { recursive: true, force: true })
    }
  }, 60_000)
})
