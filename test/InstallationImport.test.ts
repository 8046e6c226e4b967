import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationImport from "effect-slack-oauth/InstallationImport"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { botToken, install } from "../src/internal/storeSuite/fixtures.js"

const seconds = 1_767_225_600

const time = (seconds: number) => DateTime.unsafeMake(seconds * 1000)

const v2 = {
  team: { id: "T1", name: "One" },
  enterprise: undefined,
  user: {
    token: "xoxp-test-user",
    refreshToken: "xoxe-test-user",
    expiresAt: seconds,
    scopes: ["search:read"],
    id: "U1"
  },
  bot: { token: "xoxb-test-bot", scopes: ["chat:write", "commands"], id: "B1", userId: "U0BOT" },
  incomingWebhook: { url: "https://hooks.slack.com/services/T1/B1/test", channel: "#general", channelId: "C1" },
  appId: "A1",
  tokenType: "bot",
  isEnterpriseInstall: false,
  authVersion: "v2"
}

const org = {
  team: undefined,
  enterprise: { id: "E1", name: "Org" },
  user: { token: undefined, scopes: undefined, id: "U1" },
  bot: {
    token: "xoxe.xoxb-test-org",
    refreshToken: "xoxe-test-org",
    expiresAt: seconds,
    scopes: ["chat:write"],
    id: "B1",
    userId: "U0BOT"
  },
  appId: "A1",
  isEnterpriseInstall: true,
  authVersion: "v2"
}

const v1 = {
  team: { id: "T2", name: "Two" },
  enterprise: undefined,
  user: { token: "xoxp-test-v1", scopes: ["identify"], id: "U2" },
  bot: { token: "xoxb-test-v1", scopes: ["bot"], id: "B2", userId: "U2BOT" },
  authVersion: "v1"
}

const rows = (...values: ReadonlyArray<unknown>) =>
  Stream.fromIterable(values.map((value, index) => ({ row: `row ${index + 1}`, value })))

const nodeRows = (...values: ReadonlyArray<unknown>) =>
  InstallationImport.fromSlackOAuth(rows(...values.map((value) => JSON.parse(JSON.stringify(value)))))

const token = (credential: Option.Option<Installation.Credential>) =>
  Option.getOrUndefined(Option.map(credential, ({ token }) => Redacted.value(token.accessToken)))

const stored = (key: Installation.InstallationKey) => Effect.map(InstallationStore.get(key), Option.getOrThrow)

const test = <E>(name: string, run: () => Effect.Effect<void, E, InstallationStore.InstallationStore>) =>
  it.effect(name, () => Effect.provide(run(), InstallationStore.layerMemory))

describe("installations of @slack/oauth", () => {
  test("are imported completely", () =>
    Effect.gen(function*() {
      const report = yield* InstallationImport.run(nodeRows(v2, org))
      assert.deepStrictEqual(report, { rows: 2, installations: 2, imported: 3, kept: 0, unreadable: [] })

      const one = yield* stored(Installation.workspace("A1", "T1"))
      assert.deepStrictEqual(one.target._tag === "Workspace" ? one.target.team.name : undefined, Option.some("One"))
      assert.deepStrictEqual(one.installedBy, Option.some("U1"))
      const bot = Option.getOrThrow(one.bot)
      assert.strictEqual(token(one.bot), "xoxb-test-bot")
      assert.deepStrictEqual(bot.token.scopes, ["chat:write", "commands"])
      assert.deepStrictEqual(bot.token.botUserId, Option.some("U0BOT"))
      assert.isTrue(Option.isNone(bot.token.expiry))
      const user = Option.getOrThrow(one.user("U1"))
      const expiry = Option.getOrThrow(user.token.expiry)
      assert.isTrue(DateTime.Equivalence(expiry.expiresAt, time(seconds)))
      assert.strictEqual(Redacted.value(Option.getOrThrow(expiry.refreshToken)), "xoxe-test-user")
      assert.isTrue(DateTime.Equivalence(user.issuedAt, time(seconds - 12 * 60 * 60)))
      assert.isTrue(DateTime.Equivalence(one.installedAt, user.issuedAt))
      const webhook = Option.getOrThrow(one.incomingWebhook)
      assert.strictEqual(Redacted.value(webhook.url), "https://hooks.slack.com/services/T1/B1/test")

      const organization = yield* stored(Installation.organization("A1", "E1"))
      assert.strictEqual(token(organization.bot), "xoxe.xoxb-test-org")
      assert.strictEqual(organization.users.length, 0)
    }))

  test("of v1 need an app id in the options", () =>
    Effect.gen(function*() {
      const untold = yield* InstallationImport.run(nodeRows(v1))
      assert.deepStrictEqual(untold.unreadable.map(({ message }) => message), [
        "row 1: it does not name an app; give the app id"
      ])
      yield* InstallationImport.run(InstallationImport.fromSlackOAuth(rows(v1), { appId: "A1" }))
      const two = yield* stored(Installation.workspace("A1", "T2"))
      assert.deepStrictEqual([token(two.bot), token(two.user("U2"))], ["xoxb-test-v1", "xoxp-test-v1"])
    }))

  test("that cannot be read are listed, without their values", () =>
    Effect.gen(function*() {
      const report = yield* InstallationImport.run(nodeRows(
        null,
        { ...v2, bot: { ...v2.bot, token: { canary: "xoxb-test-canary" } } },
        { ...v2, bot: undefined, user: { id: "U1" } },
        { ...v2, team: undefined },
        { ...org, enterprise: undefined },
        { ...v2, user: { ...v2.user, expiresAt: undefined } },
        { ...v2, user: { ...v2.user, id: undefined } },
        v2
      ))
      assert.deepStrictEqual(report.unreadable.map(({ message }) => message), [
        "row 1: it is not an object",
        "row 2: unexpected values at bot.token",
        "row 3: it has no token",
        "row 4: it has no workspace",
        "row 5: it has no organization",
        "row 6: the user token has a refresh token and no expiry",
        "row 7: the user token has no user id"
      ])
      assert.notInclude(JSON.stringify(report), "canary")
      assert.strictEqual(report.rows, 8)
      assert.strictEqual(report.installations, 1)
    }))

  test("with invalid ids are listed, and do not stop the others", () =>
    Effect.gen(function*() {
      const report = yield* InstallationImport.run(nodeRows(
        { ...v2, user: { ...v2.user, id: "bot" } },
        { ...v2, team: { id: "T\ud800" } },
        { ...v2, appId: "A\u0000" },
        { ...v2, bot: { ...v2.bot, scopes: ["chat:write\u0000"] } },
        v2
      ))
      assert.strictEqual(report.imported, 2)
      assert.deepStrictEqual(report.unreadable.map(({ row }) => row), ["row 1", "row 2", "row 3", "row 4"])
      const one = yield* stored(Installation.workspace("A1", "T1"))
      assert.deepStrictEqual([token(one.bot), token(one.user("U1"))], ["xoxb-test-bot", "xoxp-test-user"])
    }))

  test("never replace stored credentials, also when they are imported again", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(install({ appId: "A1", teamId: "T1", bot: botToken("fresh"), at: time(seconds) }))
      const once = yield* InstallationImport.run(nodeRows(v2))
      assert.deepStrictEqual([once.imported, once.kept], [1, 1])
      const again = yield* InstallationImport.run(nodeRows(v2))
      assert.deepStrictEqual([again.imported, again.kept], [0, 2])
      const one = yield* stored(Installation.workspace("A1", "T1"))
      assert.strictEqual(token(one.bot), "xoxb-test-fresh")
      assert.deepStrictEqual(one.credentials.map(({ generation }) => generation), [1, 1])

      yield* TestClock.setTime(seconds * 1000)
      yield* InstallationStore.remove(one.key)
      const after = yield* InstallationImport.run(nodeRows(v2))
      assert.deepStrictEqual([after.imported, after.kept], [0, 2])
      assert.isTrue(Option.isNone(yield* InstallationStore.get(one.key)))
    }))

  test("are counted and not stored in a dry run", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const report = yield* InstallationImport.run(nodeRows(v2, org, v2), {
        dryRun: true,
        onProgress: ({ rows }) => Effect.sync(() => seen.push(rows))
      })
      assert.deepStrictEqual(report, { rows: 3, installations: 3, imported: 3, kept: 2, unreadable: [] })
      assert.deepStrictEqual(seen, [1, 2, 3])
      assert.isTrue(Option.isNone(yield* InstallationStore.get(Installation.workspace("A1", "T1"))))
    }))
})

describe("a report", () => {
  test("of many unreadable rows takes linear time", () =>
    Effect.gen(function*() {
      const problem = new InstallationImport.InstallationUnreadable({ row: "row", problem: "it is not an object" })
      const item: InstallationImport.Item = { rows: 1, installation: Either.left(problem) }
      let last: InstallationImport.Report | undefined
      const report = yield* InstallationImport.run(Stream.fromIterable(Array.from({ length: 150_000 }, () => item)), {
        onProgress: (report) => Effect.sync(() => last = report)
      })
      assert.deepStrictEqual([report.rows, report.unreadable.length], [150_000, 150_000])
      assert.strictEqual(last?.rows, 150_000)
    }))
})

describe("rows of python-slack-sdk", () => {
  const python = (more: object) => ({
    app_id: "A1",
    team_id: "T1",
    team_name: "One",
    enterprise_id: "",
    is_enterprise_install: 0,
    installed_at: "2026-01-01 00:00:00",
    ...more
  })

  test("become one installation with the newest tokens", () =>
    Effect.gen(function*() {
      const bot = (name: string, expires: unknown) => ({
        bot_token: `xoxb-test-${name}`,
        bot_user_id: "U0BOT",
        bot_scopes: "chat:write,commands",
        bot_refresh_token: `xoxe-test-${name}`,
        bot_token_expires_at: expires
      })
      const report = yield* InstallationImport.run(InstallationImport.fromPython(rows(
        python({ ...bot("second", "2026-01-02 12:00:00"), user_id: "U1", user_token: "xoxp-test-old" }),
        python({ ...bot("first", seconds), user_id: "U2", user_token: "xoxp-test-two" }),
        python({ bot_token: 7 }),
        python({ user_id: "U1", user_token: "xoxp-test-new", installed_at: "2026-01-03 10:00:00.123456" }),
        python(bot("third", "2026-01-02 13:00:00.000000")),
        python({ ...bot("other", null), bot_refresh_token: null, team_id: "T2", user_id: "U1" }),
        python({
          ...bot("org", null),
          bot_refresh_token: "",
          team_id: "",
          enterprise_id: "E1",
          is_enterprise_install: "1"
        })
      )))
      assert.deepStrictEqual(report.unreadable.map(({ message }) => message), ["row 3: unexpected values at bot_token"])
      assert.deepStrictEqual([report.rows, report.installations, report.imported], [7, 3, 5])

      const one = yield* stored(Installation.workspace("A1", "T1"))
      assert.strictEqual(token(one.bot), "xoxb-test-third")
      assert.strictEqual(token(one.user("U1")), "xoxp-test-new")
      assert.strictEqual(token(one.user("U2")), "xoxp-test-two")
      assert.strictEqual(DateTime.formatIso(one.installedAt), "2026-01-03T10:00:00.123Z")
      const expiry = Option.getOrThrow(Option.getOrThrow(one.bot).token.expiry)
      assert.strictEqual(DateTime.formatIso(expiry.expiresAt), "2026-01-02T13:00:00.000Z")
      assert.strictEqual(token((yield* stored(Installation.workspace("A1", "T2"))).bot), "xoxb-test-other")
      assert.strictEqual(token((yield* stored(Installation.organization("A1", "E1"))).bot), "xoxb-test-org")
    }))
})
