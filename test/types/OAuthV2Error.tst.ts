import type * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Match from "effect/Match"
import type * as Schema from "effect/Schema"
import { describe, expect, test } from "tstyche"

type ClientTag = "SlackUndocumentedError" | "SlackTransportError" | "SlackTimeoutError" | "SlackUnexpectedResponse"

type SharedTag =
  | "SlackAccessDenied"
  | "SlackAccessLimited"
  | "SlackAccountInactive"
  | "SlackBadClientSecret"
  | "SlackDeprecatedEndpoint"
  | "SlackEkmAccessDenied"
  | "SlackEnterpriseIsRestricted"
  | "SlackFatalError"
  | "SlackInternalError"
  | "SlackInvalidArgName"
  | "SlackInvalidArguments"
  | "SlackInvalidArrayArg"
  | "SlackInvalidAuth"
  | "SlackInvalidCharset"
  | "SlackInvalidClientId"
  | "SlackInvalidFormData"
  | "SlackInvalidPostType"
  | "SlackIsBot"
  | "SlackMethodDeprecated"
  | "SlackMissingPostType"
  | "SlackMissingScope"
  | "SlackNoPermission"
  | "SlackNotAllowedTokenType"
  | "SlackNotAuthed"
  | "SlackOrgLoginRequired"
  | "SlackRateLimited"
  | "SlackRequestTimeout"
  | "SlackServiceUnavailable"
  | "SlackTeamAccessNotGranted"
  | "SlackTeamAddedToOrg"
  | "SlackTokenExpired"
  | "SlackTokenRevoked"
  | "SlackTwoFactorSetupRequired"
  | "SlackUnknownMethod"

type AccessOnlyTag =
  | "SlackBadRedirectUri"
  | "SlackCannotInstallAnOrgInstalledApp"
  | "SlackInvalidCode"
  | "SlackInvalidCodeVerifier"
  | "SlackInvalidGrantType"
  | "SlackInvalidRefreshToken"
  | "SlackNoScopes"
  | "SlackOAuthAuthorizationUrlMismatch"
  | "SlackPkceNotAllowed"
  | "SlackPreviewFeatureNotAvailable"
  | "SlackUserEmailUnverified"

type ExchangeOnlyTag =
  | "SlackAuthorizationNotFound"
  | "SlackInvalidToken"
  | "SlackTokenAlreadyExchanged"
  | "SlackTokenRotationNotEnabled"

declare const access: Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.AccessError, OAuthV2.OAuthV2>
declare const exchange: Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.ExchangeError, OAuthV2.OAuthV2>

const handled = () => Effect.succeed("handled" as const)

const sharedHandlers = {
  SlackAccessDenied: handled,
  SlackAccessLimited: handled,
  SlackAccountInactive: handled,
  SlackBadClientSecret: handled,
  SlackDeprecatedEndpoint: handled,
  SlackEkmAccessDenied: handled,
  SlackEnterpriseIsRestricted: handled,
  SlackFatalError: handled,
  SlackInternalError: handled,
  SlackInvalidArgName: handled,
  SlackInvalidArguments: handled,
  SlackInvalidArrayArg: handled,
  SlackInvalidAuth: handled,
  SlackInvalidCharset: handled,
  SlackInvalidClientId: handled,
  SlackInvalidFormData: handled,
  SlackInvalidPostType: handled,
  SlackIsBot: handled,
  SlackMethodDeprecated: handled,
  SlackMissingPostType: handled,
  SlackMissingScope: handled,
  SlackNoPermission: handled,
  SlackNotAllowedTokenType: handled,
  SlackNotAuthed: handled,
  SlackOrgLoginRequired: handled,
  SlackRateLimited: handled,
  SlackRequestTimeout: handled,
  SlackServiceUnavailable: handled,
  SlackTeamAccessNotGranted: handled,
  SlackTeamAddedToOrg: handled,
  SlackTokenExpired: handled,
  SlackTokenRevoked: handled,
  SlackTwoFactorSetupRequired: handled,
  SlackUnknownMethod: handled,
  SlackUndocumentedError: handled,
  SlackTransportError: handled,
  SlackTimeoutError: handled,
  SlackUnexpectedResponse: handled
}

const accessHandlers = {
  ...sharedHandlers,
  SlackBadRedirectUri: handled,
  SlackCannotInstallAnOrgInstalledApp: handled,
  SlackInvalidCode: handled,
  SlackInvalidCodeVerifier: handled,
  SlackInvalidGrantType: handled,
  SlackInvalidRefreshToken: handled,
  SlackNoScopes: handled,
  SlackOAuthAuthorizationUrlMismatch: handled,
  SlackPkceNotAllowed: handled,
  SlackPreviewFeatureNotAvailable: handled,
  SlackUserEmailUnverified: handled
}

const exchangeHandlers = {
  ...sharedHandlers,
  SlackAuthorizationNotFound: handled,
  SlackInvalidToken: handled,
  SlackTokenAlreadyExchanged: handled,
  SlackTokenRotationNotEnabled: handled
}

describe("what a method can fail with", () => {
  test("access: 45 documented codes and the four of this package", () => {
    expect<OAuthV2Error.AccessError["_tag"]>().type.toBe<SharedTag | AccessOnlyTag | ClientTag>()
    expect<Effect.Effect.Error<ReturnType<typeof OAuthV2.access>>>().type.toBe<OAuthV2Error.AccessError>()
  })

  test("exchange: 38 documented codes and the four of this package", () => {
    expect<OAuthV2Error.ExchangeError["_tag"]>().type.toBe<SharedTag | ExchangeOnlyTag | ClientTag>()
    expect<Effect.Effect.Error<ReturnType<typeof OAuthV2.exchange>>>().type.toBe<OAuthV2Error.ExchangeError>()
  })

  test("an error of one method has only that method", () => {
    expect<OAuthV2Error.SlackInvalidCode["method"]>().type.toBe<"oauth.v2.access">()
    expect<OAuthV2Error.SlackInvalidToken["method"]>().type.toBe<"oauth.v2.exchange">()
    expect<OAuthV2Error.SlackInvalidAuth["method"]>().type.toBe<OAuthV2Error.Method>()
  })

  test("code, remedy and outcome are literals", () => {
    expect<OAuthV2Error.SlackInvalidCode["code"]>().type.toBe<"invalid_code">()
    expect<OAuthV2Error.SlackInvalidCode["remedy"]>().type.toBe<"restart">()
    expect<OAuthV2Error.SlackInvalidCode["outcome"]>().type.toBe<"rejected">()
    expect<OAuthV2Error.SlackInternalError["outcome"]>().type.toBe<"unknown">()
    expect<OAuthV2Error.SlackUndocumentedError["code"]>().type.toBe<string>()
    expect<OAuthV2Error.SlackUnexpectedResponse["remedy"]>().type.toBe<"retry" | "report">()
  })
})

describe("catching by tag", () => {
  test("every documented code of access can be caught, and after all are caught nothing is left", () => {
    expect<keyof typeof accessHandlers>().type.toBe<OAuthV2Error.AccessError["_tag"]>()
    expect(Effect.catchTags(access, accessHandlers)).type.toBe<
      Effect.Effect<TokenResponse.TokenResponse | "handled", never, OAuthV2.OAuthV2>
    >()
  })

  test("every documented code of exchange can be caught, and after all are caught nothing is left", () => {
    expect<keyof typeof exchangeHandlers>().type.toBe<OAuthV2Error.ExchangeError["_tag"]>()
    expect(Effect.catchTags(exchange, exchangeHandlers)).type.toBe<
      Effect.Effect<TokenResponse.TokenResponse | "handled", never, OAuthV2.OAuthV2>
    >()
  })

  test("removes one error at a time, and the handler gets it", () => {
    const caught = Effect.catchTag(access, "SlackInvalidCode", (error) => {
      expect(error).type.toBe<OAuthV2Error.SlackInvalidCode>()
      return Effect.void
    })
    expect<Effect.Effect.Error<typeof caught>>().type.toBe<
      Exclude<OAuthV2Error.AccessError, OAuthV2Error.SlackInvalidCode>
    >()
  })

  test("a tag that the method does not have does not compile", () => {
    expect(Effect.catchTag).type.toBeCallableWith(access, "SlackInvalidCode", handled)
    expect(Effect.catchTag).type.not.toBeCallableWith(access, "SlackTokenAlreadyExchanged", handled)
    expect(Effect.catchTag).type.not.toBeCallableWith(access, "SlackAuthorizationNotFound", handled)
    expect(Effect.catchTag).type.not.toBeCallableWith(access, "SlackInvalidToken", handled)
    expect(Effect.catchTag).type.not.toBeCallableWith(access, "SlackTokenRotationNotEnabled", handled)
    expect(Effect.catchTag).type.not.toBeCallableWith(access, "SlackNoSuchThing", handled)
    expect(Effect.catchTag).type.toBeCallableWith(exchange, "SlackTokenAlreadyExchanged", handled)
    expect(Effect.catchTag).type.not.toBeCallableWith(exchange, "SlackInvalidCode", handled)
    expect(Effect.catchTag).type.not.toBeCallableWith(exchange, "SlackInvalidRefreshToken", handled)
    expect(Effect.catchTag).type.not.toBeCallableWith(exchange, "SlackBadRedirectUri", handled)
  })

  test("matching is exhaustive", () => {
    const answer = () => "answer"
    const all = {
      askAdmin: answer,
      configure: answer,
      reauthorize: answer,
      report: answer,
      restart: answer,
      retry: answer
    }
    expect(Match.type<OAuthV2Error.AccessError>().pipe(Match.discriminatorsExhaustive("remedy")(all))).type.toBe<
      (error: OAuthV2Error.AccessError) => string
    >()
    const { retry: _, ...some } = all
    // @ts-expect-error Property 'retry' is missing
    Match.type<OAuthV2Error.AccessError>().pipe(Match.discriminatorsExhaustive("remedy")(some))
  })
})

describe("catching by remedy", () => {
  test("removes every error with the remedy, and no other", () => {
    const caught = access.pipe(OAuthV2Error.catchRemedy("restart", (error) => {
      expect(error).type.toBe<
        | OAuthV2Error.SlackInvalidCode
        | OAuthV2Error.SlackInvalidCodeVerifier
        | OAuthV2Error.SlackOAuthAuthorizationUrlMismatch
      >()
      return Effect.succeed("again" as const)
    }))
    expect<Effect.Effect.Success<typeof caught>>().type.toBe<TokenResponse.TokenResponse | "again">()
    expect<Effect.Effect.Error<typeof caught>>().type.toBe<
      Exclude<OAuthV2Error.AccessError, { readonly remedy: "restart" }>
    >()
  })

  test("keeps an error that has the remedy only sometimes", () => {
    const caught = access.pipe(OAuthV2Error.catchRemedy("retry", handled))
    expect<OAuthV2Error.SlackUnexpectedResponse>().type.toBeAssignableTo<Effect.Effect.Error<typeof caught>>()
    expect<OAuthV2Error.SlackRateLimited>().type.not.toBeAssignableTo<Effect.Effect.Error<typeof caught>>()
  })

  test("keeps other errors", () => {
    class Foreign {
      readonly _tag = "Foreign"
      readonly remedy = "restart"
    }
    const caught = Effect.flatMap(access, () => Effect.fail(new Foreign())).pipe(
      OAuthV2Error.catchRemedy("restart", handled)
    )
    expect<Foreign>().type.toBeAssignableTo<Effect.Effect.Error<typeof caught>>()
  })

  test("does not accept a remedy that no error has", () => {
    expect(OAuthV2Error.catchRemedy).type.not.toBeCallableWith(access, "pray", handled)
  })
})

describe("constructing and distinguishing", () => {
  test("fromCode gives the errors of the method", () => {
    expect(OAuthV2Error.fromCode("invalid_code", { method: "oauth.v2.access" })).type.toBe<OAuthV2Error.AccessError>()
    expect(OAuthV2Error.fromCode("x", { method: "oauth.v2.exchange" })).type.toBe<OAuthV2Error.ExchangeError>()
  })

  test("fromCode takes every code, and an editor completes the documented ones", () => {
    type Code = Parameters<typeof OAuthV2Error.fromCode>[0]
    expect<Code>().type.toBeAssignableFrom<string>()
    expect<Extract<Code, "invalid_code" | "not_a_code">>().type.toBe<"invalid_code">()
  })

  test("a class can be made for its methods only", () => {
    expect(OAuthV2Error.SlackInvalidCode).type.toBeConstructableWith({ method: "oauth.v2.access" as const })
    expect(OAuthV2Error.SlackInvalidCode).type.not.toBeConstructableWith({ method: "oauth.v2.exchange" as const })
    expect(OAuthV2Error.SlackInvalidToken).type.not.toBeConstructableWith({ method: "oauth.v2.access" as const })
  })

  test("isOAuthV2Error narrows", () => {
    const u = {} as unknown
    if (OAuthV2Error.isOAuthV2Error(u)) expect(u).type.toBe<OAuthV2Error.OAuthV2Error>()
  })

  test("the unions have schemas of their own", () => {
    expect<Schema.Schema.Type<typeof OAuthV2Error.AccessError>>().type.toBe<OAuthV2Error.AccessError>()
    expect<Schema.Schema.Type<typeof OAuthV2Error.ExchangeError>>().type.toBe<OAuthV2Error.ExchangeError>()
  })

  test("an error can be yielded", () => {
    expect(Effect.exit(new OAuthV2Error.SlackIsBot({ method: "oauth.v2.access" }))).type.toBe<
      Effect.Effect<Exit.Exit<never, OAuthV2Error.SlackIsBot>>
    >()
  })
})
