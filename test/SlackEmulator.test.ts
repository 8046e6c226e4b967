import { assert, describe, it } from "@effect/vitest"
import { OAuthV2, OAuthV2Error, SlackApp, SlackEmulator, TokenResponse } from "effect-slack-oauth"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as Codes from "../src/internal/codes.js"
import { authTest, call, inMemory, overHttp, send } from "./utils/emulator.js"

// -------------------------------------------------------------------------------------
// helpers
// -------------------------------------------------------------------------------------

const botOf = (response: TokenResponse.TokenResponse) => Option.getOrThrow(response.bot)

const userOf = (response: TokenResponse.TokenResponse) => Option.getOrThrow(response.user)

const refreshTokenOf = (token: TokenResponse.BotToken | TokenResponse.UserToken) =>
  Option.getOrThrow(token.expiry).refreshToken

const install = (request?: SlackEmulator.AuthorizeRequest) =>
  Effect.flatMap(SlackEmulator.authorize(request), ({ code }) => OAuthV2.access({ code }))

const refresh = (token: TokenResponse.BotToken | TokenResponse.UserToken) =>
  OAuthV2.access({ refreshToken: refreshTokenOf(token) })

/** The tag that a call fails with. */
const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }): string => _tag)

/** RFC 7636, appendix B. */
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

const organization: SlackEmulator.Options = {
  organizations: [{ id: "E0ORG", name: "Org" }],
  workspaces: [
    { id: "T0ALONE", name: "Alone" },
    { id: "T0EAST", name: "East", organization: "E0ORG" },
    { id: "T0WEST", name: "West", organization: "E0ORG" }
  ]
}

// -------------------------------------------------------------------------------------
// by both ways in
// -------------------------------------------------------------------------------------

for (const [way, live] of [["in memory", inMemory], ["over HTTP", overHttp]] as const) {
  describe(`SlackEmulator ${way}`, () => {
    describe("flows of our own client", () => {
      it.effect("installs a bot and a person's token, both rotating", () =>
        Effect.gen(function*() {
          const response = yield* install({ scopes: ["chat:write", "commands"], userScopes: ["search:read"] })
          const now = yield* DateTime.now
          assert.deepStrictEqual(
            response.target,
            new TokenResponse.Workspace({ team: { id: "T0EMULATED", name: Option.some("Emulated Workspace") } })
          )
          assert.deepStrictEqual(botOf(response).scopes, ["chat:write", "commands"])
          assert.deepStrictEqual(userOf(response).scopes, ["search:read"])
          assert.deepStrictEqual(response.authedUserId, Option.some("U0EMULATED"))
          for (const token of [botOf(response), userOf(response)]) {
            const { expiresAt } = Option.getOrThrow(token.expiry)
            assert.strictEqual(DateTime.distance(now, expiresAt), Duration.toMillis("12 hours"))
            assert.strictEqual((yield* authTest(token.accessToken)).ok, true)
          }
        }).pipe(Effect.provide(live())))

      it.effect("refreshes each of the two by itself", () =>
        Effect.gen(function*() {
          const installed = yield* install({ scopes: ["chat:write"], userScopes: ["search:read"] })
          const bot = yield* refresh(botOf(installed))
          const user = yield* refresh(userOf(installed))
          assert.isTrue(Option.isNone(bot.user))
          assert.isTrue(Option.isNone(user.bot))
          assert.deepStrictEqual(userOf(user).userId, Option.some("U0EMULATED"))
          assert.deepStrictEqual(
            (yield* SlackEmulator.chains).map(({ generations, kind, refreshes }) => [kind, refreshes, generations]),
            [["bot", 1, 2], ["user", 1, 2]]
          )
        }).pipe(Effect.provide(live())))

      it.effect("exchanges a long-lived token, which runs out at the first refresh", () =>
        Effect.gen(function*() {
          const legacy = yield* SlackEmulator.issueLegacyToken()
          const exchanged = yield* OAuthV2.exchange({ token: legacy })
          assert.strictEqual((yield* authTest(legacy)).ok, true)
          assert.strictEqual(yield* tagOf(OAuthV2.exchange({ token: legacy })), "SlackTokenAlreadyExchanged")
          yield* refresh(botOf(exchanged))
          assert.strictEqual((yield* authTest(legacy)).error, "token_expired")
        }).pipe(Effect.provide(live())))

      it.effect("exchanges a person's long-lived token", () =>
        Effect.gen(function*() {
          const legacy = yield* SlackEmulator.issueLegacyToken({ person: "U0EMULATED", scopes: ["search:read"] })
          const exchanged = yield* OAuthV2.exchange({ token: legacy })
          assert.deepStrictEqual(userOf(exchanged).userId, Option.some("U0EMULATED"))
          assert.isTrue(Option.isNone(exchanged.bot))
        }).pipe(Effect.provide(live())))

      it.effect("installs by PKCE without a secret", () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize({ scopes: ["chat:write"], codeChallenge: challenge })
          const installed = yield* OAuthV2.access({ code, codeVerifier: verifier })
          yield* refresh(botOf(installed))
          assert.deepStrictEqual((yield* SlackEmulator.calls).map(({ authentication }) => authentication), [
            "none",
            "none"
          ])
        }).pipe(Effect.provide(live({ apps: [{ pkce: true }] }))))

      it.effect("installs in a whole organization", () =>
        Effect.gen(function*() {
          const installed = yield* install({ organization: "E0ORG" })
          assert.deepStrictEqual(
            installed.target,
            new TokenResponse.Organization({ enterprise: { id: "E0ORG", name: Option.some("Org") } })
          )
          const refreshed = yield* refresh(botOf(installed))
          assert.strictEqual(refreshed.target._tag, "Organization")
          const test = yield* authTest(botOf(refreshed).accessToken)
          assert.strictEqual(test.is_enterprise_install, true)
          assert.strictEqual(test.enterprise_id, "E0ORG")
        }).pipe(Effect.provide(live(organization))))

      it.effect("names the organization of a workspace in one", () =>
        Effect.gen(function*() {
          const installed = yield* install({ workspace: "T0EAST" })
          assert.deepStrictEqual(
            installed.target,
            new TokenResponse.Workspace({
              team: { id: "T0EAST", name: Option.some("East") },
              enterprise: Option.some({ id: "E0ORG", name: Option.some("Org") })
            })
          )
        }).pipe(Effect.provide(live(organization))))

      it.effect("installs for a person alone", () =>
        Effect.gen(function*() {
          const installed = yield* install({ userScopes: ["search:read"] })
          assert.isTrue(Option.isNone(installed.bot))
          assert.deepStrictEqual(userOf(installed).scopes, ["search:read"])
        }).pipe(Effect.provide(live())))

      it.effect("brings an incoming webhook along", () =>
        Effect.gen(function*() {
          const installed = yield* install({ scopes: ["incoming-webhook"], channel: "#alerts" })
          const webhook = Option.getOrThrow(installed.incomingWebhook)
          assert.strictEqual(webhook.channel, "#alerts")
        }).pipe(Effect.provide(live())))

      it.effect("gives long-lived tokens where rotation is off, and the same one again", () =>
        Effect.gen(function*() {
          const one = yield* install({ scopes: ["chat:write"] })
          const two = yield* install({ scopes: ["commands"] })
          assert.isTrue(Option.isNone(botOf(one).expiry))
          assert.strictEqual(
            Redacted.value(botOf(one).accessToken),
            Redacted.value(botOf(two).accessToken)
          )
          assert.deepStrictEqual(botOf(two).scopes, ["chat:write", "commands"], "scopes only ever add up")
        }).pipe(Effect.provide(live({ apps: [{ rotation: false }] }))))
    })

    describe("faults", () => {
      it.effect("play every documented code of every method", () =>
        Effect.gen(function*() {
          const documented: ReadonlyArray<Codes.SlackCode> = Object.values(Codes)
          assert.strictEqual(documented.length, 49)
          for (const { code, methods, tag } of documented) {
            for (const method of methods) {
              yield* SlackEmulator.inject({ method, fault: SlackEmulator.code(code) })
              const seen = method === "oauth.v2.access"
                ? yield* tagOf(OAuthV2.access({ code: "a-code" }))
                : yield* tagOf(OAuthV2.exchange({ token: "xoxb-test" }))
              assert.strictEqual(seen, tag)
            }
          }
          assert.deepStrictEqual(yield* SlackEmulator.chains, [])
        }).pipe(Effect.provide(live())))

      it.effect("carry scopes and messages with a code", () =>
        Effect.gen(function*() {
          yield* SlackEmulator.inject({
            fault: SlackEmulator.code("missing_scope", {
              needed: ["admin"],
              provided: ["chat:write"],
              messages: ["[ERROR] more, please"]
            })
          })
          const error = yield* Effect.flip(OAuthV2.access({ code: "a-code" }))
          assert.instanceOf(error, OAuthV2Error.SlackMissingScope)
          assert.deepStrictEqual(error.needed, ["admin"])
          assert.deepStrictEqual(error.provided, ["chat:write"])
          assert.deepStrictEqual(error.messages, ["[ERROR] more, please"])
        }).pipe(Effect.provide(live())))

      it.effect("limit the rate, with a hint and without", () =>
        Effect.gen(function*() {
          yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "30 seconds" }) })
          yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited() })
          const hinted = yield* Effect.flip(OAuthV2.access({ code: "a-code" }))
          const plain = yield* Effect.flip(OAuthV2.access({ code: "a-code" }))
          assert.strictEqual(hinted._tag, "SlackRateLimited")
          assert.deepStrictEqual(hinted.retryAfter, Duration.seconds(30))
          assert.strictEqual(hinted.status, 429)
          assert.strictEqual(plain._tag, "SlackRateLimited")
          assert.isUndefined(plain.retryAfter)
        }).pipe(Effect.provide(live())))

      it.effect("answer with pages of HTML and with text", () =>
        Effect.gen(function*() {
          for (
            const [fault, tag, status] of [
              [SlackEmulator.serverError(), "SlackUnexpectedResponse", 500],
              [SlackEmulator.serverError(503), "SlackServiceUnavailable", 503],
              [SlackEmulator.serverError(504), "SlackUnexpectedResponse", 504],
              [SlackEmulator.text(), "SlackUnexpectedResponse", 200]
            ] as const
          ) {
            yield* SlackEmulator.inject({ fault })
            const error = yield* Effect.flip(OAuthV2.access({ code: "a-code" }))
            assert.deepStrictEqual([error._tag, error.status], [tag, status])
          }
        }).pipe(Effect.provide(live())))

      it.effect("cut the connection before the request is read", () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize()
          yield* SlackEmulator.inject({ fault: SlackEmulator.cutBeforeReading })
          const error = yield* Effect.flip(OAuthV2.access({ code }))
          assert.deepStrictEqual([error._tag, error.outcome], ["SlackTransportError", "unknown"])
          assert.deepStrictEqual(yield* SlackEmulator.chains, [])
          yield* OAuthV2.access({ code })
        }).pipe(Effect.provide(live())))

      it.effect("lose the reply after the state has changed, and leave the new pair alive", () =>
        Effect.gen(function*() {
          const installed = yield* install()
          yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
          const error = yield* Effect.flip(refresh(botOf(installed)))
          assert.deepStrictEqual([error._tag, error.outcome], ["SlackTransportError", "unknown"])
          const [chain] = yield* SlackEmulator.chains
          assert.strictEqual(chain?.refreshes, 1)
          assert.strictEqual(chain.liveAccessTokens.length, 2)
          // The same refresh token once more, inside the grace period.
          const again = yield* refresh(botOf(installed))
          assert.strictEqual((yield* authTest(botOf(again).accessToken)).ok, true)
          assert.deepStrictEqual((yield* SlackEmulator.replays).map(({ honoured, what }) => [what, honoured]), [
            ["refresh token", true]
          ])
        }).pipe(Effect.provide(live())))

      it.effect("cut the body in the middle", () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize()
          yield* SlackEmulator.inject({ fault: SlackEmulator.cutInBody })
          const error = yield* Effect.flip(OAuthV2.access({ code }))
          assert.deepStrictEqual([error._tag, error.outcome, error.status], ["SlackTransportError", "unknown", 200])
          assert.strictEqual((yield* SlackEmulator.chains).length, 1)
        }).pipe(Effect.provide(live())))

      it.effect("report an error for what was done all the same", () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize()
          yield* SlackEmulator.inject({ fault: SlackEmulator.afterStateChange(SlackEmulator.code("internal_error")) })
          assert.strictEqual(yield* tagOf(OAuthV2.access({ code })), "SlackInternalError")
          assert.strictEqual((yield* SlackEmulator.chains).length, 1)
        }).pipe(Effect.provide(live())))

      it.effect("compose: an answer that takes its time and then is lost", () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize()
          yield* SlackEmulator.inject({
            fault: [SlackEmulator.delay("3 seconds"), SlackEmulator.cutAfterStateChange]
          })
          const fiber = yield* Effect.fork(Effect.flip(OAuthV2.access({ code })))
          yield* waitForSleeper
          assert.deepStrictEqual(yield* SlackEmulator.chains, [])
          yield* TestClock.adjust("3 seconds")
          const error = yield* Fiber.join(fiber)
          assert.strictEqual(error._tag, "SlackTransportError")
          assert.strictEqual((yield* SlackEmulator.chains).length, 1)
        }).pipe(Effect.provide(live())))

      it.effect("come in the order in which they were injected, for their own method, and end", () =>
        Effect.gen(function*() {
          yield* SlackEmulator.inject({ method: "oauth.v2.exchange", fault: SlackEmulator.code("fatal_error") })
          yield* SlackEmulator.inject({ times: 2, fault: SlackEmulator.code("request_timeout") })
          yield* SlackEmulator.inject({ method: "oauth.v2.access", fault: SlackEmulator.code("ratelimited") })
          const access = tagOf(OAuthV2.access({ code: "a-code" }))
          assert.deepStrictEqual(yield* Effect.replicateEffect(access, 4), [
            "SlackRequestTimeout",
            "SlackRequestTimeout",
            "SlackRateLimited",
            "SlackInvalidCode"
          ])
          assert.strictEqual(yield* tagOf(OAuthV2.exchange({ token: "xoxb-test" })), "SlackFatalError")
          yield* SlackEmulator.inject({ times: 5, fault: SlackEmulator.code("request_timeout") })
          yield* SlackEmulator.clearFaults
          assert.strictEqual(yield* access, "SlackInvalidCode")
        }).pipe(Effect.provide(live())))

      it.effect("hit a share of the calls, the same ones for the same seed", () =>
        Effect.gen(function*() {
          const calls = Effect.gen(function*() {
            yield* SlackEmulator.inject({ share: 0.25, fault: SlackEmulator.code("fatal_error") })
            return yield* Effect.replicateEffect(tagOf(OAuthV2.access({ code: "a-code" })), 100)
          })
          const run = Effect.suspend(() =>
            calls.pipe(Effect.provide(live()), Effect.withRandom(Random.make("a seed")))
          )
          const tags = yield* run
          const hits = tags.filter((tag) => tag === "SlackFatalError").length
          assert.isTrue(hits > 10 && hits < 45, `${hits} of 100`)
          assert.deepStrictEqual(yield* run, tags)
        }))
    })
  })
}

/** Lets a request that is on its way get to where it sleeps. */
const waitForSleeper: Effect.Effect<void> = Effect.suspend(() =>
  Effect.flatMap(
    TestClock.sleeps(),
    (sleeps) => Array.from(sleeps).length > 1 ? Effect.void : Effect.zipRight(yieldToEvents, waitForSleeper)
  )
)

/** Sockets move while nothing else does. */
const yieldToEvents = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})
