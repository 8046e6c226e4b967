// Bundles the command into one file, so that `npx effect-slack-oauth` works and the package has no dependencies.
// usage: node scripts/bundle-cli.mjs [file]
import { build } from "esbuild"
import { chmodSync } from "node:fs"

const outfile = process.argv[2] ?? "dist/cli/main.js"

await build({
  entryPoints: ["cli/main.ts"],
  outfile,
  bundle: true,
  minify: true,
  platform: "node",
  format: "esm",
  target: "node20",
  // Database drivers are loaded by the commands that need one, where they are installed.
  external: ["@effect/sql-libsql", "@effect/sql-pg", "@libsql/client"],
  banner: {
    // Some of what is bundled is CommonJS, and asks for Node's modules by `require`.
    js: `#!/usr/bin/env node
import { createRequire as __createRequire } from "node:module"
const require = __createRequire(import.meta.url)`
  },
  logLevel: "warning"
})

chmodSync(outfile, 0o755)
