import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
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
  const folder = Path.join("src", "internal", "effect")

  it("has each seam of the source, and no other", () => {
    assert.deepStrictEqual(seamsIn(Path.join(overlay, folder)), seamsIn(Path.join(root, folder)))
  })

  for (const file of seamsIn(Path.join(root, folder))) {
    it(`has the same exports in the seam ${file} for both majors`, () => {
      assert.deepStrictEqual(exportsOf(Path.join(overlay, folder, file)), exportsOf(Path.join(root, folder, file)))
    })
  }

  it("says of itself what the package for Effect 3 says", () => {
    const three = read("package.json")
    const four = read("effect-4/package.json")
    for (const field of ["name", "description", "keywords", "homepage", "license", "type", "sideEffects"]) {
      assert.deepStrictEqual(four[field], three[field], field)
    }
    const { "./cli/*": _, ...entries } = three.exports
    assert.deepStrictEqual(four.exports, entries)
    assert.match(three.version, /^0\./)
    assert.match(four.version, /^1\./)
  })
})
