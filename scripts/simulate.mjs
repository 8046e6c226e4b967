// Bundles the simulation of `test/simulation` and runs it: `npm run simulate -- --lives 2000 --seed 1`.
//
//   --effect 4          runs the generated source of Effect 4 (after `npm run effect-4`)
//   --replay            replays what was done to each credential against the model (needs spin and gcc)
//   --mutants           removes one rule of the code at a time, and expects a broken promise within a minute
//   --mutant NAME       runs the code without one rule
import { build } from "esbuild"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { replay } from "../model/replay.mjs"
import { mutants } from "../test/simulation/mutants.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const args = process.argv.slice(2)

/** Takes an option out of the arguments. */
const take = (name, hasValue) => {
  const index = args.indexOf(name)
  if (index < 0) return undefined
  return args.splice(index, hasValue ? 2 : 1)[hasValue ? 1 : 0]
}
const isFour = take("--effect", true) === "4"
const all = take("--mutants", false) !== undefined
const one = take("--mutant", true)
const isReplay = take("--replay", false) !== undefined
const base = isFour ? join(root, "effect-4") : root

/** The source without a rule. */
const without = ({ edits, name }) => ({
  name,
  setup: (builder) => {
    builder.onLoad({ filter: /src\/.*\.ts$/ }, ({ path }) => {
      const own = edits.filter(({ file }) => path === join(base, file))
      if (own.length === 0) return undefined
      let contents = readFileSync(path, "utf8")
      for (const { find, replace } of own) {
        if (contents.split(find).length !== 2) throw new Error(`${name}: this is not in ${path} once: ${find}`)
        contents = contents.replace(find, () => replace)
      }
      return { contents, loader: "ts" }
    })
  }
})

const bundle = async (mutant) => {
  const outfile = join(root, ".tmp", "simulation", `${isFour ? "4-" : ""}${mutant?.name ?? "main"}.mjs`)
  await build({
    entryPoints: [join(base, "test/simulation/main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    tsconfig: join(base, "tsconfig.json"),
    logLevel: "warning",
    plugins: mutant === undefined ? [] : [without(mutant)]
  })
  return outfile
}

const run = (file, args, options) =>
  spawnSync(process.execPath, ["--max-semi-space-size=64", file, ...args], { encoding: "utf8", ...options })

if (all) {
  for (const mutant of mutants) {
    const startedAt = performance.now()
    const file = await bundle(mutant)
    const { stdout } = run(file, ["--lives", "1000000", "--seconds", "60", "--brief", ...args])
    const found = /seed (\d+) breaks a promise: (.*)/.exec(stdout)?.slice(1).join(": ")
    console.log(
      `${mutant.name}: ${found ?? "NOT FOUND"} (${
        ((performance.now() - startedAt) / 1000).toFixed(0)
      } s). ${mutant.rule}`
    )
    if (found === undefined) process.exitCode = 1
  }
} else {
  const mutant = one === undefined ? undefined : mutants.find(({ name }) => name === one)
  if (one !== undefined && mutant === undefined) {
    throw new Error(`There is no mutant ${one}. There are: ${mutants.map(({ name }) => name).join(", ")}`)
  }
  const ledger = mutant === undefined ? ["--ledger", join(root, "test/seeds.json")] : []
  const traces = join(root, ".tmp", "simulation", "traces.json")
  const options = [...ledger, ...isReplay ? ["--traces", traces] : [], ...args]
  process.exitCode = run(await bundle(mutant), options, { stdio: "inherit" }).status ?? 1
  if (isReplay && !replay(traces)) process.exitCode = 1
}
