import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as TokenSweep from "effect-slack-oauth/TokenSweep"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Clocks from "../src/internal/effect/clocks.js"
import * as Randoms from "./utils/effect/random.js"
import { type FaultyStore, makeFaultyStore } from "./utils/faultyStore.js"
import { botToken, install, refreshes } from "./utils/installations.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

const live = (faultyStore: FaultyStore, options?: TokenManager.Options, emulator?: SlackEmulator.Options) =>
  TokenManager.layer(options).pipe(
    Layer.provideMerge(faultyStore.layer),
    Layer.provideMerge(InstallationStore.layerMemory),
    Layer.provideMerge(OAuthV2.layer),
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer(emulator))
  )

/** How an effect ends within a time. */
const within = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  time: "3 seconds" | "6 seconds" | "20 seconds" | "30 seconds"
) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust(time)
    const exit = yield* Fiber.poll(fiber)
    if (Option.isNone(exit)) return assert.fail(`it did not end within ${time}`)
    return yield* exit.value
  })

/** The calls to a store that a refresh is made of. */
const operations = ["credential", "acquireLease", "compareAndSet", "releaseLease"] as const

const hanging = {
  "never answers": Effect.never,
  "never answers and cannot be interrupted": Effect.uninterruptible(Effect.never)
}

describe("a store call that hangs", () => {
  for (const operation of operations) {
    for (const [name, hang] of Object.entries(hanging)) {
      it.effect(`${operation} ${name}: a token that is still valid is served`, () => {
        const faultyStore = makeFaultyStore()
        return Effect.gen(function*() {
          const { key } = yield* install()
          const old = yield* botToken(key)
          yield* TestClock.adjust("11 hours")
          faultyStore.before(operation, hang)
          const token = yield* within(botToken(key), "3 seconds")
          assert.isTrue(token === old || operation === "releaseLease")
          faultyStore.before(operation, Effect.void)
          yield* TestClock.adjust("1 minute")
        }).pipe(Effect.provide(live(faultyStore)))
      })

      it.effect(`${operation} ${name}: after the expiry there is an answer in time, and a token when the store is back`, () => {
        const faultyStore = makeFaultyStore()
        return Effect.gen(function*() {
          const { key } = yield* install()
          yield* botToken(key)
          yield* TestClock.adjust("12 hours")
          faultyStore.before(operation, hang)
          const crowd = yield* within(
            Effect.all(Array.from({ length: 10 }, () => Effect.either(botToken(key))), { concurrency: "unbounded" }),
            "6 seconds"
          )
          for (const answer of crowd) {
            if (answer._tag === "Right") continue
            assert(answer.left._tag === "TokenUnavailable")
            assert.deepInclude(answer.left.error, { _tag: "InstallationStoreError", operation, code: "DEADLINE" })
          }
          faultyStore.before(operation, Effect.void)
          yield* TestClock.adjust("1 minute")
          yield* within(botToken(key), "3 seconds")
          assert.strictEqual(yield* refreshes, 1)
        }).pipe(Effect.provide(live(faultyStore)))
      })
    }
  }

  it.effect("leaves Slack's answer unsaved: it is served, and saved when the store is back", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      faultyStore.before("compareAndSet", Effect.never)
      const token = yield* within(botToken(key), "6 seconds")
      assert.strictEqual((yield* TokenManager.health).unsaved, 1)
      faultyStore.before("compareAndSet", Effect.void)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* TokenManager.health).unsaved, 0)
      const stored = yield* Effect.flatMap(InstallationStore.InstallationStore, (store) => store.get(key))
      assert.strictEqual(Redacted.value(Option.getOrThrow(Option.getOrThrow(stored).bot).token.accessToken), token)
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live(faultyStore)))
  })

  it.effect("that throws is followed by the same pause as one that fails", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      faultyStore.before("credential", Effect.die(new Error("no connection")))
      for (let asked = 0; asked < 10; asked++) {
        const error = yield* Effect.flip(botToken(key))
        assert.strictEqual(error._tag === "TokenUnavailable" && error.error._tag, "InstallationStoreError")
      }
      assert.strictEqual(faultyStore.calls.credential, 1)
    }).pipe(Effect.provide(live(faultyStore)))
  })

  it.effect("does not keep the manager's scope from closing within the lease time, which logs what is left", () => {
    const faultyStore = makeFaultyStore()
    const watcher = makeWatcher()
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const manager = yield* Scope.extend(TokenManager.make(), scope)
      const installed = yield* Effect.forEach(
        Array.from({ length: 60 }, (_, index) => `T${index}`),
        (workspace) => install({ workspace })
      )
      yield* TestClock.adjust("12 hours")
      for (const operation of operations) faultyStore.before(operation, Effect.uninterruptible(Effect.never))
      faultyStore.before("credential", Effect.void)
      faultyStore.before("acquireLease", Effect.void)
      // Most have a new token that the store does not save. The others are still refreshing.
      yield* Effect.forEach(installed.slice(0, 57), ({ key }) => Effect.fork(manager.botToken(key)))
      yield* TestClock.adjust("6 seconds")
      faultyStore.before("acquireLease", Effect.uninterruptible(Effect.never))
      yield* Effect.forEach(installed.slice(57), ({ key }) => Effect.fork(manager.botToken(key)))
      yield* TestClock.adjust("1 second")
      yield* within(Scope.close(scope, Exit.void), "30 seconds")
      const lines = watcher.logs.filter(({ level }) => level === LogLevel.Error).map(({ message }) => String(message))
      assert.include(
        lines,
        "TokenManager is closing, and tokens that Slack gave could not be saved: the store fails or does not answer, or other processes hold their leases."
      )
      assert.isTrue(lines.some((line) => line.startsWith("The last token that Slack gave could not be saved. ")))
    }).pipe(
      Effect.provide(
        live(faultyStore, {}, { workspaces: Array.from({ length: 60 }, (_, index) => ({ id: `T${index}` })) })
      ),
      watcher.watch
    )
  })

  it.effect("does not keep a sweep from the other credentials", () => {
    const faultyStore = makeFaultyStore()
    const workspaces = ["T0A", "T0B", "T0C"]
    return Effect.gen(function*() {
      yield* Effect.forEach(workspaces, (workspace) => install({ workspace }))
      yield* TestClock.adjust("11 hours")
      let calls = 0
      faultyStore.before("acquireLease", Effect.suspend(() => calls++ === 0 ? Effect.never : Effect.void))
      const report = yield* within(TokenSweep.pass(), "6 seconds")
      assert.deepInclude(report, { urgent: 3, renewed: 2, failed: 1 })
    }).pipe(Effect.provide(live(faultyStore, {}, { workspaces: workspaces.map((id) => ({ id })) })))
  })

  it.effect("does not keep a sweep's pass from ending when it is the list that hangs", () =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      const pass = TokenSweep.pass().pipe(
        Effect.provideService(InstallationStore.InstallationStore, { ...store, credentials: () => Stream.never })
      )
      const fiber = yield* Effect.fork(pass)
      yield* TestClock.adjust("1 minute")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.deepInclude(error, { operation: "credentials", code: "DEADLINE" })
    }).pipe(Effect.provide(live(makeFaultyStore()))))

  it.effect("does not keep a migration from the other credentials", () => {
    const faultyStore = makeFaultyStore()
    const workspaces = ["T0A", "T0B", "T0C"]
    return Effect.gen(function*() {
      yield* Effect.forEach(workspaces, (workspace) => install({ workspace }))
      yield* SlackEmulator.enableRotation()
      let calls = 0
      faultyStore.before("acquireLease", Effect.suspend(() => calls++ === 0 ? Effect.never : Effect.void))
      const report = yield* within(TokenMigration.run(), "6 seconds")
      assert.deepInclude(report, { exchanged: 2, failed: 1 })
    }).pipe(Effect.provide(live(faultyStore, {}, {
      apps: [{ rotation: false }],
      workspaces: workspaces.map((id) => ({ id }))
    })))
  })
})

describe("an OAuthV2 that never answers", () => {
  it.effect("is given half of the lease", () =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      const manager = yield* TokenManager.make().pipe(
        Effect.provideService(InstallationStore.InstallationStore, store),
        Effect.provide(OAuthV2.layerTest({ access: () => Effect.never }))
      )
      const fiber = yield* Effect.fork(Effect.flip(manager.botToken(key)))
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag === "TokenUnavailable" && error.error._tag, "SlackTimeoutError")
    }).pipe(Effect.scoped, Effect.provide(live(makeFaultyStore()))))
})

describe("a caller that cannot be interrupted", () => {
  it.effect("waits as long as others, and gets the token that is still valid", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const old = yield* botToken(key)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("8 seconds") })
      assert.strictEqual(yield* within(Effect.uninterruptible(botToken(key)), "3 seconds"), old)
      yield* TestClock.adjust("1 minute")
    }).pipe(Effect.provide(live(makeFaultyStore()))))
})

describe("a credential that another process holds and does not finish with", () => {
  it.effect("has another error than a Slack that does not answer", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      const store = yield* InstallationStore.InstallationStore
      yield* TestClock.adjust("12 hours")
      yield* store.acquireLease(Installation.botKey(key), { holder: "other", intent: "refresh", duration: "1 day" })
      const fiber = yield* Effect.fork(Effect.flip(botToken(key)))
      yield* TestClock.adjust("70 seconds")
      const error = yield* Fiber.join(fiber)
      assert(error._tag === "TokenUnavailable")
      assert.strictEqual(error.error._tag, "CredentialBusy")
      assert.include(error.message, "Another process has been refreshing this credential for 1m")
    }).pipe(Effect.provide(live(makeFaultyStore()))))
})

describe("a caller who waits for another process", () => {
  /** When the caller tries to take the lease, in milliseconds after the first time. */
  const tries = (heldFor: string, seconds: number) => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      const store = yield* InstallationStore.InstallationStore
      const duration = Duration.decode(heldFor as Duration.DurationInput)
      yield* store.acquireLease(Installation.botKey(key), { holder: "other", intent: "refresh", duration })
      const times: Array<number> = []
      faultyStore.before("acquireLease", Effect.map(Clock.currentTimeMillis, (now) => times.push(now)))
      const caller = yield* Effect.fork(Effect.exit(botToken(key)))
      yield* TestClock.adjust(Duration.seconds(seconds))
      yield* Fiber.interrupt(caller)
      yield* TestClock.adjust("2 minutes")
      return times.map((time) => time - times[0]!)
    }).pipe(Effect.provide(live(faultyStore)), Randoms.withNumbers([0.25]))
  }

  it.effect("looks again after pauses that grow from a tenth of a second to two, for twice the lease time", () =>
    Effect.gen(function*() {
      const times = yield* tries("1 day", 70)
      const pauses = times.slice(1).map((time, index) => time - times[index]!)
      assert.deepStrictEqual(pauses.slice(0, 9), [88, 132, 197, 296, 443, 665, 997, 1496, 1750])
      assert.deepStrictEqual(new Set(pauses.slice(9)), new Set([1750]))
      assert.isAbove(times.at(-1)!, 60_000)
      assert.isAtMost(times.at(-1)!, 62_000)
    }))

  it.effect("looks again when the lease of the other ends", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* tries("160 millis", 1), [0, 88, 161])
    }))
})

/** Runs a program whose clock can be set back. Timers go on, as those of a machine do. */
const withSetBack = <A, E, R>(
  program: (setBack: (millis: number) => Effect.Effect<void>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.clockWith((clock) => {
    let behind = 0
    const now = () => clock.unsafeCurrentTimeMillis() - behind
    const behindClock = Object.assign(
      Object.create(clock),
      Clocks.make({
        base: clock,
        millis: now,
        nanos: () => clock.unsafeCurrentTimeNanos(),
        sleep: (duration) => clock.sleep(duration)
      })
    )
    return Effect.withClock(program((millis) => Effect.sync(() => void (behind += millis))), behindClock)
  })

describe("a process that is suspended each time before it can send", () => {
  it.effect("has another error than a credential that another process holds", () => {
    const faultyStore = makeFaultyStore()
    return withSetBack((setBack) =>
      Effect.gen(function*() {
        const { key } = yield* install()
        yield* TestClock.adjust("13 hours")
        faultyStore.after("acquireLease", setBack(-11_000))
        const fiber = yield* Effect.fork(Effect.flip(botToken(key)))
        yield* TestClock.adjust("70 seconds")
        const error = yield* Effect.flatten(Effect.flatten(fiber.poll))
        assert(error._tag === "TokenUnavailable")
        assert.strictEqual(error.error._tag, "LeaseTooShort")
        assert.match(error.message, /For 1m \d.*s, this process was too slow to call Slack/)
        assert.strictEqual(yield* refreshes, 0)
      }).pipe(Effect.provide(live(faultyStore)))
    )
  })
})

describe("a clock that is set back by half an hour", () => {
  const halfAnHour = 30 * 60_000

  it.effect("does not make a caller wait longer for a refresh under way", () =>
    withSetBack((setBack) =>
      Effect.gen(function*() {
        const { key } = yield* install()
        const old = yield* botToken(key)
        yield* TestClock.adjust("11 hours")
        yield* SlackEmulator.inject({ fault: SlackEmulator.delay("8 seconds") })
        yield* Effect.fork(botToken(key))
        yield* TestClock.adjust("1 second")
        yield* setBack(halfAnHour)
        assert.strictEqual(yield* within(botToken(key), "3 seconds"), old)
        yield* TestClock.adjust("1 minute")
      }).pipe(Effect.provide(live(makeFaultyStore())))
    ))

  it.effect("ends the pause after a failure", () =>
    withSetBack((setBack) =>
      Effect.gen(function*() {
        const { key } = yield* install()
        yield* TestClock.adjust("13 hours")
        yield* SlackEmulator.inject({ fault: SlackEmulator.code("service_unavailable"), times: 10 })
        assert.strictEqual((yield* within(Effect.flip(botToken(key)), "20 seconds"))._tag, "TokenUnavailable")
        yield* SlackEmulator.clearFaults
        yield* setBack(halfAnHour)
        yield* within(botToken(key), "3 seconds")
      }).pipe(Effect.provide(live(makeFaultyStore())))
    ))

  it.effect("does not make a migration wait longer for its next call", () => {
    const workspaces = ["T0A", "T0B"]
    return withSetBack((setBack) =>
      Effect.gen(function*() {
        yield* Effect.forEach(workspaces, (workspace) => install({ workspace }))
        yield* SlackEmulator.enableRotation()
        const migrating = yield* Effect.fork(TokenMigration.run({ ratePerMinute: 2, concurrency: 1 }))
        yield* TestClock.adjust("1 second")
        yield* setBack(halfAnHour)
        assert.strictEqual((yield* within(Fiber.join(migrating), "30 seconds")).exchanged, 2)
      }).pipe(Effect.provide(live(makeFaultyStore(), {}, {
        apps: [{ rotation: false }],
        workspaces: workspaces.map((id) => ({ id }))
      })))
    )
  })

  it.effect("does not make a caller wait longer for another process", () =>
    withSetBack((setBack) =>
      Effect.gen(function*() {
        const { key } = yield* install()
        const store = yield* InstallationStore.InstallationStore
        yield* TestClock.adjust("13 hours")
        yield* store.acquireLease(Installation.botKey(key), { holder: "other", intent: "refresh", duration: "1 day" })
        const fiber = yield* Effect.fork(Effect.flip(botToken(key)))
        yield* TestClock.adjust("30 seconds")
        yield* setBack(halfAnHour)
        yield* TestClock.adjust("40 seconds")
        const exit = Option.getOrThrow(yield* Fiber.poll(fiber))
        assert.strictEqual((yield* exit)._tag, "TokenUnavailable")
      }).pipe(Effect.provide(live(makeFaultyStore())))
    ))
})

/** What another process commits that has refreshed this credential. */
const rotateElsewhere = (key: Installation.CredentialKey) =>
  Effect.gen(function*() {
    const store = yield* InstallationStore.InstallationStore
    const issuedAt = yield* DateTime.now
    const { generation } = Option.getOrThrow(yield* store.credential(key))
    const expiry = new TokenResponse.Expiry({
      expiresAt: DateTime.add(issuedAt, { hours: 12 }),
      refreshToken: Option.some(Redacted.make("xoxe-test-elsewhere"))
    })
    const token = new TokenResponse.BotToken({
      accessToken: Redacted.make("xoxe.xoxb-test-elsewhere"),
      scopes: [],
      botUserId: Option.none(),
      expiry: Option.some(expiry)
    })
    yield* Effect.orDie(store.compareAndSet(key, generation, Installation.Change.Renewed({ token, issuedAt })))
  })

describe("a refresh token", () => {
  it.effect("is not sent a second time if another process has used it since", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
      const rotate = yield* Effect.map(
        Effect.context<InstallationStore.InstallationStore>(),
        (context) => Effect.orDie(Effect.provide(rotateElsewhere(Installation.botKey(key)), context))
      )
      let leases = 0
      faultyStore.before("acquireLease", Effect.suspend(() => ++leases === 2 ? rotate : Effect.void))
      assert.strictEqual(yield* botToken(key), "xoxe.xoxb-test-elsewhere")
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live(faultyStore)))
  })

  it.effect("is not sent a second time if the store does not say which generation it has", () => {
    const faultyStore = makeFaultyStore()
    return Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
      let looks = 0
      faultyStore.before("credential", Effect.suspend(() => ++looks > 2 ? Effect.never : Effect.void))
      const error = yield* within(Effect.flip(botToken(key)), "6 seconds")
      assert.strictEqual(error._tag, "TokenUnavailable")
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live(faultyStore)))
  })

  it.effect("is not sent again after a pause in which another process has used it", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "5 seconds" }) })
      const reader = yield* Effect.fork(botToken(key))
      yield* TestClock.adjust("1 second")
      yield* rotateElsewhere(Installation.botKey(key))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(reader), "xoxe.xoxb-test-elsewhere")
      assert.strictEqual(yield* refreshes, 1)
    }).pipe(Effect.provide(live(makeFaultyStore()))))
})
