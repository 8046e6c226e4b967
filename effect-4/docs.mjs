// Makes the README and the docs of the package for Effect 4 from this project's, and the examples in the comments of its
// source: `npm run effect-4 docs`. See docs/effect-4.md.
//
// Code goes through the generator. Text stays, except names that are others and parts that are for one major:
//
//   <!-- Effect 3 only -->        what the 1.x pages leave out
//   <!-- end -->
//
//   <!-- Effect 4 only:
//   what only the 1.x pages show
//   -->
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { readExports, translateFile, withReplaced } from "./codemod/translate.mjs"

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(here)
/** Blocks as files: here they see Effect 3. */
const work = join(root, ".tmp", "effect-4-docs")

/** Names in the text that are others in Effect 4. A paragraph that speaks of Effect 3 keeps them. */
const words = [
  [" and `@effect/platform`", ""],
  ["`@effect/platform`", "`effect/http`"],
  ["`@effect/sql`", "`effect/sql`"],
  ["Libsql", "NodeSqlite"],
  ["libsql", "SQLite"]
]

/** What only Effect 3 has: a row of a table about it is left out. */
const only3 = /^\|.*(`@effect\/sql-sqlite-node`|`@effect\/sql-libsql`).*\n/gm

/** Pages about this project, for both majors. */
const common = ["architecture.md", "decisions.md", "effect-4.md", "performance.md"]

/** The pages that the package for Effect 4 carries. */
const pages = [
  "README.md",
  ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md") && !common.includes(name))
    .map((name) => `docs/${name}`)
]

/** The generated modules that may have examples in their comments. */
const sources = ["src", "src/sql", "src/testing"].flatMap((folder) =>
  readdirSync(join(here, folder)).filter((name) => name.endsWith(".ts") && existsSync(join(root, folder, name)))
    .map((name) => `${folder}/${name}`)
)

// -------------------------------------------------------------------------------------
// text
// -------------------------------------------------------------------------------------

/** Commands of the package, and addresses of its files, name its major. */
const ofThisMajor = (text) => text.replaceAll(/(npx |unpkg\.com\/)effect-slack-oauth@0\b/g, "$1effect-slack-oauth@1")

const parts = (text) =>
  ofThisMajor(text)
    .replaceAll(/<!-- Effect 3 only -->\n[^]*?<!-- end -->\n\n?/g, "")
    .replaceAll(/<!-- Effect 4 only:\n([^]*?)-->\n/g, "$1")

const prose = (text) =>
  text.replaceAll(only3, "").split("\n\n").map((paragraph) =>
    /Effect 3|0\.x/.test(paragraph)
      ? paragraph
      : words.reduce((result, [from, to]) => result.replaceAll(from, to), paragraph)
  ).join("\n\n")

/** A page as text and blocks in turn. */
const pieces = (page) => page.split(/^( *```[^]*?^ *```$)/m)

/** A module as code and the blocks of its comments in turn. Lines of a block begin with an asterisk. */
const commentPieces = (module) => module.split(/^( *\* ```ts$[^]*?^ *\* ```$)/m)

// -------------------------------------------------------------------------------------
// code
// -------------------------------------------------------------------------------------

/** Examples import from barrels: `import { Effect, Layer } from "effect"`. */
const byBarrel = (code) => {
  const barrels = new Map()
  const rest = code.replaceAll(
    /^import \* as (\w+) from "((?:effect|@effect\/[\w-]+)(?:\/\w+)*)\/(\w+)"\n/gm,
    (line, name, barrel, module) => {
      if (name !== module) return line
      barrels.set(barrel, [...barrels.get(barrel) ?? [], name])
      return ""
    }
  )
  const lines = Array.from(barrels, ([barrel, names]) => `import { ${names.sort().join(", ")} } from "${barrel}"\n`)
  return lines.sort().join("") + rest
}

const blocks = []
const texts = new Map(pages.map((path) => [path, pieces(parts(readFileSync(join(root, path), "utf8")))]))
const modules = new Map(sources.map((path) => [path, commentPieces(readFileSync(join(root, path), "utf8"))]))
for (const [path, text] of [...texts, ...modules]) {
  for (let index = 1; index < text.length; index += 2) {
    if (!/^[ *]*```ts\b/.test(text[index])) continue
    const [, fence, code, end] = /^([ *]*```[^\n]*\n)([^]*?)([ *]*```)$/.exec(text[index])
    const name = `${path.replaceAll("/", "__")}-${index}.ts`
    const [indent] = /^[ *]*/.exec(fence)
    blocks.push({
      path,
      index,
      fence,
      indent,
      // An empty line of a comment has no space after its asterisk.
      code: code.split("\n").map((line) => line.slice(indent.length)).join("\n"),
      end,
      file: join(work, name),
      output: join(here, "docs", name)
    })
  }
}

for (const folder of [work, join(here, "docs")]) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}
for (const { code, file } of blocks) writeFileSync(file, code)

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const program = ts.createProgram(blocks.map(({ file }) => file), options)
const checker = program.getTypeChecker()
const isExported = readExports(here)

const problems = []
for (const { file, index, output, path } of blocks) {
  const { problems: found, text } = translateFile(program.getSourceFile(file), checker, isExported)
  problems.push(...found.map((problem) => problem.replace(file, `${path}, block ${(index + 1) / 2}`)))
  writeFileSync(output, byBarrel(text))
}
if (problems.length > 0) {
  console.error(problems.join("\n"))
  process.exit(1)
}
execFileSync(
  join(root, "node_modules/.bin/dprint"),
  ["fmt", "--no-gitignore", "--log-level", "error", "effect-4/docs/*.ts"],
  { cwd: root, stdio: "inherit" }
)

// -------------------------------------------------------------------------------------
// pages
// -------------------------------------------------------------------------------------

for (const { end, fence, indent, index, output, path } of blocks) {
  const lines = readFileSync(output, "utf8").trimEnd().split("\n")
  const code = lines.map((line) => `${(indent + line).trimEnd()}\n`).join("")
  const translated = `${fence}${code}${end}`
  if (texts.has(path)) texts.get(path)[index] = translated
  else {
    // The generated module has the example as it was, except names of modules.
    const original = withReplaced(modules.get(path)[index])
    const module = readFileSync(join(here, path), "utf8")
    writeFileSync(join(here, path), module.replace(original, () => translated))
  }
  rmSync(output)
}
for (const [path, text] of texts) {
  writeFileSync(join(here, path), text.map((piece, index) => index % 2 === 0 ? prose(piece) : piece).join(""))
}
for (const name of [...common, "pictures"]) {
  cpSync(join(root, "docs", name), join(here, "docs", name), { recursive: true })
}
for (const name of readdirSync(join(here, "docs", "pictures")).filter((name) => name.endsWith(".svg"))) {
  const picture = join(here, "docs", "pictures", name)
  writeFileSync(picture, ofThisMajor(readFileSync(picture, "utf8")))
}
for (const name of ["LICENSE", "SECURITY.md", "emulator-seed.schema.json", "llms.txt"]) {
  cpSync(join(root, name), join(here, name))
}
console.log(`${blocks.length} blocks on ${pages.length} pages and in ${sources.length} modules translated`)
