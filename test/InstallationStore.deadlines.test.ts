import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationImport from "effect-slack-oauth/InstallationImport"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as KeyValueInstallationStore from "effect-slack-oauth/KeyValueInstallationStore"
import * as Lifecycle from "effect-slack-oauth/Lifecycle"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { connect, libsqlUrl } from "./utils/databases.js"
import * as KeyValueStores from "./utils/effect/keyValueStores.js"
import * as Observers from "./utils/effect/observers.js"
import * as Stores from "./utils/stores.js"

const at = DateTime.unsafeMake(0)
const installation = new Installation.Installation({
  appId: "A0EXAMPLE",
  target: new TokenResponse.Workspace({ team: { id: "T0EXAMPLE", name: Option.none() }, enterprise: Option.none() }),
  bot: Option.none(),
  users: [],
  incomingWebhook: Option.none(),
  installedBy: Option.none(),
  installedAt: at
})
const { key } = installation
const bot = Installation.botKey(key)

/** A store in which all operations do the same. */
const storeOf = (effect: Effect.Effect<never>): InstallationStore.Service =>
  InstallationStore.make({
    get: () => effect,
    resolve: () => effect,
    credential: () => effect,
    save: () => effect,
    compareAndSet: () => effect,
    acquireLease: () => effect,
    releaseLease: () => effect,
    remove: () => effect,
    removeCredential: () => effect,
    stream: Stream.fromEffect(effect),
    credentials: () => Stream.fromEffect(effect),
    reencrypt: Stream.fromEffect(effect),
    counts: () => effect
  })

/** The operations that call the storage. */
type Operation = Exclude<keyof InstallationStore.Service, "changes" | "onChange">

const callsOf = (
  store: InstallationStore.Service
): Record<Operation, Effect.Effect<unknown, InstallationStore.InstallationStoreError>> => ({
  get: store.get(key),
  resolve: store.resolve({ appId: "A0EXAMPLE", teamId: "T0EXAMPLE" }),
  credential: store.credential(bot),
  save: store.save(installation),
  compareAndSet: store.compareAndSet(bot, 1, Installation.Change.Dead({ code: "token_revoked", since: at })),
  acquireLease: store.acquireLease(bot, { holder: "test", intent: "test", duration: "1 minute" }),
  releaseLease: store.releaseLease(bot, "test"),
  remove: store.remove(key),
  removeCredential: store.removeCredential(bot),
  stream: Stream.runDrain(store.stream),
  credentials: Stream.runDrain(store.credentials({ state: "dead" })),
  reencrypt: Stream.runDrain(store.reencrypt),
  counts: store.counts()
})

const operations = Object.keys(callsOf(storeOf(Effect.never))) as ReadonlyArray<Operation>

const whole: ReadonlyArray<string> = ["stream", "credentials", "reencrypt", "counts"]

describe("bounded", () => {
  const hanging = {
    "never answers": Effect.never,
    "can not be interrupted": Effect.uninterruptible(Effect.never)
  }
  for (const [name, effect] of Object.entries(hanging)) {
    it.effect(`fails a call to a store that ${name} in time, even if the caller cannot be interrupted`, () =>
      Effect.gen(function*() {
        const calls = callsOf(InstallationStore.bounded(storeOf(effect), "5 seconds"))
        for (const operation of operations) {
          const fiber = yield* Effect.fork(Effect.uninterruptible(calls[operation]))
          yield* TestClock.adjust(whole.includes(operation) ? "30 seconds" : "5 seconds")
          const error = yield* Effect.flip(Fiber.join(fiber))
          assert.deepInclude(error, {
            _tag: "InstallationStoreError",
            operation,
            reason: "unavailable",
            code: "DEADLINE"
          })
        }
      }))
  }

  const broken = {
    "throws": { effect: Effect.die(Object.assign(new Error("closed"), { code: "EPIPE" })), code: "EPIPE" },
    "interrupts itself": { effect: Effect.interrupt, code: "DEFECT" }
  }
  for (const [name, { code, effect }] of Object.entries(broken)) {
    it.effect(`makes a store that ${name} fail with a typed error`, () =>
      Effect.gen(function*() {
        const calls = callsOf(InstallationStore.bounded(storeOf(effect)))
        for (const operation of operations) {
          const error = yield* Effect.flip(calls[operation])
          assert.deepInclude(error, { _tag: "InstallationStoreError", operation, reason: "unavailable", code })
        }
      }))
  }

  it.effect("logs what a store threw, without the secrets in it", () => {
    const lines: Array<string> = []
    const logger = Observers.logger(({ message }) => void lines.push(String(message)))
    return Effect.gen(function*() {
      const store = InstallationStore.bounded(storeOf(Effect.die(new Error("no room for xoxe-1-test-secret"))))
      yield* Effect.flip(store.get(key))
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "InstallationStore.get")
      assert.include(lines[0], "no room for <redacted>")
    }).pipe(
      Logger.withMinimumLogLevel(LogLevel.Debug),
      Observers.withLoggers(logger)
    )
  })

  it.effect("gives each pull of a stream its own deadline, and keeps the order and the chunks", () =>
    Effect.gen(function*() {
      const slow = Stream.rechunk(
        Stream.fromIterable(
          [1, 2, 3, 4].map((number) => ({ ...installation, appId: `A${number}` }) as typeof installation)
        ),
        2
      ).pipe(Stream.mapChunksEffect((chunk) => Effect.as(Effect.sleep("25 seconds"), chunk)))
      const store = InstallationStore.bounded({ ...storeOf(Effect.never), stream: slow }, "5 seconds")
      const fiber = yield* Effect.fork(Stream.runCollect(Stream.chunks(store.stream)))
      yield* TestClock.adjust("1 minute")
      const chunks = Array.from(yield* Fiber.join(fiber), (chunk) => Array.from(chunk, ({ appId }) => appId))
      assert.deepStrictEqual(chunks, [["A1", "A2"], ["A3", "A4"]])
    }))

  it.effect("closes a stream whose end hangs in time", () =>
    Effect.gen(function*() {
      const stream = Stream.concat(
        Stream.succeed(installation),
        Stream.unwrapScoped(Effect.acquireRelease(Effect.succeed(Stream.succeed(installation)), () => Effect.never))
      )
      const store = InstallationStore.bounded({ ...storeOf(Effect.never), stream }, "5 seconds")
      const fiber = yield* Effect.fork(Stream.runCollect(Stream.take(store.stream, 2)))
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(yield* Fiber.join(fiber), 2)
    }))
})

describe("the functions of this module", () => {
  const calls: Record<string, Effect.Effect<unknown, unknown, InstallationStore.InstallationStore>> = {
    resolve: InstallationStore.resolve({ appId: "A0EXAMPLE", teamId: "T0EXAMPLE" }),
    find: InstallationStore.find({ appId: "A0EXAMPLE", teamId: "T0EXAMPLE" }),
    get: InstallationStore.get(key),
    save: InstallationStore.save(installation),
    remove: InstallationStore.remove(key),
    stream: Stream.runDrain(InstallationStore.stream),
    reencrypt: InstallationStore.reencrypt,
    "Lifecycle.handle": Lifecycle.handle({
      type: "event_callback",
      api_app_id: "A0EXAMPLE",
      team_id: "T0EXAMPLE",
      event_time: 1,
      event: { type: "app_uninstalled" }
    }),
    "InstallationImport.run": InstallationImport.run(
      InstallationImport.fromSlackOAuth(Stream.succeed({
        row: "row 1",
        value: {
          appId: "A0EXAMPLE",
          team: { id: "T0EXAMPLE" },
          bot: { token: "xoxb-test-token", scopes: [], id: "B0BOT", userId: "U0BOT" },
          user: { id: "U0USER" }
        }
      }))
    )
  }
  for (const [name, call] of Object.entries(calls)) {
    it.effect(`${name} fails within a minute if the store never answers`, () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.fork(call)
        yield* TestClock.adjust(name === "stream" || name === "reencrypt" ? "1 minute" : "10 seconds")
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit))
      }).pipe(Effect.provideService(InstallationStore.InstallationStore, storeOf(Effect.never))))
  }
})

describe("the failure of a store", () => {
  it("says that a read changed nothing, and that a write may have happened", () => {
    for (const operation of operations) {
      const { message } = new InstallationStore.InstallationStoreError({ operation, reason: "unavailable" })
      const isRead = ["get", "resolve", "credential", "stream", "credentials", "counts"].includes(operation)
      assert.include(message, isRead ? "Nothing was changed" : "A write may have happened or not")
    }
  })

  /** The log lines of an effect at debug. */
  const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
    const lines: Array<string> = []
    const logger = Observers.logger(({ message }) => void lines.push(String(message)))
    return effect.pipe(
      Effect.as(lines),
      Logger.withMinimumLogLevel(LogLevel.Debug),
      Observers.withLoggers(logger)
    )
  }

  it.scoped("of a database is logged with the driver's messages", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const lines = yield* logged(
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const store = yield* InstallationStore.InstallationStore
          yield* sql`DROP TABLE slack_oauth_installations`
          const error = yield* Effect.flip(store.get(key))
          assert.notInclude(error.message, "no such table")
        }).pipe(Effect.provide(
          SqlInstallationStore.layer.pipe(Layer.provide(Stores.cipher), Layer.provideMerge(connect(url)))
        ))
      )
      const line = lines.find((line) => line.includes("InstallationStore.get"))
      assert.include(line, "no such table: slack_oauth_installations")
    }))

  it.effect("of a folder is logged with the file system's message, without tokens", () =>
    Effect.gen(function*() {
      const failing = Layer.effect(
        KeyValueStore.KeyValueStore,
        Effect.map(KeyValueStore.KeyValueStore, (store): KeyValueStore.KeyValueStore => ({
          ...store,
          get: () => Effect.fail(KeyValueStores.failure("TimedOut", "gave up on xoxb-test-secret"))
        }))
      ).pipe(Layer.provide(KeyValueStore.layerMemory))
      const lines = yield* logged(
        Effect.flip(InstallationStore.get(key)).pipe(Effect.provide(
          KeyValueInstallationStore.layer.pipe(Layer.provide(failing), Layer.provide(Stores.cipher))
        ))
      )
      const line = lines.find((line) => line.includes("InstallationStore.get"))
      assert.include(line, "gave up on <redacted>")
    }))
})
