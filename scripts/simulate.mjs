// Bundles the simulation of `test/simulation` and runs it: `npm run simulate -- --lives 2000 --seed 1`.
//
//   --effect 4          runs the generated source of Effect 4 (after `npm run effect-4`)
//   --replay            replays what was done to each credential against the model (needs spin and gcc)
//   --record            adds the result to the long run: a row in test/long-run.json, and in docs/token-rotation.md. If the
//                       run is cut (Ctrl-C), the lives until then count
//   --mutants           removes one rule of the code at a time, and expects that some hundred lives, their replay or the model
//                       notice it
//   --mutants --write   the same, with the replay for each of them, and writes the table of model/README.md
//   --mutant NAME       runs the code without one rule
import { build } from "esbuild"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
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
const isRecorded = take("--record", false) !== undefined
const isWritten = take("--write", false) !== undefined
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

/** As there is a worker on each core, its garbage is collected on that core too. */
const nodeArgs = ["--max-semi-space-size=64", "--single-threaded"]

const run = (file, args) => spawnSync(process.execPath, [...nodeArgs, file, ...args], { encoding: "utf8" })

/** Runs in the foreground. Ctrl-C reaches the run by itself; SIGTERM is passed on. */
const runInForeground = async (file, args) => {
  const child = spawn(process.execPath, [...nodeArgs, file, ...args], { stdio: "inherit" })
  process.on("SIGINT", () => {})
  process.on("SIGTERM", () => child.kill("SIGTERM"))
  const [status] = await once(child, "exit")
  return status ?? 1
}

const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim()

/** What the result of a life follows from. */
const whatLives = ["src", "test/simulation", "test/utils/effect", ...isFour ? ["effect-4"] : []]

/** The options for a part of the long run. */
const recordOptions = () => {
  if (git("status", "--porcelain", "--", ...whatLives) !== "") {
    throw new Error(`A part of the long run names its commit. Commit the changes of ${whatLives.join(", ")} first`)
  }
  if (isFour) execFileSync(process.execPath, [join(root, "scripts/effect-4.mjs"), "generate"], { stdio: "inherit" })
  return [
    ["--record", join(root, "test/long-run.json")],
    ["--major", isFour ? "4" : "3"],
    ["--page", join(root, "docs/token-rotation.md")],
    ["--commit", git("log", "-1", "--format=%h", "--", ...whatLives)]
  ].flat()
}

const traces = join(root, ".tmp", "simulation", "traces.json")

/** How many lives of the code without a rule are lived: as many as two cores live in a minute. */
const mostLives = 600

/** How the simulation finds the code without a rule: the promise that breaks, and in which life. */
const findByLives = (file) => {
  const { stdout } = run(file, ["--lives", String(mostLives), "--brief", ...args])
  const found = /seed (\d+) breaks a promise: (.*)/.exec(stdout)
  return found === null ? undefined : { life: Number(found[1]), promise: found[2] }
}

/** How many lives are replayed of the code without a rule. */
const replayed = 20

/** Whether the model refuses what the code without a rule does. */
const isRefused = (file) => {
  run(file, ["--lives", String(replayed), "--seed", "10000", "--all", "--traces", traces])
  return !replay(traces)
}

/** The mutants that the search of the model finds, as its README says. */
const ofModel = () => {
  const table = readFileSync(join(root, "model/README.md"), "utf8").split("<!-- end of mutants -->")[0]
  return new Set(Array.from(table.matchAll(/^\| `(\w+)`/gm), ([, name]) => name))
}

/** Puts lines between two marks of a file. */
const writeBetween = (file, mark, lines) => {
  const [begin, end] = [`<!-- ${mark} -->\n`, `<!-- end of ${mark} -->`]
  const text = readFileSync(file, "utf8")
  const from = text.indexOf(begin) + begin.length
  writeFileSync(file, `${text.slice(0, from)}${lines.join("\n")}\n${text.slice(text.indexOf(end))}`)
}

if (all) {
  const rows = []
  for (const mutant of mutants) {
    const startedAt = performance.now()
    const file = await bundle(mutant)
    const life = findByLives(file)
    const isRefusedByModel = (isWritten || life === undefined) && isRefused(file)
    const by = [
      ...life === undefined ? [] : [`life ${life.life}: ${life.promise}`],
      ...isRefusedByModel ? [`the replay of ${replayed} lives`] : [],
      ...ofModel().has(mutant.name) ? ["the model"] : []
    ]
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
    console.log(`${mutant.name}: found by ${by.join("; ") || "NOTHING"} (${seconds} s). ${mutant.rule}`)
    if (by.length === 0) process.exitCode = 1
    rows.push(
      `| \`${mutant.name}\` | ${mutant.rule} | ${life === undefined ? "–" : `${life.life}: ${life.promise}`} | ` +
        `${isRefusedByModel ? "yes" : "–"} | ${ofModel().has(mutant.name) ? "yes" : "–"} |`
    )
  }
  if (isWritten) {
    writeBetween(join(root, "model/README.md"), "mutants of the code", [
      `| mutant | the rule that it lacks | found by a life, of ${mostLives} | by the replay of ${replayed} lives | by the model |`,
      "| --- | --- | --- | --- | --- |",
      ...rows
    ])
  }
} else {
  const mutant = one === undefined ? undefined : mutants.find(({ name }) => name === one)
  if (one !== undefined && mutant === undefined) {
    throw new Error(`There is no mutant ${one}. There are: ${mutants.map(({ name }) => name).join(", ")}`)
  }
  const ledger = mutant === undefined ? ["--ledger", join(root, "test/seeds.json")] : []
  const record = isRecorded ? recordOptions() : []
  const options = [...ledger, ...record, ...isReplay ? ["--traces", traces] : [], ...args]
  process.exitCode = await runInForeground(await bundle(mutant), options)
  if (isReplay && !replay(traces)) process.exitCode = 1
}
