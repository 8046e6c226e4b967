/** This process, while another process writes to the same libsql file. */
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { createClient } from "@libsql/client"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { botToken, install, userToken } from "../../src/internal/storeSuite/fixtures.js"
import { libsqlUrl, temporaryFolder } from "../utils/databases.js"
import { holdLock } from "../utils/lockHolder.js"
import { cipher } from "../utils/stores.js"

const at = DateTime.unsafeMake(1_700_000_000_000)
const one = install({ appId: "A1", teamId: "T1", bot: botToken("one") })
const bot = Installation.botKey(one.key)
const renewed = Installation.Change.Renewed({ token: botToken("two"), issuedAt: at })

/** More rows than one statement takes. */
const large = Installation.withCredentials(one, [
  ...one.credentials,
  ...Array.from(
    { length: 2100 },
    (_, n) => install({ appId: "A1", teamId: "T1", user: [`U${n}`, userToken(`${n}`)] }).users[0]!
  )
])

const open = (url: `file:${string}`, busyTimeout: Duration.DurationInput = "100 millis") =>
  Effect.map(
    Layer.build(
      SqlInstallationStore.layer.pipe(
        Layer.provideMerge(Libsql.layer({ url, busyTimeout })),
        Layer.provide(cipher)
      )
    ),
    (context) => ({
      context,
      sql: Context.get(context, SqlClient.SqlClient),
      store: Context.get(context, InstallationStore.InstallationStore)
    })
  )

/** Fails if an effect does not end, before the test itself times out. */
const answer = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.timeoutFail(effect, { duration: "10 seconds", onTimeout: () => "no answer" as const })

const codeOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  answer(effect).pipe(
    Effect.match({
      onSuccess: () => "done",
      onFailure: (error) =>
        error instanceof InstallationStore.InstallationStoreError ? `${error.reason} ${error.code}` : error
    })
  )

describe("while another process writes to a libsql file", () => {
  const writes: Readonly<
    Record<
      string,
      (store: InstallationStore.Service) => Effect.Effect<unknown, InstallationStore.InstallationStoreError>
    >
  > = {
    "an install": (store) => store.save(one),
    "an install of thousands of people": (store) => store.save(large),
    "an import": (store) => store.save(one, { existing: "keep" }),
    "a refresh": (store) => store.compareAndSet(bot, 1, renewed),
    "a removal": (store) => store.remove(one.key),
    "a removal of one credential": (store) => store.removeCredential(bot),
    "a lease": (store) => store.acquireLease(bot, { holder: "h", intent: "i", duration: "1 minute" })
  }

  for (const [name, write] of Object.entries(writes)) {
    it.scopedLive(
      `${name} fails in time, reads still work, and afterwards everything works`,
      () =>
        Effect.gen(function*() {
          const url = yield* libsqlUrl
          const { store } = yield* open(url)
          yield* store.save(one)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* holdLock(url)
            assert.strictEqual(yield* codeOf(write(store)), "unavailable SQLITE_BUSY")
            assert.isTrue(Option.isSome(yield* answer(store.get(one.key))))
            assert.strictEqual(yield* codeOf(store.remove(one.key)), "unavailable SQLITE_BUSY")
          }))
          assert.strictEqual(yield* codeOf(store.credential(bot)), "done")
          assert.strictEqual(yield* codeOf(write(store)), "done")
          // Other clients see the same rows.
          const other = yield* open(url)
          assert.strictEqual(yield* codeOf(store.save(one)), "done")
          assert.deepStrictEqual(yield* store.credential(bot), yield* other.store.credential(bot))
          assert.isTrue(yield* answer(store.remove(one.key)))
          assert.isTrue(Option.isNone(yield* other.store.get(one.key)))
        }),
      60_000
    )
  }

  for (const [name, before] of [["a first start", 0], ["a start", 1]] as const) {
    it.scopedLive(`${name} fails in time, and the next one succeeds`, () =>
      Effect.gen(function*() {
        const url = yield* libsqlUrl
        const context = yield* Layer.build(Libsql.layer({ url, busyTimeout: "100 millis" }))
        const migrate = Effect.provide(Migrations.run, context)
        yield* Effect.replicateEffect(migrate, before)
        yield* Effect.scoped(Effect.gen(function*() {
          yield* holdLock(url)
          assert.strictEqual(yield* codeOf(migrate), "unavailable SQLITE_BUSY")
        }))
        assert.strictEqual(yield* codeOf(migrate), "done")
      }), 60_000)
  }

  it.scopedLive("the event loop runs on, and a write waits", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const { store } = yield* open(url, "20 seconds")
      yield* store.save(one)
      const lock = yield* Scope.make()
      yield* Scope.extend(holdLock(url), lock)
      const writing = yield* Effect.fork(Effect.all([store.save(one), store.remove(one.key)], { concurrency: 2 }))
      let ticks = 0
      // Until the event loop has run often enough, or the writes have ended before that.
      yield* Effect.repeat(Effect.zipRight(Effect.sleep("1 millis"), Effect.sync(() => ticks++)), {
        until: () => Effect.map(writing.status, ({ _tag }) => ticks === 100 || _tag === "Done")
      })
      assert.strictEqual(ticks, 100)
      assert.strictEqual((yield* writing.status)._tag, "Suspended")
      yield* Scope.close(lock, Exit.void)
      assert.isTrue((yield* Fiber.join(writing))[1])
    }), 60_000)

  it.scopedLive("a wait can be interrupted, and then nothing is written", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const { store } = yield* open(url, "1 hour")
      yield* store.save(one)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* holdLock(url)
        for (const write of Object.values(writes)) {
          const writing = yield* Effect.fork(write(store))
          // One waits for the other process, the other waits for the first.
          const next = yield* Effect.fork(write(store))
          yield* Effect.sleep("30 millis")
          assert.strictEqual((yield* answer(Fiber.interrupt(writing)))._tag, "Failure")
          assert.strictEqual((yield* answer(Fiber.interrupt(next)))._tag, "Failure")
        }
      }))
      assert.strictEqual(Option.getOrThrow(yield* store.credential(bot)).generation, 1)
      assert.strictEqual(yield* codeOf(store.remove(one.key)), "done")
    }), 60_000)

  it.scopedLive("many waiting writes run one after the other, and all succeed", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const { store } = yield* open(url, "20 seconds")
      yield* store.save(one)
      const lock = yield* Scope.make()
      yield* Scope.extend(holdLock(url), lock)
      const writing = yield* Effect.fork(Effect.forEach(
        Array.from({ length: 50 }, (_, n) => n),
        (n) => n % 10 === 9 ? store.save(one, { existing: "keep" }) : store.save(one),
        { concurrency: "unbounded" }
      ))
      yield* Effect.sleep("100 millis")
      yield* Scope.close(lock, Exit.void)
      yield* answer(Fiber.join(writing))
      assert.strictEqual(Option.getOrThrow(yield* store.credential(bot)).generation, 46)
    }), 60_000)
})

describe("a transaction on a libsql file", () => {
  it.scopedLive(
    "makes other writes of its process wait, but not for ever, and does not stop reads",
    () =>
      Effect.gen(function*() {
        const { sql, store } = yield* open(yield* libsqlUrl)
        yield* store.save(one)
        const begun = yield* Deferred.make<void>()
        const change = store.compareAndSet(bot, 1, renewed)
        const others = yield* Effect.fork(Effect.zipRight(
          Deferred.await(begun),
          Effect.all([
            codeOf(change),
            codeOf(store.remove(one.key)),
            codeOf(Effect.uninterruptible(change)),
            codeOf(store.credential(bot))
          ])
        ))
        // The transaction ends after them.
        const told = yield* sql.withTransaction(
          sql`UPDATE slack_oauth_installations SET scopes = 'mine'`.pipe(
            Effect.zipRight(Deferred.succeed(begun, undefined)),
            Effect.zipRight(Fiber.join(others))
          )
        )
        assert.deepStrictEqual<ReadonlyArray<unknown>>(told, [
          "unavailable SQLITE_BUSY",
          "unavailable SQLITE_BUSY",
          "unavailable SQLITE_BUSY",
          "done"
        ])
        assert.deepStrictEqual(Option.getOrThrow(yield* store.credential(bot)).token.scopes, ["mine"])
        assert.strictEqual((yield* change)._tag, "Swapped")
      }),
    60_000
  )

  it.scopedLive("rolls back what failed in it, and no more", () =>
    Effect.gen(function*() {
      const { sql } = yield* open(yield* libsqlUrl)
      yield* sql`CREATE TABLE t (n INTEGER)`
      const insert = (n: number) => sql`INSERT INTO t VALUES (${n})`
      const undone = (n: number) => Effect.ignore(sql.withTransaction(Effect.zipRight(insert(n), Effect.fail("no"))))
      yield* undone(1)
      yield* sql.withTransaction(Effect.all([insert(2), undone(3), sql.withTransaction(insert(4))]))
      const waiting = yield* Effect.fork(sql.withTransaction(Effect.zipRight(insert(5), Effect.never)))
      yield* Effect.sleep("20 millis")
      yield* Fiber.interrupt(waiting)
      yield* answer(insert(6))
      assert.deepStrictEqual((yield* sql<{ n: number }>`SELECT n FROM t ORDER BY n`).map(({ n }) => n), [2, 4, 6])
    }))

  it.scopedLive("waits for readers if the file has no write-ahead log", () =>
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
      assert.strictEqual((yield* writing.status)._tag, "Suspended")
      reader.close()
      yield* answer(Fiber.join(writing))
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
