/** A SQLite file of Node, while others write to it, and the client of one. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeSqlite from "effect-slack-oauth/sql/NodeSqlite"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import * as LayerContext from "../../src/internal/layerContext.js"
import * as LockedFile from "./lockedFile.js"

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-slack-oauth-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)

const fileUrl = Effect.map(folder, (folder) => `file:${Path.join(folder, "test.db")}` as const)

const pathOf = (url: string) => url.slice("file:".length)

const holder = `
const { DatabaseSync } = require("node:sqlite")
const database = new DatabaseSync(process.env.FILE, { timeout: 5000 })
database.exec("BEGIN IMMEDIATE")
process.stdout.write("locked")
process.stdin.on("end", () => database.close()).resume()
`

/** Another process holds the write lock of the file until the scope closes. */
const holdLock = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const other = spawn(process.execPath, ["--no-warnings", "--eval", holder], {
        env: { FILE: pathOf(url) },
        stdio: ["pipe", "pipe", "inherit"]
      })
      await Promise.race([
        once(other.stdout, "data"),
        once(other, "exit").then(() => Promise.reject(new Error("The lock was not taken")))
      ])
      return other
    }),
    (other) =>
      Effect.promise(async () => {
        const exit = once(other, "exit")
        other.stdin.end()
        await exit
      })
  )

const client = (url: `file:${string}`, busyTimeout: Duration.Input = "100 millis") =>
  Effect.map(Layer.build(NodeSqlite.layer({ url, busyTimeout })), Context.get(SqlClient.SqlClient))

const codeOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(LockedFile.answer(effect), {
    onSuccess: () => "done",
    onFailure: (error) => error instanceof SqlError ? `${error.reason._tag}: ${error.message}` : String(error)
  })

const isWaiting = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.pollUnsafe() === undefined

LockedFile.test({ file: "a SQLite file", newUrl: fileUrl, layer: NodeSqlite.layer, holdLock })

describe("while another process writes to a SQLite file", () => {
  it.live("many waiting writes run in the order in which they came, and all succeed", () =>
    Effect.gen(function*() {
      const url = yield* fileUrl
      const sql = yield* client(url, "20 seconds")
      yield* sql`CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)`
      const lock = yield* Scope.make()
      yield* Scope.provide(holdLock(url), lock)
      const insert = (n: number) => sql`INSERT INTO t (n) VALUES (${n})`
      const writing = yield* Effect.forkChild(Effect.forEach(
        Array.from({ length: 50 }, (_, n) => n),
        (n): Effect.Effect<unknown, SqlError> =>
          n % 10 === 9
            ? sql.withTransaction(insert(n))
            // Some give up while they wait, and nobody else has to wait for them.
            : n % 10 === 5
            ? Effect.timeoutOption(insert(n), "1 millis")
            : insert(n),
        { concurrency: "unbounded" }
      ))
      yield* Effect.sleep("100 millis")
      yield* Scope.close(lock, Exit.void)
      yield* LockedFile.answer(Fiber.join(writing))
      const stored = (yield* sql<{ n: number }>`SELECT n FROM t ORDER BY id`).map(({ n }) => n)
      assert.deepStrictEqual(stored, Array.from({ length: 50 }, (_, n) => n).filter((n) => n % 10 !== 5))
    }), 60_000)

  it.live("the file is opened as soon as it can have a write-ahead log, or not at all", () =>
    Effect.gen(function*() {
      const url = yield* fileUrl
      yield* Effect.scoped(Effect.gen(function*() {
        yield* holdLock(url)
        assert.match(yield* codeOf(Effect.scoped(client(url))), /^LockTimeoutError/)
      }))
      const lock = yield* Scope.make()
      yield* Scope.provide(holdLock(url), lock)
      const opening = yield* Effect.forkChild(client(url, "20 seconds"))
      yield* Effect.sleep("30 millis")
      assert.isTrue(isWaiting(opening))
      yield* Scope.close(lock, Exit.void)
      const sql = yield* LockedFile.answer(Fiber.join(opening))
      assert.deepStrictEqual((yield* sql`PRAGMA journal_mode`.values).flat(), ["wal"])
      assert.deepStrictEqual((yield* sql`PRAGMA synchronous`.values).flat(), [2])
    }), 60_000)
})

describe("a transaction on a SQLite file", () => {
  it.live("is gone after it could not begin, and the next one begins", () =>
    Effect.gen(function*() {
      const url = yield* fileUrl
      const sql = yield* client(url)
      yield* sql`CREATE TABLE t (n INTEGER)`
      const insert = sql.withTransaction(sql`INSERT INTO t VALUES (1)`)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* holdLock(url)
        for (let time = 0; time < 3; time++) assert.match(yield* codeOf(insert), /^LockTimeoutError/)
      }))
      const begin = Effect.provideService(SqlClient.BeginTransaction, "BEGIN NONSENSE")
      assert.match(yield* codeOf(begin(insert)), /BEGIN NONSENSE failed/)
      assert.strictEqual(yield* codeOf(insert), "done")
      assert.deepStrictEqual((yield* sql`SELECT COUNT(*) FROM t`.values).flat(), [1])
    }), 60_000)

  it.live("is rolled back when it could not commit, and the next one commits", () =>
    Effect.gen(function*() {
      const url = yield* fileUrl
      const sql = yield* client(url)
      yield* sql`PRAGMA foreign_keys = ON`
      yield* sql`CREATE TABLE p (n INTEGER PRIMARY KEY)`
      yield* sql`CREATE TABLE c (n INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)`
      const child = sql.withTransaction(sql`INSERT INTO c VALUES (1)`)
      for (let time = 0; time < 3; time++) assert.strictEqual(yield* codeOf(child), "ConstraintError: COMMIT failed")
      assert.deepStrictEqual((yield* sql`SELECT COUNT(*) FROM c`.values).flat(), [0])
      // Nobody else is kept out.
      const other = yield* client(url)
      assert.strictEqual(yield* codeOf(other`INSERT INTO p VALUES (1)`), "done")
      assert.strictEqual(yield* codeOf(child), "done")
    }))

  it.live("is gone after SQLite itself rolled it back", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* fileUrl)
      yield* sql`CREATE TABLE t (n INTEGER UNIQUE)`
      yield* sql`INSERT INTO t VALUES (1)`
      const both = sql.withTransaction(Effect.andThen(
        sql`INSERT INTO t VALUES (2)`,
        sql`INSERT OR ROLLBACK INTO t VALUES (1)`
      ))
      assert.match(yield* codeOf(both), /^(UniqueViolation|ConstraintError)/)
      assert.strictEqual(yield* codeOf(sql.withTransaction(sql`INSERT INTO t VALUES (3)`)), "done")
      assert.deepStrictEqual((yield* sql`SELECT n FROM t ORDER BY n`.values).flat(), [1, 3])
    }))

  it.live("can be had by hand, and ends with its scope", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* fileUrl)
      yield* sql`CREATE TABLE t (n INTEGER)`
      yield* Effect.scoped(Effect.gen(function*() {
        const connection = yield* sql.reserve
        yield* connection.executeUnprepared("BEGIN", [], undefined)
        yield* connection.executeRaw("INSERT INTO t VALUES (1)", [])
        assert.match(yield* codeOf(sql`INSERT INTO t VALUES (2)`), /^LockTimeoutError/)
      }))
      assert.strictEqual(yield* codeOf(sql`INSERT INTO t VALUES (3)`), "done")
      assert.deepStrictEqual((yield* sql`SELECT n FROM t`.values).flat(), [3])
    }))

  it.live("is not the transaction of work that several callers share", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* fileUrl)
      yield* sql`CREATE TABLE t (n INTEGER)`
      const shared = yield* LayerContext.make()
      const isInTransaction = LayerContext.isInTransaction
      assert.isFalse(yield* isInTransaction)
      yield* sql.withTransaction(Effect.gen(function*() {
        assert.isTrue(yield* isInTransaction)
        assert.isFalse(yield* shared.run(isInTransaction))
        // A layer that is built in a transaction outlives it.
        const late = yield* LayerContext.make()
        assert.isFalse(yield* late.run(isInTransaction))
        yield* sql`INSERT INTO t VALUES (1)`
        assert.strictEqual((yield* late.run(sql`SELECT n FROM t`)).length, 0)
      }))
    }))

  it.live("runs what was registered for after its commit", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* fileUrl)
      const done: Array<string> = []
      yield* sql.withTransaction(Effect.andThen(
        sql.afterCommit(Effect.sync(() => {
          done.push("committed")
        })),
        Effect.sync(() => done.push("in it"))
      ))
      assert.deepStrictEqual(done, ["in it", "committed"])
    }))
})

describe("the client of a SQLite file", () => {
  const failure = (url: `file:${string}`) =>
    Effect.map(
      Effect.flip(Effect.scoped(Layer.build(NodeSqlite.layer({ url })))),
      ({ _tag, message }) => `${_tag}: ${message}`
    )

  it.live("says what to do if the file cannot be opened", () =>
    Effect.gen(function*() {
      const missing = `file:${yield* folder}/none/slack.db` as const
      for (const url of [missing, "file:/proc/slack.db"] as const) {
        assert.strictEqual(
          yield* failure(url),
          `SqlError: The database ${url} cannot be opened. Create its folder, and give this process the right to write there.`
        )
      }
      for (const url of ["file://slack.db", "file:", "file::memory:", "file:slack.db?mode=ro"] as const) {
        assert.strictEqual(yield* failure(url), `SqlError: ${url} is not the URL of a file. Write file:slack.db`)
      }
    }))

  it.live("takes a time to wait that is zero or more", () =>
    Effect.gen(function*() {
      const url = yield* fileUrl
      const busyTimeout = "nonsense" as Duration.Input
      const error = yield* Effect.flip(Effect.scoped(Layer.build(NodeSqlite.layer({ url, busyTimeout }))))
      assert.strictEqual(error._tag, "ConfigError")
      assert.include(error.message, "busyTimeout")
    }))

  it.live("opens the file that a URL names", () =>
    Effect.gen(function*() {
      const path = Path.join(yield* folder, "a b.db")
      for (const url of [pathToFileURL(path).href, `file:${path.replace(" ", "%20")}`, `file:${path}`]) {
        const sql = yield* client(url as `file:${string}`)
        yield* sql`CREATE TABLE IF NOT EXISTS t (n INTEGER)`
        yield* sql`INSERT INTO t VALUES (1)`
      }
      const database = new DatabaseSync(path)
      assert.strictEqual(database.prepare("SELECT COUNT(*) AS count FROM t").get()?.count, 3)
      database.close()
    }))

  it.live("transforms names as configured, but not for a store", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(NodeSqlite.layer({
        url: yield* fileUrl,
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
      assert.strictEqual(yield* codeOf(plain.withTransaction(plain`INSERT INTO t VALUES (2)`)), "done")
    }))

  it.live("stores texts, numbers, booleans, bytes and nothing, and refuses what SQLite cannot store", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* fileUrl)
      yield* sql`CREATE TABLE t (a, b, c, d, e, f)`
      yield* sql`INSERT INTO t VALUES (${"x"}, ${1.5}, ${true}, ${new Uint8Array([1, 2])}, ${null}, ${2n ** 60n})`
      const [row] = yield* Effect.provideService(sql`SELECT * FROM t`, SqlClient.SafeIntegers, true)
      assert.deepStrictEqual(Object.values(row ?? {}), ["x", 1.5, 1, new Uint8Array([1, 2]), null, 2n ** 60n])
      // The driver takes an object for named parameters, and stores NULL.
      assert.match(yield* codeOf(sql`INSERT INTO t (a) VALUES (${new Date(0)})`), /Failed to execute/)
      assert.match(yield* codeOf(sql`SELECT f FROM t`), /Failed to execute/)
      assert.strictEqual((yield* sql`SELECT a FROM t`).length, 1)
      assert.strictEqual((yield* Stream.runCollect(sql`SELECT a FROM t`.stream)).length, 1)
      assert.deepStrictEqual(yield* sql`UPDATE t SET a = 'y'`.raw, { changes: 1, lastInsertRowid: 1 })
    }))

  it.live("sees columns that were added since", () =>
    Effect.gen(function*() {
      const url = yield* fileUrl
      const sql = yield* client(url)
      const other = yield* client(url)
      yield* sql`CREATE TABLE t (one INTEGER)`
      yield* sql`INSERT INTO t VALUES (1)`
      assert.deepStrictEqual((yield* other`SELECT one FROM t`.values).flat(), [1])
      yield* sql`ALTER TABLE t ADD COLUMN two INTEGER DEFAULT 2`
      assert.deepStrictEqual((yield* other`SELECT two FROM t`.values).flat(), [2])
      assert.deepStrictEqual((yield* sql`SELECT two FROM t`.values).flat(), [2])
    }))
})
