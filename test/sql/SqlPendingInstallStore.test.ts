import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlPendingInstallStore from "effect-slack-oauth/sql/SqlPendingInstallStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { connect } from "../utils/databases.js"
import { newStateHash, pendingInstall, storeContract } from "../utils/pendingInstallStores.js"
import { databaseUrls } from "../utils/resources.js"

/** The store over a migrated database, and the client below it. */
const over = (url: string) =>
  SqlPendingInstallStore.layer.pipe(
    Layer.provideMerge(Migrations.layer),
    Layer.provideMerge(connect(url))
  )

/** How many installs are under way. */
const count = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ readonly n: number | string }>`SELECT count(*) AS n FROM slack_oauth_pending_installs`,
    ([row]) => Number(row?.n)
  ))

for (const [name, newUrl] of Object.entries(databaseUrls)) {
  const Live = Layer.unwrapScoped(Effect.map(newUrl, over))

  describe(`in ${name}`, () => {
    storeContract(Live)

    it.scoped("one of two processes gets an install, and each finds the installs of the other", () =>
      Effect.gen(function*() {
        const url = yield* newUrl
        const anotherProcess = Effect.map(
          Layer.build(Layer.fresh(over(url))),
          Context.get(PendingInstall.PendingInstallStore)
        )
        const [one, two] = [yield* anotherProcess, yield* anotherProcess]
        for (let round = 0; round < 20; round++) {
          const hash = yield* newStateHash
          yield* (round % 2 === 0 ? one : two).save(hash, yield* pendingInstall())
          const results = yield* Effect.all(
            [one, two, one, two].map((store) => Effect.either(store.consume(hash, ""))),
            { concurrency: "unbounded" }
          )
          const errors = results.filter(Either.isLeft).map(({ left }) => left._tag)
          assert.deepStrictEqual(errors, Array.from({ length: 3 }, () => "PendingInstallNotFound"))
        }
      }))

    it.effect("stores no state, and removes installs that expired an hour ago", () =>
      Effect.gen(function*() {
        const store = yield* PendingInstall.PendingInstallStore
        for (let n = 0; n < 120; n++) yield* store.save(yield* newStateHash, yield* pendingInstall())
        yield* TestClock.adjust("69 minutes")
        yield* store.save(yield* newStateHash, yield* pendingInstall())
        assert.strictEqual(yield* count, 121)
        yield* TestClock.adjust("1 minutes")
        yield* store.save(yield* newStateHash, yield* pendingInstall())
        assert.strictEqual(yield* count, 22, "a hundred at a time")
        yield* store.save(yield* newStateHash, yield* pendingInstall())
        assert.strictEqual(yield* count, 3)
      }).pipe(Effect.provide(Live)))

    it.effect(
      "drops the oldest of more than a hundred thousand rows, and their callbacks say to start again",
      () =>
        Effect.gen(function*() {
          const store = yield* PendingInstall.PendingInstallStore
          const sql = yield* SqlClient.SqlClient
          const [oldest, newest] = [yield* newStateHash, yield* newStateHash]
          yield* store.save(oldest, yield* pendingInstall())
          // Strangers, one each millisecond, up to a hundred beyond the limit.
          const from = (yield* pendingInstall()).expiresAt.epochMillis + 3_600_000
          yield* sql`
          INSERT INTO slack_oauth_pending_installs (state_hash, pending, expires_at)
          WITH RECURSIVE strangers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM strangers WHERE n < 100100)
          SELECT 'stranger-' || n, '', ${from} + n FROM strangers
        `
          yield* TestClock.adjust("5 minutes")
          for (let n = 0; n < 99; n++) yield* store.save(yield* newStateHash, yield* pendingInstall())
          yield* store.save(newest, yield* pendingInstall())
          assert.strictEqual(yield* count, 100_000)
          assert.deepInclude(yield* Effect.flip(store.consume(oldest, "")), { used: false })
          yield* store.consume(newest, "")
        }).pipe(Effect.provide(Live)),
      30_000
    )

    it.effect("removes expired installs from several processes at once without a deadlock", () =>
      Effect.gen(function*() {
        const store = yield* PendingInstall.PendingInstallStore
        for (let n = 0; n < 50; n++) yield* store.save(yield* newStateHash, yield* pendingInstall())
        yield* TestClock.adjust("2 hours")
        const saved = yield* Effect.forEach(
          Array.from({ length: 10 }),
          () =>
            Effect.flatMap(newStateHash, (hash) => Effect.flatMap(pendingInstall(), (one) => store.save(hash, one))),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(saved.length, 10)
      }).pipe(Effect.provide(Live)))

    it.scoped("says that the migrations are missing, if its table is missing", () =>
      Effect.gen(function*() {
        const store = yield* Effect.provide(SqlPendingInstallStore.make, yield* Layer.build(connect(yield* newUrl)))
        const error = yield* Effect.flip(store.save(yield* newStateHash, yield* pendingInstall()))
        assert.match(error.message, /migrations/)
      }))
  })
}
