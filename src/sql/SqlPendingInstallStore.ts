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
import * as PendingInstall from "../PendingInstall.js"

/** How many expired rows the beginning of an install clears away at most. */
const rowsPerSweep = 100

/**
 * Makes the store over the `SqlClient` in the context. Its table, `slack_oauth_pending_installs`, comes with
 * `Migrations.run`.
 *
 * Taking an install back is one `DELETE … RETURNING`, which the database runs atomically: of two processes that come
 * with the same state, one gets the row. Expired rows are swept when others are written.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<PendingInstall.Service, never, SqlClient.SqlClient> = Effect.map(
  SqlClient.SqlClient,
  (sql) => {
    // Two sweeps that lock the same rows in different orders would be a deadlock, so on Postgres each takes free rows.
    const sweep = (now: number) =>
      sql.onDialectOrElse({
        pg: () =>
          sql`DELETE FROM slack_oauth_pending_installs WHERE state_hash IN (
            SELECT state_hash FROM slack_oauth_pending_installs
            WHERE expires_at <= ${now} LIMIT ${rowsPerSweep} FOR UPDATE SKIP LOCKED
          )`,
        orElse: () =>
          sql`DELETE FROM slack_oauth_pending_installs WHERE state_hash IN (
            SELECT state_hash FROM slack_oauth_pending_installs WHERE expires_at <= ${now} LIMIT ${rowsPerSweep}
          )`
      })

    return PendingInstall.make({
      put: (stateHash, pending, until) =>
        Effect.gen(function*() {
          yield* sql`
            INSERT INTO slack_oauth_pending_installs (state_hash, pending, expires_at)
            VALUES (${stateHash}, ${pending}, ${until.epochMillis})
          `
          // The install is safe by now: what could not be swept is swept next time.
          yield* Effect.ignore(sweep(yield* Clock.currentTimeMillis))
        }),
      take: (stateHash) =>
        Effect.map(
          sql<{ readonly pending: string }>`
            DELETE FROM slack_oauth_pending_installs WHERE state_hash = ${stateHash} RETURNING pending
          `,
          (rows) => Option.map(Option.fromNullable(rows[0]), ({ pending }) => pending)
        )
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
