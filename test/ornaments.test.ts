/**
 * Other fields in an answer of Slack never cost the tokens, because the grant is already spent.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import { LogLevel, WebClient } from "@slack/web-api"
import * as Installation from "effect-slack-oauth/Installation"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import type * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { accessResponses, exchangeResponses, type Fixture } from "./fixtures/tokenResponses.js"

// -------------------------------------------------------------------------------------
// grants and answers
// -------------------------------------------------------------------------------------

type Grant = "code" | "refresh" | "exchange"

type Body = Readonly<Record<string, unknown>>

/** The service over a Slack that answers every call with one body. */
const answering = (body: unknown) =>
  OAuthV2.layer.pipe(
    Layer.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
    Layer.provide(RetryPolicy.layer(RetryPolicy.none)),
    Layer.provide(Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(body))))
    ))
  )

const requests: Record<Grant, Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.OAuthV2Error, OAuthV2.OAuthV2>> =
  {
    code: OAuthV2.access({ code: "test-code" }),
    refresh: OAuthV2.access({ refreshToken: "xoxe-1-test-sent" }),
    exchange: OAuthV2.exchange({ token: "xoxb-test-legacy" })
  }

const ask = (grant: Grant, body: unknown) => Effect.provide(requests[grant], answering(body))

/** The content of a response, with its secrets as plain text. */
const seen = Schema.encodeSync(TokenResponse.TokenResponse)

const team = { id: "T0TEST", name: "Test Works" }

const bot = {
  access_token: "xoxe.xoxb-1-test",
  token_type: "bot",
  scope: "chat:write,commands",
  bot_user_id: "U0BOT",
  expires_in: 43_200,
  refresh_token: "xoxe-1-test-bot"
}

const user = {
  access_token: "xoxe.xoxp-1-test",
  token_type: "user",
  scope: "search:read",
  expires_in: 43_200,
  refresh_token: "xoxe-1-test-user"
}

const webhook = {
  channel: "#test",
  channel_id: "C0TEST",
  configuration_url: "https://test.slack.com/services/B0TEST",
  url: "https://hooks.slack.com/services/T0TEST/B0TEST/test"
}

/** The answer to an install with everything that Slack documents. */
const install = {
  ok: true,
  app_id: "A0TEST",
  team,
  enterprise: { id: "E0TEST", name: "Test Holding" },
  is_enterprise_install: false,
  ...bot,
  authed_user: { id: "U0CLICK", ...user },
  incoming_webhook: webhook,
  warning: "superfluous_charset",
  response_metadata: { warnings: ["superfluous_charset"] }
}

const refresh = { ok: true, app_id: "A0TEST", team, enterprise: null, is_enterprise_install: false, ...bot }

const exchange = { ok: true, app_id: "A0TEST", team, enterprise: null, ...bot }

const without = (body: Body, ...keys: ReadonlyArray<string>): Body =>
  Object.fromEntries(Object.entries(body).filter(([key]) => !keys.includes(key)))

const botPair = { accessToken: "xoxe.xoxb-1-test", refreshToken: "xoxe-1-test-bot" }

const pairOf = (token: typeof TokenResponse.BotToken.Encoded | undefined) => ({
  accessToken: token?.accessToken,
  refreshToken: token?.expiry?.refreshToken
})

describe("a valid token pair is decoded", () => {
  const cases: ReadonlyArray<readonly [beside: string, grant: Grant, body: Body]> = [
    ["an incoming_webhook that is {}", "code", { ...install, incoming_webhook: {} }],
    ["an incoming_webhook that is []", "code", { ...install, incoming_webhook: [] }],
    ["an incoming_webhook without channel", "code", { ...install, incoming_webhook: without(webhook, "channel") }],
    ["an incoming_webhook without configuration_url", "code", {
      ...install,
      incoming_webhook: without(webhook, "configuration_url")
    }],
    ["a warning that is a list", "code", { ...install, warning: ["superfluous_charset"] }],
    ["a response_metadata that is []", "code", { ...install, response_metadata: [] }],
    ["response_metadata.warnings that is text", "code", {
      ...install,
      response_metadata: { warnings: "superfluous_charset" }
    }],
    ["an enterprise that is []", "code", { ...install, enterprise: [] }],
    ["an enterprise that is \"\"", "code", { ...install, enterprise: "" }],
    ["an authed_user that is []", "code", { ...install, authed_user: [] }],
    ["is_enterprise_install 0", "code", { ...install, is_enterprise_install: 0 }],
    ["is_enterprise_install \"false\"", "code", { ...install, is_enterprise_install: "false" }],
    ["a scope that is a list", "code", { ...install, scope: ["chat:write", "commands"] }],
    ["a team whose name is a number", "code", { ...install, team: { id: "T0TEST", name: 7 } }],
    ["expires_in as text", "code", { ...install, expires_in: "43200" }],
    ["no expires_in", "code", without(install, "expires_in")],
    ["an expires_in that is no number", "code", { ...install, expires_in: "soon" }],
    ["an expires_in that no date can hold", "code", { ...install, expires_in: 1e300 }],
    ["a user token that ends and cannot be refreshed", "code", {
      ...install,
      authed_user: { id: "U0CLICK", ...without(user, "refresh_token") }
    }],
    ["no team, on a refresh", "refresh", without(refresh, "team")],
    ["no app_id, on a refresh", "refresh", without(refresh, "app_id")],
    ["neither team nor app_id, on a refresh", "refresh", { ok: true, ...bot }],
    ["a team that cannot be read, on a refresh", "refresh", { ...refresh, team: { id: 7 } }],
    ["no ok, on a refresh", "refresh", without(refresh, "ok")],
    ["neither team nor enterprise, on an exchange", "exchange", { ...exchange, team: null, enterprise: null }],
    ["neither team nor app_id, on an exchange", "exchange", { ok: true, ...bot }]
  ]
  for (const [beside, grant, body] of cases) {
    it.effect(`beside ${beside}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(pairOf(seen(yield* ask(grant, body)).bot), botPair)
      }))
  }
})

describe("parts of an unusual answer", () => {
  it.effect("a refresh without a new refresh token keeps the old one", () =>
    Effect.gen(function*() {
      for (const refresh_token of [undefined, null, "", 7, []]) {
        const { bot: token } = seen(yield* ask("refresh", { ...refresh, refresh_token }))
        assert.deepStrictEqual(pairOf(token), { ...botPair, refreshToken: "xoxe-1-test-sent" })
      }
      const { bot: token } = seen(yield* ask("refresh", without(refresh, "refresh_token", "expires_in")))
      assert.deepStrictEqual(pairOf(token), { ...botPair, refreshToken: "xoxe-1-test-sent" })
    }))

  it.effect("an old refresh token is kept with the token that was refreshed, and with no other", () =>
    Effect.gen(function*() {
      const { refresh_token: _, ...ends } = user
      const response = seen(yield* ask("refresh", { ...refresh, authed_user: { id: "U0CLICK", ...ends } }))
      assert.strictEqual(pairOf(response.bot).refreshToken, "xoxe-1-test-bot")
      assert.strictEqual(pairOf(response.user).refreshToken, undefined)
      const nested = seen(yield* ask("refresh", { ok: true, app_id: "A0TEST", team, authed_user: ends }))
      assert.strictEqual(pairOf(nested.user).refreshToken, "xoxe-1-test-sent")
    }))

  it.effect("an expiry without a refresh token is a token that ends", () =>
    Effect.gen(function*() {
      for (const grant of ["code", "exchange"] as const) {
        const { bot: token } = seen(yield* ask(grant, without({ ...exchange, expires_in: 3599 }, "refresh_token")))
        assert.deepStrictEqual(token?.expiry, { expiresAt: "1970-01-01T00:59:59.000Z" })
      }
    }))

  it.effect("a refresh token without an expiry belongs to a token of the usual twelve hours", () =>
    Effect.gen(function*() {
      const { bot: token } = seen(yield* ask("code", without(install, "expires_in")))
      assert.strictEqual(token?.expiry?.expiresAt, "1970-01-01T12:00:00.000Z")
    }))

  it.effect("a lifetime of zero or less has ended", () =>
    Effect.gen(function*() {
      for (const expires_in of [0, -1, "0", "-3600", -1e300]) {
        const { bot: token } = seen(yield* ask("code", { ...install, expires_in }))
        assert.strictEqual(token?.expiry?.expiresAt, "1970-01-01T00:00:00.000Z")
      }
    }))

  it.effect("numbers may be text, flags numbers or text, lists lists", () =>
    Effect.gen(function*() {
      const plain = seen(yield* ask("code", install))
      assert.deepStrictEqual(
        seen(
          yield* ask("code", {
            ...install,
            scope: ["chat:write", "commands"],
            expires_in: "43200",
            is_enterprise_install: "false",
            warning: ["superfluous_charset"],
            response_metadata: { warnings: "superfluous_charset" }
          })
        ),
        plain
      )
      for (const is_enterprise_install of [true, 1, "true", "1"]) {
        const { target } = seen(yield* ask("code", { ...install, is_enterprise_install }))
        assert.strictEqual(target._tag, "Organization")
      }
    }))

  it.effect("a webhook is kept as long as it has its URL", () =>
    Effect.gen(function*() {
      const { incomingWebhook } = seen(yield* ask("code", { ...install, incoming_webhook: { url: webhook.url } }))
      assert.deepStrictEqual(incomingWebhook, { url: webhook.url, channel: "", configurationUrl: "" })
      const none = seen(yield* ask("code", { ...install, incoming_webhook: without(webhook, "url") }))
      assert.isUndefined(none.incomingWebhook)
    }))

  it.effect("ids and scopes that a database cannot store are dropped", () =>
    Effect.gen(function*() {
      const { bot: token } = seen(
        yield* ask("code", { ...install, bot_user_id: "U\u0000", scope: "chat:write,\u0000,a\ud800" })
      )
      assert.deepStrictEqual(token?.scopes, ["chat:write"])
      assert.isUndefined(token?.botUserId)
    }))

  it.effect("the app and the place of a refresh are those of the request, where the answer names none", () =>
    Effect.gen(function*() {
      const installation = {
        appId: "A0KNOWN",
        target: new TokenResponse.Organization({ enterprise: { id: "E0KNOWN", name: Option.none() } })
      }
      const silent = Layer.mergeAll(answering({ ok: true, ...bot }))
      const refreshed = yield* Effect.provide(OAuthV2.access({ refreshToken: "xoxe-1-test", installation }), silent)
      const exchanged = yield* Effect.provide(OAuthV2.exchange({ token: "xoxb-test", installation }), silent)
      for (const { appId, target } of [refreshed, exchanged]) {
        assert.deepStrictEqual({ appId, target }, installation)
      }
      const named = yield* Effect.provide(
        OAuthV2.access({ refreshToken: "xoxe-1-test", installation }),
        answering(refresh)
      )
      assert.strictEqual(named.appId, "A0TEST")
      assert.strictEqual(seen(named).target._tag, "Workspace")
    }))

  it.effect("the app of an install is the one that the settings name, where the answer names none", () =>
    Effect.gen(function*() {
      const app = yield* SlackApp.make({ clientId: "1.2", clientSecret: "test-secret", appId: "A0SETTING" })
      const response = yield* Effect.provide(
        OAuthV2.access({ code: "test-code", app }),
        answering(without(install, "app_id"))
      )
      assert.strictEqual(response.appId, "A0SETTING")
    }))

  it.effect("an answer to a refresh that names no place, for a caller that names none either, is no installation", () =>
    Effect.gen(function*() {
      const response = yield* ask("refresh", { ok: true, ...bot })
      assert.strictEqual(response.appId, "")
      assert.strictEqual(response.target, TokenResponse.unnamed)
      assert.throws(() => Installation.fromTokenResponse(response, DateTime.unsafeMake(0)), /installation/)
    }))
})

describe("answers that are refused", () => {
  const cases: ReadonlyArray<readonly [answer: string, grant: Grant, body: Body, path: string]> = [
    ["a yes without a token, to an install", "code", without(install, "access_token", "authed_user"), "access_token"],
    ["a yes without a token, to a refresh", "refresh", without(refresh, "access_token"), "access_token"],
    ["a yes without a token, to an exchange", "exchange", without(exchange, "access_token"), "access_token"],
    ["a yes whose token is no text", "refresh", { ...refresh, access_token: 7 }, "access_token"],
    ["a yes that says 1", "refresh", { ...refresh, ok: 1 }, "ok"],
    ["a yes that says \"true\"", "code", { ...install, ok: "true" }, "ok"],
    ["a yes that says null", "code", { ...install, ok: null }, "ok"],
    ["an install without an app", "code", without(install, "app_id"), "app_id"],
    ["an install without a place", "code", without(install, "team", "enterprise"), "team"],
    ["an install in a workspace whose id cannot be read", "code", { ...install, team: { id: 7 } }, "team.id"],
    [
      "an install in a workspace whose id a database cannot store",
      "code",
      { ...install, team: { id: "T\u0000" } },
      "team.id"
    ]
  ]
  for (const [answer, grant, body, path] of cases) {
    it.effect(answer, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(ask(grant, body))
        assert.strictEqual(error._tag, "SlackUnexpectedResponse")
        assert.deepStrictEqual(error._tag === "SlackUnexpectedResponse" && error.paths, [path])
        assert.notMatch(JSON.stringify(error) + error.message, /xox/)
      }))
  }
})

// -------------------------------------------------------------------------------------
// the grid
// -------------------------------------------------------------------------------------

/** The shapes of the grid: the fullest answer of each grant, and answers of other forms. */
const shapes: ReadonlyArray<readonly [grant: Grant, body: Body]> = [
  ["code", install],
  ["code", { ...without(install, "team"), team: null, is_enterprise_install: true }],
  ["code", without(install, ...Object.keys(bot))],
  ["refresh", refresh],
  ["refresh", { ...refresh, ...user, user_id: "U0CLICK" }],
  ["exchange", exchange]
]

const oddValues: ReadonlyArray<unknown> = [undefined, null, "", "text", 0, -1, 7, 1e300, true, [], ["text"], {}]

const pathsIn = (value: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? [
      ...(path.length === 0 ? [] : [path]),
      ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))
    ]
    : [path]

const replaceAt = (body: any, [key, ...rest]: ReadonlyArray<string>, value: unknown): any =>
  key === undefined ? value : { ...body, [key]: replaceAt(body[key], rest, value) }

const textOf = (value: unknown): string | undefined => typeof value === "string" && value !== "" ? value : undefined

/** Slack's own client gets the latest answer. Returns the tokens that it finds. */
const makeTheirs = () => {
  let answer: unknown
  const client = new WebClient(undefined, {
    fetch: () => Promise.resolve(Response.json(answer)),
    logLevel: LogLevel.ERROR,
    retryConfig: { retries: 0 }
  })
  const app = { client_id: "1.2", client_secret: "test-secret" }
  const calls = {
    code: () => client.oauth.v2.access({ ...app, code: "test-code" }),
    refresh: () => client.oauth.v2.access({ ...app, grant_type: "refresh_token", refresh_token: "xoxe-1-test-sent" }),
    exchange: () => client.oauth.v2.exchange({ ...app, token: "xoxb-test-legacy" })
  }
  return async (grant: Grant, body: unknown): Promise<ReadonlyArray<string>> => {
    answer = body
    try {
      const { access_token, authed_user }: any = await calls[grant]()
      return [access_token, authed_user?.access_token].map(textOf).filter((token) => token !== undefined)
    } catch {
      return []
    }
  }
}

/** The same for this package. Returns the tokens, or the paths at which the answer does not fit. */
const makeOurs = Effect.gen(function*() {
  let answer: unknown
  const service = yield* OAuthV2.make.pipe(
    Effect.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
    Effect.provideService(
      HttpClient.HttpClient,
      HttpClient.make((request) => Effect.sync(() => HttpClientResponse.fromWeb(request, Response.json(answer))))
    )
  )
  return (grant: Grant, body: unknown) =>
    Effect.suspend(() => {
      answer = body
      return Effect.either(Effect.provideService(requests[grant], OAuthV2.OAuthV2, service))
    }).pipe(Effect.map(Either.mapBoth({
      onLeft: (error) => error._tag === "SlackUnexpectedResponse" ? error.paths.join() : error._tag,
      onRight: ({ bot, user }): ReadonlyArray<string> =>
        [...Option.toArray(bot), ...Option.toArray(user)].map(({ accessToken }) => Redacted.value(accessToken))
    })))
})

describe("against @slack/web-api", () => {
  it.effect(
    "no token in it is thrown away, whatever replaces one field",
    () =>
      Effect.gen(function*() {
        const counts: Record<string, number> = {}
        const lost: Array<string> = []
        const theirs = makeTheirs()
        const ours = yield* makeOurs
        let size = 0
        for (const [grant, body] of shapes) {
          for (const path of pathsIn(body)) {
            for (const value of oddValues) {
              size++
              const answer = JSON.parse(JSON.stringify(replaceAt(body, path, value)))
              const expected = yield* Effect.promise(() => theirs(grant, answer))
              const result = yield* ours(grant, answer)
              if (Either.isRight(result) && expected.every((token) => result.right.includes(token))) {
                counts["handed over"] = (counts["handed over"] ?? 0) + 1
                continue
              }
              const why = Either.isLeft(result) ? result.left : "another token"
              counts[why] = (counts[why] ?? 0) + 1
              const isExcused = expected.length === 0 || why === "ok" ||
                (grant === "code" && ["app_id", "team", "team.id"].includes(why))
              if (!isExcused) lost.push(`${grant}: ${path.join(".")} = ${JSON.stringify(value)}: ${why}`)
            }
          }
        }
        yield* Effect.sync(() => console.log(`the grid: ${size} answers`, counts))
        assert.deepStrictEqual(lost, [])
        assert.isAbove(size, 245)
      }),
    60_000
  )
})

// -------------------------------------------------------------------------------------
// every shape
// -------------------------------------------------------------------------------------

/** Whether the answer would still name its place without this field. */
const isNeeded = ({ model, wire }: Fixture, grant: Grant, path: ReadonlyArray<string>): boolean => {
  const name = path.join(".")
  const place = model.target._tag === "Workspace" ? "team" : "enterprise"
  return name === "ok" || name === "access_token" || name === "authed_user.access_token" ||
    // The token is inside.
    (name === "authed_user" && pathsIn(wire).some((path) => path.join(".") === "authed_user.access_token")) ||
    (grant === "code" && (name === "app_id" || name === place || name === `${place}.id`))
}

/** The answers to a refresh and to an exchange do not name the person. */
const grantOf = (fixture: Fixture): Grant =>
  exchangeResponses.includes(fixture) ? "exchange" : "authed_user" in fixture.wire ? "code" : "refresh"

const tokensIn = ({ bot, user }: typeof TokenResponse.TokenResponse.Encoded) =>
  [bot?.accessToken, user?.accessToken].filter((token) => token !== undefined)

const anything = FastCheck.oneof(
  FastCheck.constantFrom(...oddValues),
  FastCheck.jsonValue(),
  FastCheck.record({ id: FastCheck.jsonValue(), name: FastCheck.jsonValue(), url: FastCheck.jsonValue() })
)

describe("every shape that Slack writes", () => {
  for (const fixture of [...accessResponses, ...exchangeResponses]) {
    const grant = grantOf(fixture)
    const paths = pathsIn(fixture.wire).filter((path) => !isNeeded(fixture, grant, path))
    it(`${fixture.name}: whatever replaces a field that the grant does not need, the tokens come out`, () => {
      const known = grant === "code" ? {} : { appId: "A0KNOWN", target: TokenResponse.unnamed }
      FastCheck.assert(
        FastCheck.property(FastCheck.constantFrom(...paths), anything, (path, value) => {
          const answer = JSON.parse(JSON.stringify(replaceAt(fixture.wire, path, value)))
          const response = TokenResponse.fromBody(answer, DateTime.unsafeMake(0), known)
          assert.deepStrictEqual(
            tokensIn(seen(Either.getOrThrowWith(response, (paths) => new Error(paths.join())))).sort(),
            tokensIn(fixture.model).sort()
          )
        }),
        { numRuns: 500 }
      )
    })
  }
})
