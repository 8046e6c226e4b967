/** Removals on Postgres that wait for a caller who adds credentials. */
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { botToken, install, userToken } from "../../src/internal/storeSuite/fixtures.js"
import { connect } from "../utils/databases.js"
import { acquire, postgresUrl } from "../utils/resources.js"
import { cipher } from "../utils/stores.js"

const url = await acquire(postgresUrl)

const open = Effect.map(
  Layer.build(Layer.provideMerge(Layer.provide(SqlInstallationStore.layer, cipher), connect(url))),
  (context) => ({
    sql: Context.get(context, SqlClient.SqlClient),
    store: Context.get(context, InstallationStore.InstallationStore)
  })
)

const t0 = DateTime.unsafeMake(1_700_000_000_000)

/** Waits until a session waits for the lock of another session. */
const somebodyWaits = (sql: SqlClient.SqlClient) =>
  Effect.repeat(
    sql`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%slack_oauth_installations%'`,
    { until: (rows) => rows.length > 0 }
  )

describe("a removal on Postgres that waits for the installation's own row", () => {
  const writers = { "an install": "replace", "an import": "keep" } as const
  /** Whether the removal removes the installation after that. */
  const removals = {
    "whatever its age": { installedBefore: undefined, replace: true, keep: true },
    "if it is old": { installedBefore: DateTime.add(t0, { minutes: 30 }), replace: false, keep: true }
  }

  for (const [writer, kind] of Object.entries(writers)) {
    for (const [when, { installedBefore, ...removes }] of Object.entries(removals)) {
      it.scopedLive(`removes what ${writer} adds at the same time, or nothing: ${when}`, () =>
        Effect.gen(function*() {
          const [mine, other] = [yield* open, yield* open]
          const place = { appId: "A1", teamId: `T${writer}${when}` }
          const { key } = yield* mine.store.save(install({ ...place, bot: botToken("bot"), at: t0 }))
          const later = DateTime.add(t0, { hours: 1 })
          const added = install({ ...place, user: ["U1", userToken("user")], at: later })
          const mayCommit = yield* Deferred.make<void>()
          const written = yield* Deferred.make<void>()
          const writing = yield* Effect.fork(mine.sql.withTransaction(
            mine.store.save(added, { existing: kind }).pipe(
              Effect.zipRight(Deferred.succeed(written, undefined)),
              Effect.zipRight(Deferred.await(mayCommit))
            )
          ))
          yield* Deferred.await(written)
          const removing = yield* Effect.fork(other.store.remove(key, { installedBefore }))
          yield* somebodyWaits(other.sql)
          yield* Deferred.succeed(mayCommit, undefined)
          yield* Fiber.join(writing)
          const removed = yield* Fiber.join(removing)
          const rows = yield* other.sql`SELECT subject FROM slack_oauth_installations
            WHERE installation = ${String(key)} AND removed_at IS NULL`
          assert.strictEqual(removed, removes[kind])
          assert.strictEqual(rows.length, removed ? 0 : 3)
          assert.strictEqual(Option.isSome(yield* other.store.get(key)), !removed)
        }), 30_000)
    }
  }
})
