import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as Lifecycle from "effect-slack-oauth/Lifecycle"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as TokenSweep from "effect-slack-oauth/TokenSweep"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { invalidPath } from "./utils/effect/configErrors.js"

const Slack = OAuthV2.layerTest({})

const Manager = TokenManager.layer().pipe(
  Layer.provideMerge(InstallationStore.layerMemory),
  Layer.provideMerge(Slack)
)

const Flow = Layer.mergeAll(
  Slack,
  Layer.orDie(PendingInstall.layerMemory()),
  Layer.orDie(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" }))
)

const Events = Layer.merge(
  InstallationStore.layerMemory,
  Layer.orDie(SlackApp.layer({ clientId: "1.2", signingSecret: "test-secret" }))
)

/** How each module is made from its options. There are no types here, because JavaScript and casts allow wrong options. */
const makers: Readonly<Record<string, (options: any) => Effect.Effect<unknown, unknown>>> = {
  TokenManager: (options) => Effect.scoped(Effect.provide(TokenManager.make(options), Manager)),
  TokenSweep: (options) => Effect.provide(TokenSweep.make(options), Manager),
  TokenMigration: (options) => Effect.provide(TokenMigration.run(options), Manager),
  RetryPolicy: (options) => Effect.scoped(Layer.build(RetryPolicy.layer(RetryPolicy.background, options))),
  InstallFlow: (options) =>
    Effect.scoped(Effect.provide(
      InstallFlow.make({ publicUrl: "https://example.com", botScopes: ["chat:write"], ...options }),
      Flow
    )),
  Lifecycle: (options) => Effect.scoped(Effect.provide(Lifecycle.make(options), Events)),
  PendingInstall: (options) => Effect.scoped(Layer.build(PendingInstall.layerMemory(options))),
  SlackEmulator: (options) => Effect.scoped(SlackEmulator.make(options)),
  Libsql: (options) => Effect.scoped(Layer.build(Libsql.layer({ url: "file::memory:", ...options })))
}

const positive = ["-1 minute", "0 seconds", 0, -1, Number.NaN, Number.POSITIVE_INFINITY, Duration.infinity, "soon", ""]
const zeroOrMore = positive.filter((value) => value !== 0 && value !== "0 seconds")
const count = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "many"]
const rate = [0, -1, Number.NaN, Number.POSITIVE_INFINITY]

/** Values that cannot be used. */
const bad: ReadonlyArray<readonly [maker: string, option: string, values: ReadonlyArray<unknown>]> = [
  ["TokenManager", "window", positive],
  ["TokenManager", "jitter", [-0.1, 1.1, 50, Number.NaN, "much"]],
  ["TokenManager", "leaseDuration", positive],
  ["TokenManager", "cacheSize", count],
  ["TokenManager", "cacheTime", ["-1 minute", -1, Number.NaN, "soon"]],
  ["TokenManager", "patience", zeroOrMore],
  ["TokenManager", "refreshTokenLifetime", positive],
  ["TokenSweep", "window", positive],
  ["TokenSweep", "interval", positive],
  ["TokenSweep", "ratePerMinute", rate],
  ["TokenSweep", "concurrency", count],
  ["TokenMigration", "leaseDuration", positive],
  ["TokenMigration", "ratePerMinute", rate],
  ["TokenMigration", "concurrency", count],
  ["RetryPolicy", "attemptTimeout", positive],
  ["RetryPolicy", "budget", ["-1 minute", "0 seconds", 0, -1, Number.NaN, "soon"]],
  ["InstallFlow", "lifetime", positive],
  ["InstallFlow", "duplicateWindow", zeroOrMore],
  ["InstallFlow", "allowedOrigins", ["not a url", ["not a url"], ["https://a.example/path"], ["https://a.example?x"], [
    "mailto:a@b"
  ]]],
  ["Lifecycle", "acknowledgeAfter", ["-1 minute", -1, Number.NaN, "soon"]],
  ["Lifecycle", "duplicateWindow", zeroOrMore],
  ["Lifecycle", "maxBytes", count],
  ["Lifecycle", "signingSecrets", [[], [""], [" , "]]],
  ["PendingInstall", "capacity", count],
  ["SlackEmulator", "codeLifetime", positive],
  ["SlackEmulator", "accessTokenLifetime", positive],
  ["SlackEmulator", "refreshGracePeriod", zeroOrMore],
  ["SlackEmulator", "publicRefreshTokenLifetime", positive],
  ["SlackEmulator", "historySize", count],
  ["Libsql", "busyTimeout", zeroOrMore]
]

describe("an option that cannot be used", () => {
  for (const [maker, option, values] of bad) {
    it.live(`is named in the error: ${option} of ${maker}`, () =>
      Effect.forEach(values, (value) =>
        Effect.gen(function*() {
          const what = `${option}: ${typeof value === "string" ? `"${value}"` : String(value)}`
          const ended = yield* Effect.either(makers[maker]!({ [option]: value }))
          assert.deepStrictEqual(Either.isLeft(ended) && invalidPath(ended.left), [option], what)
        })))
  }
})

describe("an option that can be used", () => {
  it.live("is taken", () =>
    Effect.gen(function*() {
      yield* makers["TokenManager"]!({
        jitter: 0,
        patience: 0,
        cacheTime: Duration.infinity,
        window: "1 hour",
        cacheSize: 1
      })
      yield* makers["TokenManager"]!({ jitter: 1, cacheTime: 0, leaseDuration: [1, 0] })
      yield* makers["RetryPolicy"]!({ budget: Duration.infinity })
      yield* makers["InstallFlow"]!({ duplicateWindow: 0, allowedOrigins: ["https://a.example", "https://b.example/"] })
      yield* makers["SlackEmulator"]!({ refreshGracePeriod: 0 })
    }))
})
