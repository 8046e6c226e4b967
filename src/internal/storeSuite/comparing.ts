/** Cases of `compareAndSet`. */
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Installation from "../../Installation.js"
import { botToken, install, t0 } from "./fixtures.js"
import { after, atOnce, type Case, generationOf, isDead, renewed, swapped, tokenOf } from "./support.js"

export const comparing: ReadonlyArray<Case> = [
  ["changes a credential of the expected generation", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b", after("12 hours")) }))
      const bot = Installation.botKey(key)
      const credential = swapped(yield* store.compareAndSet(bot, 1, renewed("refreshed")))
      assert.strictEqual(credential.generation, 2)
      assert.isTrue(DateTime.Equivalence(credential.issuedAt, after("1 hour")))
      const stored = Option.getOrThrow(yield* store.credential(bot))
      assert.deepStrictEqual(
        Schema.encodeSync(Installation.Credential)(stored),
        Schema.encodeSync(Installation.Credential)(credential)
      )
      assert.deepStrictEqual(stored.token.scopes, ["chat:write", "commands"])
      assert.strictEqual(stored._tag === "BotCredential" && Option.getOrUndefined(stored.token.botUserId), "U0BOT")
      const expiry = Option.getOrThrow(stored.token.expiry)
      assert.isTrue(DateTime.Equivalence(expiry.expiresAt, after("13 hours")))
      assert.strictEqual(Redacted.value(Option.getOrThrow(expiry.refreshToken)), "xoxe-test-refreshed")
    })],

  ["leaves a credential of another generation unchanged, and returns it", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      yield* store.compareAndSet(bot, 1, renewed("winner"))
      for (const generation of [0, 1, 3]) {
        const swap = yield* store.compareAndSet(bot, generation, renewed("loser"))
        assert.strictEqual(swap._tag, "Superseded")
        assert.strictEqual(swap._tag === "Superseded" ? tokenOf(swap.current) : "", "xoxb-test-winner")
      }
      assert.strictEqual(
        (yield* store.compareAndSet(bot, 1, Installation.Change.Dead({ code: "invalid_refresh_token", since: t0 })))
          ._tag,
        "Superseded"
      )
      assert.isFalse(isDead(yield* store.credential(bot)))
      const absent = yield* store.compareAndSet(Installation.userKey(key, "U1"), 1, renewed("nobody"))
      assert.isTrue(absent._tag === "Superseded" && Option.isNone(absent.current))
    })],

  [
    "marks a credential as dead, keeps its token, and removes the mark with a new token",
    (store, appId) =>
      Effect.gen(function*() {
        const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b", after("12 hours")) }))
        const bot = Installation.botKey(key)
        const since = after("5 minutes")
        const dead = swapped(
          yield* store.compareAndSet(bot, 1, Installation.Change.Dead({ code: "invalid_refresh_token", since }))
        )
        for (const credential of [dead, Option.getOrThrow(yield* store.credential(bot))]) {
          assert.strictEqual(credential.generation, 2)
          assert.strictEqual(Redacted.value(credential.token.accessToken), "xoxb-test-b")
          const { code, since: at } = Option.getOrThrow(credential.reauthorization)
          assert.strictEqual(code, "invalid_refresh_token")
          assert.isTrue(DateTime.Equivalence(at, since))
          assert.isTrue(DateTime.Equivalence(credential.issuedAt, t0))
        }
        assert.isFalse(isDead(Option.some(swapped(yield* store.compareAndSet(bot, 2, renewed("alive"))))))
        assert.isFalse(isDead(yield* store.credential(bot)))
      })
  ],

  ["rejects a refresh that finishes after a reinstall", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      yield* store.save(install({ appId, teamId: "T1", bot: botToken("reinstalled") }))
      const swap = yield* store.compareAndSet(Installation.botKey(key), 1, renewed("refreshed"))
      assert.strictEqual(swap._tag === "Superseded" ? tokenOf(swap.current) : "", "xoxb-test-reinstalled")
    })],

  ["lets one of many concurrent changes win", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      const swaps = yield* atOnce(50, (n) => store.compareAndSet(bot, 1, renewed(`n${n}`)))
      const winners = swaps.flatMap((swap, n) => swap._tag === "Swapped" ? [n] : [])
      assert.strictEqual(winners.length, 1)
      assert.strictEqual(tokenOf(yield* store.credential(bot)), `xoxb-test-n${winners[0]}`)
    })],

  ["loses no update among concurrent saves and changes", (store, appId) =>
    Effect.gen(function*() {
      const installation = install({ appId, teamId: "T1", bot: botToken("b") })
      const bot = Installation.botKey(installation.key)
      yield* store.save(installation)
      const writes = yield* atOnce(100, (n) =>
        n % 5 === 0
          ? Effect.as(store.save(installation), 1)
          : Effect.flatMap(store.credential(bot), (current) =>
            Effect.map(
              store.compareAndSet(bot, generationOf(current)!, renewed(`n${n}`)),
              (swap) => swap._tag === "Swapped" ? 1 : 0
            )))
      const written = writes.reduce((a, b) => a + b, 0)
      assert.isAtLeast(written, 20)
      assert.strictEqual(generationOf(yield* store.credential(bot)), 1 + written)
    })]
]
