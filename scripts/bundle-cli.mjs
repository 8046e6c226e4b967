// Bundles the command line into one file, so that `npx effect-slack-oauth` works and the package has no dependencies.
// usage: node scripts/bundle-cli.mjs [file], in the folder of the package
import { build } from "esbuild"
import { chmodSync, readFileSync } from "node:fs"

const outfile = process.argv[2] ?? "dist/cli/main.js"

const { version } = JSON.parse(readFileSync("package.json", "utf8"))

/**
 * For Effect 3 the commands load a database driver from the user's project. For Effect 4 they have their own, because the
 * project has another copy of `effect`, which keeps the secrets in its `Redacted` values to itself.
 */
const drivers = version.startsWith("0.") ? ["@effect/sql-libsql", "@effect/sql-pg", "@libsql/client"] : []

/** Node 22 prints a warning when this module is loaded. It is loaded here without a word. */
const quietSqlite = {
  name: "quiet-sqlite",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^node:sqlite$/ }, ({ path }) => ({ path, namespace: "quiet-sqlite" }))
    onLoad({ filter: /./, namespace: "quiet-sqlite" }, ({ path }) => ({
      contents: `const { emitWarning } = process
process.emitWarning = () => {}
module.exports = process.getBuiltinModule(${JSON.stringify(path)})
process.emitWarning = emitWarning`
    }))
  }
}

await build({
  entryPoints: ["cli/main.ts"],
  outfile,
  bundle: true,
  minify: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: drivers,
  banner: {
    // Some bundled packages are CommonJS, and load Node's modules with `require`.
    js: `#!/usr/bin/env node
import { createRequire as __createRequire } from "node:module"
const require = __createRequire(import.meta.url)`
  },
  plugins: [quietSqlite],
  logLevel: "warning"
})

chmodSync(outfile, 0o755)
