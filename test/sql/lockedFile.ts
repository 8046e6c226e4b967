/** What every driver for SQLite files promises while somebody else writes to the file. */
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { exitOf } from "../../src/internal/effect/fibers.js"
import { botToken, install, userToken } from "../../src/internal/storeSuite/fixtures.js"
import { cipher } from "../utils/stores.js"

export type Url = `file:${string}`

export interface Driver {
  /** For the names of the tests, such as "a libsql file". */
  readonly file: string
  readonly newUrl: Effect.Effect<Url, never, Scope.Scope>
  readonly layer: (options: {
    readonly url: Url
    readonly busyTimeout: Duration.DurationInput
  }) => Layer.Layer<SqlClient.SqlClient, unknown>
  /** Another process holds the write lock of the file until the scope closes. */
  readonly holdLock: (url: Url) => Effect.Effect<unknown, never, Scope.Scope>
}

/** Fails if an effect does not end, before the test itself times out. */
export const answer = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.timeoutFail(effect, { duration: "10 seconds", onTimeout: () => "no answer" as const })

const isWaiting = (fiber: Fiber.RuntimeFiber<unknown, unknown>) => exitOf(fiber) === undefined

const codeOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(answer(effect), {
    onSuccess: () => "done",
    onFailure: (error) =>
      error instanceof InstallationStore.InstallationStoreError ? `${error.reason} ${error.code}` : String(error)
  })

const at = DateTime.unsafeMake(1_700_000_000_000)
const one = install({ appId: "A1", teamId: "T1", bot: botToken("one") })
const bot = Installation.botKey(one.key)
const renewed = Installation.Change.Renewed({ token: botToken("two"), issuedAt: at })

/** More rows than one statement takes. */
const large = Installation.withCredentials(one, [
  ...one.credentials,
  ...Array.from(
    { length: 2100 },
    (_, n) => install({ appId: "A1", teamId: "T1", user: [`U${n}`, userToken(`${n}`)] }).users
  ).flat()
])

const writes: Readonly<
  Record<string, (store: InstallationStore.Service) => Effect.Effect<unknown, InstallationStore.InstallationStoreError>>
> = {
  "an install": (store) => store.save(one),
  "an install of thousands of people": (store) => store.save(large),
  "an import": (store) => store.save(one, { existing: "keep" }),
  "a refresh": (store) => store.compareAndSet(bot, 1, renewed),
  "a removal": (store) => store.remove(one.key),
  "a removal of one credential": (store) => store.removeCredential(bot),
  "a lease": (store) => store.acquireLease(bot, { holder: "h", intent: "i", duration: "1 minute" })
}

export const test = ({ file, holdLock, layer, newUrl }: Driver): void => {
  const open = (url: Url, busyTimeout: Duration.DurationInput = "100 millis") =>
    Effect.map(
      Layer.build(
        SqlInstallationStore.layer.pipe(Layer.provideMerge(layer({ url, busyTimeout })), Layer.provide(cipher))
      ),
      (context) => ({
        sql: Context.get(context, SqlClient.SqlClient),
        store: Context.get(context, InstallationStore.InstallationStore)
      })
    )

  /** A store with one installation, whose file another process has locked; it waits long enough for `unlock`. */
  const openLocked = Effect.gen(function*() {
    const url = yield* newUrl
    const { store } = yield* open(url, "20 seconds")
    yield* store.save(one)
    const lock = yield* Scope.make()
    yield* Scope.extend(holdLock(url), lock)
    return { store, unlock: Scope.close(lock, Exit.void) }
  })

  describe(`while another process writes to ${file}`, () => {
    for (const [name, write] of Object.entries(writes)) {
      it.scopedLive(
        `${name} fails in time, reads still work, and afterwards everything works`,
        () =>
          Effect.gen(function*() {
            const url = yield* newUrl
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
          const url = yield* newUrl
          const context = yield* Layer.build(layer({ url, busyTimeout: "100 millis" }))
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
        const { store, unlock } = yield* openLocked
        const writing = yield* Effect.fork(Effect.all([store.save(one), store.remove(one.key)], { concurrency: 2 }))
        // Until the event loop has run often enough, or the writes have ended before that.
        let ticks = 0
        for (; ticks < 100 && isWaiting(writing); ticks++) yield* Effect.sleep("1 millis")
        assert.strictEqual(ticks, 100)
        assert.isTrue(isWaiting(writing))
        yield* unlock
        assert.isTrue((yield* Fiber.join(writing))[1])
      }), 60_000)

    it.scopedLive("a wait can be interrupted, and then nothing is written", () =>
      Effect.gen(function*() {
        const url = yield* newUrl
        const { store } = yield* open(url, "1 hour")
        yield* store.save(one)
        yield* Effect.scoped(Effect.gen(function*() {
          yield* holdLock(url)
          for (const write of Object.values(writes)) {
            const writing = yield* Effect.fork(write(store))
            // One waits for the other process, the other waits for the first.
            const next = yield* Effect.fork(write(store))
            yield* Effect.sleep("30 millis")
            for (const fiber of [writing, next]) {
              yield* answer(Fiber.interrupt(fiber))
              assert.isTrue(Exit.isInterrupted(yield* Fiber.await(fiber)))
            }
          }
        }))
        assert.strictEqual(Option.getOrThrow(yield* store.credential(bot)).generation, 1)
        assert.strictEqual(yield* codeOf(store.remove(one.key)), "done")
      }), 60_000)

    it.scopedLive("many waiting writes run one after the other, and all succeed", () =>
      Effect.gen(function*() {
        const { store, unlock } = yield* openLocked
        const writing = yield* Effect.fork(Effect.forEach(
          Array.from({ length: 50 }, (_, n) => n),
          (n) => n % 10 === 9 ? store.save(one, { existing: "keep" }) : store.save(one),
          { concurrency: "unbounded" }
        ))
        yield* Effect.sleep("100 millis")
        yield* unlock
        yield* answer(Fiber.join(writing))
        assert.strictEqual(Option.getOrThrow(yield* store.credential(bot)).generation, 46)
      }), 60_000)
  })

  describe(`a transaction on ${file}`, () => {
    it.scopedLive(
      "makes other writes of its process wait, but not for ever, and does not stop reads",
      () =>
        Effect.gen(function*() {
          const { sql, store } = yield* open(yield* newUrl)
          yield* store.save(one)
          const begun = yield* Deferred.make<void>()
          const change = store.compareAndSet(bot, 1, renewed)
          const others = yield* Effect.fork(Effect.zipRight(
            Deferred.await(begun),
            Effect.all([
              codeOf(change),
              codeOf(store.remove(one.key)),
              codeOf(Effect.uninterruptible(change)),
              codeOf(Effect.map(store.credential(bot), Option.getOrThrow))
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
        const { sql } = yield* open(yield* newUrl)
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
  })
}
