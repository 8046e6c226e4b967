/** Databases by URL; their drivers are loaded here, when a command needs one, and may be missing. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as SqlClient from "@effect/sql/SqlClient"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as InstallationStore from "../InstallationStore.js"
import * as PatientLibsql from "../internal/effect/patientLibsql.js"
import * as SqlInstallationStore from "../sql/SqlInstallationStore.js"
import * as TokenCipher from "../TokenCipher.js"
import { CommandFailed } from "./CommandFailed.js"

const load = <A>(name: string, module: () => Promise<A>): Effect.Effect<A, CommandFailed> =>
  Effect.tryPromise({
    try: module,
    catch: () => new CommandFailed({ message: `This database needs its driver. Install it here: npm install ${name}` })
  })

const libsql = (url: string) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const driver = yield* load("@effect/sql-libsql", () => import("@effect/sql-libsql/LibsqlClient"))
    const { createClient } = yield* load("@libsql/client", () => import("@libsql/client"))
    return Layer.mapError(
      PatientLibsql.layer(driver, createClient, { url }),
      ({ message }) => new CommandFailed({ message })
    )
  }))

const postgres = (url: string) =>
  Layer.unwrapEffect(Effect.map(
    load("@effect/sql-pg", () => import("@effect/sql-pg/PgClient")),
    (driver) =>
      Layer.mapError(
        driver.layer({ url: Redacted.make(url) }),
        () =>
          new CommandFailed({
            message: "The Postgres database cannot be reached. Check its URL and that it is running."
          })
      )
  ))

/** `file:slack.db` is a libsql file, `postgres://…` is Postgres. */
export const database = (url: string): Layer.Layer<SqlClient.SqlClient, CommandFailed> =>
  url.startsWith("file:")
    ? libsql(url)
    : /^postgres(ql)?:\/\//.test(url)
    ? postgres(url)
    : Layer.fail(
      new CommandFailed({ message: "A database URL is file:slack.db, or postgres://user:password@host/name." })
    )

/** The store in a database, with the keys of `SLACK_TOKEN_KEYS`. */
export const store = (
  url: string
): Layer.Layer<
  InstallationStore.InstallationStore,
  CommandFailed | InstallationStore.StoreError | ConfigError.ConfigError
> => SqlInstallationStore.layer.pipe(Layer.provide(database(url)), Layer.provide(TokenCipher.layerConfig))

/** Whether there is a store in a database. Looking leaves no trace: opening a SQLite file would make it. */
const isThere = (url: string): Effect.Effect<boolean, CommandFailed, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const [, path] = /^file:(?:\/\/(?=\/))?([^?]*)/.exec(url) ?? []
    if (path !== undefined) {
      const fs = yield* FileSystem.FileSystem
      if (!(yield* Effect.orElseSucceed(fs.exists(decodeURIComponent(path)), () => true))) return false
    }
    return yield* Effect.provide(
      Effect.flatMap(SqlClient.SqlClient, (sql) =>
        Effect.map(
          sql.onDialectOrElse({
            pg: () => sql`SELECT 1 WHERE to_regclass('slack_oauth_installations') IS NOT NULL`,
            orElse: () => sql`SELECT 1 FROM sqlite_master WHERE name = 'slack_oauth_installations'`
          }),
          (rows) => rows.length > 0
        )),
      database(url)
    ).pipe(
      Effect.catchTag("SqlError", () => new CommandFailed({ message: "The database does not answer. Try again." }))
    )
  })

/** {@link store} for a look: where there is none yet, an empty one takes its place, and nothing is made. */
export const storeAsItIs = (
  url: string
): Layer.Layer<
  InstallationStore.InstallationStore,
  CommandFailed | InstallationStore.StoreError | ConfigError.ConfigError,
  FileSystem.FileSystem
> => Layer.unwrapEffect(Effect.map(isThere(url), (isThere) => isThere ? store(url) : InstallationStore.layerMemory))
