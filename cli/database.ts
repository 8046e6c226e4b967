/** Databases by URL. */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { codeOf } from "../src/internal/driverCode.js"
import { CommandFailed } from "./CommandFailed.js"
import { load } from "./driver.js"
import * as Options from "./effect/options.js"
import { sqlite, sqliteToRead } from "./effect/sqlite.js"
import * as SqliteFile from "./sqliteFile.js"

/** The option of commands that work on one store. */
export const databaseOption = Options.text("database").pipe(
  Options.withFallbackConfig(Config.string("DATABASE_URL")),
  Options.withDefault("file:slack.db"),
  Options.withDescription(
    "The database with the installations: file:slack.db, or postgres://… The default is DATABASE_URL."
  )
)

const postgres = (url: string) =>
  Layer.unwrapEffect(Effect.map(
    load("@effect/sql-pg", () => import("@effect/sql-pg/PgClient")),
    (driver) =>
      // Without `connectTimeout` the driver waits for ever if a server accepts a connection and does not answer.
      driver.layer({ url: Redacted.make(url), connectTimeout: "5 seconds" }).pipe(
        // A driver may connect at the first statement only.
        Layer.tap((context) => Context.get(context, SqlClient.SqlClient)`SELECT 1`),
        Layer.catchAll(() =>
          Layer.fail(
            new CommandFailed({
              message: "The Postgres database cannot be reached. Check its URL and that it is running."
            })
          )
        )
      )
  ))

/** `file:slack.db` is a SQLite file, `postgres://…` is Postgres. */
export const database = (url: string): Layer.Layer<SqlClient.SqlClient, CommandFailed> =>
  url.startsWith("file:")
    ? sqlite(url)
    : /^postgres(ql)?:\/\//.test(url)
    ? postgres(url)
    : Layer.fail(
      new CommandFailed({
        message: "This is not a database URL. Use file:slack.db or postgres://user:password@host/name."
      })
    )

const missing = (url: string, tables: string): CommandFailed =>
  new CommandFailed({
    message: `${SqliteFile.pathOf(url)} does not exist. Give the URL of the database with ${tables}.`
  })

/** A database to read tables from. Nothing is changed or created. */
export const databaseToRead = (
  url: string,
  tables: string
): Layer.Layer<SqlClient.SqlClient, CommandFailed, FileSystem.FileSystem> =>
  url.startsWith("file:")
    ? Layer.unwrapEffect(Effect.map(
      Effect.flatMap(
        SqliteFile.find(url),
        Option.match({ onNone: () => missing(url, tables), onSome: Effect.succeed })
      ),
      ({ uri }) => sqliteToRead(uri)
    ))
    : database(url)

/** A database to write to. A file that does not exist is created. */
const databaseToWrite = (url: string): Layer.Layer<SqlClient.SqlClient, CommandFailed, FileSystem.FileSystem> =>
  url.startsWith("file:")
    ? Layer.unwrapEffect(Effect.as(SqliteFile.checkWritable(url), sqlite(url)))
    : database(url)

const table = "slack_oauth_installations"

/** Whether a database has a table. */
export const hasTable = (sql: SqlClient.SqlClient, table: string): Effect.Effect<boolean, SqlError> =>
  Effect.map(
    sql.onDialectOrElse({
      pg: () => sql`SELECT 1 WHERE to_regclass(${table}) IS NOT NULL`,
      orElse: () => sql`SELECT 1 FROM sqlite_master WHERE name = ${table}`
    }),
    (rows) => rows.length > 0
  )

/** The failure of a command whose database does not answer in time. */
export const noAnswer = (): CommandFailed =>
  new CommandFailed({ message: "The database does not answer. Check that it is running, and try again." })

const hasStore = (url: string): Effect.Effect<boolean, CommandFailed, FileSystem.FileSystem> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => hasTable(sql, table)).pipe(
    Effect.timeoutFail({ duration: "30 seconds", onTimeout: noAnswer }),
    Effect.catchTag("SqlError", (error) =>
      new CommandFailed({
        message: `The database cannot be read (${codeOf(error) ?? "unknown reason"}). Check it, and try again.`
      })),
    Effect.provide(databaseToRead(url, table))
  )

type Store = Layer.Layer<
  InstallationStore.InstallationStore,
  CommandFailed | InstallationStore.InstallationStoreError | ConfigError.ConfigError,
  FileSystem.FileSystem
>

interface StoreOptions {
  /** Whether to create, migrate and write nothing. */
  readonly dryRun: boolean
}

/** A dry run does not create or migrate tables. */
const storeIn = (url: string, { dryRun }: StoreOptions) =>
  dryRun
    ? Layer.effect(InstallationStore.InstallationStore, SqlInstallationStore.make).pipe(
      Layer.provide(databaseToRead(url, table))
    )
    : Layer.provide(SqlInstallationStore.layer, databaseToWrite(url))

/** An existing store, with the keys of `SLACK_TOKEN_KEYS`. */
export const store = (url: string, options: StoreOptions): Store =>
  Layer.unwrapEffect(Effect.map(
    Effect.filterOrFail(
      hasStore(url),
      identity,
      () =>
        new CommandFailed({ message: `The database has no table ${table}. Give the URL of the database that has it.` })
    ),
    () => storeIn(url, options)
  )).pipe(Layer.provide(TokenCipher.layerConfig))

/** A store, created if it does not exist. A dry run uses an empty store in memory instead. */
export const storeOrNew = (url: string, options: StoreOptions): Store =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const isNew = url.startsWith("file:") && Option.isNone(yield* SqliteFile.find(url))
    if (!options.dryRun) return storeIn(url, options)
    return !isNew && (yield* hasStore(url))
      ? storeIn(url, options)
      : InstallationStore.layerMemory
  })).pipe(Layer.provide(TokenCipher.layerConfig))
