/**
 * Installations in an SQL database: a SQLite file for the processes of one machine, Postgres for many machines.
 *
 * An install, a refresh, a lease and a removal are one writing statement each, so they are atomic without a transaction.
 * An import is a transaction: what it adds depends on the row of the installation, which it locks first. A caller that writes
 * several rows begins with that row, so there are no deadlocks. After a crash either all of an operation is stored or
 * nothing. Leases go by the database's clock.
 *
 * @since 0.1.0
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as InstallationStore from "../InstallationStore.js"
import { warnIfPlain } from "../internal/plainText.js"
import { changing } from "../internal/sql/changing.js"
import { leases } from "../internal/sql/leases.js"
import { listing } from "../internal/sql/listing.js"
import { reading } from "../internal/sql/reading.js"
import { removing } from "../internal/sql/removing.js"
import { saving } from "../internal/sql/saving.js"
import * as Table from "../internal/sql/table.js"
import * as TokenCipher from "../TokenCipher.js"
import * as Migrations from "./Migrations.js"

/** Warns if statements on this connection fail at once while another process writes to the file. */
const warnIfImpatient = (sql: SqlClient.SqlClient): Effect.Effect<void> =>
  Effect.gen(function*() {
    const [setting] = yield* Effect.orElseSucceed(
      sql<{ readonly timeout?: number | string }>`PRAGMA busy_timeout`,
      () => []
    )
    if (Number(setting?.timeout ?? 1) !== 0) return
    yield* Effect.logWarning(
      "Connections to this SQLite file do not wait for other writers. If several processes use it, provide effect-slack-oauth/sql/Libsql."
    )
  })

/**
 * Makes a commit wait for the disk. A refresh token is spent when its successor is stored, and better-sqlite3 would lose
 * the latest commits in a power failure. A remote libsql does not know this setting.
 */
const waitForDisk = (sql: SqlClient.SqlClient): Effect.Effect<void> => Effect.ignore(sql`PRAGMA synchronous = FULL`)

/**
 * Makes the store over the `SqlClient` in the context. Its tables have to exist; {@link layer} creates them.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<
  InstallationStore.Service,
  InstallationStore.InstallationStoreError,
  SqlClient.SqlClient | TokenCipher.TokenCipher
> = Effect.gen(function*() {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  const cipher = yield* TokenCipher.TokenCipher
  yield* warnIfPlain(cipher)
  const table = yield* Table.over(sql, cipher)
  yield* sql.onDialectOrElse({
    sqlite: () => Effect.zipRight(warnIfImpatient(sql), waitForDisk(sql)),
    orElse: () => Effect.void
  })
  return InstallationStore.make({
    ...reading(table),
    ...saving(table),
    ...changing(table),
    ...leases(table),
    ...removing(table),
    ...listing(table)
  })
})

/**
 * The store in the database of the `SqlClient` in the context. It runs `Migrations.run` first.
 *
 * @example
 * ```ts
 * import { TokenCipher } from "effect-slack-oauth"
 * import * as Libsql from "effect-slack-oauth/sql/Libsql"
 * import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
 * import { Layer } from "effect"
 *
 * // For Postgres, provide `PgClient.layerConfig` of `@effect/sql-pg` instead.
 * const StoreLive = SqlInstallationStore.layer.pipe(
 *   Layer.provide([Libsql.layer({ url: "file:slack.db" }), TokenCipher.layerConfig])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<
  InstallationStore.InstallationStore,
  InstallationStore.InstallationStoreError,
  SqlClient.SqlClient | TokenCipher.TokenCipher
> = Layer.effect(InstallationStore.InstallationStore, Effect.zipRight(Migrations.run, make))
