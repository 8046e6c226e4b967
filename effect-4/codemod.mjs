// Makes native Effect 4 of this project's source, which is native Effect 3. See docs/effect-4.md.
//
//   node effect-4/codemod.mjs
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { left } from "./codemod/tables.mjs"
import { readExports, translateFile } from "./codemod/translate.mjs"

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(here)
const folders = process.argv.length > 2 ? process.argv.slice(2) : ["src", "cli", "test", "bench", "examples"]
const seams = join("src", "internal", "effect")

const config = ts.getParsedCommandLineOfConfigFile(join(root, "tsconfig.json"), {}, {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: console.error
})
const names = config.fileNames.filter((name) => folders.includes(relative(root, name).split(sep)[0]))
const program = ts.createProgram(names, config.options)
const checker = program.getTypeChecker()
const isExported = readExports(here)

const outputs = new Map()
const problems = []
for (const source of program.getSourceFiles()) {
  const path = relative(root, source.fileName)
  if (!folders.includes(path.split("/")[0]) || path.startsWith(seams) || Object.hasOwn(left, path)) continue
  const { problems: found, text } = translateFile(source, checker, isExported)
  problems.push(...found.map((problem) => relative(root, problem)))
  outputs.set(path, text)
}
if (problems.length > 0) {
  console.error(problems.join("\n"))
  console.error(
    `${problems.length} places cannot be translated. Put them behind a seam in ${seams}, or give the generator a rule.`
  )
  process.exitCode = 1
}
for (const folder of folders) rmSync(join(here, folder), { recursive: true, force: true })
for (const [path, text] of outputs) {
  const file = join(here, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
cpSync(join(here, "overlay"), join(here, "src"), { recursive: true })
