/** Both majors of Effect side by side, on Node 24: calls, and the import of the core. `npm run effect-4` makes the second. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { measureCalls } from "./call.js"
import { coreImport } from "./cost.js"
import { type Row, rowOf, spread, wallRatio } from "./support/compare.js"
import { atMost, type Report, withSpread } from "./support/report.js"

const node = resolve("effect-4/node_modules/node24/bin/node")
const folders = { "Effect 3": ".", "Effect 4": "effect-4" } as const
const majors = ["Effect 3", "Effect 4"] as const

const peer = "@slack/web-api"
const own = "OAuthV2 on undici"
const platform = "@effect/platform on undici"
const names = [peer, own, platform, "bare undici"]

/** Processes of each major, which take turns. */
const turns = 3
const options = { times: 400, rounds: 7, warmUp: 3 }

type Measured = Awaited<ReturnType<typeof measureCalls>>

const measure = (folder: string): Measured =>
  JSON.parse(execFileSync(
    node,
    ["--expose-gc", join(folder, ".tmp/bench/call.js"), JSON.stringify([names, options])],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }
  )) as Measured

const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(`effect-4/node_modules/${name}/package.json`, "utf8")) as { readonly version: string })
    .version

/** The samples of several processes as those of one. */
const joined = (all: ReadonlyArray<Measured>, way: string): ReadonlyArray<Row> =>
  names.map((name) => ({
    name,
    samples: all.flatMap((measured) =>
      measured.filter((one) => one.way === way).flatMap(({ rows }) => rowOf(rows, name).samples)
    )
  }))

export const run = async (): Promise<ReadonlyArray<Report>> => {
  if (!existsSync("effect-4/.tmp/bench/call.js")) {
    return [{
      title: "Both majors of Effect",
      columns: [""],
      rows: [],
      data: {},
      notes: ["Not measured: `npm run effect-4` makes the package for Effect 4."]
    }]
  }
  const measured = { "Effect 3": [] as Array<Measured>, "Effect 4": [] as Array<Measured> }
  for (let turn = 0; turn < turns; turn++) {
    for (const major of majors) measured[major].push(measure(folders[major]))
  }

  const reports: Array<Report> = []
  for (const [way, limit] of [["one at a time", 0.85], ["50 at once", 0.75]] as const) {
    const rows = { "Effect 3": joined(measured["Effect 3"], way), "Effect 4": joined(measured["Effect 4"], way) }
    reports.push({
      title: `oauth.v2.access on Node 24, ${way}`,
      columns: ["", ...majors.flatMap((major) => [`${major}: wall µs`, "wall ×"])],
      rows: names.map((name) => [
        name,
        ...majors.flatMap((major) => [
          withSpread(spread(rowOf(rows[major], name).samples.map(({ wall }) => wall))),
          withSpread(wallRatio(rows[major], name, peer))
        ])
      ]),
      data: rows,
      targets: [
        atMost("Effect 4, wall time by @slack/web-api:", wallRatio(rows["Effect 4"], own, peer).median, limit, "×"),
        atMost("Effect 4, wall time by its HttpClient:", wallRatio(rows["Effect 4"], own, platform).median, 1.35, "×")
      ]
    })
  }

  const imports = {
    "Effect 3": await coreImport({ folder: ".", node }),
    "Effect 4": await coreImport({ folder: "effect-4", node })
  }
  reports.push({
    title: "Import of the core in a new process, on Node 24",
    columns: ["", "ms", "CPU × what it imports"],
    rows: majors.map((major) => [major, withSpread(imports[major].wall), withSpread(imports[major].ratio)]),
    data: imports,
    notes: [
      `Effect 4 is effect ${versionOf("effect")} and @effect/platform-node ${
        versionOf("@effect/platform-node")
      }. Node 24 is ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}.`
    ],
    targets: majors.map((major) => atMost(`${major}, CPU by what it imports:`, imports[major].ratio.median, 1.15, "×"))
  })
  return reports
}
