/** `npm run stress -- tokens`: many processes at once, processes that are killed, a migration that is killed. */
import * as Effect from "effect/Effect"
import { libsqlUrl, schemaUrl } from "../utils/databases.js"
import * as Postgres from "../utils/postgres.js"
import * as Rounds from "./tokenRounds.js"

const round = <A, E>(name: string, effect: Effect.Effect<A, E>) =>
  Effect.flatMap(effect, (counts) => Effect.sync(() => console.log(name, JSON.stringify(counts))))

export const run = () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const postgres = yield* Effect.acquireRelease(
      Effect.promise(Postgres.start),
      ({ stop }) => Effect.promise(stop)
    )
    const onPostgres = schemaUrl(postgres.url)
    const many = { processes: 8, fibers: 50, credentials: 100 }
    yield* round("all at once, Postgres:", Rounds.allAtOnce({ database: yield* onPostgres, ...many }))
    yield* round("all at once, libsql:", Rounds.allAtOnce({ database: yield* libsqlUrl, ...many }))
    const kills = { processes: 3, credentials: 100 }
    const migration = { credentials: 5000, ratePerMinute: 9000, leaseMillis: 30_000 }
    // The migration mostly waits: for its rate, and for the leases of the killed process.
    yield* Effect.all([
      Effect.zipRight(
        round("kill -9, Postgres:", Rounds.kills({ database: yield* onPostgres, rounds: 140, ...kills })),
        round("kill -9, libsql:", Rounds.kills({ database: yield* libsqlUrl, rounds: 60, ...kills }))
      ),
      round("migration, Postgres:", Rounds.killedMigration({ database: yield* onPostgres, ...migration }))
    ], { concurrency: 2 })
  })))
