/**
 * `npm run bench` runs all benchmarks, `npm run bench -- call` one. Tables go to the terminal; the same numbers, with
 * the machine and the versions they were taken with, to `.tmp/bench.json`.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { cpus } from "node:os"
import { print, type Report } from "./support/report.js"

const benchmarks: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<ReadonlyArray<Report>> }>>> = {
  call: () => import("./call.js")
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(benchmarks, name))
if (unknown.length > 0) {
  console.error(`No benchmark is called ${unknown.join(", ")}. There are: ${Object.keys(benchmarks).join(", ")}`)
  process.exit(1)
}

const require = createRequire(import.meta.url)
const versionOf = (name: string) =>
  (require(`../node_modules/${name}/package.json`) as { readonly version: string }).version

const setting = {
  node: process.version,
  cpu: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  versions: Object.fromEntries(
    ["effect", "@effect/platform", "@effect/platform-node", "@slack/web-api", "@slack/oauth", "undici"]
      .map((name) => [name, versionOf(name)])
  )
}
console.log(`${setting.cpu}, Node ${setting.node}`)
console.log(Object.entries(setting.versions).map(([name, version]) => `${name} ${version}`).join(", "))
console.log("median (quartiles); × compares with the first line, round by round")

const results: Record<string, ReadonlyArray<Report>> = {}
for (const [name, load] of Object.entries(benchmarks)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  results[name] = await (await load()).run()
  for (const report of results[name]) console.log(print(report))
}

mkdirSync(".tmp", { recursive: true })
writeFileSync(".tmp/bench.json", JSON.stringify({ setting, results }, null, 2))
