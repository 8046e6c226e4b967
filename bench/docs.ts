/**
 * `npm run bench:docs` puts the tables of the last runs into `docs/performance.md`, each between the markers that carry
 * its benchmark's name. A benchmark that has no results in `.tmp/bench-results/` keeps the table that is there.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { markdown, type Report } from "./support/report.js"
import type { setting } from "./support/setting.js"

interface Results {
  readonly setting: typeof setting
  readonly reports: ReadonlyArray<Report>
}

const section = ({ reports, setting }: Results): string => {
  const versions = Object.entries(setting.versions).map(([name, version]) => `${name} ${version}`).join(", ")
  return [
    `*${setting.date}, ${setting.machine}, Node ${setting.node}. ${versions}.*`,
    ...reports.map(markdown)
  ].join("\n\n")
}

const page = "docs/performance.md"
const text = readFileSync(page, "utf8").replace(
  /<!-- bench:(\w+) -->[^]*?<!-- \/bench:\1 -->/g,
  (kept, name: string) => {
    const file = `.tmp/bench-results/${name}.json`
    return existsSync(file)
      ? `<!-- bench:${name} -->\n${section(JSON.parse(readFileSync(file, "utf8")) as Results)}\n<!-- /bench:${name} -->`
      : kept
  }
)
writeFileSync(page, text)
