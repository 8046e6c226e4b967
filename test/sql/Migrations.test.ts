import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { bundled, root } from "../utils/bundle.js"
import { connect, libsqlUrl } from "../utils/databases.js"
import { acquire, databaseUrls } from "../utils/resources.js"
import { cipher } from "../utils/stores.js"

const databases = databaseUrls

const worker = await acquire(bundled("test/utils/workers/migrateWorker.ts"))

const names = Object.keys(Migrations.migrations)

describe("migrations", () => {
  for (const [name, fresh] of Object.entries(databases)) {
    it.scopedLive(`run once in ${name}, and not again`, () =>
      Effect.gen(function*() {
        const url = yield* fresh
        yield* Effect.gen(function*() {
          assert.deepStrictEqual(yield* Migrations.run, names)
          assert.deepStrictEqual(yield* Migrations.run, [])
          const sql = yield* SqlClient.SqlClient
          const rows = yield* sql<{ name: string }>`SELECT name FROM slack_oauth_migrations ORDER BY migration_id`
          assert.deepStrictEqual(rows.map(({ name }) => name), names.map((name) => name.replace(/^\d+_/, "")))
        }).pipe(Effect.provide(connect(url)))
      }))

    it.scopedLive(`keep rows in ${name} that were written before`, () =>
      Effect.gen(function*() {
        const url = yield* fresh
        yield* Effect.gen(function*() {
          const { "3_metadata": _, ...before } = Migrations.migrations
          yield* Migrator.make({})({ loader: Migrator.fromRecord(before), table: "slack_oauth_migrations" })
          const sql = yield* SqlClient.SqlClient
          const at = 1_700_000_000_000
          const target = { team: { id: "T1" }, _tag: "Workspace" }
          yield* sql`INSERT INTO slack_oauth_installations (installation, subject, generation, issued_at, details)
            VALUES ('A1/workspace/T1', '', 1, ${at}, ${JSON.stringify({ target, installedBy: "U1" })})`
          const store = yield* Effect.map(
            Layer.build(SqlInstallationStore.layer),
            Context.get(InstallationStore.InstallationStore)
          )
          const found = Option.getOrThrow(yield* store.get(Installation.workspace("A1", "T1")))
          assert.deepStrictEqual([found.metadata, found.installedBy], [Option.none(), Option.some("U1")])
        }).pipe(Effect.provide(Layer.merge(connect(url), cipher)))
      }))

    it.scopedLive(`run once in ${name} when several processes start at the same moment`, () =>
      Effect.gen(function*() {
        const url = yield* fresh
        // Each process needs time to start.
        const startAt = Date.now() + 2000
        const results = yield* Effect.promise(() =>
          Promise.all(Array.from({ length: 3 }, () =>
            promisify(execFile)(process.execPath, [worker], {
              cwd: root,
              env: { PATH: process.env.PATH, STORE_URL: url, START_AT: String(startAt) }
            })))
        )
        const ran = results.flatMap(({ stdout }) => JSON.parse(stdout.trim().split("\n").at(-1)!))
        assert.deepStrictEqual(ran, names)
      }), 60_000)
  }

  it.scopedLive("fail with `unsupported` on another kind of database", () =>
    Effect.gen(function*() {
      const sql = Context.get(yield* Layer.build(connect(yield* libsqlUrl)), SqlClient.SqlClient)
      const other = Object.assign(Object.create(sql), {
        withoutTransforms: () => other,
        onDialectOrElse: ({ orElse }: { readonly orElse: () => unknown }) => orElse()
      })
      const error = yield* Effect.flip(Effect.provideService(Migrations.run, SqlClient.SqlClient, other))
      assert.deepStrictEqual([error.operation, error.reason], ["migrate", "unsupported"])
    }))
})

describe("a libsql file", () => {
  // Effect 3 only: no driver for libsql was released for Effect 4
  it.scopedLive("gets a warning if its connections do not wait for other processes", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const said: Array<string> = []
      const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => said.push(String(message))))
      const start = <E>(database: Layer.Layer<SqlClient.SqlClient, E>) =>
        Effect.void.pipe(
          Effect.provide(SqlInstallationStore.layer),
          Effect.provide(database),
          Effect.provide(cipher),
          Effect.provide(logger)
        )
      yield* start(connect(url))
      assert.deepStrictEqual(said, [])
      yield* start(LibsqlClient.layer({ url }))
      assert.include(said.join(), "effect-slack-oauth/sql/Libsql")
    }))

  it.scopedLive("loses no write that follows a write that failed as busy", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const mine = yield* Layer.build(Libsql.layer({ url, busyTimeout: "20 millis" }))
      const other = yield* Layer.build(Libsql.layer({ url }))
      const count = Effect.flatMap(SqlClient.SqlClient, (sql) => sql<{ n: number }>`SELECT n FROM t`)
      const add = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`UPDATE t SET n = n + 1 RETURNING n`)
      yield* Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) =>
          Effect.zipRight(sql`CREATE TABLE t (n INTEGER)`, sql`INSERT INTO t VALUES (0)`)),
        mine
      )
      const failed = yield* Effect.flatMap(SqlClient.SqlClient, (sql) =>
        sql.withTransaction(Effect.zipRight(
          sql`UPDATE t SET n = 10`,
          // In a fiber of its own, outside the transaction.
          Effect.promise(() =>
            Effect.runPromise(Effect.provide(Effect.either(add), mine))
          )
        ))).pipe(
          Effect.provide(other)
        )
      assert.isTrue(Either.isLeft(failed))
      yield* Effect.provide(add, mine)
      assert.deepStrictEqual(
        (yield* Effect.provide(count, other)).map(({ n }) => n),
        [11]
      )
      yield* Effect.provide(add, other)
      assert.deepStrictEqual((yield* Effect.provide(count, mine)).map(({ n }) => n), [12])
    }), 60_000)
})
