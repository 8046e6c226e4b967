// Packs a package and uses the tarball as a user would, in empty projects. It reads dist, so build first:
//
//   npm run build && node scripts/check-package.mjs             for Effect 3
//   npm run effect-4 && node scripts/check-package.mjs effect-4
//
// There is a project with the README's install line, one with the oldest peers that package.json permits, one with the
// newest, and one with the README's smaller install line, for its first program. npm has to refuse Effect's other major.
import { build } from "esbuild"
import { execFile, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { promisify } from "node:util"

const [folder = "."] = process.argv.slice(2)
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
const readme = readFileSync(join(folder, "README.md"), "utf8")
const major = manifest.version.split(".")[0]
const temporary = mkdtempSync(join(tmpdir(), `${manifest.name}-package-`))

/** The versions of Node that the programs run on: this one, or those that the package installs for its tests. */
const nodes = ["node22", "node24"].map((name) => resolve(folder, "node_modules", name, "bin/node")).filter(existsSync)
if (nodes.length === 0) nodes.push(process.execPath)

const fail = (message) => {
  throw new Error(message)
}

const execute = promisify(execFile)
const run = (cwd, command, args, env = {}) =>
  execute(command, args, { cwd, env: { ...process.env, ...env } }).then(
    ({ stdout }) => stdout.trim(),
    ({ stderr, stdout }) => fail(`${command} ${args.join(" ")}\n${stdout}${stderr}`)
  )

// -------------------------------------------------------------------------------------
// peers
// -------------------------------------------------------------------------------------

const isOptional = (name) => manifest.peerDependenciesMeta?.[name]?.optional === true
const requiredPeers = Object.entries(manifest.peerDependencies).filter(([name]) => !isOptional(name))

/** The name of a package in `@scope/name@version`. */
const nameOf = (spec) => spec.slice(0, spec.lastIndexOf("@"))

/** What the README's examples, and those of its guides, import. */
const imported = () => {
  const pages = readdirSync(join(folder, "docs")).filter((name) => name.endsWith(".md")).map((name) =>
    join("docs", name)
  )
  const text = ["README.md", ...pages].map((page) => readFileSync(join(folder, page), "utf8")).join("\n")
  const blocks = Array.from(text.matchAll(/^ *```ts\b[^]*?^ *```$/gm), ([block]) => block).join("\n")
  const names = Array.from(blocks.matchAll(/from "((?:@[\w-]+\/)?[\w-]+)[/\w-]*"/g), ([, name]) => name)
  return new Set(names.filter((name) => name !== manifest.name && !name.startsWith("node")))
}

/** The peers in the README's install lines: the one for everything that the guides use, and the one for the calls alone. */
const readmeLines = () => {
  const command = `npm install ${manifest.name}@${major} `
  const lines = readme.split("\n").filter((line) => line.startsWith(command))
  if (lines.length !== 2) fail(`README.md has ${lines.length} lines "${command}…" and not two`)
  const [whole, small] = lines.map((line) => line.slice(command.length).split(" "))
  const lacks = (line, needed) => {
    const named = line.map(nameOf)
    for (const name of needed) if (!named.includes(name)) fail(`README.md: "${line.join(" ")}" has no ${name}`)
  }
  // Slack's own client is there for those who have it.
  lacks(whole, [...Object.keys(manifest.peerDependencies), ...imported()].filter((name) => name !== "@slack/web-api"))
  lacks(small, requiredPeers.map(([name]) => name))
  return { whole, small }
}

const floorPeers = () => requiredPeers.map(([name, range]) => `${name}@${/^(?:\^|>=)(\S+)/.exec(range)[1]}`)
const newestPeers = () => requiredPeers.map(([name, range]) => `${name}@${range}`)

// -------------------------------------------------------------------------------------
// the tarball
// -------------------------------------------------------------------------------------

/** Packs into a folder. npm prints what the scripts of the package print before its own answer. */
const packInto = async (destination) => {
  mkdirSync(destination)
  const printed = await run(folder, "npm", ["pack", "--json", "--pack-destination", destination])
  const [{ filename, files }] = JSON.parse(printed.slice(printed.search(/^\[/m)))
  return { file: join(destination, filename), files }
}

const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex")

/** The links of a page that lead to a file of the package, or should. */
const linksOf = (text) => Array.from(text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g), ([, target]) => target)

/** Every link of the README works on npm's page, and those of the other pages in the folder of the package. */
const checkLinks = async (tarball, paths) => {
  const text = (path) => run(folder, "tar", ["-xzOf", tarball, `package/${path}`])
  const here = `https://unpkg.com/${manifest.name}@${manifest.version}/`
  for (const target of linksOf(await text("README.md"))) {
    if (!target.startsWith("https://")) fail(`README.md links ${target}, which npm's page does not have`)
    if (target.startsWith(here) && !paths.includes(target.slice(here.length))) {
      fail(`README.md links ${target}: no such file`)
    }
  }
  for (const page of paths.filter((path) => path.endsWith(".md") && path !== "README.md" && !path.startsWith("dist"))) {
    for (const target of linksOf(await text(page))) {
      if (/^(https?:|mailto:)/.test(target)) continue
      if (!paths.includes(join(dirname(page), target))) fail(`${page} links ${target}, which the package does not have`)
    }
  }
}

const pack = async () => {
  const { file, files } = await packInto(join(temporary, "tarball"))
  const again = await packInto(join(temporary, "tarball-again"))
  if (digest(file) !== digest(again.file)) fail("npm pack does not give the same bytes twice")
  const paths = files.map((file) => file.path)
  const indexes = ["index", "testing/index"].flatMap((path) => [`dist/${path}.js`, `dist/${path}.d.ts`])
  const commands = Object.values(manifest.bin ?? {})
  const texts = [
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "llms.txt",
    "docs/install.md",
    "emulator-seed.schema.json",
    "src/index.ts"
  ]
  for (const needed of [...texts, ...commands, ...indexes]) {
    if (!paths.includes(needed)) fail(`the tarball lacks ${needed}`)
  }
  const fits =
    /^(dist|src)\/|^docs\/(pictures\/)?[\w-]+\.(md|svg)$|^(LICENSE|(README|CHANGELOG|SECURITY)\.md|llms\.txt|emulator-seed\.schema\.json|package\.json)$/
  const stray = paths.filter((path) => !fits.test(path))
  if (stray.length > 0) fail(`the tarball carries ${stray.join(", ")}`)
  if (manifest.dependencies !== undefined) fail("effect belongs to the user: no dependencies, only peers")
  await checkLinks(file, paths)
  return file
}

/** `internal/` and whatever else `exports` closes. */
const closed = Object.entries(manifest.exports).flatMap(([path, target]) => target === null ? [path.slice(2, -1)] : [])
const isClosed = (module) => closed.some((folder) => module.startsWith(folder))
const modules = readdirSync(join(folder, "dist"), { recursive: true })
  .filter((path) => path.endsWith(".js"))
  .map((path) => path.slice(0, -".js".length))

/** attw skips wildcard exports, so this names the modules. */
const checkTypes = (tarball) => {
  const open = modules.filter((module) => module !== "index" && !isClosed(module))
    .map((module) => module.replace(/\/index$/, ""))
  return run(".", "npx", ["attw", tarball, "--profile", "esm-only", "--entrypoints", ".", ...open])
}

// -------------------------------------------------------------------------------------
// a user's project
// -------------------------------------------------------------------------------------

const commandOf = (project) => join(project, "node_modules/.bin", manifest.name)

/** Starts the packed command's emulator, and returns the variables that it prints. */
const startSlack = async (project) => {
  const slack = spawn(nodes[0], [commandOf(project), "emulator", "--port", "0", "--quiet"], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const env = {}
  for await (const line of createInterface(slack.stdout)) {
    const [, name, value] = /^ *(SLACK_\w+)=(\S+)/.exec(line) ?? []
    if (name !== undefined) env[name] = value
    if (Object.keys(env).length === 3) return { env, stop: () => slack.kill() }
  }
  fail("the command emulator ended before it printed its variables")
}

const compilerOptions = {
  target: "ES2022",
  module: "NodeNext",
  lib: ["ES2022", "DOM", "DOM.Iterable"],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false
}

const newProject = (label) => {
  const project = join(temporary, label)
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  return project
}

const install = (project, ...specs) =>
  run(project, "npm", ["install", "--strict-peer-deps", "--no-audit", "--no-fund", ...specs])

const consumer = join(folder, "scripts/consumer")
const programs = readdirSync(consumer).map((file) => file.slice(0, -".ts".length))

/** Installs, type-checks, runs and bundles the programs of scripts/consumer. Each of them fails if anything is wrong. */
const checkPrograms = async (label, tarball, peers) => {
  const project = newProject(label)
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }))
  for (const program of programs) copyFileSync(join(consumer, `${program}.ts`), join(project, `${program}.ts`))

  await install(project, tarball, ...peers)
  await run(project, process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", "."])

  // Without polyfills and externals, an import of a Node builtin fails here.
  const { warnings } = await build({
    absWorkingDir: project,
    entryPoints: programs.map((program) => `${program}.js`),
    outdir: "bundles",
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    logLevel: "silent"
  })
  if (warnings.length > 0) fail(`${label}: ${warnings.map((warning) => warning.text).join("\n")}`)

  for (const node of nodes) {
    const help = await run(project, node, [commandOf(project), "--help"])
    for (const name of ["doctor", "manifest", "emulator", "import", "migrate-tokens", "reencrypt"]) {
      if (!help.includes(name)) fail(`${label}: the help text of the command lacks ${name}`)
    }
    const version = await run(project, node, [commandOf(project), "--version"])
    if (version !== manifest.version) fail(`${label}: the command says that its version is ${version}`)
  }

  const slack = await startSlack(project)
  try {
    for (const node of nodes) {
      for (const program of programs) {
        await run(project, node, [`${program}.js`], slack.env)
        await run(project, node, [`bundles/${program}.js`], slack.env)
      }
    }
  } finally {
    slack.stop()
  }

  for (const module of modules.filter(isClosed)) {
    const attempt = `await import("${manifest.name}/${module}").catch((error) => console.log(error.code))`
    const code = await run(project, nodes[0], ["--input-type=module", "--eval", attempt])
    if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") fail(`${label}: ${module} can be imported`)
  }
  console.log(`${label} (${peers.join(" ")}): installed, type-checked, run, bundled for browsers`)
}

// -------------------------------------------------------------------------------------
// a newcomer's project
// -------------------------------------------------------------------------------------

/** A person clicks Allow on the emulator's consent page, and Slack gives the app this code, for no redirect URI. */
const clickAllow = async ({ SLACK_BASE_URL, SLACK_CLIENT_ID }) => {
  const body = new URLSearchParams({ client_id: SLACK_CLIENT_ID, scope: "chat:write", decision: "allow" })
  const answer = await fetch(`${SLACK_BASE_URL}/oauth/v2/authorize`, { method: "POST", body, redirect: "manual" })
  return new URL(answer.headers.get("location")).searchParams.get("code")
}

/** Type-checks the application in examples/app, as a user would have written it. It keeps its data in libsql. */
const checkApp = async (tarball) => {
  if (folder !== ".") return
  const project = newProject("app")
  for (const file of readdirSync("examples/app")) copyFileSync(join("examples/app", file), join(project, file))
  const options = { ...compilerOptions, types: ["node"], skipLibCheck: true, noEmit: true }
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options }))
  await install(project, tarball, ...readmeLines().whole, "@types/node@20")
  await run(project, process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", "."])
  console.log("examples/app: installed and type-checked")
}

/** Installs what the README says is enough, and nothing else. */
const checkFirstProgram = async (tarball) => {
  const project = newProject("first")
  const peers = readmeLines().small
  await install(project, tarball, ...peers)
  const [, program] = /^```ts\n([^]*?)^```$/m.exec(readme)
  writeFileSync(join(project, "main.mjs"), program)
  const slack = await startSlack(project)
  try {
    for (const node of nodes) {
      const code = await clickAllow(slack.env)
      const said = await run(project, node, ["main.mjs"], { ...slack.env, SLACK_CODE: code })
      if (!said.includes("Installed: Workspace")) fail(`the README's first program said ${said}`)
    }
  } finally {
    slack.stop()
  }
  console.log(`the README's first program (${peers.join(" ")}): installed and run`)
}

/** npm refuses this package together with the other major of Effect. */
const checkWrongPair = async (tarball) => {
  const project = newProject("wrong")
  const other = major === "0" ? "effect@^4.1.0" : "effect@^3.22.0"
  const refusal = await run(project, "npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", tarball, other])
    .then(
      () => fail(`npm installed ${manifest.name}@${manifest.version} with ${other}`),
      (error) => error.message
    )
  if (!refusal.includes("ERESOLVE")) fail(`npm refused ${other} for another reason: ${refusal}`)
  console.log(`npm refuses ${manifest.name}@${manifest.version} with ${other}`)
}

try {
  const tarball = await pack()
  await checkTypes(tarball)
  console.log("the types of all entry points resolve")
  await Promise.all([
    checkPrograms("readme", tarball, readmeLines().whole),
    checkApp(tarball),
    checkPrograms("floor", tarball, floorPeers())
  ])
  await Promise.all([
    checkPrograms("newest", tarball, newestPeers()),
    checkFirstProgram(tarball).then(() => checkWrongPair(tarball))
  ])
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
