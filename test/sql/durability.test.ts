/** A refresh token is spent when its successor is stored, so what is stored has to survive a power failure. */
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as Effect from "effect/Effect"
import { connect, libsqlUrl, sqliteNodeUrl } from "../utils/databases.js"
import { describeUnless } from "../utils/resources.js"
import * as SqliteNode from "../utils/sqliteNode.js"
import { cipher } from "../utils/stores.js"

/** https://www.sqlite.org/pragma.html#pragma_synchronous */
const full = 2

const writesToDisk = (url: Effect.Effect<string, never, Effect.Effect.Context<typeof libsqlUrl>>) =>
  Effect.gen(function*() {
    yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* Migrations.run
      yield* sql`PRAGMA synchronous = NORMAL`
      yield* SqlInstallationStore.make
      // SQLite applies the default of the build when it reads the file.
      yield* sql`SELECT COUNT(*) FROM slack_oauth_installations`
      const [setting] = yield* sql<{ readonly synchronous: number }>`PRAGMA synchronous`
      assert.strictEqual(setting?.synchronous, full)
    }).pipe(Effect.provide(connect(yield* url)), Effect.provide(cipher))
  })

describe("a store in a SQLite file", () => {
  it.scopedLive("waits for the disk at each commit", () => writesToDisk(libsqlUrl))
})

describeUnless(SqliteNode.missing, "a store on @effect/sql-sqlite-node", () => {
  it.scopedLive("waits for the disk at each commit", () => writesToDisk(sqliteNodeUrl))
})
