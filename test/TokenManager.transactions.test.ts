import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { connect, libsqlUrl } from "./utils/databases.js"
import { runEventLoop, yieldToEventLoop } from "./utils/eventLoop.js"
import { botToken, install as installAt } from "./utils/installations.js"
import { acquire, postgresUrl } from "./utils/resources.js"
import { cipher } from "./utils/stores.js"

const live = (url: string, maxConnections = 4, emulator?: SlackEmulator.Options) =>
  TokenManager.layer().pipe(
    Layer.provideMerge(SqlInstallationStore.layer),
    Layer.provide(cipher),
    Layer.provideMerge(connect(url, { maxConnections })),
    Layer.provideMerge(OAuthV2.layer),
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer({
      workspaces: Array.from({ length: 20 }, (_, index) => ({ id: `T${index}` })),
      ...emulator
    }))
  )

let workspaces = 0

/** Installs the app in a workspace of its own. */
const install = Effect.suspend(() => Effect.map(installAt({ workspace: `T${workspaces++}` }), ({ key }) => key))

const storedToken = (key: Installation.InstallationKey) =>
  Effect.map(
    InstallationStore.get(key),
    (installation) => Redacted.value(Option.getOrThrow(Option.getOrThrow(installation).bot).token.accessToken)
  )

/** Runs an effect to its end. The clock of the test moves, at most ten times as fast as the database's. */
const finish = <A, E, R>(effect: Effect.Effect<A, E, R>, seconds: number) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(effect)
    for (let tick = 0; tick < seconds * 10; tick++) {
      yield* runEventLoop(10)
      const exit = yield* Fiber.poll(fiber)
      if (Option.isSome(exit)) return yield* exit.value
      yield* TestClock.adjust("100 millis")
    }
    return assert.fail(`it did not end in ${seconds} seconds`)
  })

/** Asks until there is a token that is not the old one. A refresh may take longer than callers wait for it. */
const newToken = (key: Installation.InstallationKey, old: string) =>
  finish(Effect.repeat(Effect.delay(botToken(key), "1 second"), { until: (token) => token !== old }), 40)

const inTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(effect))

const urls = {
  libsql: await acquire(libsqlUrl),
  Postgres: await acquire(postgresUrl)
}

for (const [name, url] of Object.entries(urls)) {
  describe(`a caller inside a transaction on ${name}`, () => {
    it.effect("that is rolled back loses no token", () =>
      Effect.gen(function*() {
        const key = yield* install
        yield* TestClock.adjust("12 hours")
        const seen: Array<string> = []
        yield* finish(
          inTransaction(Effect.zipRight(
            Effect.map(Effect.either(botToken(key)), (token) => {
              if (token._tag === "Right") seen.push(token.right)
            }),
            Effect.fail("rolled back")
          )).pipe(Effect.ignore),
          40
        )
        yield* TestClock.adjust("2 minutes")
        const token = yield* finish(botToken(key), 40)
        assert.strictEqual(yield* storedToken(key), token)
        for (const early of seen) assert.strictEqual(early, token)
        assert.deepStrictEqual((yield* SlackEmulator.calls).filter(({ result }) => result !== "ok"), [])
      }).pipe(Effect.provide(live(url))))

    it.effect("that has written gets the valid token, in the refresh window and outside of it", () =>
      Effect.gen(function*() {
        const key = yield* install
        const old = yield* storedToken(key)
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE IF NOT EXISTS notes (id INTEGER)`
        const ask = finish(inTransaction(Effect.zipRight(sql`INSERT INTO notes VALUES (1)`, botToken(key))), 30)
        // This process has not read it yet.
        assert.strictEqual(yield* ask, old)
        yield* TestClock.adjust("11 hours")
        const token = yield* ask
        assert.isTrue(token === old || name === "Postgres")
        yield* TestClock.adjust("1 minute")
        const fresh = yield* newToken(key, old)
        assert.strictEqual(yield* storedToken(key), fresh)
      }).pipe(Effect.provide(live(url))))

    it.effect("whose token has expired gets a new one, or a typed error in time", () =>
      Effect.gen(function*() {
        const key = yield* install
        yield* TestClock.adjust("12 hours")
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE IF NOT EXISTS notes (id INTEGER)`
        const answer = yield* finish(
          Effect.either(
            inTransaction(Effect.zipRight(sql`INSERT INTO notes VALUES (1)`, Effect.either(botToken(key))))
          ),
          30
        )
        assert(answer._tag === "Right")
        if (answer.right._tag === "Left") {
          const error = answer.right.left
          assert(error._tag === "TokenUnavailable" && error.error._tag === "InstallationStoreError")
          assert.strictEqual(name, "libsql")
        }
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(yield* finish(botToken(key), 40), yield* storedToken(key))
      }).pipe(Effect.provide(live(url))))

    it.effect("whose refresh is joined by callers outside does not affect them", () =>
      Effect.gen(function*() {
        const key = yield* install
        yield* TestClock.adjust("12 hours")
        yield* SlackEmulator.inject({ fault: SlackEmulator.delay("1 second") })
        const begun = yield* Deferred.make<void>()
        const inside = yield* Effect.fork(Effect.ignore(inTransaction(Effect.zipRight(
          Effect.zipRight(Deferred.succeed(begun, undefined), Effect.either(botToken(key))),
          Effect.fail("rolled back")
        ))))
        yield* Effect.zipRight(Deferred.await(begun), yieldToEventLoop)
        const outside = yield* finish(Effect.either(botToken(key)), 40)
        yield* finish(Fiber.join(inside), 40)
        yield* TestClock.adjust("2 minutes")
        const token = yield* finish(botToken(key), 40)
        if (outside._tag === "Right") assert.strictEqual(outside.right, token)
        assert.strictEqual(yield* storedToken(key), token)
      }).pipe(Effect.provide(live(url))))
  })
}

describe("a caller inside a transaction on Postgres", () => {
  it.effect("that gets the old token and commits does not hold the later refresh in its connection", () =>
    Effect.gen(function*() {
      const key = yield* install
      const old = yield* finish(botToken(key), 30)
      yield* TestClock.adjust("11 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("4 seconds") })
      assert.strictEqual(yield* finish(inTransaction(botToken(key)), 30), old)
      // The answer arrives while another caller uses that connection for a transaction that is rolled back.
      yield* finish(Effect.ignore(inTransaction(Effect.zipRight(Effect.sleep("3 seconds"), Effect.fail("no")))), 30)
      const token = yield* newToken(key, old)
      assert.strictEqual(yield* storedToken(key), token)
    }).pipe(Effect.provide(live(urls.Postgres))))

  it.effect("that has failed already gets a token, and so do others", () =>
    Effect.gen(function*() {
      const key = yield* install
      yield* TestClock.adjust("12 hours")
      const sql = yield* SqlClient.SqlClient
      let inside: string | undefined
      const asking = Effect.map(botToken(key), (token) => inside = token)
      // Postgres rolls such a transaction back when it is committed. Some clients fail then.
      yield* finish(
        Effect.exit(sql.withTransaction(Effect.zipRight(Effect.ignore(sql`SELECT * FROM nowhere`), asking))),
        20
      )
      assert.isDefined(inside)
      assert.strictEqual(yield* botToken(key), inside)
      assert.strictEqual(yield* storedToken(key), inside)
    }).pipe(Effect.provide(live(urls.Postgres))))

  it.effect("that holds the only connection of the pool does not wait for itself", () =>
    Effect.gen(function*() {
      const key = yield* install
      const old = yield* storedToken(key)
      assert.strictEqual(yield* finish(inTransaction(botToken(key)), 30), old)
      yield* TestClock.adjust("11 hours")
      assert.strictEqual(yield* finish(inTransaction(botToken(key)), 30), old)
      yield* TestClock.adjust("1 minute")
      yield* newToken(key, old)
      yield* TestClock.adjust("12 hours")
      const expired = yield* finish(inTransaction(Effect.either(botToken(key))), 30)
      assert.strictEqual(expired._tag === "Left" && expired.left._tag, "TokenUnavailable")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* finish(botToken(key), 40), yield* storedToken(key))
    }).pipe(Effect.provide(live(urls.Postgres, 1))))

  it.effect("can migrate tokens, and a rollback loses none of them", () =>
    Effect.gen(function*() {
      const key = yield* install
      yield* SlackEmulator.enableRotation()
      const only = ({ installation }: Installation.CredentialKey) => installation.toString() === key.toString()
      yield* finish(
        Effect.ignore(inTransaction(Effect.zipRight(TokenMigration.run({ only }), Effect.fail("rolled back")))),
        40
      )
      assert.deepInclude(yield* TokenMigration.run({ only, dryRun: true }), { pending: 0 })
    }).pipe(Effect.provide(live(urls.Postgres, 4, { apps: [{ rotation: false }] }))))
})

describe("a refresh", () => {
  it.effect("uses the HTTP client's settings of its layer, and not those of its first caller", () => {
    const seen: Array<boolean> = []
    const ofTheCaller: typeof fetch = (...request) => fetch(...request)
    const fetching = Layer.effect(
      HttpClient.HttpClient,
      Effect.map(HttpClient.HttpClient, (client) =>
        HttpClient.transform(client, (effect) =>
          Effect.zipRight(
            Effect.flatMap(
              Effect.serviceOption(FetchHttpClient.Fetch),
              (own) => Effect.sync(() => seen.push(Option.isSome(own) && own.value === ofTheCaller))
            ),
            effect
          )))
    ).pipe(Layer.provide(SlackEmulator.layerHttpClient))
    return Effect.gen(function*() {
      const key = yield* install
      yield* TestClock.adjust("12 hours")
      seen.length = 0
      yield* Effect.provideService(botToken(key), FetchHttpClient.Fetch, ofTheCaller)
      assert.deepStrictEqual(seen, [false])
    }).pipe(Effect.provide(
      TokenManager.layer().pipe(
        Layer.provideMerge(InstallationStore.layerMemory),
        Layer.provideMerge(OAuthV2.layer),
        Layer.provideMerge(Layer.merge(fetching, SlackEmulator.layerSlackApp())),
        Layer.provideMerge(
          SlackEmulator.layer({ workspaces: Array.from({ length: 20 }, (_, index) => ({ id: `T${index}` })) })
        )
      )
    ))
  })
})
