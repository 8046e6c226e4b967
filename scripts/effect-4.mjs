// Makes the package for Effect 4: `npm run effect-4`. See docs/effect-4.md.
//
// It installs what that package needs, generates its source, checks the types, builds it, and runs tests on two Nodes.
import { execFileSync } from "node:child_process"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const here = join(root, "effect-4")

const run = (command, args, options) => execFileSync(command, args, { cwd: root, stdio: "inherit", ...options })
const bin = (name) => join(root, "node_modules", ".bin", name)

/** The tests that run on Effect 4 too, and what they need. Add a file once all of it passes there. */
const helpers = ["../fixtures/codes", "CountReporter", "deepEquality", "docs", "globalSetup", "postgres"].map((name) =>
  `test/utils/${name}.ts`
)
const tests = [
  "AuthorizeUrl",
  "docs",
  "forks",
  "InstallationImport",
  "InstallationStore",
  "OAuthV2Error",
  "Pkce",
  "internal/cookies",
  "internal/installationRow",
  "internal/retryAfter",
  "internal/rowId",
  "internal/scopes",
  "internal/secrets",
  "internal/transport",
  "sql/NodeSqlite"
].map((name) => `test/${name}.test.ts`)

/** What `npm run bench` measures on both majors. */
const benchmarks = ["call", "programs/call", "programs/slack"]
  .concat(["answers", "compare", "profile", "programs", "report"].map((name) => `support/${name}`))
  .map((name) => `bench/${name}.ts`)

const steps = {
  install: () => {
    if (!existsSync(join(here, "node_modules", "effect"))) {
      run("npm", ["ci", "--no-audit", "--no-fund", "--prefix", here])
    }
  },
  generate: () => {
    rmSync(join(here, "test"), { recursive: true, force: true })
    run(process.execPath, [
      join(here, "codemod.mjs"),
      "src",
      "scripts/consumer",
      "scripts/majors",
      ...benchmarks,
      "test/utils/effect",
      ...helpers,
      ...tests
    ])
  },
  docs: () => run(process.execPath, [join(here, "docs.mjs")]),
  format: () => run(bin("dprint"), ["fmt", "--no-gitignore", "--log-level", "error", "effect-4/src/**/*.ts"]),
  check: () => run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", here]),
  build: () => {
    rmSync(join(here, "dist"), { recursive: true, force: true })
    run(process.execPath, [
      join(root, "node_modules", "typescript", "bin", "tsc"),
      "-p",
      join(here, "tsconfig.build.json")
    ])
    run(bin("babel"), [join(here, "dist"), "--out-dir", join(here, "dist"), "--source-maps"])
  },
  test: () => {
    for (const node of ["node22", "node24"]) {
      run(join(here, "node_modules", node, "bin", "node"), [
        join(here, "node_modules", "vitest", "vitest.mjs"),
        "run",
        ...tests
      ], { cwd: here })
    }
  }
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(steps)
for (const name of names) {
  const start = performance.now()
  steps[name]()
  console.log(`effect-4: ${name}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
}
