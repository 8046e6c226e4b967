/** Cases of leases. */
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Installation from "../../Installation.js"
import { botToken, install, userToken } from "./fixtures.js"
import { acquired, atOnce, type Case, renewed } from "./support.js"

export const leasing: ReadonlyArray<Case> = [
  ["gives the lease to one of many concurrent callers", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      const results = yield* atOnce(50, (n) =>
        store.acquireLease(bot, { holder: `holder ${n}`, intent: "refreshing generation 1", duration: "1 minute" }))
      const holders = results.flatMap((result) =>
        result._tag === "Acquired" ? [result.lease.holder] : []
      )
      assert.strictEqual(holders.length, 1)
      for (const result of results) {
        if (result._tag !== "Held") continue
        assert.strictEqual(result.lease.holder, holders[0])
        assert.strictEqual(result.lease.intent, "refreshing generation 1")
        assert.isTrue(
          Duration.between(result.remaining, { minimum: Duration.seconds(1), maximum: Duration.minutes(1) })
        )
      }
    })],

  ["releases a lease only for its holder", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      const ask = (holder: string) => store.acquireLease(bot, { holder, intent: "testing", duration: "1 minute" })
      acquired(yield* ask("one"))
      assert.isFalse(yield* store.releaseLease(bot, "two"))
      assert.strictEqual((yield* ask("two"))._tag, "Held")
      assert.isTrue(yield* store.releaseLease(bot, "one"))
      assert.isFalse(yield* store.releaseLease(bot, "one"))
      assert.isTrue(Option.isNone(acquired(yield* ask("two")).previous))
    })],

  [
    "gives an expired lease to the next caller, with the previous holder's intent",
    (store, appId) =>
      Effect.gen(function*() {
        const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
        const bot = Installation.botKey(key)
        const first = acquired(
          yield* store.acquireLease(bot, { holder: "one", intent: "refreshing generation 1", duration: "40 millis" })
        )
        const second = yield* store.acquireLease(bot, { holder: "two", intent: "looking", duration: "1 minute" }).pipe(
          Effect.delay("10 millis"),
          Effect.repeat({ until: ({ _tag }) => _tag === "Acquired" }),
          Effect.map(acquired)
        )
        const previous = Option.getOrThrow(second.previous)
        assert.strictEqual(previous.holder, "one")
        assert.strictEqual(previous.intent, "refreshing generation 1")
        assert.isTrue(DateTime.Equivalence(previous.since, first.lease.since))
        assert.isAtLeast(DateTime.distance(previous.until, second.lease.since), 0)
        assert.isFalse(yield* store.releaseLease(bot, "one"))
        assert.isTrue(yield* store.releaseLease(bot, "two"))
      })
  ],

  ["renews a lease for its holder with a new intent", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      yield* store.acquireLease(bot, { holder: "one", intent: "first try", duration: "5 seconds" })
      const { lease, previous } = acquired(
        yield* store.acquireLease(bot, { holder: "one", intent: "second try", duration: "1 minute" })
      )
      assert.strictEqual(lease.intent, "second try")
      assert.strictEqual(Option.getOrThrow(previous).intent, "first try")
      const held = yield* store.acquireLease(bot, { holder: "two", intent: "", duration: "1 second" })
      assert.isTrue(held._tag === "Held" && Duration.greaterThan(held.remaining, Duration.seconds(10)))
    })],

  [
    "keeps a lease when the credential changes, and removes it with the credential",
    (store, appId) =>
      Effect.gen(function*() {
        const installation = install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
        const bot = Installation.botKey(installation.key)
        yield* store.save(installation)
        const ask = (key: Installation.CredentialKey, holder: string) =>
          Effect.map(store.acquireLease(key, { holder, intent: "testing", duration: "1 minute" }), ({ _tag }) => _tag)
        assert.strictEqual(yield* ask(bot, "one"), "Acquired")
        yield* store.compareAndSet(bot, 1, renewed("refreshed"))
        assert.strictEqual(yield* ask(bot, "two"), "Held")
        yield* store.save(installation)
        assert.strictEqual(yield* ask(bot, "two"), "Held")
        assert.strictEqual(yield* ask(Installation.userKey(installation.key, "U1"), "two"), "Acquired")
        yield* store.remove(installation.key)
        assert.strictEqual(yield* ask(bot, "two"), "Missing")
        yield* store.save(installation)
        assert.strictEqual(yield* ask(bot, "two"), "Acquired")
      })
  ]
]
