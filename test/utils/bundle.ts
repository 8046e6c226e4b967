/** Bundles a script for another process into one file of JavaScript. It starts several times faster than through tsx. */
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import * as Fs from "node:fs"
import * as Path from "node:path"

export const root = Path.resolve(import.meta.dirname, "../..")

const banner = `import { createRequire as __createRequire } from "node:module"
const require = __createRequire(import.meta.url)`

/** Bundles a script of this project, and returns where it is. */
export const bundle = async (script: string): Promise<string> => {
  const outfile = Path.join(root, ".tmp", "workers", `${Path.parse(script).name}-${process.pid}.mjs`)
  await build({
    entryPoints: [Path.join(root, script)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["libsql", "pg-native"],
    // Without the code for remote databases.
    alias: { "@libsql/client": "@libsql/client/sqlite3" },
    banner: { js: banner },
    logLevel: "warning"
  })
  return outfile
}

/** The same, until the scope closes. */
export const bundled = (script: string) =>
  Effect.acquireRelease(
    Effect.promise(() => bundle(script)),
    (file) => Effect.sync(() => Fs.rmSync(file, { force: true }))
  )
