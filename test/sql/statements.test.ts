/** How many statements an operation runs, and what it decrypts. Each statement is a round trip on Postgres. */
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { botToken, install, userToken } from "../../src/internal/storeSuite/fixtures.js"
import { connect } from "../utils/databases.js"
import * as Statements from "../utils/effect/statements.js"
import { acquire, databaseUrls } from "../utils/resources.js"
import { cipher } from "../utils/stores.js"

const databases = await acquire(Effect.all(databaseUrls))

const at = DateTime.unsafeMake(1_700_000_000_000)
const one = install({ appId: "A1", teamId: "T1", bot: botToken("one"), user: ["U1", userToken("one")] })
const bot = Installation.botKey(one.key)

/** A store that counts its statements, its transactions and its decryptions. */
const open = (url: string) =>
  Effect.gen(function*() {
    const client = yield* Layer.build(connect(url))
    const sql = Context.get(client, SqlClient)
    const service = yield* Effect.provide(TokenCipher.TokenCipher, cipher)
    const counts = { statements: 0, transactions: 0, opened: 0 }
    const changed: Partial<SqlClient> = {
      withTransaction: (effect) =>
        Effect.suspend(() => {
          counts.transactions++
          return sql.withTransaction(effect)
        }),
      withoutTransforms: () => counted
    }
    const counted: SqlClient = new Proxy(sql, {
      get: (target, key) => Reflect.get(key in changed ? changed : target, key)
    })
    const context = yield* Layer.build(SqlInstallationStore.layer).pipe(
      Effect.provideService(SqlClient, counted),
      Effect.provideService(TokenCipher.TokenCipher, {
        ...service,
        open: (stored, row) =>
          Effect.suspend(() => {
            counts.opened++
            return service.open(stored, row)
          })
      })
    )
    const count = <A, E>(operation: Effect.Effect<A, E>) =>
      Effect.gen(function*() {
        Object.assign(counts, { statements: 0, transactions: 0, opened: 0 })
        const result = yield* Statements.onEach(operation, () => counts.statements++)
        return { ...counts, result }
      })
    return { count, store: Context.get(context, InstallationStore.InstallationStore) }
  })

for (const [name, url] of Object.entries(databases)) {
  const isPostgres = name === "Postgres"

  describe(`on ${name}`, () => {
    it.scopedLive("an operation runs no more statements than it needs", () =>
      Effect.gen(function*() {
        const { count, store } = yield* open(url)
        const once = { statements: 1, transactions: 0, opened: 0 }

        assert.deepInclude(
          yield* count(store.save(one)),
          { ...once, statements: isPostgres ? 1 : 2 },
          "a new installation"
        )
        assert.deepInclude(
          yield* count(store.save(one)),
          { statements: 2, transactions: 0, opened: 2 },
          "an install decrypts what it replaces"
        )
        assert.deepInclude(yield* count(store.credential(bot)), { ...once, opened: 1 }, "a read")

        const place = { appId: "A1", teamId: "T1", enterpriseId: "E1" }
        assert.deepInclude(yield* count(store.resolve(place)), once, "a place is resolved by one query, undecrypted")
        assert.deepInclude(yield* count(store.resolve({})), { ...once, statements: 0 }, "no place")

        const renewed = Installation.Change.Renewed({ token: botToken("two"), issuedAt: at })
        const swapped = yield* count(store.compareAndSet(bot, 2, renewed))
        assert.deepInclude(swapped, once, "a refresh decrypts nothing")
        assert.strictEqual(swapped.result._tag, "Swapped")

        assert.deepInclude(
          yield* count(store.save(one, { existing: "keep" })),
          isPostgres ? { transactions: 1 } : { statements: 4, transactions: 0 },
          "an import also reads the two credentials that it keeps"
        )

        const lease = { holder: "h", intent: "i", duration: "1 minute" } as const
        assert.deepInclude(yield* count(store.acquireLease(bot, lease)), once, "a lease")
        assert.deepInclude(yield* count(store.releaseLease(bot, "h")), once, "the end of a lease")
        assert.deepInclude(yield* count(store.remove(one.key)), { ...once, result: true }, "a removal")
        assert.deepInclude(yield* count(store.remove(one.key)), { ...once, result: false }, "a removal of nothing")
        assert.deepInclude(
          yield* count(store.save(one)),
          { ...once, statements: isPostgres ? 1 : 2 },
          "an install after a removal"
        )
      }))

    it.scopedLive("what a refresh returns is what is stored", () =>
      Effect.gen(function*() {
        const { store } = yield* open(url)
        const user = install({
          appId: "A2",
          teamId: "T1",
          bot: botToken("b", undefined, ["chat:write", "users:read"]),
          user: ["U1", userToken("u", at)]
        })
        yield* store.save(user)
        const keys = [Installation.botKey(user.key), Installation.userKey(user.key, "U1")]
        const tokens = [botToken("next", at, []), botToken("last", undefined, ["im:read"])]
        for (const key of keys) {
          for (const [index, token] of tokens.entries()) {
            const swap = yield* store.compareAndSet(
              key,
              index + 1,
              Installation.Change.Renewed({ token, issuedAt: DateTime.add(at, { minutes: index }) })
            )
            assert.deepStrictEqual(
              swap,
              InstallationStore.Swap.Swapped({
                credential: Option.getOrThrow(yield* store.credential(key))
              })
            )
          }
        }
      }))
  })
}
