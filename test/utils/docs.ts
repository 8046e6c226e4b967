/**
 * Compiles and runs every `ts` block of README.md and docs/: with the project's own compiler options, each block in a
 * process of its own.
 *
 * Blank lines are put before a block, so that line numbers in compiler messages and stack traces are those of the Markdown
 * file.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { build } from "esbuild"
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import { SourceMap, type SourceOrigin } from "node:module"
import * as Path from "node:path"
import ts from "typescript"

const root = Path.resolve(import.meta.dirname, "../..")
const workspace = Path.join(root, ".tmp", "docs")

/** Languages that are not tested. A reader would still expect such code to work, so they are refused. */
const unchecked = new Set(["", "js", "javascript", "jsx", "mjs", "mts", "tsx", "typescript"])

export interface Block {
  /** The page, relative to the project. */
  readonly file: string
  /** The line of the opening fence, from 1. */
  readonly line: number
  readonly language: string
  /** The text after the language in the info string. */
  readonly options: ReadonlyArray<string>
  readonly code: string
  /** The HTML comment right above the block. */
  readonly comment: string | undefined
}

export const isRunnable = (block: Block): boolean => !block.options.includes("no-run")

export const location = (block: Block): string => `${block.file}:${block.line}`

const commentAbove = (lines: ReadonlyArray<string>, fence: number): string | undefined => {
  const above = lines.slice(0, fence).join("\n").trimEnd()
  if (!above.endsWith("-->")) return undefined
  return above.slice(above.lastIndexOf("<!--") + 4, -3).trim()
}

/** All fenced blocks of a Markdown text; the closing fence is at least as long as the opening one (CommonMark §4.5). */
export const parseBlocks = (file: string, markdown: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const lines = markdown.split("\n")
  for (let index = 0; index < lines.length; index++) {
    const opening = /^( *)(`{3,}|~{3,})(.*)$/.exec(lines[index])
    if (opening === null) continue
    const [, indent = "", fence = "", info = ""] = opening
    const start = index
    const code: Array<string> = []
    const closes = (line: string) => line.trim().startsWith(fence) && line.trim().replaceAll(fence.charAt(0), "") === ""
    for (index++; index < lines.length && !closes(lines[index]); index++) {
      const line = lines[index]
      code.push(line.startsWith(indent) ? line.slice(indent.length) : line.trimStart())
    }
    const [language = "", ...options] = info.trim().split(/\s+/)
    blocks.push({
      file,
      line: start + 1,
      language,
      options,
      code: code.join("\n"),
      comment: commentAbove(lines, start)
    })
  }
  return blocks
}

const markdownFiles = (): ReadonlyArray<string> => {
  const docs = Path.join(root, "docs")
  const pages = Fs.existsSync(docs)
    ? Fs.readdirSync(docs).filter((name) => name.endsWith(".md")).sort().map((name) => `docs/${name}`)
    : []
  return ["README.md", ...pages].filter((file) => Fs.existsSync(Path.join(root, file)))
}

/** Every fenced block in README.md and docs/*.md. */
export const readBlocks = (): ReadonlyArray<Block> =>
  markdownFiles().flatMap((file) => parseBlocks(file, Fs.readFileSync(Path.join(root, file), "utf8")))

/** What is wrong with the fences of the blocks. */
export const problems = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> =>
  blocks.flatMap((block) => {
    if (unchecked.has(block.language)) {
      return [`${location(block)}: a block tagged ${JSON.stringify(block.language)} is not tested; use ts, sh or text`]
    }
    if (block.language !== "ts") return []
    const unknown = block.options.filter((option) => option !== "no-run")
    if (unknown.length > 0) return [`${location(block)}: unknown option ${unknown.join(" ")}`]
    return isRunnable(block) || block.comment
      ? []
      : [`${location(block)}: no-run needs an HTML comment above the block that says why`]
  })

const nameOf = (block: Block): string => `${block.file.replaceAll("/", "__").replace(/\.md$/, "")}__${block.line}`

const sourceOf = (block: Block): string => Path.join(workspace, `${nameOf(block)}.ts`)

const compiledOf = (block: Block): string => Path.join(workspace, `${nameOf(block)}.mjs`)

/** Replaces the files of the blocks by their pages, in compiler messages and stack traces. */
const inTermsOfThePage = (blocks: ReadonlyArray<Block>, text: string): string =>
  blocks.reduce((result, block) => {
    const source = sourceOf(block)
    return result.replaceAll(source, block.file).replaceAll(Path.relative(root, source), block.file)
  }, text)

const write = (blocks: ReadonlyArray<Block>): void => {
  Fs.rmSync(workspace, { recursive: true, force: true })
  Fs.mkdirSync(workspace, { recursive: true })
  for (const block of blocks) Fs.writeFileSync(sourceOf(block), "\n".repeat(block.line) + block.code + "\n")
}

const typeCheck = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> => {
  const { config } = ts.readConfigFile(Path.join(root, "tsconfig.json"), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  // A page may show a value that it does not use.
  const program = ts.createProgram(blocks.map(sourceOf), { ...options, noUnusedLocals: false })
  // `npm run check` reports mistakes in src.
  const pages = blocks.flatMap((block) => program.getSourceFile(sourceOf(block)) ?? [])
  const diagnostics = [
    ...program.getGlobalDiagnostics(),
    ...pages.flatMap((page) => program.getSyntacticDiagnostics(page)),
    ...pages.flatMap((page) => program.getSemanticDiagnostics(page))
  ]
  return diagnostics.map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")
    if (diagnostic.file === undefined || diagnostic.start === undefined) return message
    const { character, line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start)
    const file = inTermsOfThePage(blocks, Path.normalize(diagnostic.file.fileName))
    return `${file}:${line + 1}:${character + 1} TS${diagnostic.code}: ${message}`
  })
}

/** The package's names that are no path of a module. */
const modules = new Map([["effect-slack-oauth", "index"], ["effect-slack-oauth/testing", "testing/index"]])

const bundle = async (blocks: ReadonlyArray<Block>): Promise<void> => {
  await build({
    entryPoints: blocks.map(sourceOf),
    outdir: workspace,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "linked",
    sourcesContent: false,
    // All of it in shared chunks: a block's process then reads two files instead of three hundred.
    external: ["@libsql/*", "libsql", "pg-native"],
    banner: {
      js: `import { createRequire as __createRequire } from "node:module"
const require = __createRequire(import.meta.url)`
    },
    logLevel: "silent",
    plugins: [{
      name: "this-package",
      setup({ onResolve }) {
        onResolve({ filter: /^effect-slack-oauth(\/|$)/ }, ({ path }) => ({
          path: Path.join(root, "src", `${modules.get(path) ?? path.slice("effect-slack-oauth/".length)}.ts`)
        }))
      }
    }]
  })
}

/** Writes the blocks where `run` finds them, and returns what the compiler says about them. */
export const compile = async (blocks: ReadonlyArray<Block>): Promise<ReadonlyArray<string>> => {
  write(blocks)
  const diagnostics = typeCheck(blocks)
  // The compiler reports a block that does not parse.
  await bundle(blocks.filter(isRunnable)).catch((error) => {
    if (diagnostics.length === 0) throw error
  })
  return diagnostics
}

/** The environment in which a block runs. */
export interface SlackEnv {
  readonly SLACK_CLIENT_ID: string
  readonly SLACK_CLIENT_SECRET: string
  readonly SLACK_BASE_URL: string
  /** An authorization code that has not been used. */
  readonly SLACK_CODE: string
}

/** Places in a compiled block, as places in the block's source. */
const inTermsOfTheSource = (block: Block, text: string): string => {
  const map = new SourceMap(JSON.parse(Fs.readFileSync(`${compiledOf(block)}.map`, "utf8")))
  return text.replaceAll(new RegExp(`[^\\s(]*${nameOf(block)}\\.mjs:(\\d+):(\\d+)`, "g"), (place, line, column) => {
    const { lineNumber, columnNumber } = map.findOrigin(Number(line), Number(column)) as Partial<SourceOrigin>
    return lineNumber === undefined ? place : `${sourceOf(block)}:${lineNumber}:${columnNumber}`
  })
}

/** Runs one compiled block in a folder of its own, and says what went wrong, with all that the block printed. */
export const run = (block: Block, env: SlackEnv): Promise<string | undefined> => {
  const cwd = Path.join(workspace, "cwd", nameOf(block))
  Fs.mkdirSync(cwd, { recursive: true })
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [compiledOf(block)],
      { cwd, env: { PATH: process.env.PATH, NO_COLOR: "1", ...env }, timeout: 30_000 },
      (error, stdout, stderr) => {
        if (error === null) return resolve(undefined)
        const how = error.killed ? "did not end within 30 s" : `ended with ${error.code ?? error.signal}`
        const said = inTermsOfTheSource(block, `${stdout}${stderr}`)
        resolve(inTermsOfThePage([block], `${location(block)} ${how}\n${said}`))
      }
    )
  })
}

/** Starts a Slack for one block. */
export type StartSlack = () => Promise<{ readonly env: SlackEnv; readonly stop: () => Promise<void> }>

/** Starts a Slack for each block, because codes are single use, and a page must not see the installations of another. */
export const withSlack = (start: StartSlack) => async <A>(use: (env: SlackEnv) => Promise<A>): Promise<A> => {
  const { env, stop } = await start()
  try {
    return await use(env)
  } finally {
    await stop()
  }
}

/** An emulated Slack on a port, with a code that a person has just been given. */
export const startEmulator: StartSlack = async () => {
  const runtime = ManagedRuntime.make(
    Layer.merge(SlackEmulator.serve(), SlackEmulator.layerSlackAppServed()).pipe(
      Layer.provideMerge(SlackEmulator.layer()),
      Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  )
  const env = Effect.gen(function*() {
    const { baseUrl, clientId } = yield* SlackApp.SlackApp
    const { clientSecret } = yield* SlackEmulator.app
    const { code } = yield* SlackEmulator.authorize()
    return {
      SLACK_CLIENT_ID: clientId,
      SLACK_CLIENT_SECRET: Redacted.value(clientSecret),
      SLACK_BASE_URL: baseUrl,
      SLACK_CODE: code
    }
  })
  return { env: await runtime.runPromise(env), stop: () => runtime.dispose() }
}
