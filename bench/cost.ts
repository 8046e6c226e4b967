/** The size of the package in a bundle and on disk, and the time that its import takes. */
import { build } from "esbuild"
import { strict as assert } from "node:assert"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { type Spread, spread } from "./support/compare.js"
import { atMost, number, type Report, withSpread } from "./support/report.js"

// -------------------------------------------------------------------------------------
// bundles
// -------------------------------------------------------------------------------------

const kilobytes = (bytes: number): number => bytes / 1000

const gzipped = (file: string): number => kilobytes(gzipSync(readFileSync(file), { level: 9 }).length)

const programs = {
  "OAuthV2.access over fetch": `
    import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
    import * as Effect from "effect/Effect"
    import * as Layer from "effect/Layer"
    import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
    import * as SlackApp from "effect-slack-oauth/SlackApp"
    const live = OAuthV2.layer.pipe(Layer.provide(SlackApp.layerConfig), Layer.provide(FetchHttpClient.layer))
    Effect.runPromise(Effect.provide(OAuthV2.access({ code: process.argv[2] ?? "" }), live)).then(console.log)`,
  "InstallFlow, InstallationStore and TokenManager": `
    import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
    import * as Effect from "effect/Effect"
    import * as Layer from "effect/Layer"
    import * as Installation from "effect-slack-oauth/Installation"
    import * as InstallationStore from "effect-slack-oauth/InstallationStore"
    import * as InstallFlow from "effect-slack-oauth/InstallFlow"
    import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
    import * as PendingInstall from "effect-slack-oauth/PendingInstall"
    import * as SlackApp from "effect-slack-oauth/SlackApp"
    import * as TokenManager from "effect-slack-oauth/TokenManager"
    const live = InstallFlow.layer({
      publicUrl: "https://example.com",
      botScopes: ["chat:write"],
      onInstalled: ({ requestedAt, response }) =>
        InstallationStore.save(Installation.fromTokenResponse(response, requestedAt))
    }).pipe(
      Layer.provideMerge(TokenManager.layer()),
      Layer.provide([PendingInstall.layerMemory(), InstallationStore.layerMemory]),
      Layer.provide(OAuthV2.layer),
      Layer.provide([SlackApp.layerConfig, FetchHttpClient.layer])
    )
    Effect.runPromise(Effect.scoped(Layer.build(live))).then(console.log)`,
  "@slack/web-api": `
    import { WebClient } from "@slack/web-api"
    new WebClient().oauth.v2.access({ client_id: "", client_secret: "", code: process.argv[2] }).then(console.log)`,
  "@slack/oauth": `
    import SlackOAuth from "@slack/oauth"
    const provider = new SlackOAuth.InstallProvider({ clientId: "", clientSecret: "", stateSecret: "" })
    console.log(provider.handleCallback, provider.authorize)`
} as const

/** A whole program in one file, with all that it uses. */
const bundle = async (contents: string): Promise<number> => {
  const { outputFiles: [file] } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    tsconfigRaw: {},
    write: false,
    logLevel: "error"
  })
  return kilobytes(gzipSync(file!.contents, { level: 9 }).length)
}

const bundles = async (): Promise<ReadonlyArray<Report>> => {
  execFileSync(process.execPath, ["scripts/size.mjs"], { stdio: "inherit" })
  const own = Object.fromEntries(
    ["core", "core-by-index", "one-error", "two-errors"].map((name) => [name, gzipped(`.tmp/size/${name}.js`)])
  ) as Record<"core" | "core-by-index" | "one-error" | "two-errors", number>
  const whole: Record<string, number> = {}
  for (const [name, contents] of Object.entries(programs)) whole[name] = await bundle(contents)
  return [
    {
      title: "Beyond effect and @effect/platform, minified and gzipped",
      columns: ["", "kB"],
      rows: [
        ["SlackApp, OAuthV2 and all they need", number(own.core)],
        ["the same, imported from the index", number(own["core-by-index"])],
        ["one error class", number(own["one-error"])],
        ["two error classes", number(own["two-errors"])]
      ],
      data: own,
      targets: [
        atMost("the core:", own.core, 12.75, "kB"),
        atMost("one error class:", own["one-error"], 0.5, "kB")
      ],
      notes: ["`npm run build && npm run size`"]
    },
    {
      title: "A whole program for Node in one file, minified and gzipped",
      columns: ["", "kB"],
      rows: Object.entries(whole).map(([name, size]) => [name, number(size)]),
      data: whole,
      notes: [
        "With everything that is not Node's own. `npm run bench -- cost`; the programs are in `bench/cost.ts`."
      ]
    }
  ]
}

// -------------------------------------------------------------------------------------
// imports
// -------------------------------------------------------------------------------------

/** The modules of other packages that a module of dist imports, directly and through other modules of dist. */
const importsOf = async (entry: string): Promise<ReadonlyArray<string>> => {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    tsconfigRaw: {},
    write: false,
    metafile: true
  })
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports)
  return Array.from(new Set(imported.filter(({ external }) => external).map(({ path }) => path))).sort()
}

const importing = (names: ReadonlyArray<string>): string => names.map((name) => `import "${name}"`).join("\n")

const rounds = 9

/** A package that is measured, and the Node that measures it. */
interface Place {
  /** The folder of its `dist`. */
  readonly folder: string
  readonly node: string
}

interface ImportTime {
  readonly wall: number
  readonly cpu: number
}

/** Milliseconds that the import of modules takes, in new processes of each round. */
const importTimes = (
  { folder, node }: Place,
  modules: ReadonlyArray<ReadonlyArray<string>>
): ReadonlyArray<ReadonlyArray<ImportTime>> => {
  const cwd = join(folder, ".tmp/bench/imports")
  mkdirSync(cwd, { recursive: true })
  modules.forEach((names, index) => writeFileSync(join(cwd, `${index}.mjs`), importing(names)))
  const time = (index: number): ImportTime => {
    const script = `const from = performance.now(), before = process.cpuUsage(); await import("./${index}.mjs"); ` +
      "const wall = performance.now() - from, { system, user } = process.cpuUsage(before); " +
      "console.log(JSON.stringify({ wall, cpu: (system + user) / 1000 }))"
    const took = JSON.parse(String(execFileSync(node, ["--input-type=module", "-e", script], { cwd }))) as ImportTime
    assert.ok(took.wall > 0)
    return took
  }
  const times = modules.map(() => [] as Array<ImportTime>)
  modules.forEach((_, index) => time(index))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < modules.length; turn++) {
      const index = (turn + round) % modules.length
      times[index]!.push(time(index))
    }
  }
  return times
}

const wallOf = (times: ReadonlyArray<ImportTime>): Spread => spread(times.map(({ wall }) => wall))

const ratioOf = (
  times: ReadonlyArray<ReadonlyArray<ImportTime>>,
  one: number,
  other: number,
  of: keyof ImportTime
): Spread => spread(times[one]!.map((took, round) => took[of] / times[other]![round]![of]))

/** The import of the core: milliseconds, and the ratio to what it imports, of CPU time because that is less noisy. */
export const coreImport = async (place: Place): Promise<{ readonly wall: Spread; readonly ratio: Spread }> => {
  const entry = join(place.folder, "dist/OAuthV2.js")
  const times = importTimes(place, [await importsOf(entry), ["effect-slack-oauth/OAuthV2"]])
  return { wall: wallOf(times[1]!), ratio: ratioOf(times, 1, 0, "cpu") }
}

const imports = async (): Promise<Report> => {
  const candidates: Readonly<Record<string, ReadonlyArray<string>>> = {
    "what OAuthV2 imports of effect and platform": await importsOf("dist/OAuthV2.js"),
    "effect-slack-oauth/OAuthV2": ["effect-slack-oauth/OAuthV2"],
    "what the index imports of effect and platform": await importsOf("dist/index.js"),
    "effect-slack-oauth": ["effect-slack-oauth"],
    "@slack/web-api": ["@slack/web-api"],
    "@slack/oauth": ["@slack/oauth"]
  }
  const names = Object.keys(candidates)
  const times = importTimes({ folder: ".", node: process.execPath }, Object.values(candidates))
  return {
    title: "Import in a new process",
    columns: ["", "ms"],
    rows: names.map((name, index) => [name, withSpread(wallOf(times[index]!))]),
    data: Object.fromEntries(names.map((name, index) => [name, times[index]])),
    targets: [
      atMost("effect-slack-oauth/OAuthV2 by what it imports:", ratioOf(times, 1, 0, "wall").median, 1.15, "×"),
      atMost("effect-slack-oauth by what it imports:", ratioOf(times, 3, 2, "wall").median, 1.15, "×")
    ],
    notes: [`${rounds} new processes each, in turn. \`npm run bench -- cost\``]
  }
}

// -------------------------------------------------------------------------------------
// on disk
// -------------------------------------------------------------------------------------

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

const sizeOf = (path: string): number =>
  statSync(path).isDirectory()
    ? readdirSync(path).filter((name) => name !== "node_modules").reduce(
      (sum, name) => sum + sizeOf(join(path, name)),
      0
    )
    : statSync(path).size

/** Where Node finds a package from a folder. */
const locate = (name: string, from: string): string | undefined => {
  const candidate = join(from, "node_modules", name)
  if (existsSync(join(candidate, "package.json"))) return realpathSync(candidate)
  return dirname(from) === from ? undefined : locate(name, dirname(from))
}

/** The folders of packages, of their dependencies, and of their peers that are not optional. */
const closure = (names: ReadonlyArray<string>): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (name: string, from: string, isOptional: boolean) => {
    const path = locate(name, from)
    if (path === undefined) {
      assert.ok(isOptional, `${name}, which ${from} needs, is not installed`)
      return
    }
    if (found.has(path)) return
    found.add(path)
    const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      visit(dependency, path, manifest.optionalDependencies?.[dependency] !== undefined)
    }
    for (const dependency of Object.keys(manifest.optionalDependencies ?? {})) visit(dependency, path, true)
    for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
      if (manifest.peerDependenciesMeta?.[peer]?.optional !== true) visit(peer, path, false)
    }
  }
  for (const name of names) visit(name, process.cwd(), false)
  return found
}

const disk = (): Report => {
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
  ) as [{ readonly size: number; readonly unpackedSize: number; readonly entryCount: number }]
  const megabytes = (bytes: number) => number(bytes / 1e6)
  const installed = (names: ReadonlyArray<string>, more = 0) => {
    const folders = closure(names)
    return {
      packages: folders.size + (more > 0 ? 1 : 0),
      bytes: Array.from(folders).reduce((sum, path) => sum + sizeOf(path), more)
    }
  }
  const rows = [
    [
      "effect-slack-oauth, with effect and @effect/platform",
      installed(["effect", "@effect/platform"], packed.unpackedSize)
    ],
    ["effect and @effect/platform alone", installed(["effect", "@effect/platform"])],
    ["@slack/oauth", installed(["@slack/oauth"])],
    ["@slack/web-api", installed(["@slack/web-api"])]
  ] as const
  return {
    title: "node_modules of a project that installs",
    columns: ["", "packages", "MB"],
    rows: rows.map(([name, { bytes, packages }]) => [name, String(packages), megabytes(bytes)]),
    data: { packed, rows },
    notes: [
      `effect-slack-oauth itself is ${megabytes(packed.size)} MB to download and ${
        megabytes(packed.unpackedSize)
      } MB ` +
      `unpacked, in ${packed.entryCount} files: \`npm pack --dry-run\`.`,
      "Bytes of all files of a package and of what it needs, as found in this project's node_modules: " +
      "`npm run bench -- cost`."
    ]
  }
}

export const run = async (): Promise<ReadonlyArray<Report>> => [...await bundles(), await imports(), disk()]
