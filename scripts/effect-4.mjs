// Makes the package for Effect 4: `npm run effect-4`. See docs/effect-4.md.
//
// It installs what that package needs, generates its source, checks the types, builds it, and runs tests on two Nodes.
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { pending } from "../effect-4/tests.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const here = join(root, "effect-4")

const run = (command, args, options) => execFileSync(command, args, { cwd: root, stdio: "inherit", ...options })
const bin = (name) => join(root, "node_modules", ".bin", name)

/** Tests of the command in processes of their own, of other processes and of a browser. They run on one Node. */
const slow = ["browser", "cli", "processes", "workers", "TokenRounds"]

/** What does not run on Effect 4, with the reason. */
const printSkipped = () => {
  const skipped = JSON.parse(readFileSync(join(here, "test", "skipped.json"), "utf8"))
  console.log(`${skipped.length} files and tests are left out on Effect 4:`)
  for (const { name, path, why } of skipped) console.log(`- ${name === undefined ? path : `${path}: ${name}`} (${why})`)
  if (pending.length > 0) console.log(`${pending.length} are not ready: ${pending.join(", ")}`)
}

const testOn = (node, ...options) =>
  run(join(here, "node_modules", node, "bin", "node"), [
    join(here, "node_modules", "vitest", "vitest.mjs"),
    "run",
    ...options
  ], { cwd: here })

/** What `npm run bench` measures on both majors, and what a test takes from there. */
const benchmarks = ["call", "programs/call", "programs/slack"]
  .concat(["answers", "compare", "peer", "profile", "programs", "report"].map((name) => `support/${name}`))
  .map((name) => `bench/${name}.ts`)

const steps = {
  install: () => {
    if (!existsSync(join(here, "node_modules", "effect"))) {
      run("npm", ["ci", "--no-audit", "--no-fund", "--prefix", here])
    }
  },
  generate: () => {
    const places = [
      "src",
      "cli",
      "examples/install-server",
      "examples/support",
      "scripts/consumer",
      "scripts/majors",
      "test",
      ...benchmarks
    ]
    run(process.execPath, [join(here, "codemod.mjs"), ...places])
  },
  docs: () => run(process.execPath, [join(here, "docs.mjs")]),
  format: () => run(bin("dprint"), ["fmt", "--no-gitignore", "--log-level", "error", "effect-4/src/**/*.ts"]),
  check: () => {
    for (const project of ["tsconfig.json", "tsconfig.test.json"]) {
      run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", join(here, project)])
    }
  },
  build: () => {
    rmSync(join(here, "dist"), { recursive: true, force: true })
    run(process.execPath, [
      join(root, "node_modules", "typescript", "bin", "tsc"),
      "-p",
      join(here, "tsconfig.build.json")
    ])
    run(bin("babel"), [join(here, "dist"), "--out-dir", join(here, "dist"), "--source-maps"])
    run(process.execPath, [join(root, "scripts", "bundle-cli.mjs")], { cwd: here })
  },
  test: () => {
    testOn("node24")
    testOn("node22", ...slow.map((name) => `--exclude=**/*${name}*`))
    printSkipped()
  }
}

/** Steps that take minutes, and run only if they are named. */
const long = {
  stress: () =>
    run(
      join(here, "node_modules", "node24", "bin", "node"),
      [join(root, "node_modules", "tsx", "dist", "cli.mjs"), "test/stress/main.ts", "store"],
      { cwd: here }
    ),
  simulate: () =>
    run(join(here, "node_modules", "node24", "bin", "node"), [
      join(root, "scripts", "simulate.mjs"),
      "--effect",
      "4",
      "--lives",
      "200",
      "--seed",
      "1"
    ])
}

const all = { ...steps, ...long }
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(steps)
const unknown = names.filter((name) => !Object.hasOwn(all, name))
if (unknown.length > 0) {
  console.error(`No step is called ${unknown.join(", ")}. There are: ${Object.keys(all).join(", ")}`)
  process.exit(1)
}
for (const name of names) {
  const start = performance.now()
  all[name]()
  console.log(`effect-4: ${name}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
}
