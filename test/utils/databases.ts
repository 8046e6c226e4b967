/** New, empty databases for tests, and connections to them: a SQLite file, or a schema in Postgres. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as SqliteNode from "./sqliteNode.js"

/** A new folder, which is removed when the scope closes. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-slack-oauth-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)

const isFile = (url: string): url is `file:${string}` => url.startsWith("file:")

/** Connects to a database. `file:…` is the embedded database, `sqlite-node:…` is `@effect/sql-sqlite-node`, and `postgres://…` is Postgres. */
export const connect = (
  url: string,
  options?: { readonly maxConnections?: number; readonly busyTimeout?: number | undefined }
): Layer.Layer<SqlClient.SqlClient> =>
  isFile(url)
    ? Layer.orDie(Libsql.layer({ url, busyTimeout: options?.busyTimeout }))
    : url.startsWith(sqliteNodeScheme)
    ? SqliteNode.layer(url.slice(sqliteNodeScheme.length))
    : PgClient.layer({
      url: Redacted.make(url),
      maxConnections: options?.maxConnections ?? 4,
      // Effect 4's client counts it on the clock of a test, which moves by hours while a connection is made.
      connectTimeout: "20 days"
    }).pipe(Layer.orDie)

/** The URL of a new, empty libsql file. */
export const libsqlUrl = Effect.map(temporaryFolder, (folder) => `file:${Path.join(folder, "test.db")}` as const)

const sqliteNodeScheme = "sqlite-node:"

/** The URL of a new, empty SQLite file for `@effect/sql-sqlite-node`. */
export const sqliteNodeUrl = Effect.map(
  temporaryFolder,
  (folder) => `${sqliteNodeScheme}${Path.join(folder, "test.db")}` as const
)

/** The drivers for SQLite files that are installed, each with a new file. */
export const sqliteUrls = {
  libsql: libsqlUrl,
  ...(SqliteNode.missing === undefined ? { "sqlite-node": sqliteNodeUrl } : undefined)
}

let schemas = 0

/** The URL of a new, empty schema in a Postgres. The schema is dropped when the scope closes. */
export const schemaUrl = (postgres: string) =>
  Effect.suspend(() => {
    const schema = `slack_oauth_test_${process.pid}_${Date.now()}_${schemas++}`
    const run = (statement: string) =>
      Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(statement)),
        connect(postgres, { maxConnections: 1 })
      )
    return Effect.acquireRelease(
      Effect.map(run(`CREATE SCHEMA ${schema}`), () => {
        const url = new URL(postgres)
        url.searchParams.set("options", `-c search_path=${schema}`)
        return String(url)
      }),
      () => Effect.orDie(run(`DROP SCHEMA ${schema} CASCADE`))
    )
  })
