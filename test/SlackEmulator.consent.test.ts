import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Consent from "./utils/consentPage.js"
import { inMemory, overHttp, send } from "./utils/emulator.js"

const path = (parameters: Readonly<Record<string, string>>, page = "/oauth/v2/authorize") =>
  `${page}?${new URLSearchParams(parameters)}`

const clientId = "1.1"

const usual = { client_id: clientId, scope: "chat:write", redirect_uri: "https://example.com/callback", state: "s" }

const options: SlackEmulator.Options = {
  apps: [{ clientId, name: "Tea & <Biscuits>", optionalScopes: ["chat:write.public"] }],
  organizations: [{ id: "E0ORG", name: "Org" }],
  workspaces: [{ id: "T0ONE", name: "One" }, { id: "T0TWO", name: "Two", organization: "E0ORG" }],
  people: [{ id: "U0ADA", name: "Ada" }, { id: "U0BEA", name: "Bea", workspaces: ["T0TWO"] }]
}

const plain: SlackEmulator.Options = { apps: [{ clientId }] }

const post = (form: URLSearchParams) =>
  send("POST", "/oauth/v2/authorize", { type: "application/x-www-form-urlencoded", text: form.toString() })

const locationOf = ({ headers, status, text }: Effect.Effect.Success<ReturnType<typeof post>>) => {
  assert.strictEqual(status, 302, Consent.textOf(text))
  return new URL(headers["location"] ?? "")
}

for (const [way, live] of [["in memory", inMemory], ["over HTTP", overHttp]] as const) {
  describe(`the consent page ${way}`, () => {
    it.effect("shows the app and its scopes, and escapes them", () =>
      Effect.gen(function*() {
        const page = yield* send("GET", path({ ...usual, scope: "chat:write,commands", user_scope: "search:read" }))
        assert.strictEqual(page.status, 200)
        assert.strictEqual(page.headers["content-type"], "text/html; charset=utf-8")
        assert.include(page.headers["cache-control"], "no-store")
        const text = Consent.textOf(page.text)
        assert.include(text, "Tea & <Biscuits> is requesting permission")
        assert.notInclude(page.text, "<Biscuits>")
        for (const words of ["chat:write", "commands", "search:read", "On your behalf"]) assert.include(text, words)
      }).pipe(Effect.provide(live(options))))

    it.effect("redirects to the app with a code and the state when the person allows", () =>
      Effect.gen(function*() {
        const page = yield* send("GET", path(usual))
        const location = locationOf(yield* post(Consent.submission(page.text, "allow")))
        assert.strictEqual(location.origin + location.pathname, "https://example.com/callback")
        assert.strictEqual(location.searchParams.get("state"), "s")
        const code = location.searchParams.get("code") ?? ""
        const { redirect_uri: redirectUri } = usual
        const installed = yield* OAuthV2.access({ code, redirectUri })
        assert.deepStrictEqual(installed.authedUserId, Option.some("U0ADA"))
      }).pipe(Effect.provide(live(options))))

    it.effect("redirects to the app with access_denied and the state when the person cancels", () =>
      Effect.gen(function*() {
        const page = yield* send("GET", path(usual))
        const location = locationOf(yield* post(Consent.submission(page.text, "cancel")))
        assert.strictEqual(location.searchParams.get("error"), "access_denied")
        assert.isNotNull(location.searchParams.get("error_description"))
        assert.strictEqual(location.searchParams.get("state"), "s")
        assert.isNull(location.searchParams.get("code"))
      }).pipe(Effect.provide(live(options))))

    it.effect("lets the person choose the workspace, themselves, the channel and the optional scopes", () =>
      Effect.gen(function*() {
        const page = yield* send("GET", path({ ...usual, scope: "incoming-webhook,chat:write.public" }))
        assert.deepStrictEqual(
          Consent.tags(page.text, "option").map(({ value }) => value),
          ["T0ONE", "T0TWO", "E0ORG", "U0ADA", "U0BEA"]
        )
        const form = Consent.submission(page.text, "allow", { target: "T0TWO", person: "U0BEA", channel: "#tea" })
        assert.deepStrictEqual(form.getAll("grant"), ["chat:write.public"])
        form.delete("grant")
        const code = locationOf(yield* post(form)).searchParams.get("code") ?? ""
        const installed = yield* OAuthV2.access({ code, redirectUri: usual.redirect_uri })
        assert.strictEqual(installed.target._tag === "Workspace" && installed.target.team.id, "T0TWO")
        assert.deepStrictEqual(installed.authedUserId, Option.some("U0BEA"))
        assert.strictEqual(Option.getOrThrow(installed.incomingWebhook).channel, "#tea")
        assert.deepStrictEqual(Option.getOrThrow(installed.bot).scopes, ["incoming-webhook"])
      }).pipe(Effect.provide(live(options))))

    it.effect("selects the workspace that the app suggests, and lets the person choose another", () =>
      Effect.gen(function*() {
        const wished = yield* send("GET", path({ ...usual, team: "T0TWO" }))
        assert.strictEqual(Consent.submission(wished.text, "allow").get("target"), "T0TWO")
        const unknown = yield* send("GET", path({ ...usual, team: "T0NOWHERE" }))
        assert.strictEqual(Consent.submission(unknown.text, "allow").get("target"), "T0ONE")
      }).pipe(Effect.provide(live(options))))

    it.effect("shows the workspace if there is only one", () =>
      Effect.gen(function*() {
        const page = yield* send("GET", path(usual))
        assert.deepStrictEqual(Consent.tags(page.text, "select"), [])
        assert.include(Consent.textOf(page.text), "Install in: Emulated Workspace")
      }).pipe(Effect.provide(live(plain))))

    it.effect("is accessible: it has labels, headings, a language, and no script", () =>
      Effect.gen(function*() {
        const { headers, text } = yield* send("GET", path({ ...usual, scope: "incoming-webhook,chat:write.public" }))
        assert.match(text, /<html lang="en">/)
        assert.match(text, /<title>[^<]+<\/title>/)
        assert.strictEqual(Consent.tags(text, "h1").length, 1)
        const labelled = new Set(Consent.tags(text, "label").map((label) => label.for))
        const controls = [
          ...Consent.tags(text, "select"),
          ...Consent.tags(text, "input").filter(({ type }) => type === "text")
        ]
        assert.strictEqual(controls.length, 3)
        for (const { id } of controls) assert.isTrue(labelled.has(id), `a label for ${id}`)
        assert.match(text, /<label><input type="checkbox"/)
        assert.strictEqual(Consent.tags(text, "fieldset").length, text.match(/<legend>/g)?.length)
        assert.deepStrictEqual(Consent.tags(text, "button").map(({ type }) => type), ["submit", "submit"])
        assert.deepStrictEqual(Consent.tags(text, "script"), [])
        assert.include(headers["content-security-policy"], "default-src 'none'")
      }).pipe(Effect.provide(live(options))))

    const errors: ReadonlyArray<readonly [string, string, Readonly<Record<string, string>>]> = [
      ["invalid_client_id", "a wrong client", { ...usual, client_id: "2.2" }],
      ["invalid_client_id", "no client", { scope: "chat:write" }],
      ["bad_redirect_uri", "a redirect URI of another host", { ...usual, redirect_uri: "https://example.org" }],
      ["bad_redirect_uri", "a redirect URI that looks alike", { ...usual, redirect_uri: "https://example.com.org/" }],
      ["bad_redirect_uri", "a redirect URI with a fragment", { ...usual, redirect_uri: "https://example.com/#x" }],
      ["bad_redirect_uri", "a redirect URI of another scheme", { ...usual, redirect_uri: "http://example.com/" }],
      ["bad_redirect_uri", "a redirect URI that is not a URL", { ...usual, redirect_uri: "callback" }],
      ["no_scopes", "no scopes", { ...usual, scope: "" }],
      ["invalid_scope", "something that is not a scope", { ...usual, scope: "<script>" }],
      ["invalid_scope", "scopes of Sign in with Slack with others", { ...usual, user_scope: "openid" }],
      ["invalid_arguments", "PKCE with the plain method", {
        ...usual,
        code_challenge: "x".repeat(43),
        code_challenge_method: "plain"
      }],
      ["invalid_arguments", "PKCE without a method", { ...usual, code_challenge: "x".repeat(43) }],
      ["invalid_arguments", "a challenge that is not a hash", {
        ...usual,
        code_challenge: "x",
        code_challenge_method: "S256"
      }]
    ]
    for (const [code, what, parameters] of errors) {
      it.effect(`is an error page for ${what}: ${code}`, () =>
        Effect.gen(function*() {
          const page = yield* send("GET", path(parameters))
          assert.strictEqual(page.status, 400)
          assert.isUndefined(page.headers["location"], "there is no redirect to an untrusted URL")
          assert.include(Consent.textOf(page.text), `Error code: ${code}`)
          assert.deepStrictEqual(Consent.tags(page.text, "script"), [])
          const posted = yield* post(new URLSearchParams({ ...parameters, decision: "allow" }))
          assert.strictEqual(posted.status, 400, "the form is checked again")
        }).pipe(Effect.provide(live(plain))))
    }
  })
}

describe("redirect URIs", () => {
  const allows = (listed: string, redirectUri: string) =>
    SlackEmulator.authorize({ redirectUri, userScopes: ["search:read"] }).pipe(
      Effect.isSuccess,
      Effect.provide(SlackEmulator.layer({ apps: [{ redirectUris: [listed] }] }))
    )

  for (
    const [listed, redirectUri, expected] of [
      ["https://example.com", "https://example.com/", true],
      ["https://example.com", "https://example.com/slack/callback", true],
      ["https://example.com/slack", "https://example.com/slack/callback?x=1", true],
      ["https://example.com/slack", "https://example.com/slack?x=1", true],
      ["https://example.com/slack/", "https://example.com/slack/callback", true],
      ["https://example.com/slack", "https://example.com/slackers", false],
      ["https://example.com/slack", "https://example.com/", false],
      ["https://example.com/slack", "https://example.com/slack/../other", false],
      ["https://example.com/?app=1", "https://example.com/?app=2", false],
      ["https://example.com", "https://example.com:8443/", false],
      ["https://example.com", "https://sub.example.com/", false],
      ["https://example.com/slack", "https://example.com/slack/%2e%2e/other", false],
      ["https://example.com/slack/", "https://example.com/slack", false],
      ["https://example.com/?app=1", "https://example.com/?app=1", true],
      ["https://example.com/?app=1", "https://example.com/?app=1/2", false],
      ["https://example.com", "https://example.com@example.org/", false],
      ["https://example.com", "https://EXAMPLE.com/", false],
      ["https://example.com", "https://example.com:443/", false],
      ["http://localhost:3000", "http://localhost:3000/callback", true],
      ["http://localhost:3000", "http://localhost:4000/callback", false],
      ["http://localhost:3000", "http://localhost:30001/callback", false],
      ["http://localhost:3000", "http://127.0.0.1:3000/callback", false],
      ["http://localhost", "http://localhost:3000/callback", false],
      ["http://127.0.0.1", "http://127.0.0.1:3000/callback", false]
    ] as const
  ) {
    it.effect(`${listed} ${expected ? "covers" : "does not cover"} ${redirectUri}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* allows(listed, redirectUri), expected)
      }))
  }

  it.effect("of the guides are listed by default, and other ports are not", () =>
    Effect.gen(function*() {
      const isAllowed = (redirectUri: string) => Effect.isSuccess(SlackEmulator.authorize({ redirectUri }))
      for (
        const redirectUri of [
          "https://example.com/slack/oauth_redirect",
          "http://localhost:3000/slack/oauth_redirect",
          "http://127.0.0.1:3000/slack/oauth_redirect"
        ]
      ) {
        assert.isTrue(yield* isAllowed(redirectUri), redirectUri)
      }
      assert.isFalse(yield* isAllowed("http://localhost:8080/slack/oauth_redirect"))
    }).pipe(Effect.provide(SlackEmulator.layer())))

  it.effect("with a custom scheme need PKCE, get no bot, and always rotate", () =>
    Effect.gen(function*() {
      const redirectUri = "teatime://callback"
      const codeChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
      const withoutPkce = yield* Effect.flip(SlackEmulator.authorize({ redirectUri, userScopes: ["search:read"] }))
      assert.strictEqual(withoutPkce.code, "invalid_arguments")
      const forBot = yield* Effect.flip(SlackEmulator.authorize({ redirectUri, scopes: ["commands"], codeChallenge }))
      assert.strictEqual(forBot.code, "invalid_scope")
      const { code } = yield* SlackEmulator.authorize({ redirectUri, userScopes: ["search:read"], codeChallenge })
      const codeVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
      const installed = yield* OAuthV2.access({ code, redirectUri, codeVerifier })
      assert.isTrue(Option.isSome(Option.getOrThrow(installed.user).expiry))
    }).pipe(
      Effect.provide(inMemory({ apps: [{ redirectUris: ["teatime://callback"], pkce: true, rotation: false }] }))
    ))

  it.effect("on localhost are desktop redirects only for an app that says so", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(SlackEmulator.authorize({ redirectUri: "http://localhost:3000/" }))
      assert.strictEqual(refused.code, "invalid_arguments")
    }).pipe(Effect.provide(SlackEmulator.layer({ apps: [{ pkce: true, desktopLocalhost: true }] }))))
})

describe("authorize without a browser", () => {
  it.effect("accepts the URL that the app built, as the page does", () =>
    Effect.gen(function*() {
      const { code, url } = yield* SlackEmulator.authorize({
        url: `https://slack.com${path({ ...usual, team: "T0TWO" })}`,
        person: "U0BEA"
      })
      assert.strictEqual(url, `https://example.com/callback?code=${code}&state=s`)
      const installed = yield* OAuthV2.access({ code, redirectUri: usual.redirect_uri })
      assert.strictEqual(installed.target._tag === "Workspace" && installed.target.team.id, "T0TWO")
    }).pipe(Effect.provide(inMemory(options))))

  it.effect("cancels", () =>
    Effect.gen(function*() {
      const { url } = yield* SlackEmulator.cancel({ state: "s" })
      assert.strictEqual(new URL(url).searchParams.get("error"), "access_denied")
    }).pipe(Effect.provide(inMemory())))

  it.effect("has no state if the app sent none, as when an install starts on Slack's pages", () =>
    Effect.gen(function*() {
      const { url } = yield* SlackEmulator.authorize()
      assert.isFalse(new URL(url).searchParams.has("state"))
    }).pipe(Effect.provide(inMemory())))

  it.effect("is refused as on the page, and for people who do not exist", () =>
    Effect.gen(function*() {
      const url = `https://slack.com${path({ ...usual, client_id: "2.2" })}`
      const wrongClient = yield* Effect.flip(SlackEmulator.authorize({ url }))
      assert.include(wrongClient.message, "invalid_client_id")
      const stranger = yield* Effect.flip(SlackEmulator.authorize({ workspace: "T0ONE", person: "U0BEA" }))
      assert.strictEqual(stranger.code, "access_denied")
      const nowhere = yield* Effect.flip(SlackEmulator.authorize({ workspace: "T0NOWHERE" }))
      assert.strictEqual(nowhere.code, "access_denied")
    }).pipe(Effect.provide(inMemory(options))))

  it.effect("refuses only optional scopes", () =>
    Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({
        scopes: ["chat:write", "chat:write.public"],
        withhold: ["chat:write", "chat:write.public"]
      })
      const installed = yield* OAuthV2.access({ code })
      assert.deepStrictEqual(Option.getOrThrow(installed.bot).scopes, ["chat:write"])
    }).pipe(Effect.provide(inMemory(options))))
})
