import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as Pkce from "effect-slack-oauth/Pkce"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Telemetry from "effect-slack-oauth/Telemetry"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Readable } from "node:stream"
import { failureOf } from "../src/internal/effect/http.js"
import {
  botToken as sampleBotToken,
  install as sampleInstall,
  t0 as sampleTime,
  userToken as sampleUserToken
} from "../src/internal/storeSuite/fixtures.js"
import * as Randoms from "./utils/effect/random.js"
import * as Schedulers from "./utils/effect/schedulers.js"
import { type FaultyStore, makeFaultyStore, once, unavailable } from "./utils/faultyStore.js"
import { botToken, install, refreshes, storedToken, unsavedToken, watchEvents } from "./utils/installations.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

const slack = (options?: SlackEmulator.Options) =>
  OAuthV2.layer.pipe(
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer(options))
  )

const live = (
  options?: TokenManager.Options,
  emulator?: SlackEmulator.Options,
  faultyStore: FaultyStore = makeFaultyStore()
) =>
  TokenManager.layer(options).pipe(
    Layer.provideMerge(faultyStore.layer),
    Layer.provideMerge(InstallationStore.layerMemory),
    Layer.provideMerge(slack(emulator))
  )

/** Installs the app and stores the installation, as a callback does. */
describe("a token that is not about to expire", () => {
  it.effect("is served without a call", () =>
    Effect.gen(function*() {
      const { bot, key } = yield* install()
      const token = yield* TokenManager.botToken(key)
      assert.strictEqual(Redacted.value(token), Redacted.value(Option.getOrThrow(bot).token.accessToken))
      yield* TestClock.adjust("9 hours")
      yield* TokenManager.botToken(key)
      assert.strictEqual(yield* refreshes, 0)
    }).pipe(Effect.provide(live())))
})

describe("a token in its refresh window", () => {
  it.effect("is refreshed once for twenty fibers, which all get the new one", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* TokenManager.botToken(key)
      yield* TestClock.adjust("11 hours")
      const tokens = yield* Effect.all(Array.from({ length: 20 }, () => TokenManager.botToken(key)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(yield* refreshes, 1)
      const fresh = yield* storedToken(Installation.botKey(key))
      assert.notStrictEqual(fresh, Redacted.value(old))
      assert.deepStrictEqual(new Set(tokens.map(Redacted.value)), new Set([fresh]))
    }).pipe(Effect.provide(live())))

  it.effect("is still served while Slack is down, and refreshed when Slack is back", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("fatal_error"), times: 2 })
      assert.strictEqual(yield* botToken(key), old)
      assert.strictEqual(yield* botToken(key), old)
      assert.strictEqual(yield* refreshes, 2)
      yield* TestClock.adjust("5 minutes")
      assert.notStrictEqual(yield* botToken(key), old)
    }).pipe(Effect.provide(live())))
})

describe("a caller in an uninterruptible region", () => {
  it.effect("waits no longer than others for a new token", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("8 seconds"), times: 1 })
      const asked = yield* Effect.fork(Effect.uninterruptible(botToken(key)))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(asked.unsafePoll(), Exit.succeed(old))
      yield* TestClock.adjust("5 seconds")
      assert.notStrictEqual(yield* botToken(key), old)
    }).pipe(Effect.provide(live())))
})

describe("a token past its expiry", () => {
  it.effect("is never served", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TokenManager.botToken(key)
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("invalid_client_id"), times: 1 })
      const error = yield* Effect.flip(TokenManager.botToken(key))
      assert.strictEqual(error._tag, "TokenUnavailable")
      yield* TestClock.adjust("5 minutes")
      yield* TokenManager.botToken(key)
      assert.strictEqual(yield* refreshes, 2)
    }).pipe(Effect.provide(live())))

  it.effect("is replaced after a single 503 from a proxy, with two calls at most", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.serverError(503), times: 1 })
      yield* TokenManager.botToken(key)
      assert.strictEqual(yield* refreshes, 2)
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.serverError(503), times: 2 })
      const error = yield* Effect.flip(TokenManager.botToken(key))
      assert.strictEqual(error._tag, "TokenUnavailable")
      assert.strictEqual(yield* refreshes, 4)
    }).pipe(Effect.provide(live())))

  it.effect("is replaced although the first answer was lost", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
      const token = yield* TokenManager.botToken(key)
      assert.strictEqual(Redacted.value(token), yield* storedToken(Installation.botKey(key)))
      assert.strictEqual(yield* refreshes, 2)
    }).pipe(Effect.provide(live())))

  it.effect("is ReauthorizationRequired when its refresh token is dead", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* SlackEmulator.SlackEmulator.pipe(Effect.flatMap((emulator) => emulator.uninstall()))
      yield* TestClock.adjust("12 hours")
      const error = yield* Effect.flip(TokenManager.botToken(key))
      assert.strictEqual(error._tag, "ReauthorizationRequired")
      yield* install()
      yield* TestClock.adjust("10 minutes")
      yield* TokenManager.botToken(key)
    }).pipe(Effect.provide(live())))
})

describe("a dead credential whose access token is dead too", () => {
  it.effect("serves no token, in this process or in another", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("account_inactive"), times: 1 })
      const other = yield* TokenManager.make()
      for (let asked = 0; asked < 3; asked++) {
        for (const manager of [yield* TokenManager.TokenManager, other]) {
          const error = yield* Effect.flip(manager.botToken(key))
          assert.strictEqual(error._tag === "ReauthorizationRequired" && error.error._tag, "SlackAccountInactive")
        }
      }
    }).pipe(Effect.scoped, Effect.provide(live())))
})

describe("a credential that is marked dead during the pause after a failure", () => {
  it.effect("is ReauthorizationRequired at once", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 day" }), times: 1 })
      assert.strictEqual(yield* botToken(key), old)
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("account_inactive"), times: 1 })
      yield* Effect.flip(TokenManager.refresh(Installation.botKey(key)))
      assert.strictEqual((yield* Effect.flip(botToken(key)))._tag, "ReauthorizationRequired")
    }).pipe(Effect.provide(live())))
})

describe("a store that saves a token at the second try, without shared refreshes", () => {
  const failingOnce = (meanwhile: Effect.Effect<unknown, never, InstallationStore.InstallationStore>) =>
    Effect.gen(function*() {
      const faultyStore = makeFaultyStore()
      const { key } = yield* install()
      const store = yield* InstallationStore.InstallationStore
      yield* TestClock.adjust("12 hours")
      faultyStore.before(
        "compareAndSet",
        once(
          faultyStore,
          "compareAndSet",
          Effect.zipRight(
            Effect.provideService(meanwhile, InstallationStore.InstallationStore, store),
            unavailable("compareAndSet")
          )
        )
      )
      return { key, layer: Layer.provide(TokenManager.layer({ sharedRefresh: false }), faultyStore.layer) }
    })

  it.effect("emits Unsaved, and then Refreshed", () =>
    Effect.gen(function*() {
      const { key, layer } = yield* failingOnce(Effect.void)
      yield* Effect.gen(function*() {
        const events = yield* watchEvents
        const asking = yield* Effect.fork(botToken(key))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* Fiber.join(asking), yield* storedToken(Installation.botKey(key)))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Unsaved", "Refreshed"])
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.provide(live())))

  it.effect("does not serve the token of an app that was removed before the second try", () =>
    Effect.gen(function*() {
      const removal = Effect.suspend(() =>
        Effect.orDie(Effect.flatMap(InstallationStore.InstallationStore, (store) =>
          Stream.runForEach(store.stream, ({ key }) =>
            store.remove(key))))
      )
      const { key, layer } = yield* failingOnce(removal)
      yield* Effect.gen(function*() {
        const asking = yield* Effect.fork(Effect.flip(botToken(key)))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* Fiber.join(asking))._tag, "NotInstalled")
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.provide(live())))
})

describe("without patience", () => {
  it.effect("the valid token is served at once, and the refresh runs in the background", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("1 second") })
      assert.strictEqual(yield* botToken(key), old)
      yield* TestClock.adjust("1 second")
      assert.notStrictEqual(yield* botToken(key), old)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live({ patience: 0 }))))

  it.effect("the store is read again after the cache time", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* botToken(key)
      const other = yield* TokenManager.make()
      yield* other.refresh(Installation.botKey(key))
      yield* TestClock.adjust("10 minutes")
      yield* botToken(key)
      yield* Effect.yieldNow()
      assert.strictEqual(yield* botToken(key), yield* storedToken(Installation.botKey(key)))
    }).pipe(Effect.scoped, Effect.provide(live({ patience: 0 }))))
})

describe("a fiber that is interrupted", () => {
  it.effect("does not interrupt others who wait for the same token", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("2 seconds") })
      const leader = yield* Effect.fork(botToken(key))
      yield* Effect.yieldNow()
      const follower = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(leader)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(follower), yield* storedToken(Installation.botKey(key)))
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))

  it.effect("leaves no refresh behind that never ends", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      // Interrupts a caller at its n-th step, for every n that is less than the steps of a refresh.
      for (let steps = 0; steps < 60; steps++) {
        const fiber = yield* Effect.fork(botToken(key))
        for (let step = 0; step < steps; step++) yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
      }
      const token = yield* Effect.timeout(botToken(key), "1 minute")
      assert.strictEqual(token, yield* storedToken(Installation.botKey(key)))
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))
})

describe("a manager that is closed", () => {
  it.effect("finishes the running refresh, and interrupts later callers", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("2 seconds") })
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      const waiting = yield* Effect.fork(manager.botToken(key))
      yield* TestClock.adjust("1 second")
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      const token = Redacted.value(yield* Fiber.join(waiting))
      assert.strictEqual(token, yield* storedToken(Installation.botKey(key)))
      assert.strictEqual(Redacted.value(yield* manager.botToken(key)), token)
      yield* TestClock.adjust("12 hours")
      assert.isTrue(Exit.isInterrupted(yield* Effect.exit(manager.botToken(key))))
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))

  it.effect("interrupts a caller that waits for another process", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      const store = yield* InstallationStore.InstallationStore
      yield* store.acquireLease(Installation.botKey(key), { holder: "another", intent: "x", duration: "30 seconds" })
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      const waiting = yield* Effect.fork(manager.botToken(key))
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(waiting)))
    }).pipe(Effect.provide(live())))

  it.effect("saves an unsaved token", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      faultyStore.before("compareAndSet", unavailable("compareAndSet"))
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      const token = Redacted.value(yield* manager.botToken(key))
      assert.notStrictEqual(token, yield* storedToken(Installation.botKey(key)))
      faultyStore.before("compareAndSet", Effect.void)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(token, yield* storedToken(Installation.botKey(key)))
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })

  it.effect("saves unsaved tokens at the same time, because the time for all of them is short", () => {
    const faultyStore = makeFaultyStore()
    const workspaces = ["T0A", "T0B", "T0C", "T0D"]
    return Effect.gen(function*() {
      const keys = yield* Effect.forEach(
        workspaces,
        (workspace) => Effect.map(install({ workspace }), ({ key }) => key)
      )
      yield* TestClock.adjust("12 hours")
      faultyStore.before("compareAndSet", unavailable("compareAndSet"))
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      const tokens = yield* Effect.forEach(keys, (key) => Effect.map(manager.botToken(key), Redacted.value))
      faultyStore.before("compareAndSet", Effect.sleep("4 seconds"))
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("5 seconds")
      const stored = yield* Effect.forEach(keys, (key) => storedToken(Installation.botKey(key)))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(stored, tokens)
    }).pipe(Effect.provide(live({}, { workspaces: workspaces.map((id) => ({ id })) }, faultyStore)))
  })

  it.effect("saves a token that arrives while it closes, although the store fails at first", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      faultyStore.before(
        "compareAndSet",
        once(faultyStore, "compareAndSet", unavailable("compareAndSet"))
      )
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("2 seconds") })
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      const waiting = yield* Effect.fork(manager.botToken(key))
      yield* TestClock.adjust("1 second")
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      const token = Redacted.value(yield* Fiber.join(waiting))
      assert.strictEqual(token, yield* storedToken(Installation.botKey(key)))
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })
})

describe("a token that the store fails to save", () => {
  it.effect("is served from memory, counted as unsaved, and saved later with an event", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const events = yield* watchEvents
      const { key, token } = yield* unsavedToken(faultyStore)
      yield* TestClock.adjust("20 minutes")
      const saves = faultyStore.calls.compareAndSet
      assert.strictEqual(yield* botToken(key), token)
      assert.strictEqual(faultyStore.calls.compareAndSet, saves)
      assert.strictEqual((yield* TokenManager.health).unsaved, 1)
      faultyStore.before("compareAndSet", Effect.void)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* storedToken(Installation.botKey(key)), token)
      assert.strictEqual((yield* TokenManager.health).unsaved, 0)
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Unsaved", "Refreshed"])
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })

  it.effect("is reported as saved once, if a caller saves it while it is saved in the background", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const events = yield* watchEvents
      const { key } = yield* unsavedToken(faultyStore)
      faultyStore.before("compareAndSet", Effect.sleep("2 seconds"))
      while (faultyStore.calls.compareAndSet === 1) yield* TestClock.adjust("10 millis")
      const refreshing = yield* Effect.fork(TokenManager.refresh(Installation.botKey(key)))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(refreshing), "Renewed")
      assert.deepStrictEqual(
        events.map((event) => [event._tag, event._tag === "Refreshed" ? event.generation : 0]),
        [["Unsaved", 0], ["Refreshed", 2], ["Refreshed", 3]]
      )
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })

  it.effect("is not saved again in the background once a caller has saved it", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* unsavedToken(faultyStore)
      faultyStore.before("compareAndSet", Effect.void)
      assert.strictEqual(yield* TokenManager.refresh(Installation.botKey(key)), "Renewed")
      // One call failed, one saved the token, and one the token after it.
      assert.strictEqual(faultyStore.calls.compareAndSet, 3)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(faultyStore.calls.compareAndSet, 3)
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })

  it.effect("counts as saved if only the store's answer was lost", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      faultyStore.after(
        "compareAndSet",
        once(faultyStore, "compareAndSet", unavailable("compareAndSet"))
      )
      const token = yield* botToken(key)
      assert.strictEqual(yield* storedToken(Installation.botKey(key)), token)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* TokenManager.health).unsaved, 0)
      assert.strictEqual(yield* botToken(key), token)
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })

  it.effect("replaces a dead mark that another process has set since", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key, token } = yield* unsavedToken(faultyStore)
      faultyStore.before("acquireLease", unavailable("acquireLease"))
      yield* TestClock.adjust("2 minutes")
      faultyStore.before("acquireLease", Effect.void)
      faultyStore.before("compareAndSet", Effect.void)
      // The store works again, and another process is first. The grace period has ended.
      const other = yield* TokenManager.make()
      const error = yield* Effect.flip(other.botToken(key))
      assert.strictEqual(error._tag, "ReauthorizationRequired")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* storedToken(Installation.botKey(key)), token)
      assert.strictEqual(Redacted.value(yield* other.botToken(key)), token)
    }).pipe(Effect.scoped, Effect.provide(live({}, {}, faultyStore)))
  })

  it.effect("is saved before its refresh token is sent", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      faultyStore.before("compareAndSet", unavailable("compareAndSet"))
      const token = yield* TokenManager.botToken(key)
      yield* TokenManager.invalidate(Installation.botKey(key), token)
      const error = yield* Effect.flip(botToken(key))
      assert.strictEqual(error._tag, "TokenUnavailable")
      assert.strictEqual(yield* refreshes, 1)
      faultyStore.before("compareAndSet", Effect.void)
      yield* TestClock.adjust("2 minutes")
      assert.notStrictEqual(yield* botToken(key), Redacted.value(token))
      assert.strictEqual(yield* refreshes, 2)
      assert.deepStrictEqual(yield* SlackEmulator.replays, [])
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })
})

describe("another process", () => {
  it.effect("refreshes, and waiting callers get its token", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("2 seconds") })
      const other = yield* TokenManager.make()
      const fibers = yield* Effect.forkAll([botToken(key), Effect.map(other.botToken(key), Redacted.value)])
      yield* TestClock.adjust("10 seconds")
      const [mine, theirs] = yield* Fiber.join(fibers)
      assert.strictEqual(mine, theirs)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.scoped, Effect.provide(live())))

  it.effect("dies after Slack's answer, and the next one refreshes within the grace period", () =>
    Effect.gen(function*() {
      const { bot, key } = yield* install()
      yield* TestClock.adjust("12 hours")
      const { expiry } = Option.getOrThrow(bot).token
      const store = yield* InstallationStore.InstallationStore
      yield* store.acquireLease(Installation.botKey(key), {
        holder: "the dead",
        intent: "refresh generation 1",
        duration: "30 seconds"
      })
      yield* OAuthV2.access({ refreshToken: Option.getOrThrow(Option.getOrThrow(expiry).refreshToken) })
      const reader = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(yield* refreshes, 1)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(reader), yield* storedToken(Installation.botKey(key)))
      assert.strictEqual(yield* refreshes, 2)
    }).pipe(Effect.provide(live())))

  it.effect("keeps its lease, and callers do not wait for ever", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      const store = yield* InstallationStore.InstallationStore
      const acquire = store.acquireLease(Installation.botKey(key), {
        holder: "another",
        intent: "",
        duration: "1 hour"
      })
      yield* acquire
      const reader = yield* Effect.fork(Effect.flip(botToken(key)))
      yield* TestClock.adjust("65 seconds")
      const error = yield* Fiber.join(reader)
      assert.strictEqual(error._tag, "TokenUnavailable")
    }).pipe(Effect.provide(live())))

  it.effect("has already refreshed, and no call is made", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const bot = Installation.botKey(key)
      assert.strictEqual(yield* TokenManager.refresh(bot, { generation: 1 }), "Renewed")
      assert.strictEqual(yield* TokenManager.refresh(bot, { generation: 1 }), "Current")
      assert.strictEqual(yield* refreshes, 1)
      assert.strictEqual(yield* TokenManager.refresh(bot), "Renewed")
      assert.strictEqual(yield* refreshes, 2)
    }).pipe(Effect.provide(live())))
})

describe("a process that has not served a credential before", () => {
  const due = Effect.gen(function*() {
    const { bot, key } = yield* install()
    yield* TestClock.adjust("11 hours")
    return { key, valid: Redacted.value(Option.getOrThrow(bot).token.accessToken) }
  })

  for (const operation of ["acquireLease", "second look"] as const) {
    it.effect(`serves the valid token that it has read, although a later store call fails: ${operation}`, () => {
      const faultyStore = makeFaultyStore()
      return Effect.gen(function*() {
        const { key, valid } = yield* due
        if (operation === "acquireLease") faultyStore.before(operation, unavailable(operation))
        else {faultyStore.before(
            "acquireLease",
            Effect.sync(() => faultyStore.before("credential", unavailable(operation)))
          )}
        assert.strictEqual(yield* botToken(key), valid)
        assert.strictEqual(yield* botToken(key), valid)
        assert.strictEqual(faultyStore.calls.acquireLease, 1)
      }).pipe(Effect.provide(live({}, {}, faultyStore)))
    })
  }

  it.effect("serves the valid token after three seconds while another process refreshes it", () =>
    Effect.gen(function*() {
      const { key, valid } = yield* due
      const store = yield* InstallationStore.InstallationStore
      yield* store.acquireLease(Installation.botKey(key), { holder: "another", intent: "", duration: "1 hour" })
      const reader = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Effect.flatten(Effect.flatten(Fiber.poll(reader))), valid)
    }).pipe(Effect.provide(live())))

  it.effect("serves the valid token after three seconds while Slack does not answer", () =>
    Effect.gen(function*() {
      const { key, valid } = yield* due
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("8 seconds") })
      const reader = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Effect.flatten(Effect.flatten(Fiber.poll(reader))), valid)
      yield* TestClock.adjust("5 seconds")
      assert.notStrictEqual(yield* botToken(key), valid)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))
})

describe("a refresh left in doubt", () => {
  it.effect("is sent again once in each lease time, however many callers ask", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange, times: 2 })
      const other = yield* TokenManager.make()
      const readers = yield* Effect.forkAll(
        Array.from({ length: 10 }, (_, index) =>
          Effect.either(index % 2 === 0 ? TokenManager.botToken(key) : other.botToken(key)))
      )
      yield* TestClock.adjust("25 seconds")
      assert.strictEqual(yield* refreshes, 2)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(readers)
      yield* botToken(key)
      assert.strictEqual(yield* refreshes, 3)
    }).pipe(Effect.scoped, Effect.provide(live())))
})

describe("without shared refreshes, as on Workers", () => {
  const workers = { sharedRefresh: false, leaseDuration: "10 seconds" } as const

  it.effect("one of many callers refreshes, and all get the new token", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("1 second") })
      const readers = yield* Effect.forkAll(Array.from({ length: 10 }, () => botToken(key)))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(new Set(yield* Fiber.join(readers)).size, 1)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live(workers))))

  it.effect("a request that was terminated does not block the next caller", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("1 second") })
      // As when a runtime ends a request: none of its timers, promises and finalizers ever runs.
      const request = Schedulers.stoppable()
      yield* request.run(Effect.forkDaemon(botToken(key)))
      while (faultyStore.calls.acquireLease === 0) yield* TestClock.adjust("10 millis")
      yield* TestClock.adjust("100 millis")
      request.stop()
      const next = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(Option.isSome(yield* Fiber.poll(next)), true)
      assert.strictEqual(yield* Fiber.join(next), yield* storedToken(Installation.botKey(key)))
    }).pipe(Effect.provide(live(workers, {}, faultyStore)))
  })

  it.effect("a valid token is served when another caller's refresh is slow", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      const store = yield* InstallationStore.InstallationStore
      yield* store.acquireLease(Installation.botKey(key), { holder: "another", intent: "", duration: "1 hour" })
      const reader = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("2999 millis")
      assert.strictEqual(Option.isSome(yield* Fiber.poll(reader)), false)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(Option.isSome(yield* Fiber.poll(reader)), true)
      assert.strictEqual(yield* Fiber.join(reader), old)
    }).pipe(Effect.provide(live(workers))))

  for (const known of [true, false]) {
    it.effect(`the caller that refreshes stays until the new token is stored${known ? "" : ", on its first read too"}`, () =>
      Effect.gen(function*() {
        const { key } = yield* install()
        if (known) yield* botToken(key)
        yield* TestClock.adjust("11 hours")
        yield* SlackEmulator.inject({ fault: SlackEmulator.delay("4 seconds") })
        const reader = yield* Effect.fork(botToken(key))
        yield* TestClock.adjust("3500 millis")
        assert.strictEqual(Option.isSome(yield* Fiber.poll(reader)), false)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(reader), yield* storedToken(Installation.botKey(key)))
        assert.strictEqual(yield* refreshes, 1)
      }).pipe(Effect.provide(live({ ...workers, leaseDuration: "30 seconds" }))))
  }

  it.effect("a token that the store does not take is served, and saved by the next caller", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      faultyStore.before("compareAndSet", unavailable("compareAndSet"))
      const reader = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("5 seconds")
      const fresh = yield* Fiber.join(reader)
      assert.strictEqual((yield* TokenManager.health).unsaved, 1)
      assert.strictEqual(yield* botToken(key), fresh)
      faultyStore.before("compareAndSet", Effect.void)
      assert.strictEqual(yield* botToken(key), fresh)
      assert.strictEqual((yield* TokenManager.health).unsaved, 0)
      assert.strictEqual(yield* storedToken(Installation.botKey(key)), fresh)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live(workers, {}, faultyStore)))
  })
})

describe("a cache with room for one credential", () => {
  for (const sharedRefresh of [true, false]) {
    it.effect(
      `keeps an entry while it is updated${sharedRefresh ? "" : ", without shared refreshes too"}`,
      () => {
        const faultyStore = makeFaultyStore()
        return Effect.gen(function*() {
          const { key } = yield* install()
          const { key: other } = yield* install({ workspace: "T0OTHER" })
          yield* TestClock.adjust("12 hours")
          faultyStore.before("compareAndSet", unavailable("compareAndSet"))
          yield* SlackEmulator.inject({ fault: SlackEmulator.delay("1 second"), times: 1 })
          const reader = yield* Effect.fork(botToken(key))
          yield* TestClock.adjust("500 millis")
          yield* TokenManager.invalidate(Installation.botKey(other), "xoxb-test-unknown")
          yield* TestClock.adjust("5 seconds")
          const fresh = yield* Fiber.join(reader)
          // Only this process has the new token. The next caller gets it, and the spent refresh token is not sent again.
          const next = yield* Effect.fork(botToken(key))
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual(yield* Effect.flatten(Effect.flatten(next.poll)), fresh)
          assert.strictEqual(yield* refreshes, 1)
        }).pipe(Effect.provide(
          live({ cacheSize: 1, sharedRefresh }, { workspaces: [{ id: "T0DEFAULT" }, { id: "T0OTHER" }] }, faultyStore)
        ))
      }
    )

    it.effect(`keeps an entry when all others are in use${sharedRefresh ? "" : ", without shared refreshes too"}`, () => {
      const faultyStore = makeFaultyStore()
      return Effect.gen(function*() {
        const { key: busy } = yield* install()
        const { key } = yield* install({ workspace: "T0OTHER" })
        yield* TestClock.adjust("12 hours")
        faultyStore.before("compareAndSet", unavailable("compareAndSet"))
        yield* SlackEmulator.inject({ fault: SlackEmulator.delay("1 second") })
        yield* Effect.fork(botToken(busy))
        yield* TestClock.adjust("10 millis")
        const reader = yield* Effect.fork(botToken(key))
        yield* TestClock.adjust("10 seconds")
        const fresh = yield* Fiber.join(reader)
        const next = yield* Effect.fork(botToken(key))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* Effect.flatten(Effect.flatten(next.poll)), fresh)
        assert.strictEqual(yield* refreshes, 2)
      }).pipe(Effect.provide(
        live({ cacheSize: 1, sharedRefresh }, { workspaces: [{ id: "T0DEFAULT" }, { id: "T0OTHER" }] }, faultyStore)
      ))
    })
  }
})

describe("while Slack is slow", () => {
  it.effect("the first callers wait for up to three seconds, and later ones do not wait", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("8 seconds") })
      const first = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(first), old)
      assert.strictEqual(yield* botToken(key), old)
      yield* TestClock.adjust("5 seconds")
      assert.notStrictEqual(yield* botToken(key), old)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))

  it.effect("a token that expires while a caller waits is not served", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("43199 seconds")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("8 seconds") })
      const reader = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("8 seconds")
      assert.notStrictEqual(yield* Fiber.join(reader), old)
    }).pipe(Effect.provide(live())))
})

describe("while Slack is down", () => {
  it.effect("the pause after a failure doubles, up to a minute", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("invalid_client_id"), share: 1 })
      for (let tick = 0; tick < 100; tick++) {
        yield* Effect.flip(botToken(key))
        yield* TestClock.adjust("12 seconds")
      }
      // In twenty minutes: some tries in the first minute, and one in each of the others.
      const calls = yield* refreshes
      assert.isAtLeast(calls, 15)
      assert.isAtMost(calls, 35)
      yield* SlackEmulator.clearFaults
      yield* TestClock.adjust("75 seconds")
      yield* botToken(key)
    }).pipe(Effect.provide(live())))

  it.effect("a Retry-After of a day delays the refresh of an expired token by five minutes at most", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 day" }) })
      const error = yield* Effect.flip(botToken(key))
      const wait = error._tag === "TokenUnavailable" ? Duration.toMillis(error.retryAfter) : 0
      assert.isAbove(wait, 60_000)
      assert.isAtMost(wait, 5 * 60_000)
      yield* TestClock.adjust(wait)
      yield* botToken(key)
      assert.strictEqual(yield* refreshes, 2)
    }).pipe(Effect.provide(live())))

  it.effect("the pause is a second if Slack does not say how long to wait", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const error = new OAuthV2Error.SlackRateLimited({ method: "oauth.v2.access", retryAfter: undefined })
      const manager = yield* TokenManager.make().pipe(
        Effect.provide(OAuthV2.layerTest({ access: () => Effect.fail(error) }))
      )
      yield* TestClock.adjust("12 hours")
      const asked = yield* Effect.flip(manager.botToken(key))
      assert(asked._tag === "TokenUnavailable")
      assert.isAtMost(Duration.toMillis(asked.retryAfter), 1250)
    }).pipe(Effect.scoped, Effect.provide(live())))

  it.effect("Retry-After is respected while the token is valid", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 day" }) })
      const old = yield* botToken(key)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(yield* botToken(key), old)
      assert.strictEqual(yield* refreshes, 1)
      // The token has expired. From here on, the pause is a few minutes at most.
      yield* TestClock.adjust("1 minute")
      yield* Effect.ignore(botToken(key))
      yield* TestClock.adjust("5 minutes")
      assert.notStrictEqual(yield* botToken(key), old)
    }).pipe(Effect.provide(live())))

  it.effect("valid tokens are served although the store is down", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      const token = yield* botToken(key)
      faultyStore.before("credential", unavailable("credential"))
      yield* TestClock.adjust("9 hours")
      assert.strictEqual(yield* botToken(key), token)
      yield* TestClock.adjust("3 hours")
      const error = yield* Effect.flip(botToken(key))
      assert.strictEqual(error._tag === "TokenUnavailable" && error.error._tag, "InstallationStoreError")
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })
})

describe("a token that Slack refuses", () => {
  it.effect("is not served again, and replaced once", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* TokenManager.botToken(key)
      yield* TokenManager.invalidate(Installation.botKey(key), old)
      const fresh = yield* botToken(key)
      assert.notStrictEqual(fresh, Redacted.value(old))
      yield* TokenManager.invalidate(Installation.botKey(key), old)
      assert.strictEqual(yield* botToken(key), fresh)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))

  it.effect("marks a credential dead that does not rotate, until the app is installed again", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const token = yield* TokenManager.botToken(key)
      yield* TokenManager.invalidate(Installation.botKey(key), token, "account_inactive")
      const error = yield* Effect.flip(botToken(key))
      assert.strictEqual(error._tag === "ReauthorizationRequired" && error.error._tag, "SlackAccountInactive")
      assert.strictEqual((yield* TokenManager.health).dead, 1)
      yield* SlackEmulator.uninstall()
      yield* install()
      assert.notStrictEqual(yield* botToken(key), Redacted.value(token))
    }).pipe(Effect.provide(live({}, { apps: [{ rotation: false }] }))))

  it.effect("is not returned by a refresh that began before", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* TokenManager.botToken(key)
      yield* TestClock.adjust("20 minutes")
      faultyStore.before("credential", Effect.sleep("1 second"))
      const reader = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("500 millis")
      yield* TokenManager.invalidate(Installation.botKey(key), old)
      yield* TestClock.adjust("10 seconds")
      assert.notStrictEqual(yield* Fiber.join(reader), Redacted.value(old))
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })
})

describe("a credential that cannot be refreshed, and whose token Slack refuses", () => {
  const apps = [{ rotation: false }]
  const refused = Effect.gen(function*() {
    const { key } = yield* install()
    yield* TokenManager.invalidate(Installation.botKey(key), yield* TokenManager.botToken(key))
    return key
  })

  it.effect("has no token while the store cannot mark it dead", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const key = yield* refused
      faultyStore.before("compareAndSet", unavailable("compareAndSet"))
      assert.strictEqual((yield* Effect.flip(botToken(key)))._tag, "TokenUnavailable")
      faultyStore.before("compareAndSet", Effect.void)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Effect.flip(botToken(key)))._tag, "ReauthorizationRequired")
    }).pipe(Effect.provide(live({}, { apps }, faultyStore)))
  })

  it.effect("is not installed if the app is removed before it is marked dead", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const key = yield* refused
      const store = yield* InstallationStore.InstallationStore
      faultyStore.before("compareAndSet", store.remove(key))
      assert.strictEqual((yield* Effect.flip(botToken(key)))._tag, "NotInstalled")
    }).pipe(Effect.provide(live({}, { apps }, faultyStore)))
  })
})

describe("a token of another process", () => {
  it.effect("is refreshed too if Slack refuses it while the lease is given back", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      const bot = Installation.botKey(key)
      const manager = yield* TokenManager.TokenManager
      const other = yield* TokenManager.make()
      const store = yield* InstallationStore.InstallationStore
      const stored = Effect.orDie(Effect.provideService(storedToken(bot), InstallationStore.InstallationStore, store))
      yield* TestClock.adjust("12 hours")
      // The other process refreshes just before this one gets the lease.
      faultyStore.before(
        "acquireLease",
        Effect.suspend(() => faultyStore.calls.acquireLease === 1 ? Effect.ignore(other.refresh(bot)) : Effect.void)
      )
      let theirs = ""
      faultyStore.before(
        "releaseLease",
        Effect.suspend(() =>
          theirs !== "" || faultyStore.calls.releaseLease < 2
            ? Effect.void
            : Effect.flatMap(stored, (token) => {
              theirs = token
              return manager.invalidate(bot, token)
            })
        )
      )
      const token = yield* botToken(key)
      assert.notInclude(["", token], theirs)
      assert.strictEqual(token, yield* stored)
      assert.strictEqual(yield* refreshes, 2)
    }).pipe(Effect.scoped, Effect.provide(live({}, {}, faultyStore)))
  })
})

describe("a token that expires while the store is slow", () => {
  it.effect("is refreshed, and not marked dead", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      faultyStore.before("credential", Effect.sleep("2 seconds"))
      yield* TestClock.adjust("43198 seconds")
      const reader = yield* Effect.fork(botToken(key))
      // The token is not due when it is read, and has expired when the answer arrives.
      faultyStore.after("credential", Effect.sleep("2 seconds"))
      yield* TestClock.adjust("1 minute")
      const token = yield* Fiber.join(reader)
      faultyStore.before("credential", Effect.void)
      faultyStore.after("credential", Effect.void)
      assert.strictEqual(token, yield* storedToken(Installation.botKey(key)))
      assert.strictEqual((yield* TokenManager.health).dead, 0)
    }).pipe(Effect.provide(live({ window: "100 millis", jitter: 1 }, {}, faultyStore)))
  })
})

describe("short-lived tokens", () => {
  it.effect("are refreshed in the second half of their life", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* botToken(key)
      yield* TestClock.adjust("59 seconds")
      yield* botToken(key)
      assert.strictEqual(yield* refreshes, 0)
      yield* TestClock.adjust("17 seconds")
      yield* botToken(key)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live({}, { accessTokenLifetime: "2 minutes" }))))
})

describe("a person's token", () => {
  it.effect("is refreshed separately from the bot's", () =>
    Effect.gen(function*() {
      const { key, users } = yield* install({ scopes: ["chat:write"], userScopes: ["search:read"] })
      yield* TestClock.adjust("12 hours")
      const token = yield* TokenManager.userToken(key, users[0]!.userId)
      assert.strictEqual(Redacted.value(token), yield* storedToken(Installation.userKey(key, users[0]!.userId)))
      assert.strictEqual(yield* refreshes, 1)
      assert.strictEqual((yield* Effect.flip(TokenManager.userToken(key, "U0NOBODY")))._tag, "NotInstalled")
    }).pipe(Effect.provide(live())))
})

describe("similar keys", () => {
  const save = (key: Installation.InstallationKey, tokens: Omit<Parameters<typeof sampleInstall>[0], "appId">) =>
    InstallationStore.save(sampleInstall({
      ...tokens,
      ...(key._tag === "Workspace"
        ? { appId: key.appId, teamId: key.teamId }
        : { appId: key.appId, enterpriseId: key.enterpriseId })
    }))

  it.effect("of a workspace and an organization with the same id are different", () =>
    Effect.gen(function*() {
      const keys = [Installation.workspace("A1", "X1"), Installation.organization("A1", "X1")]
      yield* save(keys[0]!, { bot: sampleBotToken("workspace") })
      yield* save(keys[1]!, { bot: sampleBotToken("organization") })
      const tokens = yield* Effect.forEach([...keys, ...keys], botToken)
      assert.deepStrictEqual(tokens, [...tokens.slice(0, 2), ...tokens.slice(0, 2)])
      assert.include(tokens[0], "workspace")
      assert.include(tokens[1], "organization")
    }).pipe(Effect.provide(live())))

  it.effect("with a slash in an id are different", () =>
    Effect.gen(function*() {
      yield* save(Installation.workspace("A1", "T"), { user: ["U/V", sampleUserToken("one")] })
      yield* save(Installation.workspace("A1", "T/U"), { user: ["V", sampleUserToken("other")] })
      const one = yield* TokenManager.userToken(Installation.workspace("A1", "T"), "U/V")
      const other = yield* TokenManager.userToken(Installation.workspace("A1", "T/U"), "V")
      assert.notStrictEqual(Redacted.value(one), Redacted.value(other))
    }).pipe(Effect.provide(live())))

  it.effect("a person who is called bot does not get the bot's token", () =>
    Effect.gen(function*() {
      const key = Installation.workspace("A1", "T1")
      yield* save(key, { bot: sampleBotToken("bot") })
      yield* botToken(key)
      assert.strictEqual((yield* Effect.flip(TokenManager.userToken(key, "bot")))._tag, "NotInstalled")
      yield* save(key, { user: ["bot", sampleUserToken("person")] })
      assert.include(yield* botToken(key), "bot")
      assert.include(Redacted.value(yield* TokenManager.userToken(key, "bot")), "person")
    }).pipe(Effect.provide(live())))

  it.effect("with ids that Slack cannot have issued are not installed", () =>
    Effect.gen(function*() {
      for (const id of ["T\ud800", "T%", "", "T/1"]) {
        const error = yield* Effect.flip(botToken(Installation.workspace("A1", id)))
        assert.strictEqual(error._tag, "NotInstalled")
      }
    }).pipe(Effect.provide(live())))
})

describe("processes with the same seed of Effect's Random", () => {
  it.effect("hold their leases under different names, and say what for", () => {
    const holders = new Set<string>()
    const intents = new Set<string>()
    const once = Effect.suspend(() => round.pipe(Randoms.withSeed("the same")))
    const round = Effect.gen(function*() {
      const { key } = yield* install()
      const store = yield* InstallationStore.InstallationStore
      const manager = yield* Effect.provideService(TokenManager.make(), InstallationStore.InstallationStore, {
        ...store,
        acquireLease: (key, request) =>
          Effect.suspend(() => {
            holders.add(request.holder)
            intents.add(request.intent)
            return store.acquireLease(key, request)
          })
      })
      yield* manager.refresh(Installation.botKey(key))
    }).pipe(Effect.scoped, Effect.provide(live()))
    return Effect.map(Effect.zip(once, once), () => {
      assert.strictEqual(holders.size, 2)
      assert.deepStrictEqual([...intents], ["refresh generation 1"])
    })
  })
})

describe("more credentials than fit into the cache", () => {
  it.effect("are served too", () =>
    Effect.gen(function*() {
      const workspaces = ["T0A", "T0B", "T0C", "T0D"]
      const installed = yield* Effect.forEach(workspaces, (workspace) => install({ workspace }))
      for (let round = 0; round < 3; round++) {
        for (const { bot, key } of installed) {
          assert.strictEqual(yield* botToken(key), Redacted.value(Option.getOrThrow(bot).token.accessToken))
        }
      }
    }).pipe(Effect.provide(
      live({ cacheSize: 2 }, { workspaces: ["T0A", "T0B", "T0C", "T0D"].map((id) => ({ id })) })
    )))
})

describe("several apps in one store", () => {
  const apps = [{ id: "A0ONE", clientId: "1.1" }, { id: "A0TWO", clientId: "2.2" }]

  it.effect("are refreshed with the secret of their own app", () =>
    Effect.gen(function*() {
      const [one, two] = yield* Effect.all([
        SlackApp.SlackApp,
        Effect.provide(
          SlackApp.SlackApp,
          SlackEmulator.layerSlackApp({ clientId: "2.2" })
        )
      ])
      const { key } = yield* install({ clientId: "2.2" }, two)
      const manager = yield* TokenManager.make({ apps: (appId) => appId === "A0TWO" ? two : one })
      yield* TestClock.adjust("12 hours")
      const token = yield* manager.botToken(key)
      assert.strictEqual(Redacted.value(token), yield* storedToken(Installation.botKey(key)))
    }).pipe(Effect.scoped, Effect.provide(live({}, { apps }))))

  it.effect("that this process has no secret for are served and not refreshed", () =>
    Effect.gen(function*() {
      const one = yield* SlackApp.SlackApp
      const two = yield* Effect.provide(SlackApp.SlackApp, SlackEmulator.layerSlackApp({ clientId: "2.2" }))
      const { key } = yield* install({ clientId: "2.2" }, two)
      const manager = yield* TokenManager.make({ apps: (appId) => appId === "A0ONE" ? one : undefined })
      yield* TestClock.adjust("11 hours")
      yield* manager.botToken(key)
      yield* TestClock.adjust("1 hours")
      const error = yield* Effect.flip(manager.botToken(key))
      assert.strictEqual(error._tag === "TokenUnavailable" && error.error._tag, "SlackInvalidClientId")
      assert.strictEqual(yield* refreshes, 0)
      assert.strictEqual((yield* manager.health).dead, 0)
    }).pipe(Effect.scoped, Effect.provide(live({}, { apps }))))

  it.effect("leave no lease behind if the function that finds an app throws", () =>
    Effect.gen(function*() {
      const { key } = yield* install({ clientId: "1.1" })
      const manager = yield* TokenManager.make({
        apps: () => {
          throw new Error("a mistake in apps")
        }
      })
      yield* manager.botToken(key)
      yield* TestClock.adjust("12 hours")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(manager.botToken(key))))
      const store = yield* InstallationStore.InstallationStore
      const request = { holder: "another", intent: "refresh", duration: "1 minute" } as const
      assert.propertyVal(yield* store.acquireLease(Installation.botKey(key), request), "_tag", "Acquired")
      assert.strictEqual(yield* refreshes, 0)
    }).pipe(Effect.scoped, Effect.provide(live({}, { apps }))))
})

describe("the refresh token of an app without a secret", () => {
  it.effect("has a warning event in the last days of its life", () =>
    Effect.gen(function*() {
      const verifier = Redacted.make("v".repeat(43))
      const { code } = yield* SlackEmulator.authorize({ codeChallenge: yield* Pkce.challenge(verifier) })
      const at = yield* DateTime.now
      const response = yield* OAuthV2.access({ code, codeVerifier: verifier })
      const { key } = yield* InstallationStore.save(Installation.fromTokenResponse(response, at))
      const events = yield* watchEvents
      assert.isFalse(yield* TokenManager.warn({ key: Installation.botKey(key), issuedAt: at }))
      yield* TestClock.adjust("26 days")
      assert.isTrue(yield* TokenManager.warn({ key: Installation.botKey(key), issuedAt: at }))
      yield* Effect.yieldNow()
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["RefreshTokenExpiring"])
    }).pipe(Effect.provide(live({}, { apps: [{ pkce: true }] }))))
})

describe("the error of a caller who gets no token", () => {
  const key = Installation.botKey(Installation.workspace("A1", "T1"))
  const notInstalled = (installation: Installation.InstallationKey) =>
    new TokenManager.NotInstalled({ key: Installation.botKey(installation) })
  const error = new OAuthV2Error.SlackTokenRevoked({ method: "oauth.v2.access" })
  const since = DateTime.unsafeMake("2026-01-02T15:04:05Z")
  const waited = Duration.seconds(65)

  it("says what happened, and what to do", () => {
    const messages: ReadonlyArray<readonly [{ readonly message: string }, string]> = [
      [new TokenManager.NotInstalled({ key }), `${key}: there is no such credential. Have the app installed there.`],
      [
        notInstalled(Installation.workspace("", "T1")),
        "The place names no app: set SLACK_APP_ID, or give it an appId."
      ],
      [
        notInstalled(Installation.organization("A1", "")),
        "The place names neither a workspace nor an organization."
      ],
      [
        new TokenManager.ReauthorizationRequired({ key, since, error }),
        `${key}: the credential is dead since 2026-01-02T15:04:05.000Z (token_revoked). Have the app installed again.`
      ],
      [
        new TokenManager.TokenUnavailable({
          key,
          error: new TokenManager.LeaseTooShort({ waited }),
          retryAfter: Duration.seconds(2)
        }),
        `${key}: there is no valid token at the moment. Ask again in 2s. For 1m 5s, this process was too slow to call Slack before a third of its lease was over. Ask again later; if this goes on, find out what stops the process, or set a longer leaseDuration.`
      ]
    ]
    for (const [error, message] of messages) assert.strictEqual(error.message, message)
  })
})

describe("a credential whose refresh token has ended", () => {
  it.effect("serves its last token until that expires", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("invalid_refresh_token"), times: 1 })
      assert.strictEqual(yield* TokenManager.refresh(Installation.botKey(key)), "Stale")
      assert.strictEqual(yield* botToken(key), old)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Effect.flip(botToken(key)))._tag, "ReauthorizationRequired")
    }).pipe(Effect.provide(live())))
})

describe("what a refresh reports", () => {
  /** How many refreshes have ended so. Metrics are shared by the whole process. */
  const refreshesBy = (result: string) =>
    Effect.map(Metric.value(Metric.tagged(Telemetry.refreshes, "result", result)), ({ count }) => count)

  it.effect("is an event if the old token is served, with its expiry and the error", () =>
    Effect.gen(function*() {
      const { bot, key } = yield* install()
      const events = yield* watchEvents
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("invalid_client_id"), times: 1 })
      yield* botToken(key)
      yield* Effect.yieldNow()
      const [event, ...others] = events
      assert(event?._tag === "ServingStale")
      assert.deepStrictEqual(others, [])
      assert.strictEqual(String(event.key), String(Installation.botKey(key)))
      assert.strictEqual(event.error._tag, "SlackInvalidClientId")
      const { expiresAt } = Option.getOrThrow(Option.getOrThrow(bot).token.expiry)
      assert.strictEqual(DateTime.formatIso(event.expiresAt), DateTime.formatIso(expiresAt))
    }).pipe(Effect.provide(live())))

  it.effect("is an event that names the credential, and says what has happened to it", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      const bot = Installation.botKey(key)
      const events = yield* watchEvents
      yield* TokenManager.refresh(bot)
      faultyStore.before("compareAndSet", unavailable("compareAndSet"))
      yield* TokenManager.refresh(bot)
      faultyStore.before("compareAndSet", Effect.void)
      yield* TestClock.adjust("2 minutes")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("account_inactive"), times: 1 })
      yield* Effect.exit(TokenManager.refresh(bot))
      yield* Effect.yieldNow()
      const told = events.map((event) => [
        event._tag,
        String(event.key),
        event._tag === "Refreshed" ? event.generation : "error" in event ? event.error._tag : undefined
      ])
      assert.deepStrictEqual(told, [
        ["Refreshed", String(bot), 2],
        ["Unsaved", String(bot), "InstallationStoreError"],
        ["Refreshed", String(bot), 3],
        ["ReauthorizationNeeded", String(bot), "SlackAccountInactive"]
      ])
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })

  it.effect("is no event for a token without an expiry that the store does not show for a while", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      const token = yield* botToken(key)
      const events = yield* watchEvents
      yield* TestClock.adjust("1 hour")
      faultyStore.before("credential", unavailable("credential"))
      assert.strictEqual(yield* botToken(key), token)
      yield* Effect.yieldNow()
      assert.deepStrictEqual(events, [])
    }).pipe(Effect.provide(live({ refreshTokenLifetime: "1 hour" }, { apps: [{ rotation: false }] }, faultyStore)))
  })

  it.effect("is a warning too if it fails while the refresh token is about to expire", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const events = yield* watchEvents
      yield* TestClock.adjust("26 days")
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("invalid_client_id"), times: 1 })
      yield* Effect.flip(botToken(key))
      yield* Effect.yieldNow()
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["RefreshTokenExpiring"])
    }).pipe(Effect.provide(live({ refreshTokenLifetime: "30 days" }))))

  it.effect("is counted by its result", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      const refresh = Effect.exit(TokenManager.refresh(Installation.botKey(key)))
      const fail = (code: string) =>
        Effect.zipRight(SlackEmulator.inject({ fault: SlackEmulator.code(code), times: 1 }), refresh)
      const unsaved = Effect.suspend(() => {
        faultyStore.before("compareAndSet", unavailable("compareAndSet"))
        return Effect.zipLeft(refresh, Effect.sync(() => faultyStore.before("compareAndSet", Effect.void)))
      })
      const results = {
        ok: refresh,
        unsaved,
        SlackInvalidClientId: fail("invalid_client_id"),
        SlackAccountInactive: fail("account_inactive")
      }
      for (const [result, step] of Object.entries(results)) {
        const before = yield* refreshesBy(result)
        yield* step
        assert.strictEqual((yield* refreshesBy(result)) - before, 1, result)
        yield* TestClock.adjust("2 minutes")
      }
    }).pipe(Effect.provide(live({}, {}, faultyStore)))
  })

  it.effect("is a line of the log at debug, for each failure and for a dead credential", () => {
    const watcher = makeWatcher()
    return Effect.gen(function*() {
      const { key } = yield* install()
      for (const code of ["invalid_client_id", "account_inactive"]) {
        yield* SlackEmulator.inject({ fault: SlackEmulator.code(code), times: 1 })
        yield* Effect.exit(TokenManager.refresh(Installation.botKey(key)))
      }
      const lines = watcher.logs.filter(({ level, message }) =>
        level === LogLevel.Debug && String(message).startsWith(`${Installation.botKey(key)}: `)
      )
      assert.match(String(lines[0]?.message), /: invalid_client_id\./)
      assert.match(String(lines[1]?.message), /: reauthorization is needed\. .*account_inactive\./)
    }).pipe(Effect.provide(live()), watcher.watch)
  })
})

describe("health", () => {
  it.effect("counts the credentials by state, and sets the gauges", () =>
    Effect.gen(function*() {
      const soon = DateTime.add(sampleTime, { minutes: 90 })
      const later = DateTime.add(sampleTime, { hours: 12 })
      const installs = [sampleBotToken("soon", soon), sampleBotToken("later", later), sampleBotToken("permanent")]
      for (const [index, bot] of installs.entries()) {
        yield* InstallationStore.save(sampleInstall({ appId: "A1", teamId: `T${index}`, bot }))
      }
      yield* TestClock.setTime(DateTime.toEpochMillis(sampleTime))
      const health = yield* TokenManager.health
      assert.deepStrictEqual(health, { fresh: 1, expiring: 1, permanent: 1, dead: 0, unsaved: 0 })
      for (const [state, count] of Object.entries(health)) {
        const { value } = yield* Metric.value(Metric.tagged(Telemetry.tokenStates, "state", state))
        assert.strictEqual(value, count, state)
      }
    }).pipe(Effect.provide(live())))
})

describe("authorized", () => {
  it.effect("repeats a request once with a new token when Slack calls the old one expired", () =>
    Effect.gen(function*() {
      const { bot, key } = yield* install()
      yield* TokenManager.botToken(key)
      yield* SlackEmulator.revoke(Option.getOrThrow(bot).token.accessToken)
      const client = (yield* HttpClient.HttpClient).pipe(TokenManager.authorized(key))
      const response = yield* client.execute(HttpClientRequest.post("https://slack.com/api/auth.test"))
      assert.propertyVal(yield* response.json, "ok", true)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))

  it.effect("takes the place of an event too, and replaces the token there", () =>
    Effect.gen(function*() {
      const { bot, key } = yield* install()
      const place = { appId: key.appId, ...key._tag === "Workspace" ? { teamId: key.teamId } : {} }
      yield* TokenManager.botTokenFor(place)
      yield* SlackEmulator.revoke(Option.getOrThrow(bot).token.accessToken)
      const client = (yield* HttpClient.HttpClient).pipe(TokenManager.authorized(place))
      const response = yield* client.execute(HttpClientRequest.post("https://slack.com/api/auth.test"))
      assert.propertyVal(yield* response.json, "ok", true)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live())))

  const json = { "content-type": "application/json; charset=utf-8" }

  const chunked = (...chunks: ReadonlyArray<string>) => Readable.toWeb(Readable.from(chunks.map(Buffer.from)))

  /** The error of platform's fetch client for such an answer. */
  const answered = (...answers: ReadonlyArray<() => Response>) =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const queue = [...answers]
      const fetch = () => Promise.resolve(queue.shift()!())
      const client = (yield* Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer)).pipe(
        TokenManager.authorized(key)
      )
      return yield* client.execute(HttpClientRequest.get("https://slack.com/api/users.list")).pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetch as typeof globalThis.fetch)
      )
    })

  const textOf = (response: HttpClientResponse.HttpClientResponse) =>
    Stream.mkString(Stream.decodeText(response.stream))

  const small = JSON.stringify({ ok: true, members: ["é"] })
  const large = JSON.stringify({ ok: true, members: Array.from({ length: 5000 }, (_, index) => `U${index}`) })

  it.effect("leaves the body of a response to its reader, in every form", () =>
    Effect.gen(function*() {
      for (const text of [small, large, ""]) {
        const bodies = [() => text, () => chunked(text.slice(0, 9000), text.slice(9000)), () => chunked(...text)]
        for (const body of text === large ? bodies.slice(0, 2) : bodies) {
          const get = answered(() => new Response(body() as BodyInit, { headers: json }))
          assert.strictEqual(yield* textOf(yield* get), text)
          assert.strictEqual(yield* (yield* get).text, text)
          assert.strictEqual(Buffer.from(yield* (yield* get).arrayBuffer).toString(), text)
          assert.deepStrictEqual(yield* (yield* get).json, text === "" ? null : JSON.parse(text))
        }
      }
    }).pipe(Effect.provide(live())))

  it.effect("finds a refusal under every spelling of its content type", () =>
    Effect.gen(function*() {
      const refusal = () =>
        new Response(`{"ok":false,"error":"token_expired"}`, { headers: { "content-type": "Application/JSON" } })
      const response = yield* answered(refusal, () => new Response(small, { headers: json }))
      assert.strictEqual(yield* response.text, small)
    }).pipe(Effect.provide(live())))

  it.effect("does not parse an answer that cannot be a refusal", () =>
    Effect.gen(function*() {
      const parse = JSON.parse
      const parsed: Array<string> = []
      JSON.parse = (text: string, reviver?: (key: string, value: unknown) => unknown) => {
        parsed.push(text)
        return parse(text, reviver)
      }
      const response = yield* Effect.ensuring(
        Effect.tap(answered(() => new Response(small, { headers: json })), ({ json }) => json),
        Effect.sync(() => JSON.parse = parse)
      )
      assert.deepStrictEqual(parsed.filter((text) => text === small), [small])
      assert.strictEqual(response.status, 200)
    }).pipe(Effect.provide(live())))

  it.effect("finds a refusal that arrives in pieces", () =>
    Effect.gen(function*() {
      const refusal = "{\"ok\": false, \"error\": \"token_expired\"}"
      const response = yield* answered(
        () => new Response(chunked(...refusal) as BodyInit, { headers: json }),
        () => new Response(small, { headers: json })
      )
      assert.strictEqual(yield* response.text, small)
    }).pipe(Effect.provide(live())))

  it.effect("does not hold a large body in memory", () =>
    Effect.gen(function*() {
      let chunks = 0
      let isCancelled = false
      const endless = new ReadableStream({
        pull: (controller) => {
          chunks++
          controller.enqueue(new TextEncoder().encode(`{"ok":true,"text":"${"x".repeat(1000)}`))
        },
        cancel: () => {
          isCancelled = true
        }
      })
      const response = yield* answered(() => new Response(endless, { headers: json }))
      assert.isAtMost(chunks, 15)
      const read = yield* Stream.runCollect(Stream.take(response.stream, 30))
      assert.strictEqual(read.length, 30)
      assert.isAtMost(chunks, 40)
      assert.isTrue(isCancelled)
    }).pipe(Effect.provide(live())))

  it.effect("returns an answer unchanged when it cannot be a refusal", () =>
    Effect.gen(function*() {
      const answers = [
        new Response(small, { headers: { "content-type": "text/plain" } }),
        new Response(small, { status: 500, headers: json }),
        new Response(large, { headers: { ...json, "content-length": String(large.length) } })
      ]
      for (const answer of answers) {
        const response = yield* answered(() => answer)
        assert.isFalse(answer.bodyUsed)
        assert.strictEqual(yield* response.text, answer.status === 200 && answer !== answers[0] ? large : small)
      }
      const empty = yield* answered(() => new Response(null, { headers: json }))
      assert.strictEqual(yield* empty.text, "")
    }).pipe(Effect.provide(live())))

  it.effect("keeps the cookies and headers of a response", () =>
    Effect.gen(function*() {
      const headers = new Headers({ ...json, "x-slack-req-id": "r1" })
      headers.append("set-cookie", "a=1")
      headers.append("set-cookie", "b=2")
      const response = yield* answered(() => new Response(small, { headers }))
      assert.strictEqual(response.headers["x-slack-req-id"], "r1")
      assert.deepStrictEqual(Object.keys(response.cookies.cookies), ["a", "b"])
    }).pipe(Effect.provide(live())))

  it.effect("fails with a typed error when the connection breaks during the body", () =>
    Effect.gen(function*() {
      const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) })
      const error = yield* Effect.flip(answered(() => new Response(broken, { headers: json })))
      assert(HttpClientError.isHttpClientError(error))
      assert.isDefined(failureOf(error).response)
    }).pipe(Effect.provide(live())))
})
