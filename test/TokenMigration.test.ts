import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { authTest } from "./utils/emulator.js"
import { type FaultyStore, makeFaultyStore, unavailable } from "./utils/faultyStore.js"
import { install } from "./utils/installations.js"

const workspaces = (size: number) => Array.from({ length: size }, (_, index) => ({ id: `T0LEGACY${index}` }))

const live = (size: number, faultyStore: FaultyStore = makeFaultyStore()) =>
  TokenManager.layer().pipe(
    Layer.provideMerge(faultyStore.layer),
    Layer.provideMerge(InstallationStore.layerMemory),
    Layer.provideMerge(OAuthV2.layer),
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer({ apps: [{ rotation: false }], workspaces: workspaces(size) }))
  )

/** Stores installations from before the app turned rotation on. */
const legacy = (size: number) =>
  Effect.gen(function*() {
    const keys = yield* Effect.forEach(
      workspaces(size),
      ({ id }) => Effect.map(install({ workspace: id }), ({ key }) => key)
    )
    yield* SlackEmulator.enableRotation()
    return keys
  })

const exchanges = Effect.map(
  SlackEmulator.calls,
  (calls) => calls.filter(({ method }) => method === "oauth.v2.exchange")
)

const stored = Effect.flatMap(
  InstallationStore.InstallationStore,
  (store) =>
    Effect.map(Stream.runCollect(store.stream), (chunk) => Array.from(chunk, ({ bot }) => Option.getOrThrow(bot)))
)

const rotating = Effect.map(stored, (bots) => bots.filter(({ token }) => Option.isSome(token.expiry)).length)

/** Runs an effect to its end, and moves the clock as far as necessary. */
const finish = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(effect)
    while (Option.isNone(yield* Fiber.poll(fiber))) yield* TestClock.adjust("20 seconds")
    return yield* Fiber.join(fiber)
  })

const allWork = Effect.gen(function*() {
  for (const { token } of yield* stored) assert.propertyVal(yield* authTest(token.accessToken), "ok", true)
})

describe("a store of long-lived tokens", () => {
  it.effect("is exchanged: each token once, and no faster than the rate", () =>
    Effect.gen(function*() {
      const keys = yield* legacy(120)
      const report = yield* finish(TokenMigration.run())
      assert.deepInclude(report, { exchanged: 120, failed: 0, skipped: 0 })
      assert.strictEqual(yield* rotating, 120)
      const calls = yield* exchanges
      assert.strictEqual(calls.length, 120)
      const times = calls.map(({ at }) => DateTime.toEpochMillis(at))
      for (const time of times) {
        assert.isAtMost(times.filter((other) => other >= time && other < time + 60_000).length, 50)
      }
      yield* allWork
      yield* TestClock.adjust("12 hours")
      yield* TokenManager.botToken(keys[0]!)
    }).pipe(Effect.provide(live(120))), 30_000)

  it.effect("can be counted in a dry run, without a call", () =>
    Effect.gen(function*() {
      yield* legacy(5)
      const report = yield* TokenMigration.run({ dryRun: true })
      assert.deepInclude(report, { pending: 5, exchanged: 0 })
      assert.strictEqual((yield* exchanges).length, 0)
    }).pipe(Effect.provide(live(5))))

  it.effect("can be interrupted: running exchanges are finished, and the next run continues", () =>
    Effect.gen(function*() {
      yield* legacy(20)
      yield* SlackEmulator.inject({ method: "oauth.v2.exchange", fault: SlackEmulator.delay("3 seconds"), times: 20 })
      const running = yield* Effect.fork(TokenMigration.run())
      yield* TestClock.adjust("10 seconds")
      const interrupting = yield* Effect.fork(Fiber.interrupt(running))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(interrupting)
      const before = (yield* exchanges).length
      assert.isAbove(before, 4)
      assert.isBelow(before, 15)
      assert.strictEqual(yield* rotating, before)
      assert.deepInclude(yield* finish(TokenMigration.run()), { exchanged: 20 - before })
      assert.strictEqual((yield* exchanges).length, 20)
      assert.deepStrictEqual(yield* SlackEmulator.replays, [])
    }).pipe(Effect.provide(live(20))))

  it.effect("skips rotating and dead credentials, and those of other apps", () =>
    Effect.gen(function*() {
      const [first, second] = yield* legacy(3)
      yield* finish(TokenMigration.run({ only: ({ installation }) => String(installation) === String(first) }))
      const store = yield* InstallationStore.InstallationStore
      const since = yield* DateTime.now
      yield* store.compareAndSet(
        Installation.botKey(second!),
        1,
        Installation.Change.Dead({ code: "token_revoked", since })
      )
      assert.deepInclude(yield* finish(TokenMigration.run({ apps: () => undefined })), { exchanged: 0, skipped: 0 })
      assert.deepInclude(yield* finish(TokenMigration.run()), { exchanged: 1 })
      assert.strictEqual((yield* exchanges).length, 2)
    }).pipe(Effect.provide(live(3))))
})

describe("a lost answer", () => {
  it.effect("is not requested again in the same run, and the old token still works", () =>
    Effect.gen(function*() {
      yield* legacy(1)
      yield* SlackEmulator.inject({ method: "oauth.v2.exchange", fault: SlackEmulator.cutAfterStateChange })
      const report = yield* finish(TokenMigration.run())
      assert.strictEqual(report.failed, 1)
      assert.propertyVal(report.problems[0], "isInDoubt", true)
      assert.strictEqual((yield* exchanges).length, 1)
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* finish(TokenMigration.run()), { alreadyExchanged: 1 })
      assert.strictEqual(yield* rotating, 0)
      yield* allWork
    }).pipe(Effect.provide(live(1))))
})

describe("tokens that the store fails to save", () => {
  it.effect("are saved as soon as the store is back", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      yield* legacy(1)
      faultyStore.before(
        "compareAndSet",
        Effect.suspend(() =>
          faultyStore.calls.compareAndSet < 10 ? Effect.fail(unavailable("compareAndSet")) : Effect.void
        )
      )
      assert.deepInclude(yield* finish(TokenMigration.run()), { exchanged: 1 })
      assert.strictEqual(yield* rotating, 1)
      yield* allWork
    }).pipe(Effect.provide(live(1, faultyStore)))
  })
})

describe("a refusal", () => {
  it.effect("for the app's settings ends the calls for that app", () =>
    Effect.gen(function*() {
      yield* legacy(40)
      yield* SlackEmulator.inject({
        method: "oauth.v2.exchange",
        fault: SlackEmulator.code("token_rotation_not_enabled"),
        share: 1
      })
      assert.deepInclude(yield* finish(TokenMigration.run()), { failed: 40 })
      assert.isAtMost((yield* exchanges).length, 8)
      assert.strictEqual((yield* TokenManager.health).dead, 0)
    }).pipe(Effect.provide(live(40))))

  it.effect("for too many calls is repeated after the pause", () =>
    Effect.gen(function*() {
      yield* legacy(5)
      yield* SlackEmulator.inject({
        method: "oauth.v2.exchange",
        fault: SlackEmulator.rateLimited({ retryAfter: "30 seconds" })
      })
      assert.deepInclude(yield* finish(TokenMigration.run()), { exchanged: 5, failed: 0 })
      const [first, second] = yield* exchanges
      assert.isAtLeast(DateTime.distance(first!.at, second!.at), 30_000)
    }).pipe(Effect.provide(live(5))))

  it.effect("for too many calls does not pause a migration for a day", () =>
    Effect.gen(function*() {
      yield* legacy(5)
      yield* SlackEmulator.inject({
        method: "oauth.v2.exchange",
        fault: SlackEmulator.rateLimited({ retryAfter: "1 day" })
      })
      assert.deepInclude(yield* finish(TokenMigration.run()), { exchanged: 5, failed: 0 })
      const [first, second] = yield* exchanges
      assert.isAtMost(DateTime.distance(first!.at, second!.at), 6 * 60_000)
    }).pipe(Effect.provide(live(5))))

  it.effect("of a revoked token marks the credential dead, and of one that cannot be exchanged does not", () =>
    Effect.gen(function*() {
      yield* legacy(2)
      for (const code of ["token_revoked", "invalid_token"]) {
        yield* SlackEmulator.inject({ method: "oauth.v2.exchange", fault: SlackEmulator.code(code) })
      }
      assert.deepInclude(yield* finish(TokenMigration.run()), { dead: 1, failed: 1 })
      const health = yield* TokenManager.health
      assert.deepInclude(health, { dead: 1, permanent: 1 })
    }).pipe(Effect.provide(live(2))))
})

describe("two migrations at once", () => {
  it.effect("exchange each token once", () =>
    Effect.gen(function*() {
      yield* legacy(20)
      const reports = yield* finish(Effect.all([TokenMigration.run(), TokenMigration.run()], { concurrency: 2 }))
      assert.strictEqual(reports[0].exchanged + reports[1].exchanged, 20)
      assert.strictEqual((yield* exchanges).length, 20)
      const tokens = (yield* stored).map(({ token }) => Redacted.value(token.accessToken))
      assert.strictEqual(new Set(tokens).size, 20)
    }).pipe(Effect.provide(live(20))))
})
