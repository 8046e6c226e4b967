/**
 * The tables of this package, and their migrations. The table `slack_oauth_migrations` lists which have run, apart from
 * the application's own migrations.
 *
 * @since 0.1.0
 */
import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { InstallationStoreError } from "../InstallationStore.js"
import { sqlError } from "../internal/effect/sqlErrors.js"
import { failStore } from "../internal/sql/failure.js"

// -------------------------------------------------------------------------------------
// the tables
// -------------------------------------------------------------------------------------

const statements = (
  f: (sql: SqlClient.SqlClient) => ReadonlyArray<Effect.Effect<unknown, SqlError>>
): Effect.Effect<void, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.all(f(sql), { discard: true }))

/**
 * All migrations, by number and name. A new one is added at the end. The others never change.
 *
 * Times are milliseconds since 1970. Every statement is the same in SQLite and Postgres.
 *
 * @since 0.1.0
 * @category migrations
 */
export const migrations: Readonly<Record<string, Effect.Effect<void, SqlError, SqlClient.SqlClient>>> = {
  // Installations and their credentials are in one table, so an install is one statement, and a statement is atomic in
  // every database. The row of the installation itself has the empty subject. Its `issued_at` is the time of the install.
  "1_installations": statements((sql) => [
    sql`CREATE TABLE slack_oauth_installations (
      installation TEXT NOT NULL,
      subject TEXT NOT NULL,
      generation BIGINT NOT NULL,
      issued_at BIGINT NOT NULL,
      details TEXT,
      scopes TEXT,
      bot_user_id TEXT,
      secret TEXT,
      expires_at BIGINT,
      dead_code TEXT,
      dead_since BIGINT,
      lease_holder TEXT,
      lease_intent TEXT,
      lease_since BIGINT,
      lease_until BIGINT,
      previous_holder TEXT,
      previous_intent TEXT,
      previous_since BIGINT,
      previous_until BIGINT,
      removed_at BIGINT,
      PRIMARY KEY (installation, subject)
    )`,
    sql`CREATE INDEX slack_oauth_installations_expiry
      ON slack_oauth_installations (expires_at, installation, subject)
      WHERE expires_at IS NOT NULL AND dead_code IS NULL`
  ]),
  "2_pending_installs": statements((sql) => [
    sql`CREATE TABLE slack_oauth_pending_installs (
      state_hash TEXT NOT NULL PRIMARY KEY,
      pending TEXT NOT NULL,
      expires_at BIGINT NOT NULL
    )`,
    sql`CREATE INDEX slack_oauth_pending_installs_expiry ON slack_oauth_pending_installs (expires_at)`
  ]),
  // The application's metadata of an installation, encrypted, in the row of the installation itself.
  "3_metadata": statements((sql) => [sql`ALTER TABLE slack_oauth_installations ADD COLUMN metadata TEXT`])
}

// -------------------------------------------------------------------------------------
// running migrations
// -------------------------------------------------------------------------------------

/** If two processes create the migrations table at the same moment, one of them fails. It finds the table when it retries. */
const again = Schedule.intersect(Schedule.exponential("20 millis"), Schedule.recurs(6)).pipe(Schedule.jittered)

/** Much longer than the migrations of all processes that start at once. */
const deadline = "1 minute"

/**
 * Settings of a SQLite file that several processes use: readers and a writer do not wait for each other, and writers wait
 * instead of failing. A remote libsql needs neither setting and does not know them.
 */
const share = (sql: SqlClient.SqlClient) =>
  Effect.gen(function*() {
    const [setting] = yield* sql<{ readonly timeout?: number | string }>`PRAGMA busy_timeout`
    if (Number(setting?.timeout) === 0) yield* sql`PRAGMA busy_timeout = 10000`
    yield* sql`PRAGMA journal_mode = WAL`
  })

/**
 * Runs the migrations that have not run yet, and returns their names. Any number of processes may do this at once: one of
 * them runs the migrations, the others wait for it.
 *
 * @since 0.1.0
 * @category migrations
 */
export const run: Effect.Effect<ReadonlyArray<string>, InstallationStoreError, SqlClient.SqlClient> = Effect.gen(
  function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const supported = sql.onDialectOrElse({ sqlite: () => true, pg: () => true, orElse: () => false })
    if (!supported) return yield* new InstallationStoreError({ operation: "migrate", reason: "unsupported" })

    const ran = yield* Effect.zipRight(
      sql.onDialectOrElse({ sqlite: () => Effect.ignore(share(sql)), orElse: () => Effect.void }),
      Migrator.make({})({ loader: Migrator.fromRecord({ ...migrations }), table: "slack_oauth_migrations" })
    ).pipe(
      Effect.provideService(SqlClient.SqlClient, sql),
      // The migrator turns a failed statement into a defect, and the client a failed commit.
      Effect.catchAllDefect((cause) => Effect.fail(sqlError(cause))),
      Effect.catchAll(failStore("migrate")),
      // If the file was busy, the statement has waited already.
      Effect.retry({
        schedule: again,
        while: ({ code, reason }) => reason === "unavailable" && !code?.includes("BUSY")
      }),
      Effect.timeoutFail({
        duration: deadline,
        onTimeout: () => new InstallationStoreError({ operation: "migrate", reason: "unavailable" })
      })
    )
    return ran.map(([id, name]) => `${id}_${name}`)
  }
)

/**
 * Runs the migrations when the program starts.
 *
 * @example
 * ```ts
 * import * as Libsql from "effect-slack-oauth/sql/Libsql"
 * import * as Migrations from "effect-slack-oauth/sql/Migrations"
 * import { Effect } from "effect"
 *
 * // `SqlInstallationStore.layer` does this itself.
 * const migrate = Effect.provide(Migrations.run, Libsql.layer({ url: "file::memory:" }))
 *
 * Effect.runPromise(migrate).then(console.log) // [ "1_installations", "2_pending_installs", "3_metadata" ]
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never, InstallationStoreError, SqlClient.SqlClient> = Layer.effectDiscard(run)
