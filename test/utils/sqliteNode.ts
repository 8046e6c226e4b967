/** `@effect/sql-sqlite-node`, which `npm run sqlite-node` installs. It is not a dependency of this project. */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"

interface Driver {
  readonly layer: (config: { readonly filename: string }) => Layer.Layer<SqlClient.SqlClient>
}

const modules = Path.resolve(".tmp/sqlite-node/node_modules")

/** Says what to do, if it is not installed. */
export const missing: string | undefined =
  Fs.existsSync(Path.join(modules, "better-sqlite3/build/Release/better_sqlite3.node"))
    ? undefined
    : "@effect/sql-sqlite-node is not installed. Run `npm run sqlite-node`: it takes a minute or two if it has to compile."

export const layer = (filename: string): Layer.Layer<SqlClient.SqlClient> =>
  Layer.unwrapEffect(Effect.promise(async () => {
    if (missing !== undefined) throw new Error(missing)
    const file = Path.join(modules, "@effect/sql-sqlite-node/dist/esm/SqliteClient.js")
    const driver = await import(pathToFileURL(file).href) as Driver
    return driver.layer({ filename })
  }))
