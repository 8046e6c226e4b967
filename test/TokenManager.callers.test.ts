/** Callers who ask while a refresh is under way, by force, for themselves alone, or inside a transaction. */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { exitOf } from "../src/internal/effect/fibers.js"
import { inTransaction } from "./utils/effect/transactions.js"
import { type FaultyStore, makeFaultyStore, once, unavailable } from "./utils/faultyStore.js"
import { botToken, install, refreshes, storedToken, unsavedToken, watchEvents } from "./utils/installations.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

const live = (options?: TokenManager.Options, faultyStore: FaultyStore = makeFaultyStore()) =>
  TokenManager.layer(options).pipe(
    Layer.provideMerge(faultyStore.layer),
    Layer.provideMerge(InstallationStore.layerMemory),
    Layer.provideMerge(OAuthV2.layer),
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer())
  )

describe("a caller who asks after a change, while an older refresh is under way", () => {
  /** An installation whose token has expired, and whose refresh waits for Slack for another five seconds. */
  const refreshing = Effect.gen(function*() {
    const { key } = yield* install()
    yield* TestClock.adjust("12 hours")
    yield* SlackEmulator.inject({ fault: SlackEmulator.delay("5 seconds"), times: 1 })
    yield* Effect.fork(Effect.exit(botToken(key)))
    yield* TestClock.adjust("1 millis")
    return key
  })

  /** How a caller ends who asks now, if that is at once. */
  const atOnce = (key: Installation.InstallationKey) =>
    Effect.gen(function*() {
      const asked = yield* Effect.fork(Effect.either(botToken(key)))
      yield* TestClock.adjust("1 millis")
      const exit = exitOf(asked)
      // The older refresh ends.
      yield* TestClock.adjust("1 minute")
      return exit === undefined ? "later" : yield* exit
    })

  it.effect("gets the token of a new install at once", () =>
    Effect.gen(function*() {
      const key = yield* refreshing
      const { bot } = yield* install()
      const token = Redacted.value(Option.getOrThrow(bot).token.accessToken)
      assert.deepStrictEqual(yield* atOnce(key), Either.right(token))
    }).pipe(Effect.provide(live())))

  it.effect("hears at once that the app was removed", () =>
    Effect.gen(function*() {
      const key = yield* refreshing
      yield* InstallationStore.remove(key)
      const answer = yield* atOnce(key)
      assert(answer !== "later" && Either.isLeft(answer))
      assert.strictEqual(answer.left._tag, "NotInstalled")
    }).pipe(Effect.provide(live())))

  for (const isRead of [true, false]) {
    it.effect(`waits for the refresh if ${isRead ? "the stored token is not valid" : "the store does not say"}`, () => {
      const faultyStore = makeFaultyStore()
      return Effect.gen(function*() {
        const key = yield* refreshing
        yield* TokenManager.forget(key)
        faultyStore.calls.credential = 0
        if (!isRead) faultyStore.before("credential", once(faultyStore, "credential", unavailable("credential")))
        const second = yield* Effect.fork(botToken(key))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* Fiber.join(second), yield* storedToken(Installation.botKey(key)))
        assert.strictEqual(yield* refreshes, 1)
      }).pipe(Effect.provide(live({}, faultyStore)))
    })
  }
})

describe("a refresh by force", () => {
  it.effect("is made once for callers who ask for it at the same time", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const refresh = TokenManager.refresh(Installation.botKey(key))
      const ends = yield* Effect.all([refresh, refresh], { concurrency: "unbounded" })
      assert.deepStrictEqual(ends, ["Renewed", "Renewed"])
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))

  it.effect("is not answered by an ordinary read that is under way", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      faultyStore.before("credential", once(faultyStore, "credential", Effect.sleep("1 second")))
      const read = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("1 millis")
      const forced = yield* Effect.fork(TokenManager.refresh(Installation.botKey(key)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(forced), "Renewed")
      yield* Fiber.join(read)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live({}, faultyStore)))
  })

  it.effect("saves the token that the store did not take before it refreshes that", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key, token } = yield* unsavedToken(faultyStore)
      faultyStore.before("compareAndSet", Effect.void)
      assert.strictEqual(yield* TokenManager.refresh(Installation.botKey(key)), "Renewed")
      assert.notStrictEqual(yield* botToken(key), token)
      assert.deepStrictEqual(yield* SlackEmulator.replays, [])
    }).pipe(Effect.provide(live({}, faultyStore)))
  })
})

describe("a token that the store did not take", () => {
  it.effect("is neither served nor reported as refreshed after the app was installed again", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const events = yield* watchEvents
      const { key } = yield* unsavedToken(faultyStore)
      faultyStore.before("compareAndSet", Effect.void)
      const { bot } = yield* install()
      assert.strictEqual(yield* botToken(key), Redacted.value(Option.getOrThrow(bot).token.accessToken))
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Unsaved"])
    }).pipe(Effect.provide(live({}, faultyStore)))
  })
})

describe("without shared refreshes, a caller", () => {
  const alone = { sharedRefresh: false, leaseDuration: "10 seconds" } as const

  it.effect("reads the store itself, also while another caller reads it", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      faultyStore.before("credential", Effect.sleep("1 second"))
      const both = yield* Effect.forkAll([botToken(key), botToken(key)])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(both)
      assert.strictEqual(faultyStore.calls.credential, 2)
    }).pipe(Effect.provide(live(alone, faultyStore)))
  })

  it.effect("does not wait for ever for a process that keeps its lease", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      const store = yield* InstallationStore.InstallationStore
      yield* store.acquireLease(Installation.botKey(key), { holder: "another", intent: "", duration: "1 hour" })
      const asked = yield* Effect.fork(Effect.flip(botToken(key)))
      yield* TestClock.adjust("25 seconds")
      const exit = exitOf(asked)
      yield* Fiber.interrupt(asked)
      assert(exit !== undefined && Exit.isSuccess(exit))
      assert.strictEqual(exit.value._tag === "TokenUnavailable" && exit.value.error._tag, "CredentialBusy")
    }).pipe(Effect.provide(live(alone))))
})

describe("a refresh that waits for another process", () => {
  const held = (key: Installation.InstallationKey, duration: "5 seconds" | "20 seconds") =>
    Effect.flatMap(
      InstallationStore.InstallationStore,
      (store) => store.acquireLease(Installation.botKey(key), { holder: "another", intent: "", duration })
    )

  it.effect("goes on after its callers have got the old token", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* held(key, "20 seconds")
      const asked = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(asked), old)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))

  it.effect("is not given up for the old token if it was asked for by force, without shared refreshes too", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* held(key, "5 seconds")
      const asked = yield* Effect.fork(TokenManager.refresh(Installation.botKey(key)))
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual(yield* Fiber.join(asked), "Renewed")
    }).pipe(Effect.provide(live({ sharedRefresh: false }))))
})

describe("the span of a refresh", () => {
  for (const sharedRefresh of [true, false]) {
    it.effect(`has no parent, and names the credential${sharedRefresh ? "" : ", without shared refreshes too"}`, () => {
      const watcher = makeWatcher()
      return Effect.gen(function*() {
        const { key } = yield* install()
        yield* Effect.withSpan(botToken(key), "caller")
        const spans = watcher.spans.filter(({ name }) => name === "TokenManager.update")
        assert.strictEqual(spans.length, 1)
        assert.isTrue(Option.isNone(spans[0]!.parent))
        assert.deepStrictEqual([...spans[0]!.attributes], [["slack.credential", String(Installation.botKey(key))]])
      }).pipe(Effect.provide(live({ sharedRefresh })), watcher.watch)
    })
  }
})

describe("a caller inside a database transaction", () => {
  const inside = (key: Installation.InstallationKey) => inTransaction(botToken(key))

  it.effect("gets the token that the transaction sees, which is not remembered", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      const token = yield* storedToken(Installation.botKey(key))
      faultyStore.calls.credential = 0
      for (let asked = 1; asked <= 2; asked++) {
        assert.strictEqual(yield* inside(key), token)
        assert.strictEqual(faultyStore.calls.credential, asked)
      }
      assert.strictEqual(yield* refreshes, 0)
    }).pipe(Effect.provide(live({}, faultyStore)))
  })

  it.effect("waits for a new token if the old one is due, and gets the old one after three seconds", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* storedToken(Installation.botKey(key))
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("4 seconds"), times: 1 })
      const asked = yield* Effect.fork(inside(key))
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(exitOf(asked))
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(exitOf(asked), Exit.succeed(old))
      yield* TestClock.adjust("1 second")
      const fresh = yield* inside(key)
      assert.notStrictEqual(fresh, old)
      yield* TestClock.adjust("11 hours")
      assert.notStrictEqual(yield* inside(key), fresh)
    }).pipe(Effect.provide(live())))

  for (const [name, failure] of [["fails", unavailable("credential")], ["does not answer", Effect.never]] as const) {
    it.effect(`gets the old token if the store ${name} outside the transaction`, () => {
      const faultyStore = makeFaultyStore()
      return Effect.gen(function*() {
        const { key } = yield* install()
        const old = yield* storedToken(Installation.botKey(key))
        yield* TestClock.adjust("11 hours")
        faultyStore.calls.credential = 0
        // The first read is that inside the transaction.
        faultyStore.after(
          "credential",
          Effect.suspend(() => faultyStore.calls.credential > 1 ? failure : Effect.void)
        )
        const asked = yield* Effect.fork(inside(key))
        yield* TestClock.adjust("3 seconds")
        const exit = exitOf(asked)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(exit, Exit.succeed(old))
        assert.isAbove(faultyStore.calls.credential, 1)
      }).pipe(Effect.provide(live({}, faultyStore)))
    })
  }

  it.effect("gets the error of a credential that dies in its refresh", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("account_inactive"), times: 1 })
      assert.strictEqual((yield* Effect.flip(inside(key)))._tag, "ReauthorizationRequired")
    }).pipe(Effect.provide(live())))

  it.effect("is served like any other if the transaction shows no valid token", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("invalid_client_id"), times: 1 })
      assert.strictEqual((yield* Effect.flip(inside(key)))._tag, "TokenUnavailable")
      yield* TestClock.adjust("5 minutes")
      const token = yield* inside(key)
      assert.strictEqual(token, yield* storedToken(Installation.botKey(key)))
      yield* TokenManager.forget(key)
      faultyStore.calls.credential = 0
      faultyStore.before("credential", once(faultyStore, "credential", unavailable("credential")))
      assert.strictEqual(yield* inside(key), token)
      assert.strictEqual((yield* Effect.flip(inside(Installation.workspace("A1", "T1"))))._tag, "NotInstalled")
    }).pipe(Effect.provide(live({}, faultyStore)))
  })

  it.effect("waits to the end of its own refresh where refreshes are not shared", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("4 seconds"), times: 1 })
      const asked = yield* Effect.fork(inside(key))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(asked), yield* storedToken(Installation.botKey(key)))
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live({ sharedRefresh: false }))))
})
