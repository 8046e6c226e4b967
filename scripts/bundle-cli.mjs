// Bundles the command line into one file, so that `npx effect-slack-oauth` works and the package has no dependencies.
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
  // The commands load a database driver from the user's project.
  external: ["@effect/sql-libsql", "@effect/sql-pg", "@libsql/client"],
  banner: {
    // Some bundled packages are CommonJS, and load Node's modules with `require`.
    js: `#!/usr/bin/env node
import { createRequire as __createRequire } from "node:module"
const require = __createRequire(import.meta.url)`
  },
  logLevel: "warning"
})

chmodSync(outfile, 0o755)
