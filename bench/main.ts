/**
 * `npm run bench` runs the benchmarks, `npm run bench -- call` one of them. It prints tables, and writes the same numbers,
 * with the machine and the versions, to `.tmp/bench-results/`. `npm run bench:docs` copies them from there into
 * `docs/performance.md`.
 *
 * - `--runs 3`: runs each benchmark three times, each time in a new process, and keeps the middle one of each table
 * - `--strict`: fails if a target is missed
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { median } from "./support/median.js"
import { print, type Report } from "./support/report.js"
import { setting } from "./support/setting.js"

interface Benchmark {
  readonly run: () => Promise<ReadonlyArray<Report>>
}

const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  call: () => import("./call.js"),
  allocations: () => import("./allocations.js"),
  read: () => import("./read.js"),
  storm: () => import("./storm.js"),
  install: () => import("./install.js"),
  store: () => import("./store.js"),
  cost: () => import("./cost.js"),
  majors: () => import("./majors.js"),
  scale: () => import("./scale.js"),
  emulator: () => import("./emulator.js")
}

/** These take minutes, and run only if they are named. */
const long: Readonly<Record<string, () => Promise<Benchmark>>> = {
  sweep: () => import("./sweep.js")
}

const all = { ...benchmarks, ...long }
const { positionals: asked, values: { runs, strict } } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "1" }, strict: { type: "boolean", default: false } }
})
const unknown = asked.filter((name) => !Object.hasOwn(all, name))
if (unknown.length > 0) {
  console.error(`No benchmark is called ${unknown.join(", ")}. There are: ${Object.keys(all).join(", ")}`)
  process.exit(1)
}

console.log(`${setting.machine}, Node ${setting.node}`)
console.log(Object.entries(setting.versions).map(([name, version]) => `${name} ${version}`).join(", "))
console.log("median (quartiles); × compares with the first line, round by round")

const fileOf = (name: string): string => `.tmp/bench-results/${name}.json`

/** Runs a benchmark in a process of its own. */
const runAlone = (name: string): ReadonlyArray<Report> => {
  const { status } = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, name], { stdio: "inherit" })
  if (status !== 0) throw new Error(`${name} ended with exit code ${status}`)
  return (JSON.parse(readFileSync(fileOf(name), "utf8")) as { readonly reports: ReadonlyArray<Report> }).reports
}

for (const name of asked.length > 0 ? asked : Object.keys(benchmarks)) {
  const startedAt = performance.now()
  const reports = Number(runs) > 1
    ? median(Array.from({ length: Number(runs) }, () => runAlone(name)))
    : await (await all[name]!()).run()
  for (const report of reports) console.log(print(report))
  const missed = reports.flatMap(({ targets = [] }) => targets).filter(({ met }) => !met)
  if (strict && missed.length > 0) process.exitCode = 1
  console.log(`\n${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  mkdirSync(".tmp/bench-results", { recursive: true })
  writeFileSync(fileOf(name), JSON.stringify({ name, setting, reports }, null, 2))
}
if (asked.length === 0) console.log(`Left out, since they take minutes: ${Object.keys(long).join(", ")}`)
