import { readFileSync } from "node:fs"
import { cpus, totalmem } from "node:os"

const packages = [
  "effect",
  "@effect/platform",
  "@effect/platform-node",
  "@slack/web-api",
  "@slack/oauth",
  "undici",
  "@effect/sql",
  "@libsql/client",
  "@effect/sql-pg"
]

const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")) as { readonly version: string }).version

/** With what the numbers were taken. */
export const setting = {
  machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  node: process.version,
  date: new Date().toISOString().slice(0, 10),
  versions: Object.fromEntries(packages.map((name) => [name, versionOf(name)]))
}
