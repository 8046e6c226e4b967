import { assert, describe, it } from "@effect/vitest"
import * as AppManifest from "effect-slack-oauth/AppManifest"
import * as Either from "effect/Either"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { invalidPath } from "./utils/effect/configErrors.js"

const options: AppManifest.Options = {
  name: "My App",
  publicUrl: "https://example.com/app/",
  botScopes: ["chat:write", "commands"]
}

const make = (more: Partial<AppManifest.Options> = {}) => Either.getOrThrow(AppManifest.make({ ...options, ...more }))

const problemsOf = (value: unknown): ReadonlyArray<string> =>
  Either.match(AppManifest.decode(value), { onLeft: ({ problems }) => problems, onRight: () => [] })

describe("the manifest of an app", () => {
  it("has the addresses that the install flow and the event address have", () => {
    const { oauth_config, settings } = make()
    assert.deepStrictEqual(oauth_config?.redirect_urls, ["https://example.com/app/slack/oauth_redirect"])
    assert.strictEqual(settings?.event_subscriptions?.request_url, "https://example.com/app/slack/events")
    const other = make({ callbackPath: "/back", eventsPath: "/in" })
    assert.deepStrictEqual(other.oauth_config?.redirect_urls, ["https://example.com/app/back"])
    assert.strictEqual(other.settings?.event_subscriptions?.request_url, "https://example.com/app/in")
  })

  it("subscribes to the events by which a store hears that tokens are dead", () => {
    assert.deepStrictEqual(
      make({ botEvents: ["app_mention", "tokens_revoked"], userEvents: ["message.im"] }).settings?.event_subscriptions,
      {
        request_url: "https://example.com/app/slack/events",
        bot_events: ["app_uninstalled", "tokens_revoked", "app_mention"],
        user_events: ["message.im"]
      }
    )
  })

  it("has a bot user if the app asks for bot scopes, and no other", () => {
    assert.deepStrictEqual(make().features?.bot_user, { display_name: "My App", always_online: false })
    assert.isUndefined(make({ botScopes: [], userScopes: ["search:read"] }).features)
  })

  it("keeps optional scopes apart", () => {
    const { oauth_config } = make({
      userScopes: ["search:read", "users:read"],
      optionalScopes: ["commands", "users:read"]
    })
    assert.deepStrictEqual(oauth_config?.scopes, {
      bot: ["chat:write"],
      user: ["search:read"],
      bot_optional: ["commands"],
      user_optional: ["users:read"]
    })
  })

  it("leaves the switches that cannot be undone off, unless they are asked for", () => {
    assert.strictEqual(make().settings?.token_rotation_enabled, false)
    assert.isUndefined(make().oauth_config?.pkce_enabled)
    assert.strictEqual(make({ rotation: true }).settings?.token_rotation_enabled, true)
    assert.strictEqual(make({ pkce: true }).oauth_config?.pkce_enabled, true)
    assert.strictEqual(make({ organizations: true }).settings?.org_deploy_enabled, true)
  })

  it("of a program on a desktop has no event address, since Slack cannot reach it", () => {
    const manifest = make({
      publicUrl: "http://localhost:3000",
      pkce: true,
      botScopes: [],
      userScopes: ["search:read"]
    })
    assert.isUndefined(manifest.settings?.event_subscriptions)
    assert.deepStrictEqual(manifest.oauth_config?.redirect_urls, ["http://localhost:3000/slack/oauth_redirect"])
  })

  const refused: ReadonlyArray<readonly [why: string, option: string, more: Partial<AppManifest.Options>]> = [
    ["is plain http", "publicUrl", { publicUrl: "http://example.com" }],
    ["is plain http on this machine, without PKCE", "publicUrl", { publicUrl: "http://localhost:3000" }],
    ["has a query", "publicUrl", { publicUrl: "https://example.com?x" }],
    ["is no path", "callbackPath", { callbackPath: "back" as "/" }],
    ["has a query", "eventsPath", { eventsPath: "/slack/events?x" }],
    ["is also the path of the callback", "eventsPath", { callbackPath: "/slack/Events/" }],
    ["cannot arrive, since the server is this machine", "userEvents", {
      publicUrl: "http://localhost:3000",
      pkce: true,
      botScopes: [],
      botEvents: [],
      userScopes: ["search:read"],
      userEvents: ["message.im"]
    }],
    ["are none", "botScopes", { botScopes: [] }],
    ["have an entry that is no scope", "botScopes", { botScopes: ["chat write!"] }],
    ["are for people", "botScopes", { botScopes: ["openid"] }],
    ["mix Sign in with Slack with others", "userScopes", { userScopes: ["openid", "search:read"] }],
    ["are for the bot, and the redirect URL is this machine", "botScopes", {
      publicUrl: "http://localhost:3000",
      pkce: true
    }],
    ["have a scope that nobody asks for", "optionalScopes", { optionalScopes: ["files:read"] }],
    ["are all there are", "optionalScopes", { optionalScopes: ["chat:write", "commands"] }]
  ]
  for (const [why, option, more] of refused) {
    it(`cannot be made if ${option} ${why}`, () => {
      const made = AppManifest.make({ ...options, ...more })
      assert.deepStrictEqual(Either.isLeft(made) && invalidPath(made.left), [option])
    })
  }

  it("cannot be made if a text is longer than Slack allows", () => {
    const made = AppManifest.make({ ...options, name: "x".repeat(36) })
    if (Either.isRight(made)) return assert.fail("it was made")
    assert.strictEqual(
      made.left.message,
      "Slack would not take this manifest. display_information.name has to be a text of 1 to 35 characters."
    )
  })

  it("can be opened at Slack", () => {
    const url = new URL(AppManifest.createUrl(make()))
    assert.strictEqual(url.origin + url.pathname, "https://api.slack.com/apps")
    assert.deepStrictEqual(JSON.parse(url.searchParams.get("manifest_json") ?? ""), make())
    assert.strictEqual(
      new URL(AppManifest.createUrl(make(), "https://slack-gov.com")).origin,
      "https://api.slack-gov.com"
    )
  })
})

describe("a manifest from elsewhere", () => {
  it("is taken if Slack takes it", () => {
    assert.deepStrictEqual(problemsOf({ display_information: { name: "A" } }), [])
    for (const manifest of [make(), make({ pkce: true, rotation: true, userScopes: ["search:read"] })]) {
      assert.deepStrictEqual(AppManifest.decode(manifest), Either.right(manifest))
    }
  })

  it("is taken if docs/slack-app.md shows it", () => {
    const page = Fs.readFileSync(Path.resolve(import.meta.dirname, "../docs/slack-app.md"), "utf8")
    const [, shown = ""] = /```json\n(.*?)```/s.exec(page) ?? []
    assert.deepStrictEqual(problemsOf(JSON.parse(shown)), [])
  })

  const base = make()
  const wrong: ReadonlyArray<readonly [problem: string, manifest: unknown]> = [
    ["A manifest has to be an object.", "name: My App"],
    ["display_information has to be there, with a name.", {}],
    ["display_information.name has to be a text of 1 to 35 characters.", { display_information: { name: "" } }],
    ["display_information.background_color has to be a color, such as #4a154b.", {
      display_information: { name: "A", background_color: "red" }
    }],
    ["display_information.long_description has to be a text of 175 to 4000 characters.", {
      display_information: { name: "A", long_description: "short" }
    }],
    ["features.bot_user.display_name has to be a text of 1 to 80 characters.", {
      ...base,
      features: { bot_user: {} }
    }],
    ["features.slash_commands.0.command has to begin with a slash, and have at most 32 characters.", {
      ...base,
      features: { slash_commands: [{ command: "go", description: "Goes" }] }
    }],
    ["oauth_config.redirect_urls has to have at most 1000 URLs, each once.", {
      ...base,
      oauth_config: { redirect_urls: ["https://a.example", "https://a.example"] }
    }],
    ["oauth_config.scopes.bot.0 has to be a scope of at most 50 characters.", {
      ...base,
      oauth_config: { scopes: { bot: ["x".repeat(51)] } }
    }],
    ["settings.event_subscriptions.request_url has to be an https URL.", {
      ...base,
      settings: { event_subscriptions: { request_url: "http://example.com/slack/events" } }
    }],
    ["settings.token_rotation_enabled has to be true or false.", {
      ...base,
      settings: { token_rotation_enabled: "yes" }
    }],
    ["settings.token_rotation is not in Slack's format of a manifest.", {
      ...base,
      settings: { token_rotation: true }
    }],
    ["event_subscriptions is not in Slack's format of a manifest.", { ...base, event_subscriptions: {} }]
  ]
  for (const [problem, manifest] of wrong) {
    it(`is refused: ${problem}`, () => {
      assert.deepStrictEqual(problemsOf(manifest), [problem])
    })
  }
})

describe("a live app", () => {
  const manifest = make({ userScopes: ["search:read"] })

  it("is the same if only the order of its lists and unknown fields differ", () => {
    assert.deepStrictEqual(
      AppManifest.diff(manifest, {
        ...manifest,
        _metadata: { major_version: 1 },
        oauth_config: {
          ...manifest.oauth_config,
          scopes: { bot: ["commands", "chat:write"], user: ["search:read"] },
          pkce_enabled: false
        },
        settings: { ...manifest.settings, interactivity: { is_enabled: true } }
      }),
      []
    )
  })

  it("differs where it has another value, lacks an entry, or has one more", () => {
    assert.deepStrictEqual(
      AppManifest.diff(manifest, {
        ...manifest,
        oauth_config: {
          redirect_urls: ["https://old.example/slack/oauth_redirect"],
          scopes: { bot: ["chat:write", "files:read"], user: ["search:read"], user_optional: ["users:read"] }
        }
      }),
      [
        {
          path: "oauth_config.redirect_urls",
          wanted: ["https://example.com/app/slack/oauth_redirect"],
          actual: ["https://old.example/slack/oauth_redirect"],
          isOneWay: false
        },
        { path: "oauth_config.scopes.bot", wanted: ["commands"], actual: ["files:read"], isOneWay: false },
        { path: "oauth_config.scopes.user_optional", wanted: [], actual: ["users:read"], isOneWay: false }
      ]
    )
  })

  it("says of a switch that cannot be undone that it cannot, whichever side has it on", () => {
    const live = {
      ...manifest,
      oauth_config: { ...manifest.oauth_config, pkce_enabled: true },
      settings: { ...manifest.settings, token_rotation_enabled: true }
    }
    assert.deepStrictEqual(AppManifest.diff(manifest, live), [
      { path: "settings.token_rotation_enabled", wanted: false, actual: true, isOneWay: true },
      { path: "oauth_config.pkce_enabled", wanted: false, actual: true, isOneWay: true }
    ])
    assert.deepStrictEqual(
      AppManifest.diff(make({ userScopes: ["search:read"], rotation: true, pkce: true }), manifest).map((one) => [
        one.path,
        one.actual
      ]),
      [["oauth_config.pkce_enabled", undefined], ["settings.token_rotation_enabled", false]]
    )
  })

  it("differs in everything if Slack's answer has no settings", () => {
    assert.isAbove(AppManifest.diff(manifest, null).length, 5)
  })
})
