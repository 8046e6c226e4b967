// Packs the package and uses the tarball as a user would: in an empty project, with the peers of the README's install
// line, and again with the oldest peers that package.json permits. It reads dist, so run `npm run build` first.
import { build } from "esbuild"
import { execFile, spawn } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { promisify } from "node:util"

const manifest = JSON.parse(readFileSync("package.json", "utf8"))
const temporary = mkdtempSync(join(tmpdir(), `${manifest.name}-package-`))

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

/** The peers in the README's install line. */
const readmePeers = () => {
  const command = `npm install ${manifest.name} `
  const line = readFileSync("README.md", "utf8").split("\n").find((line) => line.startsWith(command))
  if (line === undefined) fail(`README.md has no line "${command}…"`)
  const peers = line.slice(command.length).split(" ")
  for (const [name] of requiredPeers) {
    if (!peers.some((peer) => peer.startsWith(`${name}@`))) {
      fail(`README.md: the install line names no version of ${name}`)
    }
  }
  return peers
}

const floorPeers = () => requiredPeers.map(([name, range]) => `${name}@${/^(?:\^|>=)(\S+)/.exec(range)[1]}`)

// -------------------------------------------------------------------------------------
// the tarball
// -------------------------------------------------------------------------------------

const pack = async () => {
  const packed = await run(".", "npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", temporary])
  const [{ filename, files }] = JSON.parse(packed)
  const paths = files.map((file) => file.path)
  const indexes = ["index", "testing/index"].flatMap((path) => [`dist/${path}.js`, `dist/${path}.d.ts`])
  for (
    const needed of [
      "LICENSE",
      "README.md",
      "CHANGELOG.md",
      "emulator-seed.schema.json",
      "src/index.ts",
      "dist/cli/main.js",
      ...indexes
    ]
  ) {
    if (!paths.includes(needed)) fail(`the tarball lacks ${needed}`)
  }
  const stray = paths.filter((path) =>
    !/^(dist|src)\/|^(LICENSE|README\.md|CHANGELOG\.md|emulator-seed\.schema\.json|package\.json)$/.test(path)
  )
  if (stray.length > 0) fail(`the tarball carries ${stray.join(", ")}`)
  if (manifest.dependencies !== undefined) fail("effect belongs to the user: no dependencies, only peers")
  return join(temporary, filename)
}

/** `internal/` and whatever else `exports` closes. */
const closed = Object.entries(manifest.exports).flatMap(([path, target]) => target === null ? [path.slice(2, -1)] : [])
const isClosed = (module) => closed.some((folder) => module.startsWith(folder))
const modules = readdirSync("dist", { recursive: true })
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

/** Starts the packed command's emulator, and returns the variables that it prints. */
const startSlack = async (project) => {
  const slack = spawn(join(project, "node_modules/.bin", manifest.name), ["emulator", "--port", "0", "--quiet"], {
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

const programs = readdirSync("scripts/consumer").map((file) => file.slice(0, -".ts".length))

/** Installs, type-checks, runs and bundles the programs of scripts/consumer. Each of them fails if anything is wrong. */
const checkPrograms = async (label, tarball, peers) => {
  const project = join(temporary, label)
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }))
  for (const program of programs) copyFileSync(`scripts/consumer/${program}.ts`, join(project, `${program}.ts`))

  await run(project, "npm", ["install", "--strict-peer-deps", "--no-audit", "--no-fund", tarball, ...peers])
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

  const slack = await startSlack(project)
  try {
    for (const program of programs) {
      await run(project, process.execPath, [`${program}.js`], slack.env)
      await run(project, process.execPath, [`bundles/${program}.js`], slack.env)
    }
  } finally {
    slack.stop()
  }

  for (const module of modules.filter(isClosed)) {
    const attempt = `await import("${manifest.name}/${module}").catch((error) => console.log(error.code))`
    const code = await run(project, process.execPath, ["--input-type=module", "--eval", attempt])
    if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") fail(`${label}: ${module} can be imported`)
  }
  console.log(`${label} (${peers.join(" ")}): installed, type-checked, run, bundled for browsers`)
}

try {
  const tarball = await pack()
  await checkTypes(tarball)
  console.log("the types of all entry points resolve")
  await Promise.all([
    checkPrograms("readme", tarball, readmePeers()),
    checkPrograms("floor", tarball, floorPeers())
  ])
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
