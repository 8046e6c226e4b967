import { existsSync, readFileSync } from "node:fs"
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

const versionOf = (name: string, folder = "node_modules"): string =>
  (JSON.parse(readFileSync(`${folder}/${name}/package.json`, "utf8")) as { readonly version: string }).version

/** What `npm run sqlite-node` installs. */
const sqliteNode = (): Record<string, string> => {
  const folder = ".tmp/sqlite-node/node_modules"
  const names = ["@effect/sql-sqlite-node", "better-sqlite3"]
  return existsSync(folder) ? Object.fromEntries(names.map((name) => [name, versionOf(name, folder)])) : {}
}

/** The machine and the versions of a run. */
export const setting = {
  machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  node: process.version,
  date: new Date().toISOString().slice(0, 10),
  versions: { ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])), ...sqliteNode() }
}
