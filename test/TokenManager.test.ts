import { HttpClient, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Redacted, TestClock } from "effect"
import { Installation, InstallationStore, OAuthV2, SlackEmulator, TokenManager } from "effect-slack-oauth"

const slack = (options?: SlackEmulator.Options) =>
  OAuthV2.layer.pipe(
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer(options))
  )

const live = (options?: TokenManager.Options, emulator?: SlackEmulator.Options) =>
  TokenManager.layer(options).pipe(
    Layer.provideMerge(InstallationStore.layerMemory),
    Layer.provideMerge(slack(emulator))
  )

/** Installs the app and stores the installation, as a callback does. */
const install = (request?: SlackEmulator.AuthorizeRequest) =>
  Effect.gen(function*() {
    const { code } = yield* SlackEmulator.authorize(request)
    const at = yield* DateTime.now
    const response = yield* OAuthV2.access({ code })
    return yield* InstallationStore.save(Installation.fromTokenResponse(response, at))
  })

const storedToken = (key: Installation.CredentialKey) =>
  Effect.gen(function*() {
    const store = yield* InstallationStore.InstallationStore
    const credential = yield* Effect.flatten(store.credential(key))
    return Redacted.value(credential.token.accessToken)
  })

const botToken = (key: Installation.InstallationKey) => Effect.map(TokenManager.botToken(key), Redacted.value)

/** How many refreshes the emulator was asked for. */
const refreshes = Effect.map(
  SlackEmulator.calls,
  (calls) => calls.filter(({ grantType }) => grantType === "refresh_token").length
)

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

  it.effect("is served on while Slack is down, and refreshed when Slack is back", () =>
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

  it.effect("comes back though the first reply was lost", () =>
    Effect.gen(function*() {
      const { key } = yield* install()
      yield* TestClock.adjust("12 hours")
      yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
      const token = yield* TokenManager.botToken(key)
      assert.strictEqual(Redacted.value(token), yield* storedToken(Installation.botKey(key)))
      assert.strictEqual(yield* refreshes, 2)
    }).pipe(Effect.provide(live())))

  it.effect("means a new install when the chain is dead", () =>
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
})
