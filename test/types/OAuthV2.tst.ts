import type * as HttpClient from "@effect/platform/HttpClient"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { describe, expect, test } from "tstyche"

const secret = Redacted.make("test")
declare const app: SlackApp.Service
declare const response: TokenResponse.TokenResponse

describe("the request of access", () => {
  test("may be a code with its parameters", () => {
    expect(OAuthV2.access).type.toBeCallableWith({ code: "test-code" })
    expect(OAuthV2.access).type.toBeCallableWith({ code: secret, codeVerifier: secret, redirectUri: "https://x" })
    expect(OAuthV2.access).type.toBeCallableWith({ code: "test-code", grantType: "authorization_code", app })
    expect(OAuthV2.access).type.toBeCallableWith({ code: "test-code", extra: { assertion: secret, other: "x" } })
    expect(OAuthV2.access).type.toBeCallableWith({ code: "test-code", redirectUri: undefined, extra: undefined })
  })

  test("may be a refresh token", () => {
    expect(OAuthV2.access).type.toBeCallableWith({ refreshToken: secret })
    expect(OAuthV2.access).type.toBeCallableWith({ refreshToken: "test", grantType: "refresh_token" })
  })

  test("may be another grant, in full", () => {
    expect(OAuthV2.access).type.toBeCallableWith({ grantType: "urn:something", extra: { assertion: "test" } })
    expect(OAuthV2.access).type.not.toBeCallableWith({ grantType: "urn:something" })
  })

  test("is one of them, and not both", () => {
    expect(OAuthV2.access).type.not.toBeCallableWith({ code: "test-code", refreshToken: "test" })
    expect(OAuthV2.access).type.not.toBeCallableWith({})
    expect(OAuthV2.access).type.not.toBeCallableWith({ redirectUri: "https://x" })
    expect(OAuthV2.access).type.not.toBeCallableWith()
  })

  test("has no parameter of another grant", () => {
    expect(OAuthV2.access).type.not.toBeCallableWith({ refreshToken: "test", codeVerifier: "test" })
    expect(OAuthV2.access).type.not.toBeCallableWith({ refreshToken: "test", redirectUri: "https://x" })
  })

  test("has no grant type that contradicts the grant", () => {
    expect(OAuthV2.access).type.not.toBeCallableWith({ code: "test-code", grantType: "refresh_token" })
    expect(OAuthV2.access).type.not.toBeCallableWith({ refreshToken: "test", grantType: "authorization_code" })
    expect(OAuthV2.access).type.not.toBeCallableWith({ code: "test-code", grantType: "urn:something", extra: {} })
  })

  test("has no secret of another kind", () => {
    expect(OAuthV2.access).type.not.toBeCallableWith({ code: 7 })
    expect(OAuthV2.access).type.not.toBeCallableWith({ code: Redacted.make(7) })
  })
})

describe("the request of exchange", () => {
  test("is the token, which Slack's page does not mention", () => {
    expect(OAuthV2.exchange).type.toBeCallableWith({ token: "xoxb-test" })
    expect(OAuthV2.exchange).type.toBeCallableWith({ token: secret, app, extra: { new: "x" } })
    expect(OAuthV2.exchange).type.not.toBeCallableWith({})
    expect(OAuthV2.exchange).type.not.toBeCallableWith({ token: "xoxb-test", code: "test-code" })
  })
})

describe("the results", () => {
  test("of the module functions are a response or the method's errors, and they need the service", () => {
    expect(OAuthV2.access({ code: "test-code" })).type.toBe<
      Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.AccessError, OAuthV2.OAuthV2>
    >()
    expect(OAuthV2.exchange({ token: "xoxb-test" })).type.toBe<
      Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.ExchangeError, OAuthV2.OAuthV2>
    >()
  })

  test("secrets are redacted, and what may be absent is an option", () => {
    expect<TokenResponse.BotToken["accessToken"]>().type.toBe<Redacted.Redacted<string>>()
    expect<TokenResponse.UserToken["accessToken"]>().type.toBe<Redacted.Redacted<string>>()
    expect<TokenResponse.Expiry["refreshToken"]>().type.toBe<Option.Option<Redacted.Redacted<string>>>()
    expect<TokenResponse.IncomingWebhook["url"]>().type.toBe<Redacted.Redacted<string>>()
    expect<TokenResponse.TokenResponse["bot"]>().type.toBe<Option.Option<TokenResponse.BotToken>>()
    expect<TokenResponse.TokenResponse["target"]["_tag"]>().type.toBe<"Workspace" | "Organization">()
  })
})

describe("the layers", () => {
  test("OAuthV2.layer needs an HttpClient and a SlackApp, and nothing else", () => {
    expect(OAuthV2.layer).type.toBe<Layer.Layer<OAuthV2.OAuthV2, never, HttpClient.HttpClient | SlackApp.SlackApp>>()
  })

  test("SlackApp's layers can fail with a ConfigError, and need nothing", () => {
    expect(SlackApp.layerConfig).type.toBe<Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError>>()
    expect(SlackApp.layerConfigPublic).type.toBe<Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError>>()
    expect(SlackApp.layer({ clientId: "1.2" })).type.toBe<Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError>>()
  })

  test("RetryPolicy is a layer or goes around a call, and takes any schedule over these errors", () => {
    expect(RetryPolicy.layer(RetryPolicy.background)).type.toBe<
      Layer.Layer<RetryPolicy.RetryPolicy, ConfigError.ConfigError>
    >()
    expect(RetryPolicy.layer).type.toBeCallableWith(Schedule.recurs(3), { budget: "1 minute" as const })
    expect(OAuthV2.access({ code: "test-code" }).pipe(RetryPolicy.provide(RetryPolicy.none))).type.toBe<
      Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.AccessError, OAuthV2.OAuthV2>
    >()
    expect(RetryPolicy.layer).type.not.toBeCallableWith("background")
  })
})

describe("layerTest", () => {
  test("needs nothing, whatever it scripts", () => {
    expect(OAuthV2.layerTest({})).type.toBe<Layer.Layer<OAuthV2.OAuthV2>>()
  })

  test("takes responses, errors, effects, and functions of the request", () => {
    expect(OAuthV2.layerTest).type.toBeCallableWith({
      access: [response, new OAuthV2Error.SlackInvalidCode({ method: "oauth.v2.access" }), Effect.succeed(response)]
    })
    expect(OAuthV2.layerTest).type.toBeCallableWith({
      access: (request: OAuthV2.AccessRequest) =>
        request.code === undefined
          ? new OAuthV2Error.SlackInvalidRefreshToken({ method: "oauth.v2.access" })
          : Effect.succeed(response),
      exchange: () => Effect.succeed(response)
    })
  })

  test("takes no error that the method does not have", () => {
    expect(OAuthV2.layerTest).type.not.toBeCallableWith({
      access: [new OAuthV2Error.SlackTokenAlreadyExchanged({ method: "oauth.v2.exchange" })]
    })
    expect(OAuthV2.layerTest).type.not.toBeCallableWith({
      exchange: [new OAuthV2Error.SlackInvalidCode({ method: "oauth.v2.access" })]
    })
    expect(OAuthV2.layerTest).type.not.toBeCallableWith({ access: () => Effect.fail("no") })
    expect(OAuthV2.layerTest).type.not.toBeCallableWith({ refresh: [response] })
  })
})
