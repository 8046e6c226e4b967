import * as AppManifest from "effect-slack-oauth/AppManifest"
import * as Either from "effect/Either"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { assert, describe, it } from "vitest"
import * as Cli from "./utils/cli.js"

const options = ["--name", "My App", "--public-url", "https://example.com", "--bot-scopes", "chat:write,commands"]

const manifest = Either.getOrThrow(
  AppManifest.make({ name: "My App", publicUrl: "https://example.com", botScopes: ["chat:write", "commands"] })
)

const command = (args: ReadonlyArray<string>, env: Readonly<Record<string, string | undefined>> = {}) =>
  Cli.runHere(["manifest", ...args], env)

interface Seen {
  readonly request: IncomingMessage
  readonly body: string
}

/** A Slack that gives one answer to everything, and keeps what it was asked. */
const withSlack = async <A>(
  answer: { readonly status?: number; readonly headers?: Record<string, string>; readonly body: string },
  use: (env: Readonly<Record<string, string>>, seen: ReadonlyArray<Seen>) => Promise<A>
): Promise<A> => {
  const seen: Array<Seen> = []
  const server = createServer(async (request, response) => {
    seen.push({ request, body: await text(request) })
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers }).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  try {
    return await use({
      SLACK_BASE_URL: `http://127.0.0.1:${port}`,
      SLACK_CONFIG_TOKEN: "xoxe.xoxp-test-config",
      SLACK_APP_ID: "A0EXAMPLE"
    }, seen)
  } finally {
    server.close()
  }
}

describe("the command manifest", () => {
  it("prints a manifest that Slack takes, and nothing else on stdout", async () => {
    const { code, stderr, stdout } = await command([...options, "--events", "app_mention"])
    assert.strictEqual(code, 0, stderr)
    const printed = AppManifest.decode(JSON.parse(stdout))
    assert.deepStrictEqual(
      Either.map(printed, ({ settings }) => settings?.event_subscriptions?.bot_events),
      Either.right(["app_uninstalled", "tokens_revoked", "app_mention"])
    )
    assert.include(stderr, "https://api.slack.com/apps?new_app=1&manifest_json=")
    assert.notInclude(stderr, "cannot be undone")
  })

  it("says of switches that cannot be undone that they cannot", async () => {
    const { stderr, stdout } = await command([...options, "--rotation"])
    assert.include(stdout, "\"token_rotation_enabled\": true")
    assert.include(stderr, "--rotation cannot be undone")
  })

  it("names the option that cannot be used as it is on the command line", async () => {
    for (
      const [args, words] of [
        [
          ["--name", "My App", "--public-url", "http://example.com", "--bot-scopes", "chat:write"],
          "--public-url cannot"
        ],
        [["--name", "My App", "--public-url", "https://example.com"], "--bot-scopes, --user-scopes, or both"],
        [[...options, "--events-path", "events"], "--events-path cannot be used: it does not begin with a slash"],
        [["--name", "x".repeat(36), ...options.slice(2)], "has to be a text of 1 to 35 characters"]
      ] as const
    ) {
      const { code, stderr, stdout } = await command(args)
      assert.strictEqual(code, 1)
      assert.strictEqual(stdout, "")
      assert.include(stderr, words)
    }
  })

  it("compares with a live app, whose token goes into a header and nowhere else", () =>
    withSlack({ body: JSON.stringify({ ok: true, manifest }) }, async (env, seen) => {
      const same = await command([...options, "--diff"], env)
      assert.strictEqual(same.code, 0, same.stderr)
      assert.strictEqual(same.stdout, "The app at Slack has these settings.\n")
      assert.include(same.stderr, `Asks ${env["SLACK_BASE_URL"]} for the settings of A0EXAMPLE`)
      assert.strictEqual(seen.length, 1)
      assert.strictEqual(seen[0]?.request.method, "POST")
      assert.strictEqual(seen[0]?.request.url, "/api/apps.manifest.export")
      assert.strictEqual(seen[0]?.body, "app_id=A0EXAMPLE")
      assert.strictEqual(seen[0]?.request.headers.authorization, "Bearer xoxe.xoxp-test-config")
      assert.notProperty(seen[0]?.request.headers, "traceparent")
    }))

  it("lists each difference, and ends with 3", () =>
    withSlack({
      body: JSON.stringify({
        ok: true,
        manifest: {
          ...manifest,
          oauth_config: {
            redirect_urls: ["https://old.example/slack/oauth_redirect"],
            scopes: { bot: ["chat:write"] }
          },
          settings: { ...manifest.settings, token_rotation_enabled: true }
        }
      })
    }, async (env) => {
      const differs = await command([...options, "--diff"], env)
      assert.strictEqual(differs.code, 3)
      assert.strictEqual(
        differs.stdout,
        `oauth_config.redirect_urls
  + https://example.com/slack/oauth_redirect
  - https://old.example/slack/oauth_redirect
oauth_config.scopes.bot
  + commands
settings.token_rotation_enabled
  + false
  - true
  This switch cannot be switched off again.
`
      )
      const json = await command([...options, "--diff", "--json"], env)
      assert.strictEqual(json.code, 3)
      assert.strictEqual(JSON.parse(json.stdout).differences.length, 3)
    }))

  it("says what to do if Slack refuses, answers something else, or does not answer, and never prints the token", async () => {
    const refuse = (error: string) => ({ body: JSON.stringify({ ok: false, error }) })
    for (
      const [answer, words] of [
        [refuse("token_expired"), "Make a new configuration token"],
        [refuse("not_allowed_token_type"), "This is not a configuration token"],
        [refuse("app_not_found"), "Check SLACK_APP_ID"],
        [refuse("some_new_code"), "Slack refused: some_new_code."],
        [{ status: 502, body: "<html>" }, "gave an answer that is not Slack's (status 502)"],
        [{ status: 302, headers: { location: "https://example.com" }, body: "" }, "gave a redirect (status 302)"],
        [{ body: JSON.stringify({ ok: true }) }, "has no manifest"]
      ] as const
    ) {
      await withSlack(answer, async (env) => {
        const { code, stderr, stdout } = await command([...options, "--diff"], env)
        assert.strictEqual(code, 1)
        assert.include(stderr, words)
        assert.notInclude(stdout + stderr, "xoxe")
      })
    }
    const gone = await withSlack({ body: "" }, async (env) => env)
    const { code, stderr } = await command([...options, "--diff"], gone)
    assert.strictEqual(code, 1)
    assert.include(stderr, "did not answer (ECONNREFUSED)")
  })

  it("asks for the token and the app before it calls Slack", async () => {
    for (
      const [env, words] of [
        [{ SLACK_APP_ID: "A0EXAMPLE" }, "Set SLACK_CONFIG_TOKEN"],
        [{ SLACK_CONFIG_TOKEN: "xoxe-test" }, "Set SLACK_APP_ID"],
        [
          { SLACK_CONFIG_TOKEN: "xoxe-test", SLACK_APP_ID: "A0EXAMPLE", SLACK_BASE_URL: "http://slack.com" },
          "SLACK_BASE_URL cannot be used"
        ]
      ] as const
    ) {
      const { code, stderr } = await command([...options, "--diff"], env)
      assert.strictEqual(code, 1)
      assert.include(stderr, words)
      assert.notInclude(stderr, "Asks")
    }
  })
})
