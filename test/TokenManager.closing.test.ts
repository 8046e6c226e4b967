import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Agenda from "./simulation/agenda.js"
import * as Machine from "./simulation/machine.js"
import * as Programs from "./utils/effect/programs.js"
import { type FaultyStore, makeFaultyStore, once, unavailable } from "./utils/faultyStore.js"
import { install, refreshes } from "./utils/installations.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

const live = (faultyStore: FaultyStore, emulator?: SlackEmulator.Options) =>
  TokenManager.layer().pipe(
    Layer.provideMerge(faultyStore.layer),
    Layer.provideMerge(InstallationStore.layerMemory),
    Layer.provideMerge(OAuthV2.layer),
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer(emulator))
  )

const both = [true, false].map((sharedRefresh) => ({ sharedRefresh, name: `sharedRefresh: ${sharedRefresh}` }))

/** The stored generation of a credential. */
const generationOf = (faultyStore: FaultyStore, key: Installation.CredentialKey) =>
  Effect.gen(function*() {
    faultyStore.before("credential", Effect.void)
    const store = yield* InstallationStore.InstallationStore
    return Option.getOrUndefined(yield* store.credential(key))?.generation
  })

/** A token that ends so many hours after it was issued. */
const tokenOf = (name: string, issuedAt: DateTime.Utc, hours: number) =>
  new TokenResponse.BotToken({
    accessToken: Redacted.make(`xoxe.xoxb-test-${name}`),
    scopes: [],
    botUserId: Option.none(),
    expiry: Option.some(
      new TokenResponse.Expiry({
        expiresAt: DateTime.add(issuedAt, { hours }),
        refreshToken: Option.some(Redacted.make(`xoxe-test-${name}`))
      })
    )
  })

// -------------------------------------------------------------------------------------
// a slow refresh
// -------------------------------------------------------------------------------------

describe("a manager that closes while a refresh is slow", () => {
  /** Closes a manager just after a refresh has begun, over a slow store, with a slow Slack. */
  const closeWhileRefreshing = (
    faultyStore: FaultyStore,
    delay: Duration.DurationInput,
    options?: TokenManager.Options
  ) =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay(delay) })
      for (const operation of ["credential", "acquireLease"] as const) {
        faultyStore.before(operation, Effect.sleep("4900 millis"))
      }
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(options), scope)
      const caller = yield* Effect.forkDaemon(Effect.exit(manager.botToken(key)))
      yield* TestClock.adjust("1 millis")
      const closing = yield* Effect.forkDaemon(Scope.close(scope, Exit.void))
      const isClosed = Effect.map(Fiber.poll(closing), Option.isSome)
      return { caller, isClosed, key: Installation.botKey(key) }
    })

  for (const { name, sharedRefresh } of both) {
    it.effect(`stores an answer that comes within the lease time, with ${name}`, () => {
      const faultyStore = makeFaultyStore()
      const watcher = makeWatcher()
      return Effect.gen(function*() {
        const { isClosed, key } = yield* closeWhileRefreshing(faultyStore, "8 seconds", { sharedRefresh })
        yield* TestClock.adjust("22 seconds")
        assert.isFalse(yield* isClosed)
        yield* TestClock.adjust("1 seconds")
        assert.isTrue(yield* isClosed)
        assert.strictEqual(yield* generationOf(faultyStore, key), 2)
        assert.deepStrictEqual(watcher.logs.filter(({ level }) => level === LogLevel.Error), [])
      }).pipe(Effect.provide(live(faultyStore)), watcher.watch)
    })

    it.effect(`stores it at a second try, with ${name}`, () => {
      const faultyStore = makeFaultyStore()
      return Effect.gen(function*() {
        faultyStore.before("compareAndSet", once(faultyStore, "compareAndSet", unavailable("compareAndSet")))
        const { isClosed, key } = yield* closeWhileRefreshing(faultyStore, "8 seconds", { sharedRefresh })
        yield* TestClock.adjust("24 seconds")
        assert.isTrue(yield* isClosed)
        assert.strictEqual(yield* generationOf(faultyStore, key), 2)
      }).pipe(Effect.provide(live(faultyStore)))
    })

    it.effect(`leaves it alone after the lease time, and does not send its token again, with ${name}`, () => {
      const faultyStore = makeFaultyStore()
      const watcher = makeWatcher()
      return Effect.gen(function*() {
        const { caller, isClosed } = yield* closeWhileRefreshing(faultyStore, "1 hour", { sharedRefresh })
        yield* TestClock.adjust("29 seconds")
        assert.isFalse(yield* isClosed)
        yield* TestClock.adjust("1 second")
        assert.isTrue(yield* isClosed)
        assert.deepStrictEqual(
          watcher.logs.filter(({ level }) => level === LogLevel.Error).map(({ message }) => String(message)),
          ["TokenManager is closing, and refreshes under way did not finish."]
        )
        yield* TestClock.adjust("1 minute")
        // The call that was given up has not reached Slack.
        assert.strictEqual(yield* refreshes, 0)
        yield* Fiber.join(caller)
      }).pipe(Effect.provide(live(faultyStore)), watcher.watch)
    })

    it.effect(`sends no refresh token after two thirds of the lease time, with ${name}`, () => {
      const faultyStore = makeFaultyStore()
      return Effect.gen(function*() {
        const { isClosed, key } = yield* closeWhileRefreshing(faultyStore, "1 second", { sharedRefresh })
        yield* TestClock.adjust("7 seconds")
        // Another process stores a token that has ended. So the refresh takes the lease again, and looks again.
        const store = yield* InstallationStore.InstallationStore
        const issuedAt = yield* DateTime.now
        yield* store.compareAndSet(
          key,
          1,
          Installation.Change.Renewed({ token: tokenOf("elsewhere", issuedAt, -1), issuedAt })
        )
        yield* TestClock.adjust("20 seconds")
        assert.isTrue(yield* isClosed)
        assert.strictEqual(faultyStore.calls.acquireLease, 2)
        assert.strictEqual(faultyStore.calls.releaseLease, 1)
        assert.strictEqual(yield* refreshes, 0)
      }).pipe(Effect.provide(live(faultyStore)))
    })
  }
})

// -------------------------------------------------------------------------------------
// unsaved tokens
// -------------------------------------------------------------------------------------

describe("a manager that closes with unsaved tokens", () => {
  it.effect("saves each of them, although other processes hold the leases of many", () => {
    const faultyStore = makeFaultyStore()
    const workspaces = Array.from({ length: 20 }, (_, index) => `T${index}`)
    return Effect.gen(function*() {
      const keys = yield* Effect.forEach(
        workspaces,
        (workspace) => Effect.map(install({ workspace }), ({ key }) => key)
      )
      yield* TestClock.adjust("12 hours")
      faultyStore.before("compareAndSet", Effect.fail(unavailable("compareAndSet")))
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      yield* Effect.forEach(keys, (key) => manager.botToken(key))
      const last = keys.pop()!
      const store = yield* InstallationStore.InstallationStore
      for (const key of keys) {
        const request = { holder: "other", intent: "refresh", duration: "1 day" } as const
        const take = store.acquireLease(Installation.botKey(key), request)
        while ((yield* take)._tag !== "Acquired") yield* TestClock.adjust("1 second")
      }
      faultyStore.before("compareAndSet", Effect.void)
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(closing)
      assert.strictEqual(yield* generationOf(faultyStore, Installation.botKey(last)), 2)
      assert.strictEqual(yield* generationOf(faultyStore, Installation.botKey(keys[0]!)), 1)
    }).pipe(Effect.provide(live(faultyStore, { workspaces: workspaces.map((id) => ({ id })) })))
  })

  it.effect("tries no more when it has closed", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("3 seconds") })
      faultyStore.before("compareAndSet", Effect.fail(unavailable("compareAndSet")))
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      yield* Effect.forkDaemon(manager.botToken(key))
      yield* TestClock.adjust("1 second")
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
      assert.strictEqual(faultyStore.calls.compareAndSet, 2)
      yield* TestClock.adjust("2 hours")
      assert.strictEqual(faultyStore.calls.compareAndSet, 2)
    }).pipe(Effect.provide(live(faultyStore)))
  })

  it.effect("saves a token that the store does not take at once, also if its events have ended", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("3 seconds") })
      faultyStore.before("compareAndSet", once(faultyStore, "compareAndSet", unavailable("compareAndSet")))
      // Its finalizers run at once.
      const scope = yield* Scope.make(ExecutionStrategy.parallel)
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      yield* Effect.forkDaemon(manager.botToken(key))
      yield* TestClock.adjust("1 second")
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closing)
      assert.strictEqual(yield* generationOf(faultyStore, Installation.botKey(key)), 2)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live(faultyStore)))
  })
})

// -------------------------------------------------------------------------------------
// pauses
// -------------------------------------------------------------------------------------

describe("a manager that closes in a process that is paused", () => {
  const begin = DateTime.unsafeMake("2026-01-01T00:00:00Z")

  const answerOf = (name: string, issuedAt: DateTime.Utc) =>
    new TokenResponse.TokenResponse({
      appId: "A0TEST",
      target: new TokenResponse.Workspace({ team: { id: "T0TEST", name: Option.none() } }),
      bot: Option.some(tokenOf(name, issuedAt, 12))
    })

  /** Times are milliseconds after the refresh has begun. */
  interface Plan {
    readonly sharedRefresh: boolean
    readonly closeAt: number
    /** When Slack's answer arrives. */
    readonly answerAt?: number
    readonly pauses: ReadonlyArray<readonly [at: number, millis: number]>
    /** How long a call to the store takes that begins at a time. */
    readonly storeTakes: (now: number) => number
    /** When another process takes the lease, and for how long. */
    readonly takenElsewhere?: readonly [at: number, millis: number]
  }

  /** What happens, in order, to a manager in a process of its own. The store and Slack are elsewhere. */
  const happensIn = ({ answerAt, closeAt, takenElsewhere, ...plan }: Plan): ReadonlyArray<string> => {
    const startedAt = DateTime.toEpochMillis(begin)
    const agenda = Agenda.make(startedAt)
    const machine = Machine.alone(agenda)
    const runElsewhere = Programs.runnerAt(Programs.clockOf({
      millis: () => Math.floor(agenda.now()),
      nanos: () => BigInt(Math.floor(agenda.now())) * 1_000_000n,
      sleep: () => Effect.never
    }))
    const happened: Array<string> = []
    const remote = <A, E>(effect: Effect.Effect<A, E>, what?: string): Effect.Effect<A, E> =>
      Effect.async((resume) => {
        agenda.at(agenda.now() + plan.storeTakes(agenda.now() - startedAt), () => {
          const exit = runElsewhere(effect)
          if (what !== undefined) happened.push(what)
          machine.run(() => resume(exit))
        })
      })
    let answer = (): void => {}
    const slack: OAuthV2.Service = {
      access: () =>
        Effect.async((resume) => {
          happened.push("sent")
          answer = () => resume(Effect.succeed(answerOf("new", begin)))
        }),
      exchange: () => Effect.never
    }
    const issuedAt = DateTime.subtract(begin, { hours: 13 })
    const memory = Effect.map(
      Layer.build(InstallationStore.layerMemory),
      Context.get(InstallationStore.InstallationStore)
    )
    machine.start(
      Effect.gen(function*() {
        const stored = yield* memory
        const { key } = yield* stored.save(Installation.fromTokenResponse(answerOf("old", issuedAt), issuedAt))
        const store = InstallationStore.make({
          ...stored,
          credential: (key) => remote(stored.credential(key)),
          acquireLease: (key, request) => remote(stored.acquireLease(key, request)),
          compareAndSet: (key, generation, change) => remote(stored.compareAndSet(key, generation, change), "stored"),
          releaseLease: (key, holder) => remote(stored.releaseLease(key, holder))
        })
        const scope = yield* Scope.make()
        const manager = yield* Scope.extend(TokenManager.make({ sharedRefresh: plan.sharedRefresh }), scope).pipe(
          Effect.provideService(InstallationStore.InstallationStore, store),
          Effect.provideService(OAuthV2.OAuthV2, slack)
        )
        const bot = Installation.botKey(key)
        yield* Effect.forkDaemon(manager.token(bot))
        if (takenElsewhere !== undefined) {
          const [at, duration] = takenElsewhere
          const take = stored.acquireLease(bot, { holder: "other", intent: "refresh", duration })
          agenda.at(startedAt + at, () => void runElsewhere(take))
        }
        yield* Effect.sleep(closeAt)
        yield* Scope.close(scope, Exit.void)
        happened.push("closed")
      }).pipe(Effect.scoped, Effect.orDie)
    )
    for (const [at, millis] of plan.pauses) agenda.at(startedAt + at, () => machine.freeze("stop", millis))
    if (answerAt !== undefined) agenda.at(startedAt + answerAt, () => machine.run(() => answer()))
    while (agenda.step(startedAt + 400_000)) { /* one step */ }
    return happened
  }

  const slowAtFirst = (now: number) => now < 16_000 ? 4800 : 200

  for (const { name, sharedRefresh } of both) {
    it(`stores an answer that arrived during a pause, with ${name}`, () => {
      const pauses = [[[20_500, 9400]], [[20_500, 9600]], [[29_900, 90_000]], [[16_000, 40_000], [
        58_000,
        40_000
      ]]] as const
      for (const each of pauses) {
        const happened = happensIn({
          sharedRefresh,
          closeAt: 1,
          answerAt: 25_000,
          pauses: each,
          storeTakes: slowAtFirst
        })
        assert.deepStrictEqual(happened, ["sent", "stored", "closed"], JSON.stringify(each))
      }
    })

    it(`reads what has arrived after a pause that ends it, with ${name}`, () => {
      const pauses = [[29_200, 10_000]] as const
      const happened = happensIn({ sharedRefresh, closeAt: 1, answerAt: 30_000, pauses, storeTakes: slowAtFirst })
      assert.deepStrictEqual(happened, ["sent", "stored", "closed"])
    })

    it(`waits for another process that has taken the lease meanwhile, with ${name}`, () => {
      const happened = happensIn({
        sharedRefresh,
        closeAt: 100,
        answerAt: 2000,
        pauses: [[1000, 60_000]],
        storeTakes: () => 10,
        takenElsewhere: [60_900, 15_000]
      })
      assert.deepStrictEqual(happened, ["sent", "stored", "closed"])
    })
  }

  it("closes in the end, however often it is paused", () => {
    const pauses = Array.from({ length: 140 }, (_, index) => [500 + index * 3100, 3090] as const)
    const happened = happensIn({ sharedRefresh: true, closeAt: 1, pauses, storeTakes: slowAtFirst })
    assert.include(happened, "closed")
  })
})
