import type * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Codes from "../src/internal/codes.js"
import * as Randoms from "./utils/effect/random.js"
import * as WebServers from "./utils/effect/webServers.js"
import { authTest, call, codeOf, inMemory, overHttp, send } from "./utils/emulator.js"
import { redeem } from "./utils/installations.js"
import { countedSleeps } from "./utils/sleeps.js"

// -------------------------------------------------------------------------------------
// helpers
// -------------------------------------------------------------------------------------

const botOf = (response: TokenResponse.TokenResponse) => Option.getOrThrow(response.bot)

const userOf = (response: TokenResponse.TokenResponse) => Option.getOrThrow(response.user)

const refreshTokenOf = (token: TokenResponse.BotToken | TokenResponse.UserToken) =>
  Option.getOrThrow(Option.getOrThrow(token.expiry).refreshToken)

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
// refusals
// -------------------------------------------------------------------------------------

interface Refusal {
  readonly code: string
  readonly when: string
  readonly options?: SlackEmulator.Options
  readonly provoke: Effect.Effect<
    string,
    unknown,
    SlackEmulator.SlackEmulator | OAuthV2.OAuthV2 | SlackApp.SlackApp | HttpClient.HttpClient
  >
}

const errorOf = (method: string, form: Readonly<Record<string, string>>, headers?: Readonly<Record<string, string>>) =>
  Effect.map(call(method, form, headers), (body): string => body.ok === true ? "ok" : body.error)

const credentials = Effect.map(SlackApp.SlackApp, ({ clientId, clientSecret }) => ({
  client_id: clientId,
  client_secret: clientSecret === undefined ? "" : Redacted.value(clientSecret)
}))

/** A refusal because of the form of a request. */
const malformed = (code: string, when: string, body: { readonly type: string; readonly text: string }): Refusal => ({
  code,
  when,
  provoke: Effect.map(send("POST", "/api/oauth.v2.access", body), ({ json }): string => json.error)
})

const legacy = (request?: SlackEmulator.LegacyTokenRequest) => SlackEmulator.issueLegacyToken(request)

const bearer = (token: Redacted.Redacted) => ({ authorization: `Bearer ${Redacted.value(token)}` })

const pkce: SlackEmulator.Options = { apps: [{ pkce: true }] }

const refusals: ReadonlyArray<Refusal> = [
  // the client
  {
    code: "invalid_client_id",
    when: "no app has the client id",
    provoke: errorOf("oauth.v2.access", { code: "a-code", client_id: "1.1", client_secret: "test-secret" })
  },
  { code: "invalid_client_id", when: "there is no client id", provoke: errorOf("oauth.v2.access", { code: "a-code" }) },
  {
    code: "bad_client_secret",
    when: "the secret is wrong",
    provoke: Effect.flatMap(
      credentials,
      (credentials) => errorOf("oauth.v2.access", { ...credentials, code: "a-code", client_secret: "test-secret" })
    )
  },
  {
    code: "bad_client_secret",
    when: "the secret is missing and the app does not use PKCE",
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ codeChallenge: challenge })
      const app = yield* SlackEmulator.app
      return yield* errorOf("oauth.v2.access", { client_id: app.clientId, code, code_verifier: verifier })
    })
  },
  {
    code: "bad_client_secret",
    when: "a refresh has no secret, and the install had one",
    options: pkce,
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize()
      const app = yield* SlackEmulator.app
      const client_secret = Redacted.value(app.clientSecret)
      const { refresh_token } = yield* call("oauth.v2.access", { client_id: app.clientId, client_secret, code })
      const form = { client_id: app.clientId, grant_type: "refresh_token", refresh_token }
      return yield* errorOf("oauth.v2.access", form)
    })
  },
  {
    code: "invalid_auth",
    when: "the request has a bearer token",
    provoke: Effect.flatMap(
      credentials,
      (credentials) =>
        errorOf("oauth.v2.access", { ...credentials, code: "a-code" }, { authorization: "Bearer xoxb-test" })
    )
  },
  {
    code: "invalid_arguments",
    when: "the credentials are both in the header and in the body",
    provoke: Effect.flatMap(
      credentials,
      (credentials) =>
        errorOf("oauth.v2.access", { ...credentials, code: "a-code" }, {
          authorization: `Basic ${btoa(`${credentials.client_id}:${credentials.client_secret}`)}`
        })
    )
  },

  // the form of the request
  malformed("invalid_array_arg", "an argument is an array", {
    type: "application/x-www-form-urlencoded",
    text: "code[]=1&code[]=2"
  }),
  malformed("invalid_arg_name", "an argument has a strange name", {
    type: "application/x-www-form-urlencoded",
    text: "c%20de=1"
  }),
  malformed("invalid_charset", "the charset is not one of Slack's", {
    type: "application/x-www-form-urlencoded; charset=utf-16",
    text: "code=1"
  }),
  malformed("invalid_post_type", "the content type is not one of Slack's", {
    type: "application/xml",
    text: "<code/>"
  }),
  malformed("invalid_form_data", "the form has no boundary", { type: "multipart/form-data", text: "code=1" }),
  malformed("invalid_json", "the body does not match the content type", { type: "application/json", text: "code=1" }),
  malformed("json_not_object", "the JSON is not an object", { type: "application/json", text: "[]" }),
  {
    code: "unknown_method",
    when: "the method does not exist",
    provoke: Effect.flatMap(
      redeem(),
      (installed) => errorOf("oauth.v3.access", {}, bearer(botOf(installed).accessToken))
    )
  },
  {
    code: "not_authed",
    when: "the method does not exist, and there is no token",
    provoke: errorOf("oauth.v3.access", {})
  },

  // codes
  {
    code: "invalid_code",
    when: "the code is empty, even if the client is unknown",
    provoke: errorOf("oauth.v2.access", { code: "", client_id: "1.1" })
  },
  { code: "invalid_code", when: "the code was not issued", provoke: codeOf(OAuthV2.access({ code: "a-code" })) },
  {
    code: "invalid_code",
    when: "the code was used",
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize()
      yield* OAuthV2.access({ code })
      return yield* codeOf(OAuthV2.access({ code }))
    })
  },
  {
    code: "invalid_code",
    when: "the code is ten minutes old",
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize()
      yield* TestClock.adjust("10 minutes")
      return yield* codeOf(OAuthV2.access({ code }))
    })
  },
  {
    code: "invalid_code",
    when: "the code belongs to another app",
    provoke: Effect.gen(function*() {
      const other = yield* SlackEmulator.addApp()
      const { code } = yield* SlackEmulator.authorize({ clientId: other.clientId })
      return yield* codeOf(OAuthV2.access({ code }))
    })
  },
  {
    code: "bad_redirect_uri",
    when: "the redirect URI differs from the authorize step",
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ redirectUri: "https://example.com/one" })
      return yield* codeOf(OAuthV2.access({ code, redirectUri: "https://example.com/two" }))
    })
  },
  {
    code: "bad_redirect_uri",
    when: "the authorize step had a redirect URI and the redemption has none",
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ redirectUri: "https://example.com/one" })
      return yield* codeOf(OAuthV2.access({ code }))
    })
  },
  {
    code: "invalid_code",
    when: "the code was spent on a wrong redirect URI",
    provoke: Effect.gen(function*() {
      const redirectUri = "https://example.com/one"
      const { code } = yield* SlackEmulator.authorize({ redirectUri })
      yield* Effect.flip(OAuthV2.access({ code }))
      return yield* codeOf(OAuthV2.access({ code, redirectUri }))
    })
  },
  {
    code: "oauth_authorization_url_mismatch",
    when: "the code comes from the classic authorize page",
    provoke: Effect.gen(function*() {
      const { clientId } = yield* SlackEmulator.app
      const url = `https://slack.com/oauth/authorize?client_id=${clientId}&scope=commands`
      const { code } = yield* SlackEmulator.authorize({ url })
      return yield* codeOf(OAuthV2.access({ code }))
    })
  },
  {
    code: "invalid_grant_type",
    when: "the grant type is unknown",
    provoke: codeOf(OAuthV2.access({ grantType: "password", extra: { username: "test" } }))
  },

  // PKCE
  {
    code: "invalid_code_verifier",
    when: "the verifier does not match",
    options: pkce,
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ codeChallenge: challenge })
      return yield* codeOf(OAuthV2.access({ code, codeVerifier: `${verifier}x` }))
    })
  },
  {
    code: "invalid_code_verifier",
    when: "there is a verifier and no challenge",
    options: pkce,
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize()
      return yield* codeOf(OAuthV2.access({ code, codeVerifier: verifier }))
    })
  },
  {
    code: "invalid_code_verifier",
    when: "there is a challenge, and a secret instead of the verifier",
    options: pkce,
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ codeChallenge: challenge })
      const app = yield* SlackEmulator.app
      const client_secret = Redacted.value(app.clientSecret)
      return yield* errorOf("oauth.v2.access", { client_id: app.clientId, client_secret, code })
    })
  },
  {
    code: "pkce_not_allowed",
    when: "the app does not use PKCE",
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ codeChallenge: challenge })
      return yield* codeOf(OAuthV2.access({ code, codeVerifier: verifier }))
    })
  },
  {
    code: "pkce_not_allowed",
    when: "the app does not use PKCE, and there is a challenge and no verifier",
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ codeChallenge: challenge })
      return yield* codeOf(OAuthV2.access({ code }))
    })
  },

  // people and places
  {
    code: "account_inactive",
    when: "the person is deactivated between the click and the redemption",
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize()
      yield* SlackEmulator.deactivate("U0EMULATED")
      return yield* codeOf(OAuthV2.access({ code }))
    })
  },
  {
    code: "user_email_unverified",
    when: "the person has not confirmed their address",
    options: { people: [{ emailVerified: false }] },
    provoke: codeOf(redeem())
  },
  {
    code: "two_factor_setup_required",
    when: "the workspace requires two-factor authentication and the person has none",
    options: { workspaces: [{ requiresTwoFactor: true }], people: [{ twoFactor: false }] },
    provoke: codeOf(redeem())
  },
  {
    code: "cannot_install_an_org_installed_app",
    when: "the app is installed in the workspace's organization",
    options: organization,
    provoke: Effect.zipRight(redeem({ organization: "E0ORG" }), codeOf(redeem({ workspace: "T0EAST" })))
  },

  // refresh tokens
  {
    code: "invalid_refresh_token",
    when: "the refresh token was not issued",
    provoke: codeOf(OAuthV2.access({ refreshToken: "xoxe-1-test" }))
  },
  {
    code: "invalid_refresh_token",
    when: "the refresh token belongs to another app",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      const other = yield* SlackEmulator.addApp()
      return yield* codeOf(
        OAuthV2.access({
          refreshToken: refreshTokenOf(botOf(installed)),
          app: { ...(yield* SlackApp.SlackApp), clientId: other.clientId, clientSecret: other.clientSecret }
        })
      )
    })
  },
  {
    code: "invalid_refresh_token",
    when: "the refresh token was used, and its grace period is over",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      yield* refresh(botOf(installed))
      yield* TestClock.adjust("1 minute")
      return yield* codeOf(refresh(botOf(installed)))
    })
  },
  {
    code: "invalid_refresh_token",
    when: "the chain has two newer pairs",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      const one = yield* refresh(botOf(installed))
      const two = yield* refresh(botOf(installed))
      yield* refresh(botOf(two))
      return yield* codeOf(refresh(botOf(one)))
    })
  },
  {
    code: "token_revoked",
    when: "the refresh token is revoked",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      yield* SlackEmulator.revoke(refreshTokenOf(botOf(installed)))
      return yield* codeOf(refresh(botOf(installed)))
    })
  },
  {
    code: "token_revoked",
    when: "the app is uninstalled",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      yield* SlackEmulator.uninstall()
      return yield* codeOf(refresh(botOf(installed)))
    })
  },
  {
    code: "account_inactive",
    when: "the person of the token is deactivated",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem({ userScopes: ["search:read"] })
      yield* SlackEmulator.deactivate("U0EMULATED")
      return yield* codeOf(refresh(userOf(installed)))
    })
  },
  {
    code: "account_inactive",
    when: "the workspace of the token is deactivated",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      yield* SlackEmulator.deactivate("T0EMULATED")
      return yield* codeOf(refresh(botOf(installed)))
    })
  },
  {
    code: "token_expired",
    when: "the refresh token of an app with PKCE is thirty days old",
    options: pkce,
    provoke: Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ codeChallenge: challenge })
      const installed = yield* OAuthV2.access({ code, codeVerifier: verifier })
      yield* TestClock.adjust("30 days")
      return yield* codeOf(refresh(botOf(installed)))
    })
  },

  // exchange
  {
    code: "invalid_arguments",
    when: "an exchange has no token",
    provoke: Effect.flatMap(credentials, (credentials) => errorOf("oauth.v2.exchange", credentials))
  },
  {
    code: "invalid_arguments",
    when: "an exchange authenticates with Basic",
    provoke: Effect.gen(function*() {
      const { client_id, client_secret } = yield* credentials
      const token = Redacted.value(yield* legacy())
      const authorization = `Basic ${btoa(`${client_id}:${client_secret}`)}`
      return yield* errorOf("oauth.v2.exchange", { token }, { authorization })
    })
  },
  {
    code: "bad_client_secret",
    when: "an exchange has a wrong secret",
    provoke: Effect.flatMap(
      credentials,
      (credentials) =>
        errorOf("oauth.v2.exchange", { ...credentials, client_secret: "test-secret", token: "xoxb-test" })
    )
  },
  {
    code: "token_rotation_not_enabled",
    when: "rotation is off",
    options: { apps: [{ rotation: false }] },
    provoke: Effect.flatMap(legacy(), (token) => codeOf(OAuthV2.exchange({ token })))
  },
  {
    code: "invalid_token",
    when: "the long-lived token was not issued",
    provoke: codeOf(OAuthV2.exchange({ token: "xoxb-test" }))
  },
  {
    code: "invalid_token",
    when: "the token to exchange rotates already",
    provoke: Effect.flatMap(redeem(), (installed) => codeOf(OAuthV2.exchange({ token: botOf(installed).accessToken })))
  },
  {
    code: "not_allowed_token_type",
    when: "the token to exchange is an app-level token",
    provoke: codeOf(OAuthV2.exchange({ token: "xapp-test" }))
  },
  {
    code: "token_already_exchanged",
    when: "the token was exchanged before",
    provoke: Effect.gen(function*() {
      const token = yield* legacy()
      yield* OAuthV2.exchange({ token })
      return yield* codeOf(OAuthV2.exchange({ token }))
    })
  },
  {
    code: "authorization_not_found",
    when: "the app of the token to exchange is uninstalled",
    provoke: Effect.gen(function*() {
      const token = yield* legacy()
      yield* SlackEmulator.uninstall()
      return yield* codeOf(OAuthV2.exchange({ token }))
    })
  },
  {
    code: "account_inactive",
    when: "the person of the token to exchange is deactivated",
    provoke: Effect.gen(function*() {
      const token = yield* legacy({ person: "U0EMULATED" })
      yield* SlackEmulator.deactivate("U0EMULATED")
      return yield* codeOf(OAuthV2.exchange({ token }))
    })
  },

  // methods that act on a token
  { code: "not_authed", when: "auth.test has no token", provoke: errorOf("auth.test", {}) },
  {
    code: "invalid_auth",
    when: "auth.test has an unknown token",
    provoke: errorOf("auth.test", { token: "xoxb-test" })
  },
  {
    code: "invalid_auth",
    when: "auth.test has a refresh token",
    provoke: Effect.flatMap(
      redeem(),
      (installed) => errorOf("auth.test", { token: Redacted.value(refreshTokenOf(botOf(installed))) })
    )
  },
  {
    code: "token_expired",
    when: "an access token is twelve hours old",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      yield* TestClock.adjust("12 hours")
      return yield* errorOf("auth.test", {}, bearer(botOf(installed).accessToken))
    })
  },
  {
    code: "token_revoked",
    when: "an access token is revoked",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      const token = Redacted.value(botOf(installed).accessToken)
      assert.deepStrictEqual(yield* call("auth.revoke", { token }), { ok: true, revoked: true })
      return yield* errorOf("auth.test", { token })
    })
  },
  {
    code: "token_revoked",
    when: "an app uninstalls itself",
    provoke: Effect.gen(function*() {
      const installed = yield* redeem()
      const token = Redacted.value(botOf(installed).accessToken)
      assert.deepStrictEqual(yield* call("apps.uninstall", { ...(yield* credentials), token }), { ok: true })
      return yield* errorOf("auth.test", { token })
    })
  },
  {
    code: "client_id_token_mismatch",
    when: "an app uninstalls another",
    provoke: Effect.gen(function*() {
      const other = yield* SlackEmulator.addApp()
      const { code } = yield* SlackEmulator.authorize({ clientId: other.clientId })
      const foreign = { ...(yield* SlackApp.SlackApp), clientId: other.clientId, clientSecret: other.clientSecret }
      const installed = yield* OAuthV2.access({ code, app: foreign })
      const token = Redacted.value(botOf(installed).accessToken)
      return yield* errorOf("apps.uninstall", { ...(yield* credentials), token })
    })
  },
  {
    code: "invalid_arguments",
    when: "an app uninstalls itself without its id",
    provoke: Effect.flatMap(
      redeem(),
      (installed) => errorOf("apps.uninstall", { token: Redacted.value(botOf(installed).accessToken) })
    )
  }
]

// -------------------------------------------------------------------------------------
// in memory and over HTTP
// -------------------------------------------------------------------------------------

for (const [way, live] of [["in memory", inMemory], ["over HTTP", overHttp]] as const) {
  describe(`SlackEmulator ${way}`, () => {
    describe("flows of our own client", () => {
      it.effect("installs a bot token and a user token, both rotating", () =>
        Effect.gen(function*() {
          const response = yield* redeem({ scopes: ["chat:write", "commands"], userScopes: ["search:read"] })
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

      it.effect("refreshes the bot token and the user token separately", () =>
        Effect.gen(function*() {
          const installed = yield* redeem({ scopes: ["chat:write"], userScopes: ["search:read"] })
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

      it.effect("exchanges a long-lived token, which expires at the first refresh", () =>
        Effect.gen(function*() {
          const legacy = yield* SlackEmulator.issueLegacyToken()
          const exchanged = yield* OAuthV2.exchange({ token: legacy })
          assert.strictEqual((yield* authTest(legacy)).ok, true)
          assert.strictEqual(yield* tagOf(OAuthV2.exchange({ token: legacy })), "SlackTokenAlreadyExchanged")
          yield* refresh(botOf(exchanged))
          assert.strictEqual((yield* authTest(legacy)).error, "token_expired")
        }).pipe(Effect.provide(live())))

      it.effect("exchanges a long-lived user token", () =>
        Effect.gen(function*() {
          const legacy = yield* SlackEmulator.issueLegacyToken({ person: "U0EMULATED", scopes: ["search:read"] })
          const exchanged = yield* OAuthV2.exchange({ token: legacy })
          assert.deepStrictEqual(userOf(exchanged).userId, Option.some("U0EMULATED"))
          assert.isTrue(Option.isNone(exchanged.bot))
        }).pipe(Effect.provide(live())))

      it.effect("installs with PKCE and without a secret", () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize({ scopes: ["chat:write"], codeChallenge: challenge })
          const installed = yield* OAuthV2.access({ code, codeVerifier: verifier })
          yield* refresh(botOf(installed))
          assert.deepStrictEqual((yield* SlackEmulator.calls).map(({ authentication }) => authentication), [
            "none",
            "none"
          ])
        }).pipe(Effect.provide(live({ apps: [{ pkce: true }] }))))

      it.effect("installs in an organization", () =>
        Effect.gen(function*() {
          const installed = yield* redeem({ organization: "E0ORG" })
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

      it.effect("names the organization of a workspace", () =>
        Effect.gen(function*() {
          const installed = yield* redeem({ workspace: "T0EAST" })
          assert.deepStrictEqual(
            installed.target,
            new TokenResponse.Workspace({
              team: { id: "T0EAST", name: Option.some("East") },
              enterprise: Option.some({ id: "E0ORG", name: Option.some("Org") })
            })
          )
        }).pipe(Effect.provide(live(organization))))

      it.effect("installs a user token without a bot", () =>
        Effect.gen(function*() {
          const installed = yield* redeem({ userScopes: ["search:read"] })
          assert.isTrue(Option.isNone(installed.bot))
          assert.deepStrictEqual(userOf(installed).scopes, ["search:read"])
        }).pipe(Effect.provide(live())))

      it.effect("gives an incoming webhook", () =>
        Effect.gen(function*() {
          const installed = yield* redeem({ scopes: ["incoming-webhook"], channel: "#alerts" })
          const webhook = Option.getOrThrow(installed.incomingWebhook)
          assert.strictEqual(webhook.channel, "#alerts")
        }).pipe(Effect.provide(live())))

      it.effect("gives a long-lived token if rotation is off, and the same one on a reinstall", () =>
        Effect.gen(function*() {
          const one = yield* redeem({ scopes: ["chat:write"] })
          const two = yield* redeem({ scopes: ["commands"] })
          assert.isTrue(Option.isNone(botOf(one).expiry))
          assert.strictEqual(
            Redacted.value(botOf(one).accessToken),
            Redacted.value(botOf(two).accessToken)
          )
          assert.deepStrictEqual(botOf(two).scopes, ["chat:write", "commands"], "scopes only ever add up")
        }).pipe(Effect.provide(live({ apps: [{ rotation: false }] }))))
    })

    describe("refusals", () => {
      for (const refusal of refusals) {
        it.effect(`${refusal.code}: ${refusal.when}`, () =>
          Effect.gen(function*() {
            assert.strictEqual(yield* refusal.provoke, refusal.code, yield* SlackEmulator.timeline)
          }).pipe(Effect.provide(live(refusal.options))))
      }
    })

    describe("faults", () => {
      it.effect("give every documented code of every method", () =>
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

      it.effect("give scopes and messages with a code", () =>
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

      it.effect("limit the rate, with and without Retry-After", () =>
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

      it.effect("answer with HTML pages and with text", () =>
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

      it.effect("lose the answer after the state has changed, and the new pair works", () =>
        Effect.gen(function*() {
          const installed = yield* redeem()
          yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
          const error = yield* Effect.flip(refresh(botOf(installed)))
          assert.deepStrictEqual([error._tag, error.outcome], ["SlackTransportError", "unknown"])
          const [chain] = yield* SlackEmulator.chains
          assert.strictEqual(chain?.refreshes, 1)
          assert.strictEqual(chain.liveAccessTokens.length, 2)
          // The same refresh token again, in its grace period.
          const again = yield* refresh(botOf(installed))
          assert.strictEqual((yield* authTest(botOf(again).accessToken)).ok, true)
          assert.deepStrictEqual((yield* SlackEmulator.replays).map(({ honoured, what }) => [what, honoured]), [
            ["refresh token", true]
          ])
        }).pipe(Effect.provide(live())))

      it.effect("cut the connection in the middle of the body", () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize()
          yield* SlackEmulator.inject({ fault: SlackEmulator.cutInBody })
          const error = yield* Effect.flip(OAuthV2.access({ code }))
          assert.deepStrictEqual([error._tag, error.outcome, error.status], ["SlackTransportError", "unknown", 200])
          assert.strictEqual((yield* SlackEmulator.chains).length, 1)
        }).pipe(Effect.provide(live())))

      it.effect("answer with an error after the state has changed", () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize()
          yield* SlackEmulator.inject({ fault: SlackEmulator.afterStateChange(SlackEmulator.code("internal_error")) })
          assert.strictEqual(yield* tagOf(OAuthV2.access({ code })), "SlackInternalError")
          assert.strictEqual((yield* SlackEmulator.chains).length, 1)
        }).pipe(Effect.provide(live())))

      it.effect("combine: an answer is delayed and then lost", () =>
        Effect.flatMap(countedSleeps, ({ count, counted }) =>
          Effect.gen(function*() {
            const { code } = yield* SlackEmulator.authorize()
            yield* SlackEmulator.inject({
              fault: [SlackEmulator.delay("3 seconds"), SlackEmulator.cutAfterStateChange]
            })
            const fiber = yield* Effect.fork(Effect.flip(OAuthV2.access({ code })))
            // The deadline of the call, and the delay.
            while ((yield* count) < 2) yield* yieldToEvents
            assert.deepStrictEqual(yield* SlackEmulator.chains, [])
            yield* TestClock.adjust("3 seconds")
            const error = yield* Fiber.join(fiber)
            assert.strictEqual(error._tag, "SlackTransportError")
            assert.strictEqual((yield* SlackEmulator.chains).length, 1)
          }).pipe(Effect.provide(live()), counted)))

      it.effect("affect calls of their method, in the order of their injection, and end", () =>
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

      it.effect("affect a share of the calls, the same ones for the same seed", () =>
        Effect.gen(function*() {
          const calls = Effect.gen(function*() {
            yield* SlackEmulator.inject({ share: 0.25, fault: SlackEmulator.code("fatal_error") })
            return yield* Effect.replicateEffect(tagOf(OAuthV2.access({ code: "a-code" })), 100)
          })
          const run = Effect.suspend(() => calls.pipe(Effect.provide(live()), Randoms.withSeed("a seed")))
          const tags = yield* run
          const hits = tags.filter((tag) => tag === "SlackFatalError").length
          assert.isTrue(hits > 10 && hits < 45, `${hits} of 100`)
          assert.deepStrictEqual(yield* run, tags)
        }))
    })
  })
}

// -------------------------------------------------------------------------------------
// answers
// -------------------------------------------------------------------------------------

describe("the answers of SlackEmulator", () => {
  /** Redeems a code, and replaces the values that differ each time. */
  const answerOf = (request?: SlackEmulator.AuthorizeRequest) =>
    Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize(request)
      return masked(yield* call("oauth.v2.access", { ...(yield* credentials), code }))
    })

  const masked = (body: object): unknown =>
    JSON.parse(
      JSON.stringify(body),
      (_, value) =>
        typeof value === "string"
          ? value.replaceAll(/-emulated-[\w-]+/g, "-…").replace(/^([UB]0B)[0-9A-Z]{10}$/, "$1-BOT")
          : value
    )

  const team = { id: "T0EMULATED", name: "Emulated Workspace" }

  const botToken = {
    access_token: "xoxe.xoxb-1-…",
    token_type: "bot",
    scope: "chat:write,commands",
    bot_user_id: "U0B-BOT",
    expires_in: 43_200,
    refresh_token: "xoxe-1-…"
  }

  const userToken = {
    access_token: "xoxe.xoxp-1-…",
    token_type: "user",
    scope: "search:read",
    expires_in: 43_200,
    refresh_token: "xoxe-1-…"
  }

  it.effect("have Slack's form for an install of a bot and a user token", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* answerOf({ scopes: ["chat:write", "commands"], userScopes: ["search:read"] }), {
        ok: true,
        app_id: "A0EMULATED",
        team,
        enterprise: null,
        is_enterprise_install: false,
        ...botToken,
        authed_user: { id: "U0EMULATED", ...userToken }
      })
    }).pipe(Effect.provide(inMemory())))

  it.effect("have Slack's form for an install of a user token", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* answerOf({ userScopes: ["search:read"] }), {
        ok: true,
        app_id: "A0EMULATED",
        team,
        enterprise: null,
        is_enterprise_install: false,
        authed_user: { id: "U0EMULATED", ...userToken }
      })
    }).pipe(Effect.provide(inMemory())))

  it.effect("have Slack's form for an install in an organization, and in one of its workspaces", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* answerOf({ workspace: "T0EAST" }), {
        team: { id: "T0EAST", name: "East" },
        enterprise: { id: "E0ORG", name: "Org" },
        is_enterprise_install: false
      })
      assert.deepInclude(yield* answerOf({ organization: "E0ORG" }), {
        team: null,
        enterprise: { id: "E0ORG", name: "Org" },
        is_enterprise_install: true,
        authed_user: { id: "U0EMULATED" }
      })
    }).pipe(Effect.provide(inMemory(organization))))

  it.effect("have Slack's form for a refresh, with a user token at top level", () =>
    Effect.gen(function*() {
      const installed = yield* redeem({ scopes: ["chat:write", "commands"], userScopes: ["search:read"] })
      const refreshed = (token: TokenResponse.BotToken | TokenResponse.UserToken) =>
        Effect.flatMap(credentials, (credentials) =>
          call("oauth.v2.access", {
            ...credentials,
            grant_type: "refresh_token",
            refresh_token: Redacted.value(refreshTokenOf(token))
          }))
      const common = { ok: true, app_id: "A0EMULATED", team, enterprise: null, is_enterprise_install: false }
      assert.deepStrictEqual(masked(yield* refreshed(botOf(installed))), { ...common, ...botToken })
      assert.deepStrictEqual(masked(yield* refreshed(userOf(installed))), {
        ...common,
        ...userToken,
        user_id: "U0EMULATED"
      })
    }).pipe(Effect.provide(inMemory())))

  it.effect("have Slack's form for an exchange, without is_enterprise_install", () =>
    Effect.gen(function*() {
      const token = Redacted.value(yield* SlackEmulator.issueLegacyToken({ scopes: ["chat:write", "commands"] }))
      assert.deepStrictEqual(masked(yield* call("oauth.v2.exchange", { ...(yield* credentials), token })), {
        ok: true,
        app_id: "A0EMULATED",
        team,
        enterprise: null,
        ...botToken
      })
    }).pipe(Effect.provide(inMemory())))

  it.effect("have Slack's form for auth.test, with the seconds until expiry", () =>
    Effect.gen(function*() {
      const installed = yield* redeem()
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(masked(yield* authTest(botOf(installed).accessToken)), {
        ok: true,
        url: "https://t0emulated.slack.com/",
        team: "Emulated Workspace",
        user: "emulated_app",
        team_id: "T0EMULATED",
        user_id: "U0B-BOT",
        bot_id: "B0B-BOT",
        app_id: "A0EMULATED",
        app_name: "Emulated App",
        is_enterprise_install: false,
        expires_in: 39_600
      })
    }).pipe(Effect.provide(inMemory())))

  it.effect("warn of a charset, and accept JSON and GET as Slack does", () =>
    Effect.gen(function*() {
      const { clientId } = yield* SlackApp.SlackApp
      const form = new URLSearchParams({ client_id: clientId, code: "a-code" }).toString()
      const warned = yield* send("POST", "/api/oauth.v2.access", {
        type: "application/x-www-form-urlencoded; charset=utf-8",
        text: form
      })
      assert.deepInclude(warned.json, {
        warning: "superfluous_charset",
        response_metadata: { warnings: ["superfluous_charset"] }
      })
      const json = yield* send("POST", "/api/oauth.v2.access", {
        type: "application/json",
        text: JSON.stringify({ client_id: clientId, code: "a-code" })
      })
      assert.deepStrictEqual(json.json, { ok: false, error: "bad_client_secret" })
      const get = yield* send("GET", `/api/oauth.v2.access?${form}`)
      assert.deepStrictEqual(get.json, { ok: false, error: "bad_client_secret" })
      assert.deepStrictEqual((yield* SlackEmulator.calls).map(({ secretInUrl }) => secretInUrl), [false, false, true])
    }).pipe(Effect.provide(inMemory())))

  it.effect("have request ids, and forbid storing", () =>
    Effect.gen(function*() {
      const { headers } = yield* send("POST", "/api/auth.test", {})
      assert.match(headers["x-slack-req-id"] ?? "", /^emulated-\d+$/)
      assert.include(headers["cache-control"], "no-store")
      const error = yield* Effect.flip(OAuthV2.access({ code: "a-code" }))
      assert.match(error.message, /request emulated-\d+/)
    }).pipe(Effect.provide(inMemory())))

  it.effect("are a page at an unknown address", () =>
    Effect.gen(function*() {
      const { status } = yield* send("GET", "/nowhere")
      assert.strictEqual(status, 404)
    }).pipe(Effect.provide(inMemory())))

  it.effect("refuse a body without a content type", () =>
    Effect.gen(function*() {
      const emulator = yield* SlackEmulator.SlackEmulator
      const outcome = yield* emulator.handle({
        method: "POST",
        url: new URL("https://slack.com/api/auth.test"),
        headers: {},
        body: Effect.succeed("token=1")
      })
      assert.strictEqual(outcome._tag === "Answered" && JSON.parse(outcome.body).error, "missing_post_type")
    }).pipe(Effect.provide(inMemory())))
})

// -------------------------------------------------------------------------------------
// history
// -------------------------------------------------------------------------------------

describe("the history of SlackEmulator", () => {
  /** A flow with every kind of secret. */
  const story = Effect.gen(function*() {
    const { code } = yield* SlackEmulator.authorize({ scopes: ["incoming-webhook"], userScopes: ["search:read"] })
    const installed = yield* OAuthV2.access({ code })
    yield* Effect.flip(OAuthV2.access({ code }))
    const refreshed = yield* refresh(botOf(installed))
    yield* refresh(botOf(installed))
    yield* call("auth.test", { token: Redacted.value(botOf(refreshed).accessToken) })
    yield* Effect.flip(OAuthV2.access({ code: "a-code-of-nobody", codeVerifier: verifier }))
    yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
    yield* Effect.flip(refresh(userOf(installed)))
    const legacyToken = yield* SlackEmulator.issueLegacyToken({ person: "U0EMULATED" })
    yield* OAuthV2.exchange({ token: legacyToken })
    yield* SlackEmulator.uninstall()
    const { clientSecret } = yield* SlackEmulator.app
    return [
      code,
      "a-code-of-nobody",
      verifier,
      clientSecret,
      legacyToken,
      Option.getOrThrow(installed.incomingWebhook).url,
      ...[botOf(installed), userOf(installed), botOf(refreshed)].flatMap((token) => [
        token.accessToken,
        refreshTokenOf(token)
      ])
    ].map((secret) => Redacted.isRedacted(secret) ? Redacted.value(secret) : secret)
  })

  it.effect("has every call, with descriptions instead of secrets", () =>
    Effect.gen(function*() {
      yield* redeem()
      yield* SlackEmulator.inject({ fault: SlackEmulator.cutBeforeReading })
      yield* Effect.flip(OAuthV2.access({ code: "a-code" }))
      const { clientId } = yield* SlackEmulator.app
      assert.deepStrictEqual(yield* SlackEmulator.calls, [
        {
          at: yield* DateTime.now,
          method: "oauth.v2.access",
          grantType: "authorization_code",
          clientId,
          authentication: "basic",
          parameters: { grant_type: "authorization_code", code: "<code for A0EMULATED in T0EMULATED>" },
          secretInUrl: false,
          result: "ok",
          fault: undefined
        },
        {
          at: yield* DateTime.now,
          method: "oauth.v2.access",
          grantType: undefined,
          clientId: undefined,
          authentication: "none",
          parameters: {},
          secretInUrl: false,
          result: "not run",
          fault: "cut before reading"
        }
      ])
    }).pipe(Effect.provide(inMemory())))

  it.effect("is a timeline with a line for each event", () =>
    Effect.gen(function*() {
      const installed = yield* redeem()
      yield* TestClock.adjust("11 hours")
      yield* refresh(botOf(installed))
      yield* refresh(botOf(installed))
      yield* SlackEmulator.uninstall()
      const chain = "bot chain 1 (A0EMULATED in T0EMULATED)"
      assert.deepStrictEqual((yield* SlackEmulator.timeline).split("\n"), [
        "+00:00:00.000 authorize by U0EMULATED -> allowed A0EMULATED in T0EMULATED: chat:write",
        "+00:00:00.000 oauth.v2.access authorization_code code=<code for A0EMULATED in T0EMULATED> -> ok",
        `+00:00:00.000   issued ${chain} generation 1 by install`,
        `+11:00:00.000 oauth.v2.access refresh_token refresh_token=<refresh token of ${chain} generation 1> -> ok`,
        `+11:00:00.000   issued ${chain} generation 2 by refresh`,
        `+11:00:00.000 oauth.v2.access refresh_token refresh_token=<refresh token of ${chain} generation 1> -> ok`,
        `+11:00:00.000   replay of a refresh token: ${chain} generation 1, honoured`,
        `+11:00:00.000   issued ${chain} generation 3 by refresh`,
        `+11:00:00.000   ended ${chain} generation 1: the chain has a third token`,
        `+11:00:00.000   ended ${chain}: uninstalled`
      ])
    }).pipe(Effect.provide(inMemory())))

  it.effect("is the same for the same seed, also the tokens", () =>
    Effect.gen(function*() {
      const run = (seed: string) =>
        Effect.suspend(() =>
          Effect.zip(story, SlackEmulator.timeline).pipe(
            Effect.provide(inMemory()),
            Randoms.withSeed(seed)
          )
        )
      assert.deepStrictEqual(yield* run("one"), yield* run("one"))
      assert.notDeepEqual((yield* run("one"))[0], (yield* run("two"))[0])
    }))

  it.effect("contains no secret", () =>
    Effect.gen(function*() {
      const secrets = yield* story
      assert.isAbove(secrets.length, 10)
      const told = [
        yield* SlackEmulator.timeline,
        JSON.stringify([yield* SlackEmulator.calls, yield* SlackEmulator.chains, yield* SlackEmulator.replays]),
        JSON.stringify(yield* SlackEmulator.app)
      ].join("\n")
      for (const secret of secrets) assert.notInclude(told, secret)
    }).pipe(Effect.provide(inMemory())))

  it.effect("has each replay, and whether it was accepted", () =>
    Effect.gen(function*() {
      yield* story
      assert.deepStrictEqual(
        (yield* SlackEmulator.replays).map(({ honoured, what }) => [what, honoured]),
        [["code", false], ["refresh token", true]]
      )
    }).pipe(Effect.provide(inMemory())))

  it.effect("can be followed as a stream", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(Stream.runCollect(Stream.take(SlackEmulator.follow, 3)))
      yield* Effect.repeatN(Effect.yieldNow(), 50)
      yield* redeem()
      const lines = Array.from(yield* Fiber.join(fiber))
      assert.strictEqual(lines.join("\n"), yield* SlackEmulator.timeline)
    }).pipe(Effect.provide(inMemory())))

  it.effect("keeps the beginning of long parameters, and not all of many", () =>
    Effect.gen(function*() {
      const long = "long".repeat(1000)
      yield* call("oauth.v2.access", { code: "a-code", client_id: long, grant_type: long, redirect_uri: long })
      yield* call("chat.postMessage", Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`p${index}`, ""])))
      yield* call("oauth.v2.access", { grant_type: "xoxe-1-test", client_id: "xoxb-test" })
      const [first, second, third] = yield* SlackEmulator.calls
      const beginning = long.slice(0, 200)
      assert.deepInclude(first, { clientId: beginning, grantType: beginning })
      assert.strictEqual(first?.parameters.redirect_uri, beginning)
      assert.strictEqual(Object.keys(second?.parameters ?? {}).length, 50)
      assert.deepInclude(third, { clientId: "<redacted>", grantType: "<redacted>" })
    }).pipe(Effect.provide(inMemory())))

  it.effect("keeps as many events as the options say", () =>
    Effect.gen(function*() {
      yield* Effect.replicateEffect(Effect.flip(OAuthV2.access({ code: "a-code" })), 21)
      assert.strictEqual((yield* SlackEmulator.calls).length, 10)
      assert.match(yield* SlackEmulator.timeline, /^\(11 earlier events dropped\)\n/)
    }).pipe(Effect.provide(inMemory({ historySize: 10 }))))
})

// -------------------------------------------------------------------------------------
// options
// -------------------------------------------------------------------------------------

describe("the options of SlackEmulator", () => {
  it.effect("create an app by default", () =>
    Effect.gen(function*() {
      const app = yield* SlackEmulator.app
      assert.match(app.clientId, /^\d+\.\d+$/)
      assert.match(Redacted.value(app.clientSecret), /^emulated-/)
      assert.deepStrictEqual((yield* SlackEmulator.apps).map(({ id }) => id), ["A0EMULATED"])
    }).pipe(Effect.provide(SlackEmulator.layer())))

  it.effect("shorten lifetimes", () =>
    Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* tagOf(OAuthV2.access({ code })), "SlackInvalidCode")
      const installed = yield* redeem()
      yield* refresh(botOf(installed))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* tagOf(refresh(botOf(installed))), "SlackInvalidRefreshToken")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* authTest(botOf(installed).accessToken)).error, "token_expired")
    }).pipe(
      Effect.provide(
        inMemory({ codeLifetime: "1 second", refreshGracePeriod: "2 seconds", accessTokenLifetime: "3 seconds" })
      )
    ))

  it.effect("have rotation and PKCE, which can be turned on later and not off", () =>
    Effect.gen(function*() {
      const before = yield* redeem()
      assert.isTrue(Option.isNone(botOf(before).expiry))
      yield* SlackEmulator.enableRotation()
      yield* SlackEmulator.enablePkce()
      const [app] = yield* SlackEmulator.apps
      assert.isTrue(app?.rotation === true && app.pkce)
      const exchanged = yield* OAuthV2.exchange({ token: botOf(before).accessToken })
      const refreshed = yield* refresh(botOf(exchanged))
      assert.strictEqual((yield* authTest(botOf(refreshed).accessToken)).ok, true)
    }).pipe(Effect.provide(inMemory({ apps: [{ rotation: false }] }))))

  it.effect("give a public app to the client without its secret, unless asked", () =>
    Effect.gen(function*() {
      const app = (options?: { readonly secret: boolean }) =>
        Effect.provide(SlackApp.SlackApp, SlackEmulator.layerSlackApp(options))
      assert.isUndefined((yield* app()).clientSecret)
      assert.isDefined((yield* app({ secret: true })).clientSecret)
    }).pipe(Effect.provide(SlackEmulator.layer(pkce))))

  it.effect("can be extended by apps, organizations, workspaces and people", () =>
    Effect.gen(function*() {
      const { id } = yield* SlackEmulator.addOrganization()
      const workspace = yield* SlackEmulator.addWorkspace({ organization: id })
      const person = yield* SlackEmulator.addPerson({ workspaces: [workspace.id] })
      const installed = yield* redeem({ workspace: workspace.id, person: person.id })
      assert.deepStrictEqual(installed.authedUserId, Option.some(person.id))
    }).pipe(Effect.provide(inMemory())))

  it.effect("name what exists, and another name is a defect that says so", () =>
    Effect.gen(function*() {
      for (
        const mistake of [
          SlackEmulator.revoke("xoxb-test"),
          SlackEmulator.uninstall({ workspace: "T0NOWHERE" }),
          SlackEmulator.deactivate("U0NOBODY"),
          SlackEmulator.issueLegacyToken({ person: "U0NOBODY" }),
          SlackEmulator.enablePkce("1.1")
        ]
      ) {
        const exit = yield* Effect.exit(mistake)
        assert.match(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", /SlackEmulator: there is no/)
        assert.notMatch(String(exit), /xoxb-test/)
      }
    }).pipe(Effect.provide(inMemory())))

  it.effect("contradict themselves, which is a defect that says so", () =>
    Effect.gen(function*() {
      const broken = yield* Effect.exit(Effect.provide(
        SlackEmulator.app,
        SlackEmulator.layer({ workspaces: [{ organization: "E0NOWHERE" }] })
      ))
      assert.match(
        Exit.isFailure(broken) ? Cause.pretty(broken.cause) : "",
        /organization E0NOWHERE, which does not exist/
      )
    }))

  it.effect("end the chain of an uninstalled app, and begin another one on the next install", () =>
    Effect.gen(function*() {
      const before = yield* redeem()
      yield* SlackEmulator.uninstall()
      const after = yield* redeem()
      assert.strictEqual(yield* tagOf(refresh(botOf(before))), "SlackTokenRevoked")
      yield* refresh(botOf(after))
      assert.deepStrictEqual((yield* SlackEmulator.chains).map(({ ended, number }) => [number, ended]), [
        [1, Option.some("uninstalled")],
        [2, Option.none()]
      ])
    }).pipe(Effect.provide(inMemory())))
})

// -------------------------------------------------------------------------------------
// serving
// -------------------------------------------------------------------------------------

describe("SlackEmulator.serve", () => {
  const from = (address: string, options?: { readonly anyone: boolean }) =>
    Effect.gen(function*() {
      const server = yield* WebServers.make(address)
      yield* Layer.launch(SlackEmulator.serve(options).pipe(Layer.provide(server.layer))).pipe(Effect.fork)
      const response = yield* server.get("/api/auth.test")
      return response.status
    }).pipe(Effect.provide(SlackEmulator.layer()))

  it.effect("answers only clients on this machine, unless told otherwise", () =>
    Effect.gen(function*() {
      for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
        assert.strictEqual(yield* from(address), 200, address)
      }
      for (const address of ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "127.0.0.1.example.com"]) {
        assert.strictEqual(yield* from(address), 403, address)
        assert.strictEqual(yield* from(address, { anyone: true }), 200, address)
      }
    }))

  it.effect("breaks off the answer where it has no access to the socket", () =>
    Effect.gen(function*() {
      for (const fault of [SlackEmulator.cutBeforeReading, SlackEmulator.cutInBody]) {
        const server = yield* WebServers.make("127.0.0.1")
        yield* Layer.launch(SlackEmulator.serve().pipe(Layer.provide(server.layer))).pipe(Effect.fork)
        yield* SlackEmulator.inject({ fault })
        const response = yield* server.get("/api/auth.test")
        const body = yield* Effect.either(Effect.tryPromise(() => response.text()))
        assert.isTrue(Either.isLeft(body))
      }
    }).pipe(Effect.provide(SlackEmulator.layer())))
})

/** Waits until the sockets have delivered. */
const yieldToEvents = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})
