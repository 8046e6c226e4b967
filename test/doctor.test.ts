import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { clock } from "../cli/doctor/clock.js"
import { credentials } from "../cli/doctor/credentials.js"
import type { Finding, Level } from "../cli/doctor/finding.js"
import { liveApp, type Wanted } from "../cli/doctor/liveApp.js"
import { checkProject, needs, type Project } from "../cli/doctor/packages.js"
import { redirectUrl } from "../cli/doctor/redirectUrl.js"
import * as Server from "../cli/doctor/server.js"
import * as Settings from "../cli/doctor/settings.js"
import * as Storage from "../cli/doctor/storage.js"
import type * as Slack from "../cli/slack.js"

const hex = "0123456789abcdef0123456789abcdef"
const key = `2026:${Buffer.alloc(32, 7).toString("base64")}`

const settings: Settings.Settings = {
  clientId: "123456789012.210987654321",
  clientSecret: hex,
  appId: "A0123ABCDEF",
  signingSecret: "fedcba9876543210fedcba9876543210",
  baseUrl: undefined,
  keys: key,
  publicUrl: "https://slack.acme.dev",
  publicClient: false
}

const url = "https://slack.acme.dev/slack/install"
const redirect = "https://slack.acme.dev/slack/oauth_redirect"
const events = "https://slack.acme.dev/slack/events"
const baseUrl = "https://slack.com"

const expected: Server.Expected = { url, redirectUrl: redirect, baseUrl, clientId: settings.clientId }

const consent = (more: Readonly<Record<string, string>> = {}, base = baseUrl) =>
  `${base}/oauth/v2/authorize?${new URLSearchParams({
    client_id: settings.clientId ?? "",
    scope: "chat:write",
    redirect_uri: redirect,
    state: "a-state-with-many-bits-of-chance",
    ...more
  })}`

const goodCookie = "__Host-slack-install-abc=x.y.; Max-Age=4200; Path=/; HttpOnly; Secure; SameSite=Lax"

const reply = (
  status: number,
  more: Partial<Extract<Server.Reply, { readonly _tag: "Reply" }>> = {}
): Server.Reply => ({ _tag: "Reply", status, headers: {}, cookies: [], body: "", ...more })

const begun = (
  location = consent(),
  more: { readonly headers?: Record<string, string>; readonly cookies?: string[] } = {}
) => reply(302, { cookies: more.cookies ?? [goodCookie], headers: { location, ...more.headers } })

const noReply = (code: string): Server.Reply => ({ _tag: "NoReply", code })

const refused = (code: string): Slack.Result => ({ _tag: "Refused", code, date: undefined })

const wanted: Wanted = {
  redirectUrl: redirect,
  eventsUrl: events,
  botScopes: ["chat:write"],
  userScopes: [],
  publicClient: false
}

const live = {
  display_information: { name: "Acme" },
  features: { bot_user: { display_name: "acme" } },
  oauth_config: { redirect_urls: [redirect], scopes: { bot: ["chat:write"] } },
  settings: {
    event_subscriptions: { request_url: events, bot_events: ["app_uninstalled", "tokens_revoked"] },
    token_rotation_enabled: true
  }
}

const inLive = (id: string, change: object, more: Partial<Wanted> = {}): Finding | undefined =>
  liveApp({ ...live, ...change }, { ...wanted, ...more }).find((finding) => finding.id === id)

const project: Project = {
  node: "20.19.0",
  own: "0.1.0",
  packages: [{ name: "effect", version: "3.22.4" }, { name: "@effect/platform", version: "0.97.2" }],
  effects: ["3.22.4"]
}

/** A project with the package for Effect 4. */
const project4: Project = {
  node: "22.19.0",
  own: "1.0.0",
  packages: [{ name: "effect", version: "4.1.0" }],
  effects: ["4.1.0"]
}

const inProject4 = (id: string, change: Partial<Project>): Finding | undefined =>
  checkProject({ ...project4, ...change }).find((finding) => finding.id === id)

const inProject = (id: string, change: Partial<Project>): Finding | undefined =>
  checkProject({ ...project, ...change }).find((finding) => finding.id === id)

const keysOf = (keys: string | undefined): Finding =>
  Effect.runSync(
    Settings.keys({ ...settings, keys }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map())))
  )

const now = Date.parse("2026-11-26T12:00:00Z")
const known = ["1_installations", "2_pending_installs"]

/** What is planted, what finds it, and words of the finding. */
type Planted = readonly [name: string, level: Level, finding: () => Finding | undefined, words: string]

const planted: ReadonlyArray<Planted> = [
  // settings
  ["no client id", "error", () => Settings.clientId({ ...settings, clientId: undefined }), "is not set"],
  [
    "the app id as client id",
    "error",
    () => Settings.clientId({ ...settings, clientId: "A0123ABCDEF" }),
    "is an app id"
  ],
  [
    "a client id that became a number",
    "error",
    () => Settings.clientId({ ...settings, clientId: "6.2e+11" }),
    "a number that a parser has changed"
  ],
  [
    "a client id that a parser rounded",
    "warning",
    () => Settings.clientId({ ...settings, clientId: "628987376727.629" }),
    "looks rounded"
  ],
  [
    "a client id in quotation marks",
    "error",
    () => Settings.clientId({ ...settings, clientId: "\"1.2\"" }),
    "quotation mark"
  ],
  ["no client secret", "error", () => Settings.clientSecret({ ...settings, clientSecret: undefined }), "is not set"],
  [
    "a placeholder as client secret",
    "error",
    () => Settings.clientSecret({ ...settings, clientSecret: "${SECRET}" }),
    "placeholder"
  ],
  [
    "a client secret with a space",
    "error",
    () => Settings.clientSecret({ ...settings, clientSecret: `${hex} ` }),
    "white space"
  ],
  [
    "the signing secret as client secret",
    "error",
    () => Settings.clientSecret({ ...settings, clientSecret: settings.signingSecret }),
    "the same text"
  ],
  [
    "half a client secret",
    "warning",
    () => Settings.clientSecret({ ...settings, clientSecret: hex.slice(16) }),
    "32 hexadecimal digits"
  ],
  [
    "a client secret of a public client",
    "warning",
    () => Settings.clientSecret({ ...settings, publicClient: true }),
    "does not use it"
  ],
  ["no app id", "warning", () => Settings.appId({ ...settings, appId: undefined }), "is not set"],
  [
    "a workspace id as app id",
    "error",
    () => Settings.appId({ ...settings, appId: "T0123ABCDEF" }),
    "is not one of Slack's"
  ],
  [
    "no signing secret",
    "error",
    () => Settings.signingSecret({ ...settings, signingSecret: undefined }),
    "does not start"
  ],
  ["an empty signing secret", "error", () => Settings.signingSecret({ ...settings, signingSecret: "" }), "is empty"],
  ["a base URL with /api", "error", () => Settings.baseUrl({ ...settings, baseUrl: "https://slack.com/api" }), "/api"],
  [
    "a base URL with plain http",
    "error",
    () => Settings.baseUrl({ ...settings, baseUrl: "http://slack.com" }),
    "must be https"
  ],
  [
    "a base URL of a stranger",
    "error",
    () => Settings.baseUrl({ ...settings, baseUrl: "https://slack.com.acme.dev" }),
    "is not Slack's"
  ],
  [
    "the base URL of an emulator",
    "warning",
    () => Settings.baseUrl({ ...settings, baseUrl: "http://127.0.0.1:4000" }),
    "an emulator"
  ],
  ["no keys", "error", () => keysOf(undefined), "is not set"],
  ["a key without an id", "error", () => keysOf(Buffer.alloc(32).toString("base64")), "id:base64"],
  ["a key that is too short", "error", () => keysOf("2026:AAAA"), "32 bytes"],
  ["two keys with one id", "error", () => keysOf(`${key},${key}`), "2026"],
  ["tokens in plain text", "warning", () => keysOf("plain"), "plain text"],
  ["plain text left permitted", "warning", () => keysOf(`${key},plain`), "still permits"],
  [
    "a public URL with plain http",
    "error",
    () => Settings.publicUrl({ ...settings, publicUrl: "http://slack.acme.dev" }),
    "must be https"
  ],
  [
    "a public URL on this machine",
    "error",
    () => Settings.publicUrl({ ...settings, publicUrl: "http://localhost:3000" }),
    "is this machine"
  ],
  [
    "the public URL of the guides",
    "error",
    () => Settings.publicUrl({ ...settings, publicUrl: "https://example.com" }),
    "the example of the guides"
  ],
  [
    "a tunnel that changes its name",
    "warning",
    () => Settings.publicUrl({ ...settings, publicUrl: "https://a-b.trycloudflare.com" }),
    "another name"
  ],
  // the redirect URL
  ["no redirect URL at Slack", "error", () => redirectUrl(redirect, []), "has no redirect URL"],
  ["a slash too many at Slack", "error", () => redirectUrl(redirect, [`${redirect}/`]), "has a slash at its end"],
  ["www. at Slack", "error", () => redirectUrl(redirect, [redirect.replace("//", "//www.")]), "differs in www."],
  [
    "a port at Slack",
    "error",
    () => redirectUrl(redirect, [redirect.replace(".dev", ".dev:8443")]),
    "has another port"
  ],
  [
    "plain http at Slack",
    "error",
    () => redirectUrl(redirect, [redirect.replace("https", "http")]),
    "has http and not https"
  ],
  [
    "capital letters at Slack",
    "error",
    () => redirectUrl(redirect, [redirect.replace("oauth", "OAuth")]),
    "capital letters"
  ],
  [
    "an old tunnel at Slack",
    "error",
    () => redirectUrl(redirect, ["https://old.acme.dev/slack/oauth_redirect"]),
    "another host (old.acme.dev)"
  ],
  [
    "127.0.0.1 for localhost",
    "error",
    () => redirectUrl("http://localhost:3000/a", ["http://127.0.0.1:3000/a"]),
    "which is not localhost to Slack"
  ],
  [
    "a listed path that only begins alike",
    "error",
    () => redirectUrl(redirect, [`${baseUrl}/slack/oauth`]),
    "is not among"
  ],
  // credentials and clock
  [
    "a wrong client secret",
    "error",
    () => credentials(refused("bad_client_secret"), { baseUrl, publicClient: false }),
    "is not the secret of this app"
  ],
  [
    "a client id of another Slack",
    "error",
    () => credentials(refused("invalid_client_id"), { baseUrl, publicClient: false }),
    "does not know"
  ],
  [
    "a public client that Slack knows no PKCE of",
    "error",
    () => credentials(refused("bad_client_secret"), { baseUrl, publicClient: true }),
    "wants a client secret"
  ],
  [
    "a proxy that adds a header",
    "error",
    () => credentials(refused("invalid_auth"), { baseUrl, publicClient: false }),
    "changes it"
  ],
  [
    "no way to Slack",
    "error",
    () =>
      credentials({ _tag: "NoAnswer", problem: "did not answer (ENOTFOUND)", date: undefined }, {
        baseUrl,
        publicClient: false
      }),
    "ENOTFOUND"
  ],
  [
    "a Slack that takes any code",
    "error",
    () => credentials({ _tag: "Ok", body: {}, date: undefined }, { baseUrl, publicClient: false }),
    "This is not Slack"
  ],
  ["a clock that is ahead", "error", () => clock("Thu, 26 Nov 2026 11:54:00 GMT", now), "360 seconds ahead"],
  [
    "a clock that is a little behind",
    "warning",
    () => clock("Thu, 26 Nov 2026 12:00:30 GMT", now),
    "30 seconds behind"
  ],
  // the server
  [
    "a public URL without a DNS record",
    "error",
    () => Server.install(noReply("ENOTFOUND"), expected),
    "its host does not exist"
  ],
  [
    "a server that does not run",
    "error",
    () => Server.install(noReply("ECONNREFUSED"), expected),
    "nothing listens there"
  ],
  [
    "a certificate of nobody",
    "error",
    () => Server.install(noReply("DEPTH_ZERO_SELF_SIGNED_CERT"), expected),
    "certificate is not trusted"
  ],
  ["a proxy that does not know the prefix", "error", () => Server.install(reply(404), expected), "not found (404)"],
  ["a tunnel without its server", "error", () => Server.install(reply(502), expected), "fails (502)"],
  [
    "a layer that does not build",
    "error",
    () => Server.install(reply(503, { headers: { "retry-after": "5" } }), expected),
    "did not build"
  ],
  [
    "a login in front of the server",
    "error",
    () => Server.install(reply(401, { headers: { "www-authenticate": "Basic" } }), expected),
    "asks for a login"
  ],
  [
    "a redirect to another host",
    "error",
    () => Server.install(reply(308, { headers: { location: "https://www.acme.dev/x" } }), expected),
    "redirects to https://www.acme.dev/x"
  ],
  [
    "another page at the install address",
    "error",
    () => Server.install(reply(200), expected),
    "does not redirect to Slack"
  ],
  [
    "another app at the install address",
    "error",
    () => Server.install(begun(consent({ client_id: "1.2" })), expected),
    "another client id"
  ],
  [
    "a publicUrl inside of the proxy",
    "error",
    () => Server.install(begun(consent({ redirect_uri: "http://app:3000/slack/oauth_redirect" })), expected),
    "http://app:3000/slack/oauth_redirect, and not to"
  ],
  [
    "a server of another Slack",
    "error",
    () => Server.install(begun(consent({}, "https://slack-gov.com")), expected),
    "https://slack-gov.com"
  ],
  [
    "a link of one's own without a state",
    "error",
    () => Server.install(begun(consent({ state: "" })), expected),
    "without a state"
  ],
  [
    "a cache in front of the server",
    "error",
    () => Server.install(begun(consent(), { headers: { "cf-cache-status": "HIT" } }), expected),
    "from a cache"
  ],
  [
    "a proxy that removes the cookie",
    "error",
    () => Server.cookie(begun(consent(), { cookies: [] }), expected),
    "removes Set-Cookie"
  ],
  [
    "a proxy that renames the cookie",
    "error",
    () => Server.cookie(begun(consent(), { cookies: [goodCookie.replace("__Host-", "")] }), expected),
    "does not begin with __Host-"
  ],
  [
    "a proxy that adds a Domain to the cookie",
    "error",
    () => Server.cookie(begun(consent(), { cookies: [`${goodCookie}; Domain=acme.dev`] }), expected),
    "has a Domain"
  ],
  [
    "a proxy that changes the path of the cookie",
    "error",
    () => Server.cookie(begun(consent(), { cookies: [goodCookie.replace("Path=/", "Path=/app")] }), expected),
    "its Path is not /"
  ],
  [
    "a proxy that makes the cookie strict",
    "error",
    () => Server.cookie(begun(consent(), { cookies: [goodCookie.replace("Lax", "Strict")] }), expected),
    "not SameSite=Lax"
  ],
  ["a callback that goes nowhere", "error", () => Server.callback(reply(404), redirect), "not found"],
  ["a callback behind a firewall", "error", () => Server.callback(reply(403), redirect), "forbidden"],
  ["another page at the callback", "warning", () => Server.callback(reply(200), redirect), "status 200"],
  ["an event address that takes no POST", "error", () => Server.events(reply(405), events), "takes no POST"],
  ["CSRF protection in front of events", "error", () => Server.events(reply(403), events), "CSRF protection"],
  ["an event address that checks no signature", "error", () => Server.events(reply(200), events), "did not sign"],
  [
    "another signing secret at the server",
    "error",
    () => Server.challenge(reply(401), events, "x"),
    "refuses what SLACK_SIGNING_SECRET has signed"
  ],
  [
    "a handler without url_verification",
    "error",
    () => Server.challenge(reply(200, { body: "ok" }), events, "x"),
    "does not answer the challenge"
  ],
  // the app's settings at Slack
  [
    "a scope that the app does not have",
    "error",
    () => inLive("scopes", {}, { botScopes: ["files:read"] }),
    "files:read (bot)"
  ],
  ["bot scopes without a bot user", "error", () => inLive("scopes", { features: {} }), "no bot user"],
  [
    "no subscription to tokens_revoked",
    "error",
    () =>
      inLive("event-subscriptions", {
        settings: { event_subscriptions: { request_url: events, bot_events: ["app_uninstalled"] } }
      }),
    "does not subscribe to tokens_revoked"
  ],
  [
    "events that go to another address",
    "error",
    () =>
      inLive("event-subscriptions", {
        settings: {
          event_subscriptions: {
            request_url: "https://old.acme.dev",
            bot_events: ["app_uninstalled", "tokens_revoked"]
          }
        }
      }),
    "https://old.acme.dev, and not to"
  ],
  ["no event address at Slack", "error", () => inLive("event-subscriptions", { settings: {} }), "no request URL"],
  [
    "Socket Mode",
    "error",
    () => inLive("event-subscriptions", { settings: { ...live.settings, socket_mode_enabled: true } }),
    "Socket Mode is on"
  ],
  ["no rotation", "warning", () => inLive("rotation", { settings: {} }), "Token rotation is off"],
  [
    "PKCE for an app with a secret",
    "warning",
    () => inLive("pkce", { oauth_config: { ...live.oauth_config, pkce_enabled: true } }),
    "30 days"
  ],
  [
    "no PKCE for an app without a secret",
    "error",
    () => inLive("pkce", {}, { publicClient: true }),
    "PKCE is off at Slack"
  ],
  // packages
  ["an old Node", "error", () => inProject("node", { node: "18.20.4" }), "too old"],
  [
    "Effect 4 with the package for Effect 3",
    "error",
    () => inProject("effect", { packages: [{ name: "effect", version: "4.1.0" }], effects: ["4.1.0"] }),
    "is for Effect 3"
  ],
  ["Effect 3 with the package for Effect 4", "error", () => inProject("effect", { own: "1.0.0" }), "is for Effect 4"],
  [
    "a Node that is too old for Effect 4",
    "error",
    () => inProject4("node", { node: "20.19.0" }),
    "Install Node 22.19.0"
  ],
  [
    "an effect 4 that is too new",
    "error",
    () => inProject4("peers", { packages: [{ name: "effect", version: "4.2.0" }], effects: ["4.2.0"] }),
    "newer than"
  ],
  [
    "a package of Effect 3 beside Effect 4",
    "error",
    () => inProject4("peers", { packages: [...project4.packages, { name: "@effect/platform", version: "0.97.2" }] }),
    "@effect/platform 0.97.2 is for Effect 3"
  ],
  [
    "a driver for Effect 4 beside Effect 3",
    "error",
    () => inProject("peers", { packages: [...project.packages, { name: "@effect/sql-pg", version: "4.0.5" }] }),
    "@effect/sql-pg 4.0.5 is for Effect 4"
  ],
  [
    "two copies of effect",
    "error",
    () => inProject("effect", { effects: ["3.22.4", "3.19.19"] }),
    "2 copies of effect"
  ],
  [
    "an old effect",
    "error",
    () => inProject("peers", { packages: [{ name: "effect", version: "3.10.0" }] }),
    "older than 3.19.19"
  ],
  [
    "a new platform",
    "error",
    () =>
      inProject("peers", {
        packages: [...project.packages.slice(0, 1), { name: "@effect/platform", version: "0.99.0" }]
      }),
    "newer than"
  ],
  [
    "no platform",
    "error",
    () => inProject("peers", { packages: project.packages.slice(0, 1) }),
    "@effect/platform is not installed"
  ],
  ["another folder", "warning", () => inProject("package", { own: undefined }), "not installed here"],
  // the database
  ["tables that are not there", "warning", () => Storage.migrations(undefined, known), "no tables of this package"],
  ["a migration that has not run", "warning", () => Storage.migrations(known.slice(0, 1), known), "2_pending_installs"],
  ["tables of a newer version", "error", () => Storage.migrations([...known, "3_more"], known), "3_more"],
  ["a slow database", "warning", () => Storage.latency([80, 90, 70, 400, 85]), "85 ms"],
  ["a database at the other end of the world", "error", () => Storage.latency([600, 700, 650]), "650 ms"],
  [
    "a key that was removed too early",
    "error",
    () => Storage.decryption(5, { keyMissing: 5 }),
    "not in SLACK_TOKEN_KEYS"
  ],
  [
    "a new key under an old id",
    "error",
    () => Storage.decryption(5, { notAuthentic: 2 }),
    "2 of 5 stored tokens cannot be read"
  ],
  ["tokens that were stored without a key", "error", () => Storage.decryption(5, { notSealed: 1 }), "plain text"],
  ["a database that may not be written to", "error", () => Storage.contract("a statement failed (25006)"), "25006"]
]

describe("a planted mistake", () => {
  for (const [name, level, finding, words] of planted) {
    it(`is found: ${name}`, () => {
      const found = finding()
      assert.strictEqual(found?.level, level, found?.what)
      assert.include(`${found?.what} ${found?.todo}`, words)
      assert.isAbove(found?.todo.length ?? 0, 15, "it says what to do")
      for (const secret of [hex, settings.signingSecret ?? "-", key.slice(5)]) {
        assert.notInclude(`${found?.what} ${found?.todo}`, secret)
      }
    })
  }

  it("is one of many, each with a name of its own", () => {
    assert.isAtLeast(planted.length, 90)
    assert.strictEqual(new Set(planted.map(([name]) => name)).size, planted.length)
  })
})

describe("what is right", () => {
  const right: ReadonlyArray<readonly [name: string, finding: () => Finding | undefined]> = [
    ["the client id", () => Settings.clientId(settings)],
    ["the client secret", () => Settings.clientSecret(settings)],
    [
      "no client secret of a public client",
      () => Settings.clientSecret({ ...settings, clientSecret: undefined, publicClient: true })
    ],
    ["the app id", () => Settings.appId(settings)],
    [
      "two signing secrets while one replaces the other",
      () => Settings.signingSecret({ ...settings, signingSecret: `${hex},${settings.signingSecret}` })
    ],
    ["no base URL", () => Settings.baseUrl(settings)],
    ["GovSlack", () => Settings.baseUrl({ ...settings, baseUrl: "https://slack-gov.com" })],
    ["the keys", () => keysOf(key)],
    ["the public URL", () => Settings.publicUrl(settings)],
    [
      "this machine with an emulator",
      () => Settings.publicUrl({ ...settings, publicUrl: "http://localhost:3000", baseUrl: "http://localhost:4000" })
    ],
    ["the redirect URL", () => redirectUrl(redirect, ["https://old.acme.dev/", redirect])],
    ["a redirect URL below a listed one", () => redirectUrl(redirect, ["https://slack.acme.dev/slack"])],
    ["the credentials", () => credentials(refused("invalid_code"), { baseUrl, publicClient: false })],
    ["the clock", () => clock("Thu, 26 Nov 2026 12:00:02 GMT", now)],
    ["the install address", () => Server.install(begun(), expected)],
    ["the cookie", () => Server.cookie(begun(), expected)],
    [
      "a cookie on plain http with an emulator",
      () =>
        Server.cookie(begun(consent(), { cookies: ["slack-install-a=x; Path=/; HttpOnly; SameSite=Lax"] }), {
          ...expected,
          url: "http://localhost:3000/slack/install"
        })
    ],
    ["the callback", () => Server.callback(reply(400), redirect)],
    ["the event address", () => Server.events(reply(401), events)],
    ["the signature", () => Server.challenge(reply(200, { body: "{\"challenge\":\"x\"}" }), events, "x")],
    ["the migrations", () => Storage.migrations(known, known)],
    ["the latency", () => Storage.latency([0.4, 0.3, 12])],
    ["the stored tokens", () => Storage.decryption(20, {})],
    ["no stored tokens", () => Storage.decryption(0, {})],
    ["the contract", () => Storage.contract(undefined)],
    ...["redirect-url", "scopes", "event-subscriptions", "rotation", "pkce"].map((id) =>
      [`the app at Slack: ${id}`, () => inLive(id, {})] as const
    ),
    ...["node", "package", "effect", "peers"].flatMap((id) => [
      [`the project with Effect 3: ${id}`, () => inProject(id, {})] as const,
      [`the project with Effect 4: ${id}`, () => inProject4(id, {})] as const
    ])
  ]
  for (const [name, finding] of right) {
    it(`is left alone: ${name}`, () => {
      const found = finding()
      assert.deepInclude(found, { level: "ok", todo: "" }, found?.what)
    })
  }

  it("has the versions of package.json", () => {
    const root = Path.resolve(import.meta.dirname, "..")
    const manifest = JSON.parse(Fs.readFileSync(Path.join(root, "package.json"), "utf8")) as {
      readonly version: string
      readonly engines: { readonly node: string }
      readonly peerDependencies: Readonly<Record<string, string>>
    }
    const { node, ranges } = needs[manifest.version.startsWith("0.") ? 0 : 1]
    assert.sameMembers(Object.keys(ranges), Object.keys(manifest.peerDependencies))
    for (const [name, [from, below]] of Object.entries(ranges)) {
      const range = manifest.peerDependencies[name] ?? ""
      const [, lowest, highest] = /^>=(\S+) <(\S+)$/.exec(range) ?? [undefined, range.slice(1), below]
      assert.deepStrictEqual([from, below], [lowest, highest], name)
    }
    assert.strictEqual(`>=${node.replace(/\.0$/, "")}`, manifest.engines.node)
  })
})
