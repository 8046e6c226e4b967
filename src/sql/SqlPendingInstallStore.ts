/**
 * Pending installs in an SQL database, for several machines behind one address: whichever of them Slack's redirect
 * reaches can finish the install, and only one of them does.
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

/** How many expired rows the beginning of an install deletes at most. */
const rowsPerSweep = 100

/** Anybody can begin an install without signing in, so the number of rows is limited. */
const maxRows = 100_000

/** A process looks whether there are more, and deletes the oldest, when it begins its first install and every so many. */
const beginsPerCheck = 100

/** How many rows beyond the limit one look deletes at most: more than there come from one to the next. */
const rowsPerCheck = 1000

/**
 * Makes the store over the `SqlClient` in the context. Its table, `slack_oauth_pending_installs`, comes with
 * `Migrations.run`.
 *
 * Taking an install back is one `DELETE … RETURNING`, which the database runs atomically: of two processes that come
 * with the same state, one gets the row. Writing a row sweeps others that expired an hour ago, and the oldest of more
 * than 100 000 rows.
 *
 * Both happen on connections of the store's own, never in a transaction of the caller's: if that rolled back, an install
 * could be taken twice. A caller whose transaction has the only connection of the pool (libsql has only one) gets a
 * `PendingInstallStoreError` after ten seconds.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<PendingInstall.Service, never, SqlClient.SqlClient> = Effect.zipWith(
  SqlClient.SqlClient,
  LayerContext.make(),
  (sql, { run }) => {
    // Two sweeps that lock the same rows in different orders would be a deadlock, so on Postgres each takes free rows.
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
          // The install is safe by now: what could not be swept is swept next time.
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
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<PendingInstall.PendingInstallStore, never, SqlClient.SqlClient> = Layer.effect(
  PendingInstall.PendingInstallStore,
  make
)
