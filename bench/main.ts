/**
 * `npm run bench` runs the benchmarks, `npm run bench -- call` one of them. With `--strict` it fails if a target is missed. It prints tables, and writes the same numbers, with the machine and the
 * versions, to `.tmp/bench-results/`. `npm run bench:docs` copies them from there into `docs/performance.md`.
 */
import { mkdirSync, writeFileSync } from "node:fs"
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
  scale: () => import("./scale.js")
}

/** These take minutes, and run only if they are named. */
const long: Readonly<Record<string, () => Promise<Benchmark>>> = {
  sweep: () => import("./sweep.js")
}

const all = { ...benchmarks, ...long }
const isStrict = process.argv.includes("--strict")
const asked = process.argv.slice(2).filter((argument) => argument !== "--strict")
const unknown = asked.filter((name) => !Object.hasOwn(all, name))
if (unknown.length > 0) {
  console.error(`No benchmark is called ${unknown.join(", ")}. There are: ${Object.keys(all).join(", ")}`)
  process.exit(1)
}

console.log(`${setting.machine}, Node ${setting.node}`)
console.log(Object.entries(setting.versions).map(([name, version]) => `${name} ${version}`).join(", "))
console.log("median (quartiles); × compares with the first line, round by round")

for (const name of asked.length > 0 ? asked : Object.keys(benchmarks)) {
  const startedAt = performance.now()
  const reports = await (await all[name]!()).run()
  for (const report of reports) console.log(print(report))
  const missed = reports.flatMap(({ targets = [] }) => targets).filter(({ met }) => !met)
  if (isStrict && missed.length > 0) process.exitCode = 1
  console.log(`\n${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  mkdirSync(".tmp/bench-results", { recursive: true })
  writeFileSync(`.tmp/bench-results/${name}.json`, JSON.stringify({ name, setting, reports }, null, 2))
}
if (asked.length === 0) console.log(`Left out, since they take minutes: ${Object.keys(long).join(", ")}`)
