/**
 * Pending installs in an SQL database, for several machines behind one address. Any of them can finish an install, and
 * only one of them does.
 *
 * @since 0.1.0
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as LayerContext from "../internal/layerContext.js"
import * as PendingInstall from "../PendingInstall.js"

/** How many expired rows a `save` deletes at most. */
const rowsPerSweep = 100

/** Anybody can begin an install, so the number of rows is limited. */
const maxRows = 100_000

/** Every so many saves, and at its first one, a process checks whether there are too many rows. */
const beginsPerCheck = 100

/** How many rows beyond the limit one check deletes at most. It is more than are added between two checks. */
const rowsPerCheck = 1000

/**
 * Makes the store over the `SqlClient` in the context. `Migrations.run` creates its table,
 * `slack_oauth_pending_installs`.
 *
 * `consume` is one `DELETE … RETURNING`, which the database runs atomically: of two processes with the same state, one
 * gets the row. `save` also deletes rows that expired an hour ago, and the oldest of more than 100 000 rows.
 *
 * The store uses connections of its own and never a transaction of the caller: if that rolled back, an install could be
 * used twice. If the caller's transaction has the only connection of the pool (libsql has only one), the call fails with
 * a `PendingInstallStoreError` after ten seconds.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<PendingInstall.Service, never, SqlClient.SqlClient> = Effect.zipWith(
  SqlClient.SqlClient,
  LayerContext.make(),
  (sql, { run }) => {
    // Two sweeps could lock the same rows in different orders, a deadlock. So on Postgres each skips locked rows.
    const sweep = (until: number, limit: number) =>
      sql.onDialectOrElse({
        pg: () =>
          sql`DELETE FROM slack_oauth_pending_installs WHERE state_hash IN (
            SELECT state_hash FROM slack_oauth_pending_installs
            WHERE expires_at <= ${until} LIMIT ${limit} FOR UPDATE SKIP LOCKED
          )`,
        orElse: () =>
          sql`DELETE FROM slack_oauth_pending_installs WHERE state_hash IN (
            SELECT state_hash FROM slack_oauth_pending_installs WHERE expires_at <= ${until} LIMIT ${limit}
          )`
      })

    const sweepBeyondLimit = Effect.flatMap(
      sql<{ readonly until: number | string }>`
        SELECT expires_at AS until FROM slack_oauth_pending_installs ORDER BY expires_at DESC LIMIT 1 OFFSET ${maxRows}
      `,
      ([row]) => row === undefined ? Effect.void : Effect.asVoid(sweep(Number(row.until), rowsPerCheck))
    )

    let begins = 0

    return PendingInstall.make({
      put: (stateHash, pending, until) =>
        run(Effect.gen(function*() {
          yield* sql`
            INSERT INTO slack_oauth_pending_installs (state_hash, pending, expires_at)
            VALUES (${stateHash}, ${pending}, ${until.epochMillis})
          `
          // The install is stored. If a sweep fails, a later one deletes the same rows.
          yield* Effect.ignore(sweep(yield* Clock.currentTimeMillis, rowsPerSweep))
          if (begins++ % beginsPerCheck === 0) yield* Effect.ignore(sweepBeyondLimit)
        })),
      take: (stateHash) =>
        run(Effect.map(
          sql<{ readonly pending: string }>`
            DELETE FROM slack_oauth_pending_installs WHERE state_hash = ${stateHash} RETURNING pending
          `,
          (rows) => Option.map(Option.fromNullable(rows[0]), ({ pending }) => pending)
        ))
    }, () => "the database refused the statement (are the migrations of this package applied?)")
  }
)

/**
 * Pending installs in the database of the `SqlClient` in the context.
 *
 * @example
 * ```ts
 * import * as Libsql from "effect-slack-oauth/sql/Libsql"
 * import * as Migrations from "effect-slack-oauth/sql/Migrations"
 * import * as SqlPendingInstallStore from "effect-slack-oauth/sql/SqlPendingInstallStore"
 * import { Layer } from "effect"
 *
 * const PendingLive = SqlPendingInstallStore.layer.pipe(
 *   Layer.provide(Migrations.layer),
 *   Layer.provide(Libsql.layer({ url: "file:slack.db" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<PendingInstall.PendingInstallStore, never, SqlClient.SqlClient> = Layer.effect(
  PendingInstall.PendingInstallStore,
  make
)
