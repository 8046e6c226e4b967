// Installs @effect/sql-sqlite-node, the other driver for SQLite files, into .tmp/sqlite-node, for its tests and for the
// benchmarks. It is no devDependency: better-sqlite3 compiles for a minute or two where its download cannot be reached,
// and `npm ci` has to be quick.
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"

const folder = ".tmp/sqlite-node"
const dependencies = { "@effect/sql-sqlite-node": "0.53.0", "better-sqlite3": "12.11.1" }

if (existsSync(`${folder}/node_modules/better-sqlite3/build/Release/better_sqlite3.node`)) {
  console.log(`@effect/sql-sqlite-node is installed in ${folder}.`)
} else {
  mkdirSync(folder, { recursive: true })
  // The driver's peers are found in this project's own node_modules.
  writeFileSync(
    `${folder}/package.json`,
    JSON.stringify({ private: true, dependencies, allowScripts: { "better-sqlite3": true } })
  )
  execFileSync("npm", ["install", "--legacy-peer-deps", "--no-audit", "--no-fund", "--no-package-lock"], {
    cwd: folder,
    stdio: "inherit"
  })
}
