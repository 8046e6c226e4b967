/** `npm run stress -- outages`: a silent network, paused processes, a file that another program has locked. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { libsqlUrl, schemaUrl } from "../utils/databases.js"
import * as Postgres from "../utils/postgres.js"
import * as Rounds from "./outageRounds.js"

/** Prints the result of a round. If it fails, the other rounds continue. */
const round = <A, E>(name: string, effect: Effect.Effect<A, E>) =>
  Effect.matchCause(effect, {
    onFailure: (cause) => {
      console.error(name, Cause.pretty(cause))
      return false
    },
    onSuccess: (counts) => {
      console.log(name, JSON.stringify(counts))
      return true
    }
  })

export const run = async () => {
  const passed = await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const postgres = yield* Effect.acquireRelease(
      Effect.promise(Postgres.start),
      ({ stop }) => Effect.promise(stop)
    )
    const onPostgres = schemaUrl(postgres.url)
    const pauses = { processes: 5, credentials: 20, pauses: 3 }
    const [short, long] = [0.5, 1.3]
    // Two at a time. With more of them Slack's answers are late, and late answers are not what is tested here.
    const passed = yield* Effect.all([
      Effect.all([
        round(
          "silent network, Postgres:",
          Rounds.silences({ database: yield* onPostgres, processes: 4, credentials: 20, silences: 3 })
        ),
        round(
          "foreign lock, libsql:",
          Rounds.foreignLocks({ database: yield* libsqlUrl, processes: 2, credentials: 20, locks: 3 })
        )
      ]),
      Effect.all([
        round(
          "paused processes, long grace:",
          Rounds.pauses({ database: yield* onPostgres, ...pauses, leases: [short, long], graceMillis: 600_000 })
        ),
        round(
          "paused processes, grace shorter than the pause:",
          Rounds.pauses({ database: yield* onPostgres, ...pauses, leases: [short], graceMillis: 300 })
        ),
        round(
          "paused processes, grace and lease shorter than the pause:",
          Rounds.pauses({ database: yield* onPostgres, ...pauses, leases: [long], graceMillis: 300 })
        )
      ])
    ], { concurrency: "unbounded" })
    return !passed.flat().includes(false)
  })))
  if (!passed) throw new Error("Not all outage rounds passed")
}
