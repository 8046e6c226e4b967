/**
 * What an emulator starts with: typed options, and the same as JSON.
 */
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as SlackEmulatorSeed from "effect-slack-oauth/testing/SlackEmulatorSeed"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { readFileSync } from "node:fs"
// Effect 3 only
import { seedSchema } from "../scripts/seed-schema.js"
import { authTest, call, codeOf, inMemory } from "./utils/emulator.js"

const seed = {
  $schema: "https://unpkg.com/effect-slack-oauth/emulator-seed.schema.json",
  apps: [{
    id: "A111",
    name: "Tea",
    clientId: "111.222",
    clientSecret: "a-secret",
    signingSecret: "a-signing-secret",
    redirectUris: ["http://localhost:8000/slack"],
    organizationReady: true
  }, { id: "A222", clientId: "111.333", rotation: false }],
  organizations: [{ id: "E111", name: "Org" }],
  workspaces: [{ id: "T111", name: "Tea Room", domain: "tea" }, { id: "T222", organization: "E111" }],
  people: [{ id: "W111", name: "Ada" }, { id: "U222", workspaces: ["T222"] }],
  codes: [
    { code: "111.222.333", redirectUri: "http://localhost:8000/slack/callback", scopes: ["chat:write"] },
    { code: "code-for-the-org", organization: "E111", person: "W111", userScopes: ["search:read"] }
  ],
  tokens: [
    {
      workspace: "T111",
      botUserId: "U0BOT",
      botId: "B0BOT",
      next: [
        { accessToken: "xoxe.xoxb-1-first", refreshToken: "xoxe-1-first" },
        { accessToken: "xoxe.xoxb-1-second", refreshToken: "xoxe-1-second" }
      ]
    },
    { workspace: "T222", accessToken: "xoxb-long-lived", scopes: ["commands"] },
    { workspace: "T222", person: "U222", accessToken: "xoxe.xoxp-1-old", refreshToken: "xoxe-1-old", expiresIn: 0 },
    { organization: "E111", refreshToken: "xoxe-1-refresh", expiresIn: "2 hours" },
    { clientId: "111.333", accessToken: "xoxb-other-app" }
  ],
  methods: { "chat.postMessage": { scopes: ["chat:write"], answer: { ts: "1.2" } }, "api.test": {} },
  codeLifetime: "5 minutes",
  accessTokenLifetime: 3_600_000,
  refreshGracePeriod: 0,
  publicRefreshTokenLifetime: "1 day",
  historySize: 100
}

const options = Either.getOrThrow(SlackEmulatorSeed.parse(JSON.stringify(seed)))

type Difference<A, B> = Exclude<keyof A, keyof B> | Exclude<keyof B, keyof A>

type Item<A> = NonNullable<A> extends ReadonlyArray<infer Element> ? Element : never

type Seed = SlackEmulatorSeed.Seed

/** The fields that only a seed has, or only the typed options. */
type Differences = readonly [
  Difference<Omit<Seed, "$schema">, SlackEmulator.Options>,
  Difference<Item<Seed["apps"]>, SlackEmulator.AppOptions>,
  Difference<Item<Seed["organizations"]>, SlackEmulator.OrganizationOptions>,
  Difference<Item<Seed["workspaces"]>, SlackEmulator.WorkspaceOptions>,
  Difference<Item<Seed["people"]>, SlackEmulator.PersonOptions>,
  Difference<Item<Seed["codes"]>, SlackEmulator.CodeOptions>,
  Difference<Item<Seed["tokens"]>, SlackEmulator.TokenOptions>,
  Difference<Item<Item<Seed["tokens"]>["next"]>, SlackEmulator.TokenPair>
]

const secret = (token: string) => Redacted.make(token)

const refresh = (refreshToken: string) => OAuthV2.access({ refreshToken })

/** The whole seed, once: each token is used. */
const useAll = Effect.gen(function*() {
  const redirectUri = "http://localhost:8000/slack/callback"
  const installed = yield* OAuthV2.access({ code: "111.222.333", redirectUri })
  const bot = Option.getOrThrow(installed.bot)
  assert.strictEqual(Redacted.value(bot.accessToken), "xoxe.xoxb-1-first")
  assert.deepStrictEqual(bot.botUserId, Option.some("U0BOT"))
  assert.deepInclude(yield* authTest(bot.accessToken), {
    bot_id: "B0BOT",
    url: "https://tea.slack.com/",
    app_id: "A111"
  })

  const second = yield* refresh("xoxe-1-first")
  assert.strictEqual(Redacted.value(Option.getOrThrow(second.bot).accessToken), "xoxe.xoxb-1-second")
  const third = yield* refresh("xoxe-1-second")
  assert.match(Redacted.value(Option.getOrThrow(third.bot).accessToken), /-emulated-/)
  assert.strictEqual(yield* codeOf(refresh("xoxe-1-first")), "invalid_refresh_token")

  const exchanged = yield* OAuthV2.exchange({ token: "xoxb-long-lived" })
  assert.deepStrictEqual(Option.getOrThrow(exchanged.bot).scopes, ["commands"])
  assert.strictEqual(yield* codeOf(OAuthV2.exchange({ token: "xoxb-long-lived" })), "token_already_exchanged")
  assert.strictEqual(yield* codeOf(OAuthV2.exchange({ token: "xoxb-other-app" })), "invalid_token")
  assert.strictEqual((yield* authTest(secret("xoxb-other-app"))).app_id, "A222")

  assert.strictEqual((yield* authTest(secret("xoxe.xoxp-1-old"))).error, "token_expired")
  const user = yield* refresh("xoxe-1-old")
  assert.deepStrictEqual(Option.getOrThrow(user.user).userId, Option.some("U222"))
  assert.strictEqual((yield* refresh("xoxe-1-refresh")).target._tag, "Organization")
  assert.strictEqual((yield* OAuthV2.access({ code: "code-for-the-org" })).target._tag, "Organization")
  const authorization = `Bearer ${Redacted.value(Option.getOrThrow(third.bot).accessToken)}`
  assert.deepStrictEqual(yield* call("chat.postMessage", {}, { authorization }), { ok: true, ts: "1.2" })
  assert.deepStrictEqual(yield* call("api.test", {}, { authorization }), { ok: true })
})

describe("a seed", () => {
  it("has the fields of the typed options, and no others", () => {
    // This compiles if there is no difference.
    const isSame: Differences extends ReadonlyArray<never> ? true : never = true
    assert.isTrue(isSame)
  })

  it.effect("has apps, places, people, codes, tokens, ids and the next pairs of a chain", () =>
    useAll.pipe(Effect.provide(inMemory(options))))

  it.effect("comes back with a restart, and everything else is forgotten", () =>
    Effect.gen(function*() {
      const before = yield* SlackEmulator.chains
      const timeline = yield* SlackEmulator.timeline
      yield* useAll
      yield* SlackEmulator.addWorkspace({ id: "T333" })
      const { code } = yield* SlackEmulator.authorize({ workspace: "T333", redirectUri: "http://localhost:8000/slack" })
      yield* SlackEmulator.inject({ fault: SlackEmulator.serverError() })
      yield* SlackEmulator.uninstall({ workspace: "T111" })
      yield* SlackEmulator.restart
      assert.deepStrictEqual(yield* SlackEmulator.calls, [])
      assert.strictEqual(yield* SlackEmulator.timeline, timeline)
      assert.deepStrictEqual(
        (yield* SlackEmulator.chains).map(({ kind, refreshes, target }) => [kind, target, refreshes]),
        before.map(({ kind, refreshes, target }) => [kind, target, refreshes])
      )
      assert.strictEqual(yield* codeOf(OAuthV2.access({ code })), "invalid_code")
      yield* useAll
    }).pipe(Effect.provide(inMemory(options))))

  it.effect("counts the lifetimes from its start", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("5 minutes")
      const redirectUri = "http://localhost:8000/slack/callback"
      assert.strictEqual(yield* codeOf(OAuthV2.access({ code: "111.222.333", redirectUri })), "invalid_code")
      yield* SlackEmulator.restart
      yield* OAuthV2.access({ code: "111.222.333", redirectUri })
    }).pipe(Effect.provide(inMemory(options))))

  it.effect("does not tell its tokens in the history", () =>
    Effect.gen(function*() {
      yield* useAll
      const told = JSON.stringify([
        yield* SlackEmulator.timeline,
        yield* SlackEmulator.calls,
        yield* SlackEmulator.chains
      ])
      for (const { accessToken, refreshToken, next = [] } of options.tokens ?? []) {
        const texts = [accessToken, refreshToken, ...next.flatMap((pair) => [pair.accessToken, pair.refreshToken])]
        for (const text of texts) if (text !== undefined) assert.notInclude(told, String(text))
      }
      for (const { code } of options.codes ?? []) assert.notInclude(told, code)
    }).pipe(Effect.provide(inMemory(options))))

  it.effect("gets ids that nothing in it has", () =>
    Effect.gen(function*() {
      const ids = (yield* SlackEmulator.apps).map(({ clientId, id }) => [id, clientId])
      assert.deepStrictEqual(ids, [["A0EMULATED2", "1000000000.1000000002"], ["A0EMULATED3", "1000000000.1000000003"]])
      assert.strictEqual((yield* SlackEmulator.addWorkspace()).id, "T0EMULATED3")
    }).pipe(Effect.provide(SlackEmulator.layer({
      apps: [{ id: "A0EMULATED2", clientId: "1000000000.1000000002" }, {}],
      workspaces: [{ id: "T0EMULATED2" }]
    }))))

  it("may begin with a byte order mark, as editors on Windows write it", () => {
    assert.isTrue(Either.isRight(SlackEmulatorSeed.parse("\uFEFF{}")))
  })

  // Effect 3 only: both packages carry the file that Effect 3 writes
  it("has a JSON Schema that refuses what the emulator refuses", () => {
    const { properties } = JSON.parse(readFileSync("emulator-seed.schema.json", "utf8"))
    const { events, id, redirectUris, scopes } = properties.apps.items.properties
    for (
      const [schema, right, wrong] of [
        [
          redirectUris.items,
          ["https://example.com", "http://localhost:3000/slack", "myapp://callback", "com.example.app:/callback"],
          ["nope", "localhost:3000", "localhost:3000/slack", "https://a.b#c", ""]
        ],
        [events, ["http://localhost:3000/slack/events", "https://a.b"], ["ftp://x", "slack/events", ""]],
        [scopes.items, ["chat:write", "identity.basic", "commands"], ["chat:write,users:read", "tea ☕", ""]],
        [id, ["A0TEA", "the app"], ["", "A0\nTEA"]]
      ] as const
    ) {
      assert.strictEqual(schema.type, "string")
      for (const text of right) assert.match(text, new RegExp(schema.pattern, "u"))
      for (const text of wrong) assert.notMatch(text, new RegExp(schema.pattern, "u"))
    }
  })

  // Effect 3 only: both packages carry the file that Effect 3 writes
  it("has the form of its JSON Schema, which the package has as a file", () => {
    assert.strictEqual(readFileSync("emulator-seed.schema.json", "utf8"), seedSchema(), "run npm run docs:seed")
  })

  for (
    const [what, json, expected] of [
      ["text that is not JSON", "{", "The seed is not a JSON object."],
      ["JSON that is no object", "[]", "The seed is not a JSON object."],
      ["a misspelt key", "{\"app\":[{}]}", "app"],
      ["a misspelt key inside", "{\"apps\":[{\"clientID\":\"1\"}]}", "apps.0.clientID"],
      ["a number for a text", "{\"codes\":[{\"code\":1}]}", "codes.0.code"],
      ["a code without its text", "{\"codes\":[{}]}", "codes.0.code"]
    ] as const
  ) {
    it(`is refused for ${what}, and says where`, () => {
      const refused = SlackEmulatorSeed.parse(json)
      assert.include(Either.isLeft(refused) ? refused.left.message : "", expected)
    })
  }

  const contradictions: ReadonlyArray<readonly [string, SlackEmulator.Options, string]> = [
    ["an unknown organization", { workspaces: [{ organization: "E1" }] }, "workspaces[0]"],
    ["an id that exists twice", { workspaces: [{ id: "T1" }, { id: "T1" }] }, "workspaces[1]"],
    ["an app id that exists twice", { apps: [{ id: "A1" }, { id: "A1" }] }, "apps[1]"],
    ["a workspace with the id of an organization", {
      organizations: [{ id: "T1" }],
      workspaces: [{ id: "T1" }]
    }, "workspaces[0]"],
    ["a client id that exists twice", { apps: [{ clientId: "1.1" }, { clientId: "1.1" }] }, "apps[1]"],
    ["a token that exists twice", { tokens: [{ accessToken: "x" }, { next: [{ accessToken: "x" }] }] }, "tokens[1]"],
    ["a token of an unknown app", { tokens: [{ clientId: "1.1", accessToken: "x" }] }, "there is no app 1.1"],
    ["a token of an unknown person", { tokens: [{ person: "U1", accessToken: "x" }] }, "there is no person U1"],
    ["an empty token", { tokens: [{ accessToken: "" }] }, "a token is empty"],
    ["a token with a line break", { tokens: [{ refreshToken: "xoxe-1-test\n" }] }, "has white space"],
    [
      "a redirect URL that is none",
      { apps: [{}, { redirectUris: ["https://a.b", "nope"] }] },
      "apps[1].redirectUris[1]"
    ],
    ["a redirect URL without a scheme", { apps: [{ redirectUris: ["localhost:3000"] }] }, "\"localhost:3000\" is not"],
    ["a redirect URL with a fragment", { apps: [{ redirectUris: ["https://a.b#c"] }] }, "without a fragment"],
    ["events for another protocol", { apps: [{ events: "ftp://x" }] }, "apps[0].events"],
    ["events for no address", { apps: [{ events: "slack/events" }] }, "not an http or https URL"],
    ["events for an address with a password", { apps: [{ events: "http://a:b@localhost" }] }, "and a password"],
    ["an empty client id", { apps: [{ clientId: "" }] }, "apps[0].clientId"],
    ["an empty client secret", { apps: [{ clientSecret: "" }] }, "apps[0].clientSecret"],
    ["an empty signing secret", { apps: [{ signingSecret: "" }] }, "apps[0].signingSecret"],
    ["an empty id", { workspaces: [{ id: "" }] }, "workspaces[0].id"],
    ["an id of two lines", { organizations: [{ id: "E0BIG\nCompany" }] }, "organizations[0].id"],
    ["a person with the id of the bot", { people: [{ id: "bot" }] }, "people[0].id"],
    ["a person with the id of a workspace", { people: [{ id: "T0EMULATED" }] }, "people[0]"],
    [
      "a person in an unknown workspace",
      { people: [{ workspaces: ["T0NOWHERE"] }] },
      "there is no workspace T0NOWHERE"
    ],
    ["scopes in one text", { apps: [{ scopes: ["chat:write,users:read"] }] }, "apps[0].scopes[0]"],
    ["a token whose scope is none", { tokens: [{ accessToken: "x", scopes: ["tea ☕"] }] }, "tokens[0].scopes[0]"],
    ["a method that is a path", { methods: { "/api/chat.postMessage": {} } }, "is not the name of a method"],
    ["a method whose scope is none", { methods: { "api.test": { scopes: ["a,b"] } } }, "methods.api.test"],
    ["a negative lifetime", { tokens: [{ accessToken: "x", expiresIn: -1 }] }, "tokens[0].expiresIn"],
    ["a code in an unknown workspace", { codes: [{ code: "c", workspace: "T1" }] }, "codes[0]"],
    ["a code for a URL that is not listed", { codes: [{ code: "c", redirectUri: "https://a.b" }] }, "bad_redirect_uri"],
    ["a code that exists twice", { codes: [{ code: "c" }, { code: "c" }] }, "codes[1]"]
  ]
  for (const [what, options, expected] of contradictions) {
    it.effect(`is refused for ${what}, and says where`, () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(Effect.provide(SlackEmulator.app, SlackEmulator.layer(options)))
        const text = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""
        assert.isTrue(Exit.isFailure(exit) && Cause.isFailType(exit.cause), "a failure, not a defect")
        assert.include(text, expected)
      }))
  }
})
