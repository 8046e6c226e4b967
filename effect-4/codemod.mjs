// Makes native Effect 4 of this project's source, which is native Effect 3. See docs/effect-4.md.
//
//   node effect-4/codemod.mjs [--pending] src cli test
//
// With --pending it also translates the files that are not ready yet (see tests.mjs).
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { left } from "./codemod/tables.mjs"
import { readExports, translateFile } from "./codemod/translate.mjs"
import { pending } from "./tests.mjs"

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(here)
const args = process.argv.slice(2)
/** Folders and files of the project. */
const places = args.filter((arg) => !arg.startsWith("--")).map((place) => join(place))
const waiting = args.includes("--pending") ? [] : pending

const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"))
const configOf = (name) =>
  ts.getParsedCommandLineOfConfigFile(join(root, name), {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"))
    }
  })
const config = configOf("tsconfig.json")
const isIn = (path) => places.some((place) => path === place || path.startsWith(place + sep))
const names = [...config.fileNames, ...configOf("cli/tsconfig.json").fileNames]
  .filter((name) => isIn(relative(root, name)))
const program = ts.createProgram(names, config.options)
const checker = program.getTypeChecker()
const isExported = readExports(here)

const outputs = new Map()
const problems = []
/** What does not run on Effect 4: a file or a test, with the reason. */
const skipped = Object.entries(left).filter(([path]) => path.endsWith(".test.ts")).map(([path, why]) => ({ path, why }))
const isLeft = (path) =>
  Object.keys({ ...left, ...Object.fromEntries(waiting.map((file) => [file])) }).some((one) =>
    path === one || path.startsWith(one + sep)
  )
for (const source of program.getSourceFiles()) {
  const path = relative(root, source.fileName)
  // A seam is written for each major, and some files are for Effect 3 only.
  const isSeam = existsSync(join(here, "overlay", path))
  if (!isIn(path) || isSeam || isLeft(path)) continue
  const { problems: found, skipped: tests, text } = translateFile(source, checker, isExported)
  skipped.push(...tests.map((test) => ({ path, ...test })))
  problems.push(...found.map((problem) => relative(root, problem)))
  outputs.set(path, text)
}
const versionFile = join("src", "internal", "version.ts")
if (outputs.has(versionFile)) {
  outputs.set(versionFile, outputs.get(versionFile).replace(/(version = )".*"/, `$1"${version}"`))
}

for (const place of places) {
  rmSync(join(here, place), { recursive: true, force: true })
  if (existsSync(join(here, "overlay", place))) {
    cpSync(join(here, "overlay", place), join(here, place), { recursive: true })
  }
}
for (const [path, text] of outputs) {
  const file = join(here, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
mkdirSync(join(here, "test"), { recursive: true })
writeFileSync(join(here, "test", "skipped.json"), JSON.stringify(skipped))
console.log(`${outputs.size} files translated`)
if (problems.length > 0) {
  console.error(problems.join("\n"))
  console.error(
    `${problems.length} places cannot be translated. Write them so that both majors take them, put them behind a seam in src/internal/effect, or give the generator a rule.`
  )
  process.exitCode = 1
}
