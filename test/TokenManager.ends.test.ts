/**
 * Tokens that expire and cannot be refreshed, and new tokens that have already expired.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as TokenSweep from "effect-slack-oauth/TokenSweep"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { watchEvents } from "./utils/installations.js"

const key = Installation.workspace("A0TEST", "T0TEST")

/** An answer with a token of the given lifetime in seconds. */
const answer = (name: string, lifetime: number, refreshToken: Option.Option<string>) =>
  Effect.map(DateTime.now, (now) => {
    const expiry = new TokenResponse.Expiry({
      expiresAt: DateTime.add(now, { seconds: lifetime }),
      refreshToken: Option.map(refreshToken, Redacted.make)
    })
    return new TokenResponse.TokenResponse({
      ...Installation.placeOf(key),
      bot: Option.some(
        new TokenResponse.BotToken({
          accessToken: Redacted.make(`xoxe.xoxb-test-${name}`),
          scopes: ["chat:write"],
          expiry: Option.some(expiry)
        })
      )
    })
  })

/** A Slack whose refreshes give tokens of one lifetime, and the number of its refreshes. */
const makeSlack = (lifetime: number) => {
  let refreshes = 0
  const layer = OAuthV2.layerTest({
    access: () => Effect.suspend(() => answer(`${++refreshes}`, lifetime, Option.some(`xoxe-1-test-${refreshes}`)))
  })
  return { layer, refreshes: () => refreshes }
}

const live = (slack: Layer.Layer<OAuthV2.OAuthV2>) =>
  TokenManager.layer().pipe(Layer.provideMerge(InstallationStore.layerMemory), Layer.provideMerge(slack))

const install = (lifetime: number, refreshToken: Option.Option<string>) =>
  Effect.gen(function*() {
    const at = yield* DateTime.now
    yield* InstallationStore.save(
      Installation.fromTokenResponse(yield* answer("installed", lifetime, refreshToken), at)
    )
  })

describe("a token that ends and cannot be refreshed", () => {
  it.scoped("is served until it expires, and then the error is ReauthorizationRequired", () => {
    const slack = makeSlack(43_200)
    return Effect.gen(function*() {
      const events = yield* watchEvents
      yield* install(3599, Option.none())
      for (const minutes of [0, 10, 20, 25, 4]) {
        yield* TestClock.adjust(Duration.minutes(minutes))
        assert.strictEqual(Redacted.value(yield* TokenManager.botToken(key)), "xoxe.xoxb-test-installed")
      }
      assert.deepInclude(yield* TokenManager.health, { dead: 0, expiring: 1, fresh: 0 })
      yield* TestClock.adjust("59 seconds")
      for (let ask = 0; ask < 20; ask++) {
        const error = yield* Effect.flip(TokenManager.botToken(key))
        assert.strictEqual(error._tag, "ReauthorizationRequired")
        assert.strictEqual(error._tag === "ReauthorizationRequired" && error.error._tag, "SlackTokenExpired")
        yield* TestClock.adjust("1 minute")
      }
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["ReauthorizationNeeded"])
      assert.deepInclude(yield* TokenManager.health, { dead: 1, expiring: 0, fresh: 0 })
      assert.strictEqual(slack.refreshes(), 0)
    }).pipe(Effect.provide(live(slack.layer)))
  })

  it.scoped("cannot be refreshed by force either", () => {
    const slack = makeSlack(43_200)
    return Effect.gen(function*() {
      yield* install(3599, Option.none())
      assert.strictEqual(yield* TokenManager.refresh(Installation.botKey(key)), "Current")
      assert.strictEqual(slack.refreshes(), 0)
      yield* TestClock.adjust("2 hours")
      const error = yield* Effect.flip(TokenManager.refresh(Installation.botKey(key)))
      assert.strictEqual(error._tag, "ReauthorizationRequired")
      assert.strictEqual(slack.refreshes(), 0)
    }).pipe(Effect.provide(live(slack.layer)))
  })

  for (const [code, tag] of [["token_revoked", "SlackTokenRevoked"], [undefined, "SlackTokenExpired"]] as const) {
    it.scoped(`is not served again once Slack has refused it: ${code ?? "no code"}`, () => {
      const slack = makeSlack(43_200)
      return Effect.gen(function*() {
        yield* install(3599, Option.none())
        yield* TokenManager.invalidate(Installation.botKey(key), yield* TokenManager.botToken(key), code)
        const error = yield* Effect.flip(TokenManager.botToken(key))
        assert.strictEqual(error._tag === "ReauthorizationRequired" && error.error._tag, tag)
      }).pipe(Effect.provide(live(slack.layer)))
    })
  }

  it.scoped("is not refreshed by the sweep, and is reported once when it expires", () => {
    const slack = makeSlack(43_200)
    return Effect.gen(function*() {
      const events = yield* watchEvents
      yield* install(3600, Option.none())
      const sweep = yield* TokenSweep.make()
      const reports: Array<TokenSweep.Report> = []
      for (let minute = 0; minute <= 90; minute++) {
        reports.push(yield* sweep.pass)
        yield* TestClock.adjust("1 minute")
      }
      const sum = (count: "current" | "dead" | "failed" | "renewed") =>
        reports.reduce((sum, report) => sum + report[count], 0)
      assert.deepStrictEqual([sum("current"), sum("dead"), sum("failed"), sum("renewed")], [1, 1, 0, 0])
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["ReauthorizationNeeded"])
      assert.strictEqual(slack.refreshes(), 0)
    }).pipe(Effect.provide(live(slack.layer)))
  })

  it.scoped("is not exchanged by a migration", () => {
    const slack = makeSlack(43_200)
    return Effect.gen(function*() {
      yield* install(3600, Option.none())
      assert.deepStrictEqual(yield* TokenMigration.run(), TokenMigration.emptyReport)
    }).pipe(Effect.provide(live(slack.layer)))
  })
})

describe("a new token that has already expired", () => {
  for (const lifetime of [0, -60]) {
    it.scoped(`is never returned, and is refreshed after a pause (${lifetime} seconds)`, () => {
      const slack = makeSlack(lifetime)
      return Effect.gen(function*() {
        yield* install(lifetime, Option.some("xoxe-1-test"))
        for (let ask = 0; ask < 50; ask++) {
          const error = yield* Effect.flip(TokenManager.botToken(key))
          assert.strictEqual(error._tag, "TokenUnavailable")
          if (error._tag !== "TokenUnavailable") continue
          assert.strictEqual(error.error._tag, "SlackUnexpectedResponse")
          assert.deepStrictEqual(
            error.error._tag === "SlackUnexpectedResponse" && error.error.paths,
            ["expires_in"]
          )
          assert.isAbove(Duration.toMillis(error.retryAfter), 0)
        }
        assert.strictEqual(slack.refreshes(), 1)
        for (let step = 0; step < 150; step++) {
          yield* Effect.flip(TokenManager.botToken(key))
          yield* TestClock.adjust("24 seconds")
        }
        assert.isBelow(slack.refreshes(), 100)
      }).pipe(Effect.provide(live(slack.layer)))
    })
  }

  it.scoped("is not swept without a pause", () => {
    const slack = makeSlack(0)
    return Effect.gen(function*() {
      yield* install(0, Option.some("xoxe-1-test"))
      const sweep = yield* TokenSweep.make()
      let failed = 0
      for (let minute = 0; minute < 120; minute++) {
        failed += (yield* sweep.pass).failed
        yield* TestClock.adjust("1 minute")
      }
      assert.strictEqual(failed, slack.refreshes())
      assert.isBelow(failed, 15)
    }).pipe(Effect.provide(live(slack.layer)))
  })

  it.scoped("does not prevent a later refresh", () => {
    let refreshes = 0
    const slack = OAuthV2.layerTest({
      access: () =>
        Effect.suspend(() => answer(`${++refreshes}`, refreshes < 3 ? 0 : 43_200, Option.some("xoxe-1-test")))
    })
    return Effect.gen(function*() {
      yield* install(0, Option.some("xoxe-1-test"))
      yield* Effect.flip(TokenManager.botToken(key))
      yield* TestClock.adjust("2 minutes")
      yield* Effect.flip(TokenManager.botToken(key))
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(Redacted.value(yield* TokenManager.botToken(key)), "xoxe.xoxb-test-3")
    }).pipe(Effect.provide(live(slack)))
  })

  it.scoped("that Slack has refused before is not served", () => {
    const slack = OAuthV2.layerTest({ access: () => answer("installed", 43_200, Option.some("xoxe-1-test")) })
    return Effect.gen(function*() {
      yield* install(43_200, Option.some("xoxe-1-test"))
      yield* TokenManager.invalidate(Installation.botKey(key), yield* TokenManager.botToken(key))
      const result = yield* Effect.either(TokenManager.botToken(key))
      assert(Either.isLeft(result) && result.left._tag === "TokenUnavailable")
      const { error } = result.left
      assert.deepStrictEqual(error._tag === "SlackUnexpectedResponse" && error.paths, ["access_token"])
    }).pipe(Effect.provide(live(slack)))
  })
})

describe("a credential that was stored before", () => {
  it("keeps its refresh token", () => {
    const expiry = Schema.decodeSync(TokenResponse.Expiry)({
      expiresAt: "2026-01-02T15:04:05.000Z",
      refreshToken: "xoxe-1-test"
    })
    assert.strictEqual(Redacted.value(Option.getOrThrow(expiry.refreshToken)), "xoxe-1-test")
  })
})
