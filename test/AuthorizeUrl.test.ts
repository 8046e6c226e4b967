import { assert, describe, it } from "@effect/vitest"
import * as AuthorizeUrl from "effect-slack-oauth/AuthorizeUrl"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"

const app = Either.getOrThrow(SlackApp.make({ clientId: "11.22" }))

const parametersOf = (options: AuthorizeUrl.Options): Record<string, string> =>
  Object.fromEntries(new URL(Either.getOrThrow(AuthorizeUrl.forApp(app, options))).searchParams)

describe("AuthorizeUrl", () => {
  it.effect("is the consent page of the app in the context", () =>
    Effect.gen(function*() {
      const url = yield* AuthorizeUrl.make({ botScopes: ["chat:write"] })
      assert.strictEqual(url, "https://slack-gov.com/oauth/v2/authorize?client_id=33.44&scope=chat%3Awrite")
    }).pipe(Effect.provide(SlackApp.layer({ clientId: "33.44", baseUrl: "https://slack-gov.com" }))))

  it("keeps the path of a base URL", () => {
    const emulated = Either.getOrThrow(SlackApp.make({ clientId: "1.2", baseUrl: "http://localhost:4444/slack/" }))
    const url = Either.getOrThrow(AuthorizeUrl.forApp(emulated, { userScopes: ["search:read"] }))
    assert.strictEqual(url, "http://localhost:4444/slack/oauth/v2/authorize?client_id=1.2&user_scope=search%3Aread")
  })

  it("has bot scopes, user scopes, or both, and only the parameters that are given", () => {
    assert.deepStrictEqual(parametersOf({ botScopes: ["a", "b"] }), { client_id: "11.22", scope: "a,b" })
    assert.deepStrictEqual(parametersOf({ userScopes: ["a"], botScopes: [] }), { client_id: "11.22", user_scope: "a" })
    assert.deepStrictEqual(
      parametersOf({
        botScopes: ["a"],
        userScopes: ["b"],
        redirectUri: "https://example.com/callback",
        state: "s",
        team: "T1",
        codeChallenge: "c"
      }),
      {
        client_id: "11.22",
        scope: "a",
        user_scope: "b",
        redirect_uri: "https://example.com/callback",
        state: "s",
        team: "T1",
        code_challenge: "c",
        code_challenge_method: "S256"
      }
    )
  })

  it("accepts scopes in one string, with spaces, and with duplicates", () => {
    assert.strictEqual(parametersOf({ botScopes: ["a,b", " c ", "b", ""] })["scope"], "a,b,c")
  })

  it("encodes every parameter", () => {
    const text = FastCheck.fullUnicodeString({ minLength: 1 })
    const scope = FastCheck.string({ minLength: 1 }).filter((scope) => !/[\s,]/.test(scope))
    const redirectUri = FastCheck.tuple(FastCheck.webUrl({ withQueryParameters: true }), FastCheck.webPath()).map((
      [url]
    ) => url)
    FastCheck.assert(FastCheck.property(
      FastCheck.record({
        botScopes: FastCheck.uniqueArray(scope, { minLength: 1, maxLength: 5 }),
        userScopes: FastCheck.uniqueArray(scope, { maxLength: 5 }),
        state: text,
        team: text,
        redirectUri
      }),
      (options) => {
        assert.deepStrictEqual(parametersOf(options), {
          client_id: "11.22",
          scope: options.botScopes.join(","),
          ...(options.userScopes.length === 0 ? undefined : { user_scope: options.userScopes.join(",") }),
          redirect_uri: options.redirectUri,
          state: options.state,
          team: options.team
        })
      }
    ))
  })

  it("refuses to ask for no scopes", () => {
    for (const options of [{}, { botScopes: [] }, { botScopes: [""], userScopes: [" , "] }]) {
      const error = Either.getOrThrow(Either.flip(AuthorizeUrl.forApp(app, options)))
      assert.strictEqual(error._tag, "AuthorizeUrlNoScopes")
      assert.match(error.message, /at least one scope/)
    }
  })

  it("refuses a redirect URI that is relative, has a fragment, or needs encoding", () => {
    for (const redirectUri of ["/callback", "", "https://example.com/#x", "https://example.com/#", "https://a/b c"]) {
      const error = Either.getOrThrow(Either.flip(AuthorizeUrl.forApp(app, { botScopes: ["a"], redirectUri })))
      assert.strictEqual(error._tag, "AuthorizeUrlInvalidRedirectUri", redirectUri)
    }
  })

  it("accepts the custom schemes of desktop apps", () => {
    assert.strictEqual(
      parametersOf({ userScopes: ["a"], redirectUri: "myapp://callback" })["redirect_uri"],
      "myapp://callback"
    )
  })
})
