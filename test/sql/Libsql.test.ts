/** A libsql file, while others write to it, and the client of one. */
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { createClient } from "@libsql/client"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { exitOf } from "../../src/internal/effect/fibers.js"
import { libsqlUrl, temporaryFolder } from "../utils/databases.js"
import { holdLock } from "../utils/lockHolder.js"
import * as LockedFile from "./lockedFile.js"

LockedFile.test({ file: "a libsql file", newUrl: libsqlUrl, layer: Libsql.layer, holdLock })

describe("a transaction on a libsql file without a write-ahead log", () => {
  it.scopedLive("waits for readers", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const sql = Context.get(yield* Layer.build(Libsql.layer({ url })), SqlClient.SqlClient)
      yield* sql`CREATE TABLE t (n INTEGER)`
      yield* sql`INSERT INTO t VALUES (1)`
      const client = createClient({ url })
      const reader = yield* Effect.promise(() => client.transaction("deferred"))
      yield* Effect.promise(() => reader.execute("SELECT n FROM t"))
      const writing = yield* Effect.fork(sql.withTransaction(sql`UPDATE t SET n = 2`))
      yield* Effect.sleep("50 millis")
      assert.isUndefined(exitOf(writing))
      reader.close()
      yield* LockedFile.answer(Fiber.join(writing))
      const { rows } = yield* Effect.promise(() => client.execute("SELECT n FROM t"))
      assert.strictEqual(rows[0]!.n, 2)
      client.close()
    }))
})

describe("the client of a libsql file", () => {
  const failure = (url: `file:${string}`) =>
    Effect.map(Effect.flip(Layer.build(Libsql.layer({ url }))), ({ _tag, message }) => `${_tag}: ${message}`)

  it.scopedLive("explains what to do if the folder is missing or not writable", () =>
    Effect.gen(function*() {
      const missing = `file:${yield* temporaryFolder}/none/slack.db` as const
      for (const url of [missing, "file:/proc/slack.db"] as const) {
        assert.strictEqual(
          yield* failure(url),
          `SqlError: The database ${url} cannot be opened. Create its folder, and give this process the right to write there.`
        )
      }
      assert.include(yield* failure("file://slack.db"), "SqlError: URL_INVALID")
    }))

  it.scopedLive("transforms names as configured, but not for a store", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(Libsql.layer({
        url: yield* libsqlUrl,
        transformQueryNames: (name) => name.toLowerCase(),
        transformResultNames: (name) => name.toUpperCase()
      }))
      const sql = Context.get(context, SqlClient.SqlClient)
      yield* sql`CREATE TABLE t (one INTEGER)`
      yield* sql`INSERT INTO ${sql("T")} ${sql.insert({ ONE: 1 })}`
      assert.deepStrictEqual((yield* sql`SELECT one FROM t`).map((row) => Object.keys(row)), [["ONE"]])
      const plain = sql.withoutTransforms()
      assert.deepStrictEqual((yield* plain`SELECT one FROM t`).map((row) => Object.keys(row)), [["one"]])
      assert.deepStrictEqual((yield* sql`SELECT one, 2 FROM t`.values).flat(), [1, 2])
      assert.strictEqual(Context.get(context, LibsqlClient.LibsqlClient), sql)
    }))
})
