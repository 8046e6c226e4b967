/** Days in the life of installations, on an emulated Slack: nobody waits for them, because the clock is moved. */
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Story from "../support/story.js"
import { counted } from "./calls.js"

/** What the install flow does: someone clicks Allow, and the code becomes an installation. */
const install = (workspace: string) =>
  Effect.gen(function*() {
    const { code } = yield* SlackEmulator.authorize({ workspace })
    const requestedAt = yield* DateTime.now
    const response = yield* OAuthV2.access({ code })
    return (yield* InstallationStore.save(Installation.fromTokenResponse(response, requestedAt))).key
  })

/** What a store has from before an app turned token rotation on. */
const keepLegacyToken = (workspace: string) =>
  Effect.gen(function*() {
    const { id: appId } = yield* SlackEmulator.app
    const accessToken = yield* SlackEmulator.issueLegacyToken({ workspace })
    const response = new TokenResponse.TokenResponse({
      appId,
      target: new TokenResponse.Workspace({ team: { id: workspace, name: Option.none() } }),
      bot: Option.some(new TokenResponse.BotToken({ accessToken, scopes: ["chat:write"] }))
    })
    return (yield* InstallationStore.save(Installation.fromTokenResponse(response, yield* DateTime.now))).key
  })

const addWorkspace = (name: string) =>
  Effect.flatMap(SlackEmulator.SlackEmulator, (emulator) => Effect.map(emulator.addWorkspace({ name }), ({ id }) => id))

/** Asks for the bot's token in twenty fibers at once: how many tokens they got, and after how many calls of Slack. */
const twentyAsk = (key: Installation.InstallationKey) =>
  Effect.map(
    counted(Effect.replicateEffect(TokenManager.botToken(key), 20, { concurrency: "unbounded" })),
    ([tokens, calls]) => ({ tokens: new Set(tokens.map(Redacted.value)).size, calls })
  )

const isSame = (a: Redacted.Redacted, b: Redacted.Redacted) => Redacted.value(a) === Redacted.value(b)

/** Into the refresh window, whatever chance said about where in it a token is refreshed. */
const intoTheWindow = MovableClock.move("630 minutes")

const expectNoToken = (key: Installation.InstallationKey) =>
  Effect.flip(TokenManager.botToken(key)).pipe(
    Effect.flatMap((error) =>
      error._tag === "NotInstalled"
        ? Story.success(error._tag)
        : Story.success(
          `${error._tag}, because of ${error.error._tag}${
            error._tag === "TokenUnavailable" ? `; ask again in ${Duration.format(error.retryAfter)}` : ""
          }`
        )
    ),
    Effect.catchAll(() => Effect.dieMessage("No token was expected"))
  )

export const days = Effect.gen(function*() {
  const workspace = yield* addWorkspace("A Busy Place")

  yield* Story.chapter("A token that is always fresh: TokenManager.botToken(key)")
  const key = yield* install(workspace)
  yield* TokenManager.botToken(key)
  const cached = yield* twentyAsk(key)
  yield* Story.success(`twenty fibers ask: ${cached.tokens} token after ${cached.calls} calls, from memory`)
  yield* Story.note("Ten and a half hours later:")
  yield* intoTheWindow
  const refreshed = yield* twentyAsk(key)
  yield* Story.success(`twenty fibers ask: ${refreshed.tokens} token after ${refreshed.calls} call, a refresh`)

  yield* Story.chapter("Slack's answer to a refresh gets lost")
  yield* intoTheWindow
  yield* SlackEmulator.inject({ method: "oauth.v2.access", fault: SlackEmulator.cutAfterStateChange })
  const [, sent] = yield* counted(TokenManager.botToken(key))
  const replays = yield* SlackEmulator.replays
  yield* Story.success(
    `a token after ${sent} calls: the refresh token was sent again at once, and Slack ${
      replays.at(-1)?.honoured === true ? "honoured it in its grace period" : "refused it"
    }`
  )

  yield* Story.chapter("Slack is overloaded when it is time for a refresh")
  const before = yield* TokenManager.botToken(key)
  yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 minute" }), share: 1 })
  yield* intoTheWindow
  const meanwhile = yield* TokenManager.botToken(key)
  yield* Story.success(`${isSame(before, meanwhile) ? "the old token" : "another token"} is served: it is still valid`)
  yield* Story.note("Two hours later it has expired:")
  yield* MovableClock.move("2 hours")
  yield* expectNoToken(key)
  yield* Story.note("A minute later Slack is well again:")
  yield* SlackEmulator.clearFaults
  yield* MovableClock.move("1 minute")
  const after = yield* TokenManager.botToken(key)
  yield* Story.success(`${isSame(before, after) ? "the old token" : "a new token"}, and nothing was lost`)

  yield* Story.chapter("The app is removed from the workspace, and added again")
  yield* SlackEmulator.uninstall({ workspace })
  yield* intoTheWindow
  yield* expectNoToken(key)
  yield* install(workspace)
  yield* TokenManager.botToken(key)
  yield* Story.success("a new install brings a token again")

  yield* Story.chapter("Long-lived tokens become rotating ones: TokenMigration.run()")
  yield* Effect.forEach(
    ["East", "West", "North", "South", "Centre"],
    (name) => Effect.flatMap(addWorkspace(name), keepLegacyToken)
  )
  const { pending } = yield* TokenMigration.run({ dryRun: true })
  yield* Story.note(`${pending} credentials do not expire. Exchanging them, at ten a second:`)
  const report = yield* TokenMigration.run({ ratePerMinute: 600 })
  yield* Story.success(`${report.exchanged} exchanged, ${report.failed} failed`)
  const health = yield* TokenManager.health
  yield* Story.success(
    `the fleet: ${health.fresh} fresh, ${health.expiring} expiring, ${health.permanent} permanent, ${health.dead} dead`
  )
})
