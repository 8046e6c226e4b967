/** The rounds of `npm run stress` in a short form: several processes, and processes that are killed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Rounds from "./stress/tokenRounds.js"
import { libsqlUrl } from "./utils/databases.js"
import { acquire, postgresUrl } from "./utils/resources.js"

const databases = {
  libsql: await acquire(libsqlUrl),
  Postgres: await acquire(postgresUrl)
}

for (const [name, database] of Object.entries(databases)) {
  describe(`several processes on ${name}`, () => {
    it.live("that find the same tokens expired refresh each of them once", () =>
      Effect.gen(function*() {
        const { reads, refreshes } = yield* Rounds.allAtOnce({ database, processes: 3, fibers: 10, credentials: 10 })
        assert.deepStrictEqual({ reads, refreshes }, { reads: 300, refreshes: 10 })
      }), 120_000)
  })
}

// Concurrently, because each test waits for the leases of killed processes to end.
describe.concurrent("processes that are killed", () => {
  it.live("during refreshes lose no token", () =>
    Effect.gen(function*() {
      const database = yield* libsqlUrl
      const { chainsLost, replaysRefused } = yield* Rounds.kills({ database, rounds: 4, processes: 3, credentials: 10 })
      assert.deepStrictEqual({ chainsLost, replaysRefused }, { chainsLost: 0, replaysRefused: 0 })
    }).pipe(Effect.scoped), 180_000)

  it.live("during a migration leave the rest to the next one", () =>
    Effect.gen(function*() {
      const { lost } = yield* Rounds.killedMigration({
        database: yield* libsqlUrl,
        credentials: 60,
        ratePerMinute: 3000,
        leaseMillis: 6000
      })
      assert.strictEqual(lost, 0)
    }).pipe(Effect.scoped), 180_000)
})
