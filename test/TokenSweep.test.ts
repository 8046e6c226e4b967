import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenSweep from "effect-slack-oauth/TokenSweep"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { makeFaultyStore, unavailable } from "./utils/faultyStore.js"
import { type Fleet, makeFleet } from "./utils/fleet.js"

const live = (fleet: Fleet, options?: TokenManager.Options, faultyStore = makeFaultyStore()) =>
  TokenManager.layer(options).pipe(
    Layer.provideMerge(faultyStore.layer),
    Layer.provideMerge(InstallationStore.layerMemory),
    Layer.provideMerge(fleet.layer)
  )

const total = (counts: Iterable<number>): number => Array.from(counts).reduce((sum, count) => sum + count, 0)

/** Refreshes by hour. */
const perHour = (fleet: Fleet): ReadonlyArray<number> => {
  const hours = Array.from({ length: 24 }, () => 0)
  for (const [minute, count] of fleet.perMinute) {
    const hour = Math.floor(minute / 60)
    if (hour < 24) hours[hour] = hours[hour]! + count
  }
  return hours
}

const storedGenerations = Effect.flatMap(InstallationStore.InstallationStore, (store) =>
  Effect.map(
    Stream.runCollect(Stream.map(store.stream, ({ bot }) => Option.getOrThrow(bot).generation)),
    (generations) => Array.from(generations)
  ))

describe("a fleet that was installed in one minute", () => {
  it.effect("is refreshed evenly, and nobody gets an expired token", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      const keys = yield* fleet.install(1000)
      const sweeping = yield* Effect.fork(Layer.launch(TokenSweep.layer({ interval: "10 minutes" })))
      for (let minutes = 0; minutes < 24 * 60; minutes += 10) {
        yield* TestClock.adjust("10 minutes")
        const now = yield* Clock.currentTimeMillis
        for (let index = minutes % 97; index < keys.length; index += 97) {
          assert.isTrue(fleet.accepts(yield* TokenManager.botToken(keys[index]!), now))
        }
      }
      yield* Fiber.interrupt(sweeping)
      const hours = perHour(fleet)
      const mean = total(hours) / 24
      assert.isAtMost(Math.max(...hours), 1.5 * mean, `peak of ${hours.join(", ")}`)
      assert.isAtLeast(total(hours), 2 * keys.length)
      assert.isAtMost(total(hours), 3 * keys.length)
      assert.strictEqual(fleet.refused(), 0)
    }).pipe(Effect.provide(live(fleet)))
  }, 120_000)
})

describe("a sweep at rest", () => {
  it.effect("makes a pass each half hour while no token is due, and each interval while tokens are", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      const [key] = yield* fleet.install(1)
      const passes: Array<number> = []
      const sweep = yield* TokenSweep.make()
      const began = yield* Clock.currentTimeMillis
      while (passes.length < 100) {
        const at = (yield* Clock.currentTimeMillis) - began
        if (at >= 12 * 3_600_000) break
        passes.push(at / 60_000)
        yield* sweep.pass
        yield* TestClock.adjust(yield* sweep.pause)
      }
      assert.deepStrictEqual(passes.slice(0, 3), [0, 30, 60])
      // A token is due ten hours after it was issued.
      const gaps = passes.map((at, index) => at - (passes[index - 1] ?? 0))
      assert.isAtMost(passes.length, 40, gaps.join(", "))
      assert.isAtMost(Math.max(...gaps), 30)
      const stored = yield* storedGenerations
      assert.deepStrictEqual(stored, [2])
      const refreshedAt = Array.from(fleet.perMinute).filter(([, count]) => count > 0).map(([minute]) => minute)
      assert.isTrue(refreshedAt.length === 1 && refreshedAt[0]! >= 600 && refreshedAt[0]! <= 610, String(refreshedAt))
      assert.isTrue(fleet.accepts(yield* TokenManager.botToken(key!), yield* Clock.currentTimeMillis))
    }).pipe(Effect.provide(live(fleet)))
  })

  it.effect("tries again after the interval when a refresh has failed", () => {
    const fleet = makeFleet()
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      yield* fleet.install(1)
      const sweep = yield* TokenSweep.make()
      yield* TestClock.adjust("10 hours")
      faultyStore.before("credential", Effect.fail(unavailable("credential")))
      for (let pass = 0; pass < 3; pass++) {
        yield* sweep.pass
        assert.strictEqual(Duration.toMinutes(yield* sweep.pause), 1)
        yield* TestClock.adjust("1 minute")
      }
    }).pipe(Effect.provide(live(fleet, undefined, faultyStore)))
  })
})

describe("a fleet whose expiries are spread", () => {
  it.effect("is not refreshed before its time", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      for (let minutes = 0; minutes < 600; minutes += 10) {
        yield* fleet.install(10)
        yield* TestClock.adjust("10 minutes")
      }
      const sweep = yield* TokenSweep.make({ interval: "20 minutes" })
      let early = 0
      let urgent = 0
      for (let minutes = 0; minutes < 1200; minutes += 20) {
        const report = yield* sweep.pass
        early += report.early
        urgent += report.urgent
        yield* TestClock.adjust("20 minutes")
      }
      assert.strictEqual(early, 0)
      assert.isAtLeast(urgent, 1100)
    }).pipe(Effect.provide(live(fleet)))
  })
})

describe("two processes", () => {
  it.effect("share the work, and no credential is refreshed twice", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      yield* fleet.install(300)
      const managers = yield* Effect.all([TokenManager.make(), TokenManager.make()])
      const sweeps = yield* Effect.forEach(
        managers,
        (manager) => Effect.provideService(TokenSweep.make(), TokenManager.TokenManager, manager)
      )
      yield* TestClock.adjust("601 minutes")
      const sweeping = yield* Effect.fork(Effect.forEach(sweeps, ({ pass }) => pass, { concurrency: "unbounded" }))
      yield* TestClock.adjust("1 minute")
      const reports = yield* Fiber.join(sweeping)
      assert.strictEqual(fleet.refreshes(), 300)
      assert.strictEqual(total(reports.map(({ renewed }) => renewed)), 300)
      assert.deepStrictEqual(new Set(yield* storedGenerations), new Set([2]))
    }).pipe(Effect.scoped, Effect.provide(live(fleet)))
  })
})

describe("a pass", () => {
  it.effect("keeps to its rate, refreshes the earliest expiries first, and reports that it is behind", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      const first = yield* fleet.install(30)
      yield* TestClock.adjust("1 minute")
      yield* fleet.install(30)
      yield* TestClock.adjust("11 hours")
      const sweep = yield* TokenSweep.make({ ratePerMinute: 40 })
      const report = yield* sweep.pass
      assert.deepInclude(report, { urgent: 40, renewed: 40, behind: true })
      const store = yield* InstallationStore.InstallationStore
      for (const key of first) {
        const bot = yield* Effect.flatten(store.credential(Installation.botKey(key)))
        assert.strictEqual(bot.generation, 2)
      }
      assert.deepInclude(yield* sweep.pass, { urgent: 20, renewed: 20, behind: false })
    }).pipe(Effect.provide(live(fleet)))
  })

  it.effect("counts the fleet", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      yield* fleet.install(5)
      yield* TestClock.adjust("11 hours")
      const { health } = yield* TokenSweep.pass()
      assert.deepStrictEqual(Option.getOrThrow(health), { fresh: 0, expiring: 5, permanent: 0, dead: 0, unsaved: 0 })
    }).pipe(Effect.provide(live(fleet)))
  })

  it.effect("refreshes others although some fail", () => {
    const fleet = makeFleet()
    const one = Effect.gen(function*() {
      yield* fleet.install(10)
      yield* TestClock.adjust("1 minute")
      yield* fleet.install(10)
      yield* TestClock.adjust("11 hours")
      // The first ten are of an app whose secret is wrong.
      const store = yield* InstallationStore.InstallationStore
      const manager = yield* TokenManager.TokenManager
      const sweep = yield* TokenSweep.make({ ratePerMinute: 10 }).pipe(
        Effect.provideService(TokenManager.TokenManager, {
          ...manager,
          refresh: (key, force) =>
            Number(String(key).split("/T")[1]?.split("/")[0]) < 10
              ? new TokenManager.TokenUnavailable({
                key,
                error: OAuthV2Error.fromCode("bad_client_secret", { method: "oauth.v2.access" }),
                retryAfter: Duration.seconds(1)
              })
              : manager.refresh(key, force)
        }),
        Effect.provideService(InstallationStore.InstallationStore, store)
      )
      assert.deepInclude(yield* sweep.pass, { urgent: 10, renewed: 0, failed: 10 })
      assert.deepInclude(yield* sweep.pass, { urgent: 10, renewed: 10, failed: 0 })
    })
    return Effect.provide(one, live(fleet))
  })

  it.effect("refreshes the apps of its options only", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      yield* fleet.install(5)
      yield* TestClock.adjust("11 hours")
      assert.deepInclude(yield* TokenSweep.pass({ apps: (appId) => appId !== "A0FLEET" }), { urgent: 0, early: 0 })
      assert.strictEqual(fleet.refreshes(), 0)
    }).pipe(Effect.provide(live(fleet)))
  })

  it.effect("emits one warning for each refresh token that expires soon", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      yield* fleet.install(3)
      const seen: Array<string> = []
      yield* Effect.fork(Stream.runForEach(TokenManager.events, ({ _tag }) => Effect.sync(() => seen.push(_tag))))
      yield* Effect.yieldNow()
      yield* TestClock.adjust("11 hours")
      const sweep = yield* TokenSweep.make({ window: "1 second" })
      assert.strictEqual((yield* sweep.pass).dying, 3)
      yield* TestClock.adjust("40 minutes")
      assert.strictEqual((yield* sweep.pass).dying, 3)
      assert.deepStrictEqual(seen, ["RefreshTokenExpiring", "RefreshTokenExpiring", "RefreshTokenExpiring"])
    }).pipe(Effect.provide(live(fleet, { refreshTokenLifetime: "12 hours" })))
  })

  it.effect("fails when the store fails, and the next pass continues", () => {
    const fleet = makeFleet()
    return Effect.gen(function*() {
      yield* fleet.install(1)
      const store = yield* InstallationStore.InstallationStore
      let isDown = true
      const broken = new InstallationStore.InstallationStoreError({ operation: "counts", reason: "unavailable" })
      const sweeping = yield* Layer.launch(TokenSweep.layer({ interval: "10 minutes" })).pipe(
        Effect.provideService(InstallationStore.InstallationStore, {
          ...store,
          credentials: (selection) => isDown ? Stream.fail(broken) : store.credentials(selection)
        }),
        Effect.fork
      )
      yield* TestClock.adjust("11 hours")
      assert.strictEqual(fleet.refreshes(), 0)
      isDown = false
      yield* TestClock.adjust("20 minutes")
      assert.strictEqual(fleet.refreshes(), 1)
      yield* Fiber.interrupt(sweeping)
    }).pipe(Effect.provide(live(fleet)))
  })
})
