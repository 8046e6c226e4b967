/**
 * Clients by other authors against the command and a seed file, over HTTP: install, callback, refresh, exchange, revoke, the
 * events of an uninstall, and the errors that the state causes.
 */
import * as Bolt from "@slack/bolt"
import type { Installation, InstallationStore } from "@slack/oauth"
import SlackOAuth from "@slack/oauth"
import { LogLevel, WebClient } from "@slack/web-api"
import { execFile } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { promisify } from "node:util"
import * as OAuth from "oauth4webapi"
import { afterAll, assert, beforeAll, beforeEach, describe, it } from "vitest"
import { silent } from "../bench/support/peer.js"
import { bundled } from "./utils/bundle.js"
import * as Cli from "./utils/cli.js"
import { freePort } from "./utils/freePort.js"
import { acquire } from "./utils/resources.js"
import type { Settings } from "./utils/workers/arcticWorker.js"

const arctic = await acquire(bundled("test/utils/workers/arcticWorker.ts"))

const file = resolve(".tmp/cli-foreign/main.js")
const seedFile = resolve(".tmp/cli-foreign/seed.json")

const client = { id: "111.222", secret: "a+secret%2B/of=100%" }
const publicClient = { id: "111.333", secret: "unused" }
const permanent = { id: "111.444", secret: "another-secret" }
const credentials = { client_id: client.id, client_secret: client.secret }

let slack = ""
let port = 0
let emulator: Awaited<ReturnType<typeof Cli.startEmulator>>

const redirectUri = () => `http://localhost:${port}/slack/oauth_redirect`

beforeAll(async () => {
  await Cli.bundle(file)
  port = await freePort()
  const base = `http://localhost:${port}`
  mkdirSync(resolve(".tmp/cli-foreign"), { recursive: true })
  writeFileSync(
    seedFile,
    JSON.stringify({
      apps: [
        {
          id: "A0TEA",
          clientId: client.id,
          clientSecret: client.secret,
          signingSecret: "a-signing-secret",
          redirectUris: [base],
          events: `http://127.0.0.1:${port}/slack/events`
        },
        { clientId: publicClient.id, clientSecret: publicClient.secret, redirectUris: [base], pkce: true },
        { clientId: permanent.id, clientSecret: permanent.secret, redirectUris: [base], rotation: false }
      ],
      organizations: [{ id: "E0BIG" }],
      workspaces: [
        { id: "T0TEA", name: "Tea Room" },
        { id: "T0EAST", organization: "E0BIG" },
        { id: "T0SAFE", requiresTwoFactor: true }
      ],
      people: [{ id: "U0ADA" }, { id: "U0BEA", emailVerified: false }, { id: "U0CLEO", twoFactor: false }],
      codes: [{ code: "seeded-code" }],
      tokens: [
        { workspace: "T0TEA", accessToken: "xoxb-legacy" },
        { workspace: "T0TEA", person: "U0ADA", accessToken: "xoxp-legacy", scopes: ["search:read"] },
        { workspace: "T0EAST", accessToken: "xoxe.xoxb-1-old", refreshToken: "xoxe-1-old", expiresIn: 0 },
        { clientId: permanent.id, workspace: "T0TEA", accessToken: "xoxb-permanent" }
      ],
      methods: { "chat.postMessage": { scopes: ["chat:write"], answer: { ts: "1.2" } } }
    })
  )
  emulator = await Cli.startEmulator(file, ["--seed", seedFile, "--control"])
  slack = emulator.url
})

afterAll(() => emulator.stop())

const control = async (name: string, body: unknown = {}): Promise<any> => {
  const response = await fetch(`${slack}/control/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  assert.strictEqual(response.status, 200, await response.clone().text())
  return response.json()
}

const asked = (name: string): Promise<any> => fetch(`${slack}/control/${name}`).then((response) => response.json())

beforeEach(() => control("restart"))

/** A person on the consent page at an authorize URL, without a browser: the address that Slack redirects to. */
const decide = async (url: string | URL, fields: Record<string, string> = {}) => {
  const page = new URL(url)
  const response = await fetch(page.origin + page.pathname, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ ...Object.fromEntries(page.searchParams), decision: "allow", ...fields })
  })
  const location = response.headers.get("location")
  assert.isNotNull(location, await response.text())
  return new URL(location ?? "")
}

const web = (token?: string) =>
  new WebClient(token, {
    slackApiUrl: `${slack}/api/`,
    logLevel: LogLevel.ERROR,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true
  })

/** The code that a call of @slack/web-api fails with. */
const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(() => "ok", (error) => error.data?.error ?? error.code)

const authorizeUrl = (parameters: Record<string, string> = {}) =>
  `${slack}/oauth/v2/authorize?${new URLSearchParams({ client_id: client.id, scope: "chat:write", ...parameters })}`

const newCode = async (parameters?: Record<string, string>, fields?: Record<string, string>) =>
  (await decide(authorizeUrl(parameters), fields)).searchParams.get("code") ?? ""

const makeStore = () => {
  const rows = new Map<string, Installation>()
  const keyOf = (id: string | undefined) => id ?? ""
  const installationStore: InstallationStore = {
    storeInstallation: (installation) => {
      rows.set(keyOf(installation.team?.id), installation)
      return Promise.resolve()
    },
    fetchInstallation: ({ teamId }) =>
      Promise.resolve(structuredClone(rows.get(keyOf(teamId))) as Installation<any, any>),
    deleteInstallation: ({ teamId }) => {
      rows.delete(keyOf(teamId))
      return Promise.resolve()
    }
  }
  return { rows, installationStore }
}

describe("@slack/web-api", () => {
  it("redeems, refreshes, exchanges, revokes and calls", async () => {
    const installed = await web().oauth.v2.access({ ...credentials, code: await newCode() })
    const posted = await web(installed.access_token).apiCall("chat.postMessage", { channel: "C0TEA", text: "tea" })
    assert.strictEqual(Reflect.get(posted, "ts"), "1.2")
    const me = await web(installed.access_token).auth.test()
    assert.deepInclude(me, { team: "Tea Room", team_id: "T0TEA", user_id: installed.bot_user_id ?? "" })
    assert.match(me.bot_id ?? "", /^B[0-9A-Z]{8,}$/)

    const refreshed = await web().oauth.v2.access({
      ...credentials,
      grant_type: "refresh_token",
      refresh_token: installed.refresh_token ?? ""
    })
    assert.isTrue((await web(refreshed.access_token).auth.test()).ok)
    await web(refreshed.access_token).auth.revoke()
    assert.strictEqual(await refusal(web(refreshed.access_token).auth.test()), "token_revoked")

    const exchanged = await web().oauth.v2.exchange({ ...credentials, token: "xoxp-legacy" })
    assert.strictEqual((await web(String(exchanged["access_token"])).auth.test()).user_id, "U0ADA")
  })

  const refusals: ReadonlyArray<readonly [string, string, () => Promise<unknown>]> = [
    ["invalid_code", "a code that was used", async () => {
      await web().oauth.v2.access({ ...credentials, code: "seeded-code" })
      await web().oauth.v2.access({ ...credentials, code: "seeded-code" })
    }],
    ["invalid_code", "a code of ten minutes", async () => {
      await control("clock", { by: "10 minutes" })
      await web().oauth.v2.access({ ...credentials, code: "seeded-code" })
    }],
    [
      "bad_redirect_uri",
      "another redirect URI",
      async () => web().oauth.v2.access({ ...credentials, code: "seeded-code", redirect_uri: redirectUri() })
    ],
    [
      "bad_client_secret",
      "a wrong secret",
      () => web().oauth.v2.access({ ...credentials, client_secret: "wrong", code: "seeded-code" })
    ],
    [
      "invalid_client_id",
      "an unknown app",
      () => web().oauth.v2.access({ ...credentials, client_id: "1.1", code: "seeded-code" })
    ],
    [
      "invalid_grant_type",
      "an unknown grant",
      () => web().apiCall("oauth.v2.access", { ...credentials, grant_type: "password" })
    ],
    ["oauth_authorization_url_mismatch", "a code of the classic page", async () => {
      const url = authorizeUrl().replace("/oauth/v2/authorize", "/oauth/authorize")
      const code = (await decide(url)).searchParams.get("code") ?? ""
      await web().oauth.v2.access({ ...credentials, code })
    }],
    ["invalid_refresh_token", "a refresh token after its grace period", async () => {
      const grant = { ...credentials, grant_type: "refresh_token" as const, refresh_token: "xoxe-1-old" }
      await web().oauth.v2.access(grant)
      await control("clock", { by: "1 minute" })
      await web().oauth.v2.access(grant)
    }],
    ["token_expired", "an access token of twelve hours", () => web("xoxe.xoxb-1-old").auth.test()],
    ["invalid_auth", "a token of nobody", () => web("xoxb-nobody").auth.test()],
    ["not_authed", "no token", () => web().auth.test()],
    ["token_revoked", "a token of an app that was removed", async () => {
      await control("uninstall", { workspace: "T0TEA" })
      await web("xoxb-legacy").auth.test()
    }],
    ["account_inactive", "a person who was deactivated", async () => {
      await control("deactivate", { id: "U0ADA" })
      await web("xoxp-legacy").auth.test()
    }],
    ["token_already_exchanged", "a second exchange", async () => {
      await web().oauth.v2.exchange({ ...credentials, token: "xoxb-legacy" })
      await web().oauth.v2.exchange({ ...credentials, token: "xoxb-legacy" })
    }],
    ["authorization_not_found", "an exchange after an uninstall", async () => {
      await control("uninstall", { workspace: "T0TEA" })
      await web().oauth.v2.exchange({ ...credentials, token: "xoxb-legacy" })
    }],
    [
      "invalid_token",
      "an exchange of another app's token",
      () => web().oauth.v2.exchange({ ...credentials, token: "xoxb-permanent" })
    ],
    [
      "token_rotation_not_enabled",
      "an exchange without rotation",
      () =>
        web().oauth.v2.exchange({ client_id: permanent.id, client_secret: permanent.secret, token: "xoxb-permanent" })
    ],
    ["cannot_install_an_org_installed_app", "a workspace of an organization that has the app", async () => {
      await web().oauth.v2.access({ ...credentials, code: await newCode({}, { target: "E0BIG" }) })
      await web().oauth.v2.access({ ...credentials, code: await newCode({}, { target: "T0EAST" }) })
    }],
    [
      "user_email_unverified",
      "a person without an address",
      async () => web().oauth.v2.access({ ...credentials, code: await newCode({}, { person: "U0BEA" }) })
    ],
    [
      "two_factor_setup_required",
      "a person without two factors",
      async () =>
        web().oauth.v2.access({ ...credentials, code: await newCode({}, { target: "T0SAFE", person: "U0CLEO" }) })
    ],
    [
      "pkce_not_allowed",
      "a verifier for an app without PKCE",
      async () =>
        web().apiCall("oauth.v2.access", { ...credentials, code: "seeded-code", code_verifier: "x".repeat(43) })
    ],
    [
      "missing_scope",
      "a method whose scope the token lacks",
      () => web("xoxp-legacy").apiCall("chat.postMessage", { channel: "C0TEA", text: "tea" })
    ],
    ["unknown_method", "a method that nobody answers", () => web("xoxb-legacy").users.list({})],
    [
      "client_id_token_mismatch",
      "an uninstall of another app",
      () => web().apps.uninstall({ ...credentials, token: "xoxb-permanent" })
    ]
  ]
  for (const [code, when, provoke] of refusals) {
    it(`gets ${code} for ${when}`, async () => {
      assert.strictEqual(await refusal(provoke()), code)
    })
  }
})

describe("@slack/oauth", () => {
  it("refreshes an expired token of the seed", async () => {
    const { installationStore, rows } = makeStore()
    rows.set("T0EAST", {
      team: { id: "T0EAST" },
      enterprise: undefined,
      isEnterpriseInstall: false,
      authVersion: "v2",
      user: { id: "U0ADA", token: undefined, scopes: undefined },
      bot: {
        id: "B0TEA",
        userId: "U0TEA",
        scopes: ["chat:write"],
        token: "xoxe.xoxb-1-old",
        refreshToken: "xoxe-1-old",
        expiresAt: 1
      }
    })
    const provider = new SlackOAuth.InstallProvider({
      clientId: client.id,
      clientSecret: client.secret,
      stateSecret: "test-state-secret",
      installationStore,
      clientOptions: { slackApiUrl: `${slack}/api/`, retryConfig: { retries: 0 } },
      logger: silent
    })
    const { botToken } = await provider.authorize({
      teamId: "T0EAST",
      enterpriseId: undefined,
      isEnterpriseInstall: false
    })
    assert.isTrue((await web(botToken).auth.test()).ok)
    assert.strictEqual(rows.get("T0EAST")?.bot?.token, botToken)
  })
})

describe("@slack/bolt", () => {
  it("installs by its own routes, and hears of an uninstall", async () => {
    const { installationStore, rows } = makeStore()
    const heard: Array<string> = []
    let all: () => void = () => undefined
    const done = new Promise<void>((resolve) => {
      all = resolve
    })
    const app = new Bolt.App({
      signingSecret: "a-signing-secret",
      clientId: client.id,
      clientSecret: client.secret,
      stateSecret: "test-state-secret",
      scopes: ["chat:write", "commands"],
      redirectUri: redirectUri(),
      installationStore,
      installerOptions: {
        directInstall: true,
        redirectUriPath: "/slack/oauth_redirect",
        authorizationUrl: `${slack}/oauth/v2/authorize`,
        clientOptions: { slackApiUrl: `${slack}/api/` }
      },
      clientOptions: { slackApiUrl: `${slack}/api/` },
      logger: silent
    })
    const hear = async (type: string) => {
      heard.push(type)
      if (heard.length === 2) all()
    }
    app.event("tokens_revoked", async ({ event }) => {
      assert.strictEqual(event.tokens.bot?.length, 1)
      await hear(event.type)
    })
    app.event("app_uninstalled", async ({ context, event }) => {
      await installationStore.deleteInstallation?.({
        teamId: context.teamId,
        enterpriseId: undefined,
        isEnterpriseInstall: false
      })
      await hear(event.type)
    })
    await app.start(port)
    try {
      const begun = await fetch(`http://localhost:${port}/slack/install`, { redirect: "manual" })
      const cookie = begun.headers.get("set-cookie")?.split(";")[0] ?? ""
      const callback = await decide(begun.headers.get("location") ?? "")
      const finished = await fetch(callback, { headers: { cookie } })
      assert.strictEqual(finished.status, 200, await finished.text())
      const bot = rows.get("T0TEA")?.bot ?? assert.fail("nothing is stored")
      assert.deepStrictEqual([...bot.scopes], ["chat:write", "commands"])
      assert.isTrue((await web(bot.token).auth.test()).ok)

      await web().apps.uninstall({ ...credentials, token: bot.token })
      await done
      assert.sameMembers(heard, ["tokens_revoked", "app_uninstalled"])
      assert.strictEqual(rows.size, 0)
      const events: ReadonlyArray<{ readonly type: string; readonly state: string }> = await asked("events")
      assert.sameMembers(events.map(({ type }) => type), ["url_verification", "tokens_revoked", "app_uninstalled"])
    } finally {
      await app.stop()
    }
  })
})

describe("oauth4webapi", () => {
  const options = {
    [OAuth.allowInsecureRequests]: true,
    recognizedTokenTypes: { bot: () => undefined, user: () => undefined }
  }
  const server = (): OAuth.AuthorizationServer => ({
    issuer: slack,
    authorization_endpoint: `${slack}/oauth/v2/authorize`,
    token_endpoint: `${slack}/api/oauth.v2.access`
  })

  for (
    const [what, id, authentication] of [
      ["with PKCE alone", publicClient.id, OAuth.None()],
      ["with a secret and PKCE", publicClient.id, OAuth.ClientSecretPost(publicClient.secret)],
      ["with HTTP Basic and PKCE", publicClient.id, OAuth.ClientSecretBasic(publicClient.secret)]
    ] as const
  ) {
    it(`installs and refreshes ${what}`, async () => {
      const as = server()
      const app = { client_id: id }
      const verifier = OAuth.generateRandomCodeVerifier()
      const state = OAuth.generateRandomState()
      const callback = await decide(authorizeUrl({
        client_id: id,
        redirect_uri: redirectUri(),
        state,
        code_challenge: await OAuth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256"
      }))
      const parameters = OAuth.validateAuthResponse(as, app, callback, state)
      const installed = await OAuth.processAuthorizationCodeResponse(
        as,
        app,
        await OAuth.authorizationCodeGrantRequest(
          as,
          app,
          authentication,
          parameters,
          redirectUri(),
          verifier,
          options
        ),
        options
      )
      const { refresh_token } = installed
      const refreshed = await OAuth.processRefreshTokenResponse(
        as,
        app,
        await OAuth.refreshTokenGrantRequest(as, app, authentication, refresh_token ?? "", options),
        options
      )
      assert.isTrue((await web(refreshed.access_token).auth.test()).ok)
      assert.strictEqual(refreshed.expires_in, 43_200)
    })
  }

  it("form-encodes the secret for HTTP Basic", async () => {
    const as = server()
    const app = { client_id: client.id }
    const callback = OAuth.validateAuthResponse(as, app, await decide(authorizeUrl()), OAuth.expectNoState)
    const response = await OAuth.authorizationCodeGrantRequest(
      as,
      app,
      OAuth.ClientSecretBasic(client.secret),
      callback,
      "https://unused.example",
      OAuth.nopkce,
      options
    )
    assert.strictEqual(
      (await response.json()).error,
      "bad_redirect_uri",
      "the client was known, the redirect URI was not"
    )
  })
})

describe("arctic", () => {
  for (
    const [what, app] of [
      ["with HTTP Basic that is not form-encoded", { clientId: client.id, clientSecret: client.secret }],
      ["with PKCE and no secret", { clientId: publicClient.id, clientSecret: null }]
    ] as const
  ) {
    it(`installs and refreshes ${what}`, async () => {
      const settings: Settings = { slack, redirectUri: redirectUri(), ...app }
      const { stdout } = await promisify(execFile)(process.execPath, [arctic, JSON.stringify(settings)])
      assert.isTrue((await web(stdout).auth.test()).ok)
    })
  }
})
