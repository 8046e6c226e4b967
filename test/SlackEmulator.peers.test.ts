/**
 * Slack's own packages against the emulator, over HTTP and in real time.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import SlackOAuth from "@slack/oauth"
import type { Installation, InstallationStore } from "@slack/oauth"
import { ErrorCode, LogLevel, WebClient } from "@slack/web-api"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { silent } from "../bench/support/peer.js"
import * as Codes from "../src/internal/codes.js"
import * as Consent from "./utils/consentPage.js"

const start = (options?: SlackEmulator.Options) =>
  ManagedRuntime.make(
    Layer.merge(SlackEmulator.serve(), SlackEmulator.layerSlackAppServed()).pipe(
      Layer.provideMerge(SlackEmulator.layer(options)),
      Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  )

const settings = Effect.map(
  Effect.zip(SlackApp.SlackApp, SlackEmulator.app),
  ([{ baseUrl, clientId }, { clientSecret }]) => ({
    baseUrl,
    apiUrl: `${baseUrl}/api/`,
    clientId,
    clientSecret: Redacted.value(clientSecret)
  })
)

const quiet = { logLevel: LogLevel.ERROR, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true }

/** The error code that a call of @slack/web-api fails with. */
const errorOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "no error",
    (error) => error.code === ErrorCode.PlatformError ? error.data.error : error.code
  )

describe("@slack/web-api", () => {
  const emulator = start()
  let slack: Effect.Effect.Success<typeof settings>
  let client: WebClient
  let credentials: { readonly client_id: string; readonly client_secret: string }

  beforeAll(async () => {
    slack = await emulator.runPromise(settings)
    client = new WebClient(undefined, { slackApiUrl: slack.apiUrl, ...quiet })
    credentials = { client_id: slack.clientId, client_secret: slack.clientSecret }
  })

  afterAll(() => emulator.dispose())

  const freshCode = (request?: SlackEmulator.AuthorizeRequest) =>
    emulator.runPromise(Effect.map(SlackEmulator.authorize(request), ({ code }) => code))

  it("redeems a code, refreshes, and calls auth.test", async () => {
    const code = await freshCode({ scopes: ["chat:write", "commands"], userScopes: ["search:read"] })
    const installed = await client.oauth.v2.access({ ...credentials, code })
    assert.strictEqual(installed.ok, true)
    assert.strictEqual(installed.token_type, "bot")
    assert.strictEqual(installed.scope, "chat:write,commands")
    assert.strictEqual(installed.expires_in, 43_200)
    assert.strictEqual(installed.team?.id, "T0EMULATED")
    assert.strictEqual(installed.enterprise, null)
    assert.strictEqual(installed.is_enterprise_install, false)
    assert.strictEqual(installed.authed_user?.token_type, "user")

    const refreshed = await client.oauth.v2.access({
      ...credentials,
      grant_type: "refresh_token",
      refresh_token: installed.refresh_token ?? ""
    })
    assert.notStrictEqual(refreshed.access_token, installed.access_token)
    assert.isUndefined(refreshed.authed_user, "an answer to a refresh names nobody who clicked")

    const refreshedUser = await client.oauth.v2.access({
      ...credentials,
      grant_type: "refresh_token",
      refresh_token: installed.authed_user?.refresh_token ?? ""
    })
    assert.strictEqual(refreshedUser.token_type, "user")
    assert.match(refreshedUser.access_token ?? "", /^xoxe\.xoxp-1-/)

    const bot = await client.auth.test({ token: refreshed.access_token ?? "" })
    assert.strictEqual(bot.team_id, "T0EMULATED")
    assert.isString(bot.bot_id)
    const person = await client.auth.test({ token: refreshedUser.access_token ?? "" })
    assert.strictEqual(person.user_id, "U0EMULATED")
    assert.isUndefined(person.bot_id)
  })

  it("exchanges a long-lived token only once", async () => {
    const token = Redacted.value(await emulator.runPromise(SlackEmulator.issueLegacyToken()))
    const exchanged = await client.oauth.v2.exchange({ ...credentials, token })
    assert.strictEqual(exchanged.token_type, "bot")
    assert.match(exchanged.access_token ?? "", /^xoxe\.xoxb-1-/)
    assert.match(exchanged.refresh_token ?? "", /^xoxe-1-/)
    assert.strictEqual(await errorOf(client.oauth.v2.exchange({ ...credentials, token })), "token_already_exchanged")
  })

  it("revokes and uninstalls", async () => {
    const revocable = await client.oauth.v2.access({ ...credentials, code: await freshCode() })
    const token = revocable.access_token ?? ""
    assert.propertyVal(await client.auth.revoke({ token, test: true }), "revoked", false)
    assert.propertyVal(await client.auth.revoke({ token }), "revoked", true)
    assert.strictEqual(await errorOf(client.auth.test({ token })), "token_revoked")

    const last = await client.oauth.v2.access({ ...credentials, code: await freshCode() })
    assert.strictEqual((await client.apps.uninstall({ ...credentials, token: last.access_token ?? "" })).ok, true)
    const refresh_token = last.refresh_token ?? ""
    assert.strictEqual(
      await errorOf(client.oauth.v2.access({ ...credentials, grant_type: "refresh_token", refresh_token })),
      "token_revoked"
    )
  })

  it("gets the refusals that depend on the state", async () => {
    const used = await freshCode()
    await client.oauth.v2.access({ ...credentials, code: used })
    const named = await freshCode({ redirectUri: "https://example.com/one" })
    const refusals = {
      invalid_code: client.oauth.v2.access({ ...credentials, code: used }),
      bad_redirect_uri: client.oauth.v2.access({
        ...credentials,
        code: named,
        redirect_uri: "https://example.com/two"
      }),
      bad_client_secret: client.oauth.v2.access({ ...credentials, client_secret: "test-secret", code: "a-code" }),
      invalid_client_id: client.oauth.v2.access({ ...credentials, client_id: "1.1", code: "a-code" }),
      invalid_refresh_token: client.oauth.v2.access({
        ...credentials,
        grant_type: "refresh_token",
        refresh_token: "xoxe-1-test"
      }),
      invalid_token: client.oauth.v2.exchange({ ...credentials, token: "xoxb-test" }),
      not_authed: client.auth.test(),
      invalid_auth: client.auth.test({ token: "xoxb-test" })
    }
    for (const [code, call] of Object.entries(refusals)) assert.strictEqual(await errorOf(call), code)
  })

  it("gets every documented code on demand", async () => {
    const documented: ReadonlyArray<Codes.SlackCode> = Object.values(Codes)
    for (const { code, methods } of documented) {
      for (const method of methods) {
        await emulator.runPromise(SlackEmulator.inject({ method, fault: SlackEmulator.code(code) }))
        const call = method === "oauth.v2.access"
          ? client.oauth.v2.access({ ...credentials, code: "a-code" })
          : client.oauth.v2.exchange({ ...credentials, token: "xoxb-test" })
        assert.strictEqual(await errorOf(call), code)
      }
    }
  })

  it("gets the faults of HTTP and of the connection", async () => {
    const access = () => client.oauth.v2.access({ ...credentials, code: "a-code" })
    const inject = (fault: SlackEmulator.Fault) => emulator.runPromise(SlackEmulator.inject({ fault }))

    await inject(SlackEmulator.rateLimited({ retryAfter: "7 seconds" }))
    const limited = await access().catch((error) => error)
    assert.deepStrictEqual([limited.code, limited.retryAfter], [ErrorCode.RateLimitedError, 7])

    await inject(SlackEmulator.serverError(503))
    assert.strictEqual(await errorOf(access()), ErrorCode.HTTPError)

    for (const fault of [SlackEmulator.cutBeforeReading, SlackEmulator.cutAfterStateChange]) {
      await inject(fault)
      assert.strictEqual(await errorOf(access()), ErrorCode.RequestError)
    }

    await inject(SlackEmulator.cutInBody)
    const broken = await access().catch((error) => error)
    assert.instanceOf(broken, TypeError, "for a body that breaks off it has no code of its own")
  })
})

describe("@slack/oauth", () => {
  // `authorize` of @slack/oauth refreshes a token in the two hours before its expiry: here always.
  const emulator = start({ accessTokenLifetime: "1 hour" })
  afterAll(() => emulator.dispose())

  const makeStore = () => {
    const rows = new Map<string, Installation>()
    const idOf = (team: string | undefined) => team ?? ""
    const store: InstallationStore = {
      storeInstallation: (installation) => {
        rows.set(idOf(installation.team?.id), installation)
        return Promise.resolve()
      },
      // Each read returns a copy, as a database does.
      fetchInstallation: ({ teamId }) => {
        const row = rows.get(idOf(teamId))
        return row === undefined
          ? Promise.reject(new Error("not installed"))
          : Promise.resolve(structuredClone(row) as Installation<any, any>)
      }
    }
    return { rows, store }
  }

  const makeProvider = async (store: InstallationStore) => {
    const slack = await emulator.runPromise(settings)
    return new SlackOAuth.InstallProvider({
      clientId: slack.clientId,
      clientSecret: slack.clientSecret,
      stateSecret: "test-state-secret",
      installationStore: store,
      authorizationUrl: `${slack.baseUrl}/oauth/v2/authorize`,
      clientOptions: { slackApiUrl: slack.apiUrl, ...quiet },
      directInstall: true,
      logger: silent
    })
  }

  /** What the app lists. The browser below goes to the free port of the test instead. */
  const redirectUri = "http://127.0.0.1:3000/callback"

  /** The provider of @slack/oauth as a web app, with a start page and a callback. */
  const serve = async (provider: SlackOAuth.InstallProvider) => {
    const server = createServer((request, response) => {
      const handled = request.url?.startsWith("/install") === true
        ? provider.handleInstallPath(request, response, {}, {
          scopes: ["chat:write"],
          userScopes: ["search:read"],
          redirectUri
        })
        : provider.handleCallback(request, response)
      handled.catch((error) => response.writeHead(500).end(String(error)))
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { url, stop: () => server.close() }
  }

  /** A browser that keeps one cookie and does not follow redirects. */
  const install = async (url: string, button: "allow" | "cancel") => {
    const started = await fetch(`${url}/install`, { redirect: "manual" })
    const cookie = started.headers.get("set-cookie")?.split(";")[0] ?? ""
    const authorizeUrl = started.headers.get("location") ?? ""
    const page = await fetch(authorizeUrl).then((response) => response.text())
    const decided = await fetch(authorizeUrl, {
      method: "POST",
      body: Consent.submission(page, button),
      redirect: "manual"
    })
    const { pathname, search } = new URL(decided.headers.get("location") ?? "")
    return await fetch(`${url}${pathname}${search}`, { headers: { cookie } })
  }

  it("installs with the consent page, and refreshes when it is asked for a token", async () => {
    const { rows, store } = makeStore()
    const provider = await makeProvider(store)
    const app = await serve(provider)
    try {
      const installed = await install(app.url, "allow")
      assert.strictEqual(installed.status, 200, await installed.text())
      const row = rows.get("T0EMULATED") ?? assert.fail("nothing is stored")
      assert.strictEqual(row.team?.name, "Emulated Workspace")
      assert.strictEqual(row.user.id, "U0EMULATED")
      assert.isString(row.bot?.id, "auth.test told it the bot's id")
      assert.isString(row.bot?.refreshToken)
      assert.isString(row.user.refreshToken)

      const result = await provider.authorize({
        teamId: "T0EMULATED",
        enterpriseId: undefined,
        isEnterpriseInstall: false
      })
      assert.notStrictEqual(result.botToken, row.bot?.token)
      assert.strictEqual(result.botToken, rows.get("T0EMULATED")?.bot?.token)
      const chains = await emulator.runPromise(SlackEmulator.chains)
      assert.deepStrictEqual(chains.map(({ kind, refreshes }) => [kind, refreshes]), [["bot", 1], ["user", 1]])
    } finally {
      app.stop()
    }
  })

  it("is notified when the person cancels", async () => {
    const { rows, store } = makeStore()
    const app = await serve(await makeProvider(store))
    try {
      const cancelled = await install(app.url, "cancel")
      assert.notStrictEqual(cancelled.status, 200)
      assert.strictEqual(rows.size, 0)
    } finally {
      app.stop()
    }
  })

  it("refreshes twenty times for twenty concurrent requests for one token", async () => {
    const { rows, store } = makeStore()
    const provider = await makeProvider(store)
    const slack = await emulator.runPromise(settings)
    const { id } = await emulator.runPromise(
      Effect.flatMap(SlackEmulator.SlackEmulator, (emulator) => emulator.addWorkspace({ id: "T0STORM" }))
    )
    const { code } = await emulator.runPromise(SlackEmulator.authorize({ workspace: id }))
    const client = new WebClient(undefined, { slackApiUrl: slack.apiUrl, ...quiet })
    const installed = await client.oauth.v2.access({
      client_id: slack.clientId,
      client_secret: slack.clientSecret,
      code
    })
    rows.set(id, {
      team: { id, name: id },
      enterprise: undefined,
      authVersion: "v2",
      user: { id: "U0EMULATED", token: undefined, scopes: undefined },
      bot: {
        id: "B0TEST",
        userId: installed.bot_user_id ?? "",
        token: installed.access_token ?? "",
        refreshToken: installed.refresh_token ?? "",
        expiresAt: Math.floor(Date.now() / 1000) + 3600,
        scopes: ["chat:write"]
      }
    })

    const query = { teamId: id, enterpriseId: undefined, isEnterpriseInstall: false }
    const results = await Promise.all(Array.from({ length: 20 }, () => provider.authorize(query)))

    const chain = await emulator.runPromise(
      Effect.map(SlackEmulator.chains, (chains) => chains.find(({ target }) => target === id))
    ) ?? assert.fail("there is no chain")
    assert.strictEqual(chain.refreshes, 20, "one refresh would have done")
    assert.strictEqual(chain.replays, 19, "the same refresh token nineteen times more")
    assert.strictEqual(chain.liveAccessTokens.length, 2)
    const live = new Set(chain.liveAccessTokens.map(Redacted.value))
    assert.strictEqual(new Set(results.map(({ botToken }) => botToken)).size, 20)
    assert.strictEqual(
      results.filter(({ botToken }) => !live.has(botToken ?? "")).length,
      18,
      "eighteen callers hold a token that is revoked already"
    )
  })
})
