import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Telemetry from "effect-slack-oauth/Telemetry"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { sha256 } from "../src/internal/random.js"
import * as Observers from "./utils/effect/observers.js"
import { allowed, counted, makeBrowser, origin, slack, slackWith, world } from "./utils/flowInBrowser.js"

const text = (response: Response) => Effect.promise(() => response.text())

const param = (url: string, name: string) => new URL(url).searchParams.get(name) ?? ""

const tokenRequests = Effect.map(
  SlackEmulator.calls,
  (calls) => calls.filter(({ method }) => method === "oauth.v2.access").length
)

const tags = (failures: ReadonlyArray<InstallFlow.Failed<unknown>>) => failures.map(({ error }) => error._tag)

const secureHeaders = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

const assertSecure = (response: Response) => {
  for (const [name, value] of Object.entries(secureHeaders)) assert.strictEqual(response.headers.get(name), value, name)
  const policy = response.headers.get("content-security-policy") ?? ""
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; /)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.notMatch(policy, /unsafe|script-src|\*/)
}

// -------------------------------------------------------------------------------------

describe("begin", () => {
  it.scoped("sends the person to the consent page with scopes, redirect URI and state", () =>
    Effect.gen(function*() {
      const { browser, flow } = yield* counted({ userScopes: ["search:read"] })
      assert.strictEqual(flow.redirectUri, "https://example.com/slack/oauth_redirect")
      const response = yield* browser.get(`${origin}/slack/install`)
      assert.strictEqual(response.status, 302)
      assertSecure(response)
      const app = yield* SlackApp.SlackApp
      const url = new URL(response.headers.get("location") ?? "")
      assert.strictEqual(`${url.origin}${url.pathname}`, "https://slack.com/oauth/v2/authorize")
      const { state, ...rest } = Object.fromEntries(url.searchParams)
      assert.match(state ?? "", /^[\w-]{43}$/)
      assert.deepStrictEqual(rest, {
        client_id: app.clientId,
        scope: "chat:write,commands",
        user_scope: "search:read",
        redirect_uri: flow.redirectUri
      })
    }).pipe(Effect.provide(world())))

  it.scoped("binds the state to the browser by a cookie that only this host can set", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted()
      const state = param(yield* browser.begin(), "state")
      const [cookie = ""] = browser.setCookies
      const hash = createHash("sha256").update(state).digest("base64url")
      assert.strictEqual(browser.setCookies.length, 1)
      assert.match(
        cookie,
        /^__Host-slack-install-[\w-]{12}=[\w-]{43}\.[0-9a-z]+\.; Max-Age=4200; Path=\/; HttpOnly; SameSite=Lax; Secure$/
      )
      assert.include(cookie, hash)
      assert.notInclude(cookie, state)
    }).pipe(Effect.provide(world())))

  it.scoped("uses another cookie name on a loopback address, because __Host- needs https", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted({ publicUrl: "http://localhost:3000" })
      yield* browser.begin()
      assert.match(browser.setCookies[0] ?? "", /^slack-install-[\w-]{12}=.*; Path=\/; HttpOnly; SameSite=Lax$/)
    }).pipe(Effect.provide(world())))

  it.scoped("uses PKCE for an app without a secret, or by option", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted()
      assert.match(param(yield* browser.begin(), "code_challenge"), /^[\w-]{43}$/)
      const off = yield* counted({ pkce: false })
      assert.strictEqual(param(yield* off.browser.begin(), "code_challenge"), "")
    }).pipe(Effect.provide(world({ apps: [{ pkce: true }] }))))

  it.scoped("asks for the scopes and the team of the application's begin, and hides its metadata", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make({
        publicUrl: origin,
        metadata: Schema.Struct({ user: Schema.String }),
        begin: (request) =>
          Effect.succeed({
            metadata: { user: request.headers.get("x-user") ?? "nobody" },
            botScopes: ["team:read"],
            team: "T0TEST"
          }),
        onInstalled: () => Effect.void
      })
      const response = yield* flow.begin(new Request(`${origin}/slack/install`, { headers: { "x-user": "canary" } }))
      const location = response.headers.get("location") ?? ""
      assert.strictEqual(param(location, "scope"), "team:read")
      assert.strictEqual(param(location, "team"), "T0TEST")
      assert.notInclude(inspect(response, { depth: 10 }), "canary")
    }).pipe(Effect.provide(world())))

  it.scoped("sends a response of the application's begin instead of a redirect to Slack", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make({
        publicUrl: origin,
        botScopes: ["chat:write"],
        begin: () => Effect.succeed(new Response(null, { status: 303, headers: { location: "/login" } })),
        onInstalled: () => Effect.void
      })
      const response = yield* flow.handle(new Request(`${origin}/slack/install`))
      assert.strictEqual(response.status, 303)
      assert.strictEqual(response.headers.get("location"), "/login")
    }).pipe(Effect.provide(world())))

  it.scoped("shows a page without details when the application's begin fails", () =>
    Effect.gen(function*() {
      for (
        const begin of [() => Effect.fail("canary"), () => Effect.die("canary"), () => {
          throw new Error("canary")
        }]
      ) {
        const failures: Array<string> = []
        const flow = yield* InstallFlow.make({
          publicUrl: origin,
          botScopes: ["chat:write"],
          begin,
          onInstalled: () => Effect.void,
          onFailed: ({ error }) => Effect.sync(() => failures.push(error._tag))
        })
        const response = yield* flow.handle(new Request(`${origin}/slack/install`))
        assert.strictEqual(response.status, 500)
        assert.notInclude(yield* text(response), "canary")
        assert.deepStrictEqual(failures, ["InstallUnexpected"])
      }
    }).pipe(Effect.provide(world())))

  it.scoped("shows a page with a button first, by option", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted({ landing: true })
      const response = yield* browser.get(`${origin}/slack/install`)
      assert.strictEqual(response.status, 200)
      assertSecure(response)
      assert.strictEqual(browser.jar.size, 0)
      const [, href = ""] = /<a [^>]*href="([^"]+)"/.exec(yield* text(response)) ?? []
      const begun = yield* browser.get(href)
      assert.include(begun.headers.get("location"), "/oauth/v2/authorize?")
    }).pipe(Effect.provide(world())))

  it.scoped("asks for some of its scopes, if its address says so, and never for other scopes", () =>
    Effect.gen(function*() {
      const { browser, failures } = yield* counted({ userScopes: ["search:read"] })
      const some = yield* browser.begin("/slack/install?scope=commands&user_scope=search:read")
      assert.deepStrictEqual([param(some, "scope"), param(some, "user_scope")], ["commands", "search:read"])
      const more = yield* browser.get(`${origin}/slack/install?scope=commands,admin`)
      assert.strictEqual(more.status, 400)
      assert.deepStrictEqual(tags(failures), ["InstallUnknownScope"])
    }).pipe(Effect.provide(world())))

  it.scoped("does nothing for a prefetch or a HEAD", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted()
      const prefetched = yield* browser.get(`${origin}/slack/install`, { headers: { "sec-purpose": "prefetch" } })
      assert.strictEqual(prefetched.status, 425)
      const head = yield* browser.get(`${origin}/slack/install`, { method: "HEAD" })
      assert.strictEqual(head.status, 200)
      assertSecure(head)
      assert.strictEqual(browser.setCookies.length, 0)
    }).pipe(Effect.provide(world())))

  it.scoped("limits the cookies in a browser: the oldest installs make room", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted()
      for (let tab = 0; tab < 20; tab++) {
        yield* browser.begin()
        yield* TestClock.adjust("2 seconds")
      }
      assert.strictEqual(browser.jar.size, 6)
      const url = yield* allowed(browser)
      assert.strictEqual((yield* browser.get(url)).status, 303)
    }).pipe(Effect.provide(world())))

  it.scoped("shows a page when the store fails, and sends nobody to Slack", () =>
    Effect.gen(function*() {
      const { browser, failures } = yield* counted()
      const response = yield* browser.get(`${origin}/slack/install`)
      assert.strictEqual(response.status, 503)
      assert.deepStrictEqual(tags(failures), ["InstallStoreFailed"])
    }).pipe(
      Effect.provide(slack()),
      Effect.provideService(
        PendingInstall.PendingInstallStore,
        PendingInstall.make({ put: () => Effect.fail("no"), take: () => Effect.fail("no") })
      )
    ))
})

// -------------------------------------------------------------------------------------

describe("settings", () => {
  const makeError = (options: Partial<InstallFlow.Options<void>>) =>
    Effect.map(Effect.flip(counted(options)), String).pipe(Effect.provide(world()))

  it.scoped("that cannot work make the start fail", () =>
    Effect.gen(function*() {
      assert.include(yield* makeError({ publicUrl: "http://example.com" }), "it must be https")
      assert.include(yield* makeError({ publicUrl: "example.com" }), "it is not a URL")
      assert.include(yield* makeError({ publicUrl: "https://user:canary@example.com" }), "user name or password")
      assert.include(yield* makeError({ publicUrl: "https://example.com/?a=b" }), "a query or a fragment")
      assert.include(yield* makeError({ botScopes: [] }), "at least one scope")
      assert.include(yield* makeError({ callbackPath: "/a b" }), "percent-encoded")
    }))

  it.scoped("with a path that no request matches are refused, with the name of the setting", () =>
    Effect.gen(function*() {
      const paths: ReadonlyArray<readonly [path: string, problem: string]> = [
        ["cb", "does not begin with a slash"],
        ["", "does not begin with a slash"],
        ["https://example.com/cb", "does not begin with a slash"],
        ["/cb?x=y", "a query or a fragment"],
        ["/cb?", "a query or a fragment"],
        ["/cb#x", "a query or a fragment"],
        ["/a/../cb", "a segment . or .."],
        ["/a/%2E%2e/cb", "a segment . or .."],
        ["/./cb", "a segment . or .."],
        ["/cb/..", "a segment . or .."],
        ["//cb", "an empty segment"],
        ["/a//cb", "an empty segment"],
        ["/a\\cb", "a backslash"],
        ["/a\tb", "white space"],
        ["/a\u00a0b", "white space"],
        ["/a\0b", "control characters"],
        ["/cb*", "a * or ;"],
        ["/cb;x", "a * or ;"],
        ["/a%2Fb", "an encoded one of"],
        ["/a%3fb", "an encoded one of"],
        ["/a%25b", "an encoded one of"],
        ["/a%b", "percent-encoding"],
        ["/a%FF", "percent-encoding"]
      ]
      for (const name of ["installPath", "callbackPath"]) {
        for (const [path, problem] of paths) {
          const error = yield* makeError({ [name]: path as "/" })
          assert.include(error, problem, path)
          assert.include(error, name, path)
        }
      }
      assert.include(yield* makeError({ publicUrl: "https://example.com/a*b" }), "publicUrl")
    }))

  it.scoped("with one path for both are refused, however it is written", () =>
    Effect.gen(function*() {
      for (const callbackPath of ["/slack", "/slack/", "/SLACK", "/sl%61ck", "/app/slack"] as const) {
        const error = yield* makeError({
          publicUrl: "https://example.com/app",
          installPath: "/slack",
          callbackPath
        })
        assert.include(error, "callbackPath", callbackPath)
        assert.include(error, "the path of the install", callbackPath)
      }
    }))

  it.scoped("may have an umlaut in a path, which is percent-encoded everywhere", () =>
    Effect.gen(function*() {
      const { browser, flow } = yield* counted({ installPath: "/los/häkchen", callbackPath: "/zurück" })
      assert.strictEqual(flow.installUrl, `${origin}/los/h%C3%A4kchen`)
      assert.strictEqual(flow.redirectUri, `${origin}/zur%C3%BCck`)
      const url = yield* browser.begin("/los/häkchen")
      const { url: callback } = yield* SlackEmulator.authorize({ url })
      assert.strictEqual((yield* browser.get(callback)).status, 303)
    }).pipe(Effect.provide(world())))

  it.scoped("may have a path in the public URL, which a proxy may remove or not", () =>
    Effect.gen(function*() {
      const { flow } = yield* counted({
        publicUrl: "https://example.com/app/",
        installPath: "/go",
        callbackPath: "/back"
      })
      assert.strictEqual(flow.redirectUri, "https://example.com/app/back")
      for (const path of ["/go", "/app/go"]) {
        const response = yield* flow.handle(
          new Request(`http://10.0.0.1:8080${path}`, { headers: { host: "evil.test" } })
        )
        assert.strictEqual(param(response.headers.get("location") ?? "", "redirect_uri"), flow.redirectUri)
      }
      const other = yield* flow.handle(new Request("https://example.com/app/other"))
      assert.strictEqual(other.status, 404)
      assertSecure(other)
    }).pipe(Effect.provide(world())))
})

// -------------------------------------------------------------------------------------

describe("callback", () => {
  it.scoped("exchanges the code for tokens, gives them to the application, and sends the person to Slack", () =>
    Effect.gen(function*() {
      const { browser, failures, installs } = yield* counted({ userScopes: ["search:read"] })
      const response = yield* browser.get(yield* allowed(browser))
      assert.strictEqual(response.status, 303)
      assertSecure(response)
      assert.strictEqual(installs.length, 1)
      const [installed] = installs
      assert.isDefined(installed)
      const { app } = yield* SlackEmulator.SlackEmulator
      assert.strictEqual(installed?.response.appId, app.id)
      assert.deepStrictEqual(installed?.scopes.granted, { bot: ["chat:write", "commands"], user: ["search:read"] })
      assert.deepStrictEqual(installed?.scopes.missing, { bot: [], user: [] })
      assert.deepStrictEqual(installed?.scopes.restUrl, Option.none())
      const target = installed?.response.target
      const team = target?._tag === "Workspace" ? target.team.id : ""
      assert.strictEqual(response.headers.get("location"), `https://slack.com/app_redirect?app=${app.id}&team=${team}`)
      assert.deepStrictEqual(failures, [])
    }).pipe(Effect.provide(world())))

  it.scoped("gives the metadata to the application, and never to the browser", () =>
    Effect.gen(function*() {
      const Metadata = Schema.Struct({
        user: Schema.String,
        at: Schema.DateTimeUtc,
        plans: Schema.Array(Schema.Number)
      })
      const given: Array<typeof Metadata.Type> = []
      const metadata = Schema.decodeSync(Metadata)({ user: "canary", at: "2026-01-01T00:00:00Z", plans: [1, 2] })
      const flow = yield* InstallFlow.make({
        publicUrl: origin,
        botScopes: ["chat:write"],
        metadata: Metadata,
        begin: () => Effect.succeed({ metadata }),
        onInstalled: ({ installation, metadata }) =>
          Effect.map(Installation.metadataOf(installation, Metadata), (stored) => {
            given.push(metadata, ...Option.toArray(stored))
          })
      })
      const browser = makeBrowser(flow.handle)
      const url = yield* allowed(browser)
      yield* browser.get(url)
      assert.deepStrictEqual(given, [metadata, metadata])
      const seen = [url, ...browser.setCookies].join()
      assert.notInclude(seen, "canary")
      assert.notInclude(seen, Buffer.from("canary").toString("base64url").slice(0, 6))
    }).pipe(Effect.provide(Layer.merge(
      slack(),
      PendingInstall.layerSealedCookie([{ id: "k1", key: Buffer.alloc(32, 1).toString("base64") }])
    ))))

  it.scoped("works in two tabs at once, in either order", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted()
      const [one, two] = [yield* allowed(browser), yield* allowed(browser)]
      assert.strictEqual((yield* browser.get(two)).status, 303)
      assert.strictEqual((yield* browser.get(one)).status, 303)
      assert.strictEqual(installs.length, 2)
    }).pipe(Effect.provide(world())))

  it.scoped("refuses a state that was given to another browser, and does not use up the code (CSRF)", () =>
    Effect.gen(function*() {
      const { browser, failures, flow, installs } = yield* counted()
      const url = yield* allowed(browser)
      const victim = makeBrowser(flow.handle)
      yield* victim.begin()
      const response = yield* victim.get(url)
      assert.strictEqual(response.status, 403)
      assert.deepStrictEqual(tags(failures), ["InstallStateForeign"])
      assert.strictEqual(yield* tokenRequests, 0)
      assert.strictEqual((yield* browser.get(url)).status, 303, "the one it was given to can still finish")
      assert.strictEqual(installs.length, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("refuses a forged cookie with the right name", () =>
    Effect.gen(function*() {
      const { browser, failures, flow } = yield* counted()
      const url = yield* allowed(browser)
      const [name = ""] = Array.from(browser.jar.keys())
      const forger = makeBrowser(flow.handle)
      for (const value of ["", "x", `${"A".repeat(43)}.zzzzzz.`, `${param(url, "state")}.zzzzzz.`]) {
        forger.jar.set(name, value)
        assert.strictEqual((yield* forger.get(url)).status, 403)
      }
      assert.strictEqual(new Set(tags(failures)).size, 1)
      assert.strictEqual(yield* tokenRequests, 0)
    }).pipe(Effect.provide(world())))

  it.scoped("refuses a code of another install (PKCE)", () =>
    Effect.gen(function*() {
      const { browser, failures, flow, installs } = yield* counted()
      const attacker = makeBrowser(flow.handle)
      const stolen = param(yield* allowed(attacker), "code")
      const url = new URL(yield* allowed(browser))
      url.searchParams.set("code", stolen)
      assert.strictEqual((yield* browser.get(url.href)).status, 400)
      const [failure] = failures
      assert.strictEqual(failure?.error._tag, "InstallExchangeFailed")
      if (failure?.error._tag === "InstallExchangeFailed") {
        assert.strictEqual(failure.error.error._tag, "SlackInvalidCodeVerifier")
      }
      assert.strictEqual(installs.length, 0)
    }).pipe(Effect.provide(world({ apps: [{ pkce: true }] }))))

  it.scoped("sends one proof: with PKCE the verifier, and no client secret", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted({ pkce: true })
      assert.strictEqual((yield* browser.get(yield* allowed(browser))).status, 303)
      assert.strictEqual(installs.length, 1)
      const [call] = yield* SlackEmulator.calls
      assert.strictEqual(call?.authentication, "none")
    }).pipe(
      Effect.provide(PendingInstall.layerMemory()),
      Effect.provide(
        slackWith(SlackEmulator.layerSlackApp({ secret: true })).pipe(
          Layer.provideMerge(SlackEmulator.layer({ apps: [{ pkce: true }] }))
        )
      )
    ))

  it.scoped("refuses a code for an install that began in another tab (mix-up)", () =>
    Effect.gen(function*() {
      const { browser, failures } = yield* counted()
      const [one, two] = [yield* allowed(browser), yield* allowed(browser)]
      const mixed = new URL(one)
      mixed.searchParams.set("code", param(two, "code"))
      assert.strictEqual((yield* browser.get(mixed.href)).status, 400)
      assert.deepStrictEqual(tags(failures), ["InstallExchangeFailed"])
    }).pipe(Effect.provide(world({ apps: [{ pkce: true }] }))))

  it.scoped("accepts a state once: it is refused with another code, and later", () =>
    Effect.gen(function*() {
      const { browser, failures, installs } = yield* counted()
      const url = yield* allowed(browser)
      yield* browser.get(url)
      const again = new URL(url)
      again.searchParams.set("code", "another-code")
      const response = yield* browser.get(again.href)
      assert.strictEqual(response.status, 409)
      assert.deepStrictEqual(tags(failures), ["InstallStateUsed"])
      assert.strictEqual(yield* tokenRequests, 1)
      assert.strictEqual(installs.length, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("refuses a used state after the window, also with the old cookie", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted()
      const url = yield* allowed(browser)
      const before = new Map(browser.jar)
      yield* browser.get(url)
      yield* TestClock.adjust("6 minutes")
      for (const [name, value] of before) browser.jar.set(name, value)
      assert.strictEqual((yield* browser.get(url)).status, 409)
      assert.strictEqual((yield* browser.get(url)).status, 409)
      assert.strictEqual(installs.length, 1)
      assert.strictEqual(yield* tokenRequests, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("refuses an install that took too long, and does not use up the code", () =>
    Effect.gen(function*() {
      const { browser, failures } = yield* counted()
      const url = yield* allowed(browser)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* browser.get(url)).status, 410)
      assert.deepStrictEqual(tags(failures), ["InstallStateExpired"])
      assert.strictEqual(yield* tokenRequests, 0)
    }).pipe(Effect.provide(world())))

  it.scoped("shows a page when the person does not allow the install, and uses up the state", () =>
    Effect.gen(function*() {
      const { browser, failures } = yield* counted()
      const { url } = yield* SlackEmulator.cancel({ url: yield* browser.begin() })
      const response = yield* browser.get(url)
      assert.strictEqual(response.status, 403)
      assertSecure(response)
      const page = yield* text(response)
      assert.include(page, "Nothing was installed")
      assert.include(page, `href="${origin}/slack/install"`)
      assert.notInclude(page, param(url, "error_description"))
      assert.deepStrictEqual(tags(failures), ["InstallDenied"])
      assert.strictEqual(browser.jar.size, 0)
      const late = new URL(url)
      late.search = `?code=late&state=${param(url, "state")}`
      assert.strictEqual((yield* browser.get(late.href)).status, 403)
    }).pipe(Effect.provide(world())))

  it.scoped("shows a page for a refusal without a state, as after an install from Slack's own pages", () =>
    Effect.gen(function*() {
      const { browser, failures } = yield* counted()
      assert.strictEqual((yield* browser.get(`${origin}/slack/oauth_redirect?error=access_denied`)).status, 403)
      assert.strictEqual((yield* browser.get(`${origin}/slack/oauth_redirect?error=invalid_scope&state=`)).status, 400)
      assert.deepStrictEqual(tags(failures), ["InstallDenied", "InstallRefused"])
    }).pipe(Effect.provide(world())))

  it.scoped("does nothing for a prefetch or a HEAD of the callback", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted()
      const url = yield* allowed(browser)
      const ahead: ReadonlyArray<Record<string, string>> = [
        { "sec-purpose": "prefetch" },
        { "sec-purpose": "prefetch;prerender" },
        { purpose: "prefetch" },
        { "x-purpose": "preview" },
        { "x-moz": "prefetch" }
      ]
      for (const headers of ahead) assert.strictEqual((yield* browser.get(url, { headers })).status, 425)
      const head = yield* browser.get(url, { method: "HEAD" })
      assert.strictEqual(head.status, 200)
      assert.strictEqual(yield* text(head), "")
      assert.strictEqual(yield* tokenRequests, 0)
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual(installs.length, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("does nothing for a scanner that loads the link without the browser's cookies", () =>
    Effect.gen(function*() {
      const { browser, flow } = yield* counted()
      const url = yield* allowed(browser)
      assert.strictEqual((yield* flow.handle(new Request(url))).status, 403)
      assert.strictEqual((yield* browser.get(url)).status, 303)
    }).pipe(Effect.provide(world())))

  it.scoped("answers other methods with 405", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted()
      const url = yield* allowed(browser)
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
        const response = yield* browser.get(url, { method })
        assert.strictEqual(response.status, 405)
        assert.strictEqual(response.headers.get("allow"), "GET, HEAD")
      }
      assert.strictEqual((yield* browser.get(url)).status, 303)
    }).pipe(Effect.provide(world())))
})

// -------------------------------------------------------------------------------------

describe("a callback that comes twice", () => {
  it.scoped("gets the result of the first one, at the same time and after a reload", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted()
      const url = yield* allowed(browser)
      const both = yield* Effect.all([browser.get(url), browser.get(url)], { concurrency: "unbounded" })
      const later = yield* browser.get(url)
      const results = [...both, later].map(({ headers, status }) => `${status} ${headers.get("location")}`)
      assert.strictEqual(new Set(results).size, 1)
      assert.match(results[0] ?? "", /^303 https:\/\/slack\.com\/app_redirect/)
      assert.strictEqual(yield* tokenRequests, 1)
      assert.strictEqual(installs.length, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("gets the page of the first one", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted({ success: "page" })
      const url = yield* allowed(browser)
      const [one, two] = [yield* browser.get(url), yield* browser.get(url)]
      assert.strictEqual(one.status, 200)
      assert.strictEqual(yield* text(one), yield* text(two))
    }).pipe(Effect.provide(world())))

  it.scoped("joins the attempt that runs, also when the first browser gave up", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const done: Array<string> = []
      const { browser } = yield* counted({
        onInstalled: ({ response }) =>
          Effect.zipRight(Deferred.succeed(started, void 0), Deferred.await(release)).pipe(
            Effect.tap(() => Effect.sync(() => done.push(response.appId)))
          )
      })
      const url = yield* allowed(browser)
      const first = yield* Effect.fork(browser.get(url))
      yield* Deferred.await(started)
      const second = yield* Effect.fork(browser.get(url))
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(release, void 0)
      assert.strictEqual((yield* Fiber.join(second)).status, 303)
      assert.strictEqual(done.length, 1)
      assert.strictEqual(yield* tokenRequests, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("gets nothing without its cookie", () =>
    Effect.gen(function*() {
      const { browser, flow } = yield* counted({ success: "page" })
      const url = yield* allowed(browser)
      yield* browser.get(url)
      assert.strictEqual((yield* flow.handle(new Request(url))).status, 403)
    }).pipe(Effect.provide(world())))

  it.scoped("gets a page at another process that says that the link has been used", () =>
    Effect.gen(function*() {
      const one = yield* counted()
      const two = yield* counted()
      const url = yield* allowed(one.browser)
      for (const [name, value] of one.browser.jar) two.browser.jar.set(name, value)
      yield* one.browser.get(url)
      const response = yield* two.browser.get(url)
      assert.strictEqual(response.status, 409)
      assert.include(yield* text(response), "nothing left to do")
      assert.strictEqual(yield* tokenRequests, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("keeps its cookie at another process, so that the first process can finish the install", () =>
    Effect.gen(function*() {
      let runs = 0
      const one = yield* counted({ onInstalled: () => ++runs === 1 ? Effect.fail("no") : Effect.void })
      const two = yield* counted()
      const browser = makeBrowser((request) => (request.headers.has("x-two") ? two : one).flow.handle(request))
      const url = yield* allowed(browser)
      assert.strictEqual((yield* browser.get(url)).status, 500)
      assert.strictEqual((yield* browser.get(url, { headers: { "x-two": "" } })).status, 409)
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual(yield* tokenRequests, 1)
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None), Effect.provide(world())))

  it.scoped("is forgotten after five hundred others", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted({ success: "page" })
      const arrive = Effect.map(browser.begin(), (url) =>
        `${origin}/slack/oauth_redirect?code=x&state=${param(url, "state")}`)
      const first = yield* arrive
      yield* browser.get(first)
      const cookies = new Map(browser.jar)
      for (let round = 0; round < 500; round++) {
        browser.jar.clear()
        yield* browser.get(yield* arrive)
      }
      assert.strictEqual(installs.length, 501)
      for (const [name, value] of cookies) {
        browser.jar.set(name, value)
      }
      assert.strictEqual((yield* browser.get(first)).status, 409, "the oldest has made room")
    }).pipe(
      Effect.provide(PendingInstall.layerMemory()),
      Effect.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
      Effect.provide(OAuthV2.layerTest({
        access: () =>
          Effect.succeed(
            new TokenResponse.TokenResponse({
              appId: "A0TEST",
              target: new TokenResponse.Workspace({ team: { id: "T0TEST", name: Option.none() } })
            })
          )
      }))
    ))
})

// -------------------------------------------------------------------------------------

describe("the installs of many strangers", () => {
  const answers = new TokenResponse.TokenResponse({
    appId: "A0TEST",
    target: new TokenResponse.Workspace({ team: { id: "T0TEST", name: Option.none() } })
  })

  /** A Slack that accepts every code that does not begin with `bad`. */
  const Slack = Layer.merge(
    SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" }),
    OAuthV2.layerTest({
      access: (request) =>
        "code" in request && String(request.code).startsWith("bad")
          ? Effect.fail(new OAuthV2Error.SlackInvalidCode({ method: "oauth.v2.access" }))
          : Effect.succeed(answers)
    })
  )

  const callbackOf = (browser: ReturnType<typeof makeBrowser>, code: string) =>
    Effect.map(browser.begin(), (url) => `${origin}/slack/oauth_redirect?code=${code}&state=${param(url, "state")}`)

  for (const code of ["bad", "good"]) {
    it.scoped(`does not push out tokens that wait for a reload: six hundred callbacks with a ${code} code`, () =>
      Effect.gen(function*() {
        const given: Array<TokenResponse.TokenResponse> = []
        const { browser, flow } = yield* counted({
          onInstalled: ({ response }) =>
            Effect.suspend(() => given.push(response) === 1 ? Effect.fail("the database is down") : Effect.void)
        })
        const url = yield* callbackOf(browser, "good-first")
        assert.strictEqual((yield* browser.get(url)).status, 500)
        for (let round = 0; round < 600; round++) {
          const stranger = makeBrowser(flow.handle)
          yield* stranger.get(yield* callbackOf(stranger, code))
        }
        const before = given.length
        assert.strictEqual((yield* browser.get(url)).status, 303)
        assert.strictEqual(given.length, before + 1, "onInstalled gets the tokens that waited")
      }).pipe(
        Logger.withMinimumLogLevel(LogLevel.None),
        Effect.provide(Layer.merge(Slack, PendingInstall.layerMemory()))
      ))
  }

  it.scoped("pushes out failures before successes, and both before an install that a reload can finish", () =>
    Effect.gen(function*() {
      let limited = true
      const { flow } = yield* counted({ success: "page" }).pipe(Effect.provide(OAuthV2.layerTest({
        access: (request) =>
          !("code" in request) || String(request.code) === "bad"
            ? Effect.fail(new OAuthV2Error.SlackInvalidCode({ method: "oauth.v2.access" }))
            : String(request.code) === "limited" && limited
            ? Effect.fail(new OAuthV2Error.SlackRateLimited({ method: "oauth.v2.access" }))
            : Effect.succeed(answers)
      })))
      const visit = (code: string) =>
        Effect.gen(function*() {
          const browser = makeBrowser(flow.handle)
          const url = yield* callbackOf(browser, code)
          return { first: yield* browser.get(url), again: Effect.map(browser.get(url), ({ status }) => status) }
        })
      const repeatable = yield* visit("limited")
      assert.strictEqual(repeatable.first.status, 503)
      const success = yield* visit("good")
      const failure = yield* visit("bad")
      assert.strictEqual(failure.first.status, 400)
      for (let round = 0; round < 498; round++) yield* visit("bad")
      assert.strictEqual(yield* failure.again, 409, "the oldest failure made room")
      assert.strictEqual(yield* success.again, 200)
      for (let round = 0; round < 499; round++) yield* visit("good")
      assert.strictEqual(yield* success.again, 409, "the oldest success made room")
      limited = false
      assert.strictEqual(yield* repeatable.again, 200)
    }).pipe(Effect.provide(Layer.merge(Slack, PendingInstall.layerMemory()))))

  it.scoped("may push out a person who is at Slack, and the page says to start again", () =>
    Effect.gen(function*() {
      const { browser, failures, flow, installs } = yield* counted()
      const url = yield* callbackOf(browser, "good")
      for (let round = 0; round < 4; round++) yield* makeBrowser(flow.handle).begin()
      const response = yield* browser.get(url)
      assert.strictEqual(response.status, 410)
      const page = yield* text(response)
      assert.include(page, "Please start again")
      assert.notMatch(page, /used|nothing left|is installed/i)
      assert.deepStrictEqual(tags(failures), ["InstallStateGone"])
      assert.strictEqual(installs.length, 0)
      assert.strictEqual((yield* browser.get(url)).status, 410, "also when the page is loaded again")
      assert.strictEqual((yield* browser.get(yield* callbackOf(browser, "good"))).status, 303)
    }).pipe(Effect.provide(Layer.merge(Slack, PendingInstall.layerMemory({ capacity: 4 })))))

  it.scoped("gets 409 over a store that does not remember used states only if this browser saw its state used", () =>
    Effect.gen(function*() {
      const one = yield* counted()
      const two = yield* counted()
      const url = yield* callbackOf(one.browser, "good")
      const before = new Map(one.browser.jar)
      yield* one.browser.get(url)
      for (const [jar, status] of [[one.browser.jar, 409], [before, 410]] as const) {
        two.browser.jar.clear()
        for (const [name, value] of jar) two.browser.jar.set(name, value)
        assert.strictEqual((yield* two.browser.get(url)).status, status)
      }
      assert.strictEqual(two.installs.length, 0)
    }).pipe(
      Effect.provide(Slack),
      Effect.provide(Layer.provide(PendingInstall.layerKeyValueStore, KeyValueStore.layerMemory))
    ))
})

// -------------------------------------------------------------------------------------

describe("a user token without a user id", () => {
  it.scoped("is not called an install: the page says that it failed, and onFailed gets the token", () =>
    Effect.gen(function*() {
      const { browser, failures, installs } = yield* counted()
      yield* SlackEmulator.inject({
        method: "oauth.v2.access",
        fault: SlackEmulator.text(JSON.stringify({
          ok: true,
          app_id: "A0EXAMPLE",
          team: { id: "T0EXAMPLE" },
          authed_user: { access_token: "xoxp-test-nobodys", token_type: "user" }
        }))
      })
      const response = yield* browser.get(yield* allowed(browser))
      assert.strictEqual(response.status, 500)
      assert.deepStrictEqual(installs, [])
      assert.deepStrictEqual(tags(failures), ["InstallUnexpected"])
      const { user } = Option.getOrThrow(failures[0]?.installed ?? Option.none()).response
      assert.strictEqual(Redacted.value(Option.getOrThrow(user).accessToken), "xoxp-test-nobodys")
    }).pipe(Effect.provide(world())))
})

describe("when the application fails", () => {
  it.scoped("a reload gives the same tokens to the application, and does not send the code again", () =>
    Effect.gen(function*() {
      const given: Array<string> = []
      const { browser, failures } = yield* counted({
        onInstalled: ({ response }) => {
          given.push(Redacted.value(Option.getOrThrow(response.bot).accessToken))
          return given.length < 3 ? Effect.fail("the database is down") : Effect.void
        }
      })
      const url = yield* allowed(browser)
      const first = yield* browser.get(url)
      assert.strictEqual(first.status, 500)
      assertSecure(first)
      const page = yield* text(first)
      assert.include(page, `href=""`)
      assert.notInclude(page, "database")
      assert.strictEqual((yield* browser.get(url)).status, 500)
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual(given.length, 3)
      assert.strictEqual(new Set(given).size, 1)
      assert.strictEqual(yield* tokenRequests, 1)
      assert.deepStrictEqual(tags(failures), ["InstallNotCompleted", "InstallNotCompleted"])
      const [failed] = failures
      assert.strictEqual(
        Redacted.value(
          Option.getOrThrow(Option.getOrThrow(failed?.installed ?? Option.none()).response.bot).accessToken
        ),
        given[0]
      )
      assert.include(Cause.pretty(Option.getOrThrow(failed?.cause ?? Option.none())), "the database is down")
    }).pipe(Effect.provide(world())))

  it.scoped("a reload does the same after a defect", () =>
    Effect.gen(function*() {
      let runs = 0
      const { browser } = yield* counted({
        onInstalled: () => {
          if (++runs === 1) throw new Error("a bug")
          return Effect.void
        }
      })
      const url = yield* allowed(browser)
      assert.strictEqual((yield* browser.get(url)).status, 500)
      assert.strictEqual((yield* browser.get(url)).status, 303)
    }).pipe(Effect.provide(world())))

  it.scoped("requests that wait for an attempt do not start another one", () =>
    Effect.gen(function*() {
      let runs = 0
      const gate = yield* Deferred.make<void>()
      const { browser } = yield* counted({
        onInstalled: () =>
          Effect.zipRight(
            Effect.sync(() => {
              runs++
            }),
            Effect.zipRight(Deferred.await(gate), Effect.fail("no"))
          )
      })
      const url = yield* allowed(browser)
      const waiting = yield* Effect.forkAll(Arr.makeBy(5, () => browser.get(url)))
      // Each request computes two digests before its attempt. After two hundred other digests, all have reached it.
      for (let digests = 0; digests < 200 || runs === 0; digests++) yield* Effect.promise(() => sha256("x"))
      yield* Deferred.succeed(gate, void 0)
      const responses = yield* Fiber.join(waiting)
      assert.deepStrictEqual(responses.map(({ status }) => status), [500, 500, 500, 500, 500])
      assert.strictEqual(runs, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("a failing onFailed, page or success gives the built-in page", () =>
    Effect.gen(function*() {
      const broken = yield* counted({
        onFailed: () => Effect.die("no"),
        success: () => {
          throw new Error("no")
        },
        pages: {
          failed: () => {
            throw new Error("no")
          },
          installed: () => {
            throw new Error("no")
          }
        }
      })
      assert.strictEqual((yield* broken.browser.get(`${origin}/slack/oauth_redirect`)).status, 400)
      const response = yield* broken.browser.get(yield* allowed(broken.browser))
      assert.strictEqual(response.status, 200)
      assert.include(yield* text(response), "Open Slack")
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None), Effect.provide(world())))

  it.effect("a server that shuts down waits 30 seconds for an install", () =>
    Effect.gen(function*() {
      for (const finishes of [true, false]) {
        const scope = yield* Scope.make()
        const started = yield* Deferred.make<void>()
        const release = yield* Deferred.make<void>()
        let finished = false
        const { browser } = yield* Scope.extend(
          counted({
            onInstalled: () =>
              Effect.zipRight(Deferred.succeed(started, void 0), Deferred.await(release)).pipe(
                Effect.tap(() =>
                  Effect.sync(() => {
                    finished = true
                  })
                )
              )
          }),
          scope
        )
        const url = yield* allowed(browser)
        const request = yield* Effect.fork(browser.get(url))
        yield* Deferred.await(started)
        yield* Fiber.interrupt(request)
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("29 seconds")
        assert.isTrue(Option.isNone(yield* Fiber.poll(closing)), "it waits")
        if (finishes) yield* Deferred.succeed(release, void 0)
        else yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(closing)
        assert.strictEqual(finished, finishes)
      }
    }).pipe(Effect.provide(world())))
})

// -------------------------------------------------------------------------------------

describe("when Slack fails", () => {
  it.scoped("a reload sends a code again that Slack has certainly not used", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted()
      const url = yield* allowed(browser)
      yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited(), method: "oauth.v2.access" })
      const response = yield* browser.get(url)
      assert.strictEqual(response.status, 503)
      assert.include(yield* text(response), `href=""`)
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual(installs.length, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("a code that Slack may have used is never sent again", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted()
      const url = yield* allowed(browser)
      yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange, method: "oauth.v2.access" })
      const response = yield* browser.get(url)
      assert.strictEqual(response.status, 503)
      assert.notInclude(yield* text(response), `href=""`)
      assert.strictEqual((yield* browser.get(url)).status, 503)
      assert.strictEqual(yield* tokenRequests, 1)
      assert.strictEqual(installs.length, 0)
    }).pipe(Effect.provide(world())))

  it.scoped("the remedy decides the status of the page", () =>
    Effect.gen(function*() {
      const statuses: Record<string, number> = {}
      for (
        const code of ["invalid_code", "access_denied", "service_unavailable", "bad_client_secret", "invalid_auth", "x"]
      ) {
        const { browser } = yield* counted().pipe(
          Effect.provide(OAuthV2.layerTest({ access: [OAuthV2Error.fromCode(code, { method: "oauth.v2.access" })] }))
        )
        const response = yield* browser.get(yield* allowed(browser))
        assertSecure(response)
        statuses[code] = response.status
      }
      assert.deepStrictEqual(statuses, {
        invalid_code: 400,
        access_denied: 403,
        service_unavailable: 503,
        bad_client_secret: 500,
        invalid_auth: 403,
        x: 500
      })
    }).pipe(Effect.provide(world())))
})

// -------------------------------------------------------------------------------------

describe("an install that was started on Slack's pages", () => {
  const fromSlack = Effect.map(
    SlackEmulator.authorize({ scopes: ["chat:write"], redirectUri: `${origin}/slack/oauth_redirect` }),
    ({ url }) => url
  )

  it.scoped("is sent through authorize with a state, and succeeds", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted()
      const bounced = yield* browser.get(yield* fromSlack)
      assert.strictEqual(bounced.status, 302)
      assertSecure(bounced)
      assert.strictEqual(yield* tokenRequests, 0, "its code is dropped")
      const location = bounced.headers.get("location") ?? ""
      const { url } = yield* SlackEmulator.authorize({ url: location })
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual(installs.length, 1)
      assert.isFalse(Array.from(browser.jar.keys()).some((name) => name.endsWith("bounced")))
    }).pipe(Effect.provide(world())))

  it.scoped("is sent there once: a second callback without a state is refused", () =>
    Effect.gen(function*() {
      const { browser, failures } = yield* counted()
      yield* browser.get(yield* fromSlack)
      const again = yield* browser.get(yield* fromSlack)
      assert.strictEqual(again.status, 400)
      assert.deepStrictEqual(tags(failures), ["InstallStateMissing"])
      assert.strictEqual(yield* tokenRequests, 0)
    }).pipe(Effect.provide(world())))

  it.scoped("is sent there once for each app of a host", () =>
    Effect.gen(function*() {
      const { baseUrl } = yield* SlackApp.SlackApp
      const one = yield* counted({ app: { clientId: "1.1", baseUrl } })
      const two = yield* counted({ app: { clientId: "2.2", baseUrl } })
      const browser = makeBrowser((request) => (request.headers.has("x-two") ? two : one).flow.handle(request))
      const url = yield* fromSlack
      assert.strictEqual((yield* browser.get(url)).status, 302)
      assert.strictEqual((yield* browser.get(url, { headers: { "x-two": "" } })).status, 302)
      yield* TestClock.adjust("1 minutes")
      yield* browser.begin()
      assert.strictEqual((yield* browser.get(url)).status, 400, "another begin does not make it forget")
      assert.strictEqual((yield* browser.get(url, { headers: { "x-two": "" } })).status, 400)
    }).pipe(Effect.provide(world())))

  it.scoped("is refused, by option", () =>
    Effect.gen(function*() {
      const { browser, failures } = yield* counted({ withoutState: "reject" })
      const response = yield* browser.get(yield* fromSlack)
      assert.strictEqual(response.status, 400)
      assert.include(yield* text(response), "Please start here")
      assert.deepStrictEqual(tags(failures), ["InstallStateMissing"])
      assert.strictEqual(yield* tokenRequests, 0)
    }).pipe(Effect.provide(world())))
})

// -------------------------------------------------------------------------------------

describe("after an install", () => {
  const successes = (success: InstallFlow.Options<void>["success"], more: Partial<InstallFlow.Options<void>> = {}) =>
    Effect.gen(function*() {
      const { browser } = yield* counted({ success, ...more })
      return yield* browser.get(yield* allowed(browser))
    })

  it.scoped("the person goes to a path or an address of the application", () =>
    Effect.gen(function*() {
      const location = (response: Response) => response.headers.get("location")
      assert.strictEqual(location(yield* successes("/welcome")), "https://example.com/welcome")
      assert.strictEqual(
        location(yield* successes(({ response }) => `/welcome?app=${encodeURIComponent(response.appId)}`)),
        `https://example.com/welcome?app=${(yield* SlackEmulator.app).id}`
      )
      assert.strictEqual(
        location(yield* successes(new URL("https://app.test/x"), { allowedOrigins: ["https://app.test"] })),
        "https://app.test/x"
      )
      assert.strictEqual(location(yield* successes(new URL("slack://open"))), "slack://open")
    }).pipe(Effect.provide(world())))

  it.scoped("a path is added to that of the public URL, and an address is not", () =>
    Effect.gen(function*() {
      const publicUrl = "https://example.com/app"
      const location = (success: InstallFlow.Options<void>["success"]) =>
        Effect.gen(function*() {
          const { browser, flow } = yield* counted({ publicUrl, ...(success === undefined ? {} : { success }) })
          const begun = (yield* browser.get(flow.installUrl)).headers.get("location") ?? ""
          const { url } = yield* SlackEmulator.authorize({ url: begun })
          return (yield* browser.get(url)).headers.get("location")
        })
      assert.strictEqual(yield* location("/done"), "https://example.com/app/done")
      assert.strictEqual(yield* location("/"), "https://example.com/app/")
      assert.strictEqual(yield* location("/done?a=b#c"), "https://example.com/app/done?a=b#c")
      assert.strictEqual(yield* location("/../done"), "https://example.com/app/done")
      assert.strictEqual(yield* location("/.//evil.test"), "https://example.com/app//evil.test")
      assert.strictEqual(yield* location(() => "/done"), "https://example.com/app/done")
      assert.strictEqual(yield* location(new URL("https://example.com/done")), "https://example.com/done")
    }).pipe(Effect.provide(world())))

  it.scoped("Slack's application in the browser is a safe address, and one that only looks like it is not", () =>
    Effect.gen(function*() {
      for (const base of ["slack.com", "slack-gov.com"]) {
        const locationOf = (url: string) =>
          Effect.gen(function*() {
            const { baseUrl: _, ...app } = yield* SlackApp.SlackApp
            const { browser } = yield* counted({ success: new URL(url), app: { ...app, baseUrl: `https://${base}` } })
            const state = param(yield* browser.begin(), "state")
            return (yield* browser.get(`${origin}/slack/oauth_redirect?code=x&state=${state}`)).headers.get("location")
          })
        const inSlack = `https://app.${base}/client/T0TEST`
        assert.strictEqual(yield* locationOf(inSlack), inSlack)
        for (
          const other of [
            `http://app.${base}/`,
            `https://app.${base}:8443/`,
            `https://app.${base}.evil.test/`,
            `https://evil-app.${base}/`,
            `https://app.${base === "slack.com" ? "slack-gov.com" : "slack.com"}/`
          ]
        ) assert.isNull(yield* locationOf(other), other)
      }
    }).pipe(
      Logger.withMinimumLogLevel(LogLevel.None),
      Effect.provide(PendingInstall.layerMemory()),
      Effect.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
      Effect.provide(OAuthV2.layerTest({
        access: () =>
          Effect.succeed(
            new TokenResponse.TokenResponse({
              appId: "A0TEST",
              target: new TokenResponse.Workspace({ team: { id: "T0TEST", name: Option.none() } })
            })
          )
      }))
    ))

  it.scoped("the person is never sent to another origin (open redirect)", () =>
    Effect.gen(function*() {
      const hostile = ["//evil.test", "/\\evil.test", "/\t/evil.test", "//evil.test/\r\nset-cookie: a=b"] as const
      for (
        const success of [...hostile, new URL("https://evil.test"), new URL("javascript:alert(1)"), new URL("data:,x")]
      ) {
        const response = yield* successes(success as "/")
        assert.strictEqual(response.status, 200, String(success))
        assert.isNull(response.headers.get("location"))
      }
      const path = yield* successes("/a\r\nset-cookie: a=b")
      assert.strictEqual(path.headers.get("location"), "https://example.com/aset-cookie:%20a=b")
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None), Effect.provide(world())))

  it.scoped("a page says where the app is installed, and escapes the name", () =>
    Effect.gen(function*() {
      const response = yield* successes("page")
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers.get("content-type"), "text/html; charset=utf-8")
      assertSecure(response)
      const page = yield* text(response)
      assert.include(page, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Sons&quot;")
      assert.notInclude(page, "<script")
    }).pipe(Effect.provide(world({ workspaces: [{ name: `<script>alert(1)</script> & "Sons"` }] }))))

  it.scoped("pages can be replaced, and their templates escape text", () =>
    Effect.gen(function*() {
      const { browser } = yield* counted({
        landing: true,
        success: "page",
        pages: {
          landing: ({ beginUrl }) => InstallFlow.html`<a href="${beginUrl}">go</a>`,
          installed: ({ slackUrl }) => InstallFlow.html`<p>${"<b>"} ${slackUrl}</p>`,
          failed: ({ error }) =>
            new Response(`mine: ${error._tag}`, {
              status: 418,
              headers: { "content-security-policy": "default-src 'self'", "cache-control": "public" }
            })
        }
      })
      const landing = yield* text(yield* browser.get(`${origin}/slack/install`))
      assert.strictEqual(landing, `<a href="${origin}/slack/install?begin=">go</a>`)
      const begun = yield* browser.begin("/slack/install?begin")
      const { url } = yield* SlackEmulator.authorize({ url: begun })
      assert.match(
        yield* text(yield* browser.get(url)),
        /^<p>&lt;b&gt; https:\/\/slack\.com\/app_redirect\?app=\w+&amp;team=\w+<\/p>$/
      )
      const failed = yield* browser.get(`${origin}/slack/oauth_redirect?code=a&code=b`)
      assert.strictEqual(failed.status, 418)
      assert.strictEqual(yield* text(failed), "mine: InstallRepeatedParameter")
      assert.strictEqual(failed.headers.get("content-security-policy"), "default-src 'self'")
      assert.strictEqual(failed.headers.get("cache-control"), "no-store")
    }).pipe(Effect.provide(world())))

  it.scoped("the missing scopes are reported, with an address that asks for them", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted({
        botScopes: ["chat:write", "files:read"],
        userScopes: ["search:read", "users:read"],
        success: "page"
      })
      const url = yield* allowed(browser, { withhold: ["files:read", "search:read"] })
      const page = yield* text(yield* browser.get(url))
      assert.include(page, "Not allowed were: files:read, search:read.")
      const [installed] = installs
      assert.deepStrictEqual(installed?.scopes.requested, {
        bot: ["chat:write", "files:read"],
        user: ["search:read", "users:read"]
      })
      assert.deepStrictEqual(installed?.scopes.granted, { bot: ["chat:write"], user: ["users:read"] })
      assert.deepStrictEqual(installed?.scopes.missing, { bot: ["files:read"], user: ["search:read"] })
      const rest = Option.getOrThrow(installed?.scopes.restUrl ?? Option.none())
      assert.strictEqual(rest, `${origin}/slack/install?scope=files%3Aread&user_scope=search%3Aread`)
      const again = (yield* browser.get(rest)).headers.get("location") ?? ""
      assert.deepStrictEqual([param(again, "scope"), param(again, "user_scope")], ["files:read", "search:read"])
    }).pipe(Effect.provide(world({ apps: [{ optionalScopes: ["files:read", "search:read"] }] }))))

  it.scoped("an install in an organization works", () =>
    Effect.gen(function*() {
      const { browser, installs } = yield* counted()
      const response = yield* browser.get(yield* allowed(browser, { organization: "E0ORG" }))
      assert.strictEqual(installs[0]?.response.target._tag, "Organization")
      assert.strictEqual(param(response.headers.get("location") ?? "", "team"), "E0ORG")
    }).pipe(Effect.provide(world({ organizations: [{ id: "E0ORG" }] }))))
})

// -------------------------------------------------------------------------------------

describe("the two halves", () => {
  const scopeNames = ["chat:write", "commands", "users:read", "search:read", "files:read", "a.b:c"]

  const segment = FastCheck.stringOf(FastCheck.constantFrom(..."azAZ09-_~!$&'()+,=:@üß日💥"), {
    minLength: 1,
    maxLength: 6
  })

  const webPath = FastCheck.array(segment, { minLength: 1, maxLength: 4 })
    .map((segments): `/${string}` => `/${segments.join("/")}`)

  it.effect(
    "agree for any scopes, redirect URI, metadata and state",
    () =>
      Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(
            FastCheck.record({
              botScopes: FastCheck.uniqueArray(FastCheck.constantFrom(...scopeNames), { minLength: 1 }),
              userScopes: FastCheck.uniqueArray(FastCheck.constantFrom(...scopeNames)),
              path: webPath,
              publicUrl: FastCheck.tuple(FastCheck.webAuthority(), FastCheck.oneof(FastCheck.constant(""), webPath))
                .map(([host, path]) => `https://${host}${path}`),
              metadata: FastCheck.jsonValue(),
              pkce: FastCheck.boolean(),
              code: FastCheck.stringOf(FastCheck.constantFrom(..."abcXYZ019-._~+="), { minLength: 1, maxLength: 60 })
            }),
            async ({ botScopes, code, metadata, path, pkce, publicUrl, userScopes }) => {
              const requests: Array<OAuthV2.AccessRequest> = []
              const given: Array<unknown> = []
              await Effect.runPromise(
                Effect.scoped(Effect.gen(function*() {
                  const flow = yield* InstallFlow.make({
                    publicUrl,
                    callbackPath: path,
                    botScopes,
                    userScopes,
                    pkce,
                    metadata: Schema.Unknown,
                    begin: () => Effect.succeed({ metadata }),
                    onInstalled: (installed) => Effect.sync(() => given.push(installed.metadata))
                  })
                  const browser = makeBrowser(flow.handle)
                  const begun = new URL((yield* browser.get(flow.installUrl)).headers.get("location") ?? "")
                  const state = begun.searchParams.get("state") ?? ""
                  const callback = new URL(begun.searchParams.get("redirect_uri") ?? "")
                  callback.search = `?code=${encodeURIComponent(code)}&state=${encodeURIComponent(state)}`
                  const response = yield* browser.get(callback.href)
                  assert.strictEqual(response.status, 303)

                  const [request] = requests
                  assert.strictEqual(requests.length, 1)
                  assert.strictEqual(request?.code, code)
                  assert.strictEqual(request?.redirectUri, begun.searchParams.get("redirect_uri"))
                  assert.strictEqual(begun.searchParams.get("scope"), botScopes.join(","))
                  assert.strictEqual(begun.searchParams.get("user_scope") ?? "", userScopes.join(","))
                  const verifier = request?.codeVerifier
                  assert.strictEqual(verifier !== undefined, pkce)
                  if (Redacted.isRedacted(verifier)) {
                    const challenge = createHash("sha256").update(Redacted.value(verifier)).digest("base64url")
                    assert.strictEqual(begun.searchParams.get("code_challenge"), challenge)
                  }
                  assert.deepStrictEqual(given, [JSON.parse(JSON.stringify(metadata))])
                })).pipe(
                  Effect.provide(OAuthV2.layerTest({
                    access: (request) =>
                      Effect.sync(() => {
                        requests.push(request)
                        return new TokenResponse.TokenResponse({
                          appId: "A0TEST",
                          target: new TokenResponse.Workspace({ team: { id: "T0TEST", name: Option.none() } })
                        })
                      })
                  })),
                  Effect.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
                  Effect.provide(PendingInstall.layerMemory())
                )
              )
            }
          ),
          { numRuns: 150 }
        )
      ),
    30_000
  )
})

// -------------------------------------------------------------------------------------

describe("observability", () => {
  it.scoped("counts requests, and logs no code, state, verifier, token or metadata", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Observers.logger(({ annotations, cause, message }) => {
        lines.push(inspect([message, Cause.pretty(cause), annotations], { depth: 10 }))
      })
      const count = Metric.value(
        Telemetry.installs.pipe(Metric.tagged("step", "callback"), Metric.tagged("result", "InstallStateForeign"))
      )
      const before = (yield* count).count
      const secrets: Array<string> = []
      yield* Effect.gen(function*() {
        const flow = yield* InstallFlow.make({
          publicUrl: origin,
          botScopes: ["chat:write"],
          metadata: Schema.String,
          begin: () => Effect.succeed({ metadata: "canary-metadata" }),
          onInstalled: ({ response }) => {
            secrets.push(Redacted.value(Option.getOrThrow(response.bot).accessToken))
            return secrets.length > 1 ? Effect.void : Effect.fail("canary-failure")
          }
        })
        const browser = makeBrowser(flow.handle)
        const url = yield* allowed(browser)
        yield* flow.handle(new Request(url))
        yield* browser.get(url)
        yield* browser.get(url)
        secrets.push(param(url, "code"), param(url, "state"), "canary")
      }).pipe(
        Observers.withLoggers(logger),
        Logger.withMinimumLogLevel(LogLevel.All)
      )
      assert.strictEqual((yield* count).count, before + 1)
      assert.isAbove(lines.length, 1)
      for (const secret of secrets) assert.notInclude(lines.join("\n"), secret)
    }).pipe(Effect.provide(world({ apps: [{ pkce: true }] }))))
})
