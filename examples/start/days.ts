/** Days of token rotation with the emulator. They take seconds, because the clock is moved. */
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
import * as Terminal from "../support/terminal.js"
import { counted } from "./calls.js"

/** Installs the app as the install flow does: a person clicks Allow, and the code becomes an installation. */
const install = (workspace: string) =>
  Effect.gen(function*() {
    const { code } = yield* SlackEmulator.authorize({ workspace })
    const requestedAt = yield* DateTime.now
    const response = yield* OAuthV2.access({ code })
    return (yield* InstallationStore.save(Installation.fromTokenResponse(response, requestedAt))).key
  })

/** Stores a long-lived token, as from before the app turned on token rotation. */
const saveLegacyToken = (workspace: string) =>
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

/** Asks for the bot token in twenty fibers at once. Counts the different tokens and the calls to Slack. */
const twentyAsk = (key: Installation.InstallationKey) =>
  Effect.map(
    counted(Effect.replicateEffect(TokenManager.botToken(key), 20, { concurrency: "unbounded" })),
    ([tokens, calls]) => ({ tokens: new Set(tokens.map(Redacted.value)).size, calls })
  )

const isSame = (a: Redacted.Redacted, b: Redacted.Redacted) => Redacted.value(a) === Redacted.value(b)

/** Moves the clock so far that the token is refreshed, wherever in the refresh window its random time is. */
const moveToRefresh = MovableClock.move("630 minutes")

const expectNoToken = (key: Installation.InstallationKey) =>
  Effect.flip(TokenManager.botToken(key)).pipe(
    Effect.flatMap((error) =>
      error._tag === "NotInstalled"
        ? Terminal.success(error._tag)
        : Terminal.success(
          `${error._tag}, because of ${error.error._tag}${
            error._tag === "TokenUnavailable" ? `; ask again in ${Duration.format(error.retryAfter)}` : ""
          }`
        )
    ),
    Effect.catchAll(() => Effect.dieMessage("No token was expected"))
  )

export const days = Effect.gen(function*() {
  const workspace = yield* addWorkspace("A Busy Place")

  yield* Terminal.heading("A token that is always fresh: TokenManager.botToken(key)")
  const key = yield* install(workspace)
  yield* TokenManager.botToken(key)
  const cached = yield* twentyAsk(key)
  yield* Terminal.success(`twenty fibers ask: ${cached.tokens} token and ${cached.calls} calls to Slack`)
  yield* Terminal.note("Ten and a half hours later:")
  yield* moveToRefresh
  const refreshed = yield* twentyAsk(key)
  yield* Terminal.success(
    `twenty fibers ask: ${refreshed.tokens} token and ${refreshed.calls} call to Slack, a refresh`
  )

  yield* Terminal.heading("Slack's answer to a refresh is lost")
  yield* moveToRefresh
  yield* SlackEmulator.inject({ method: "oauth.v2.access", fault: SlackEmulator.cutAfterStateChange })
  const [, sent] = yield* counted(TokenManager.botToken(key))
  const replays = yield* SlackEmulator.replays
  yield* Terminal.success(
    `a token after ${sent} calls: the refresh token was sent again at once, and Slack ${
      replays.at(-1)?.honoured === true ? "accepted it in its grace period" : "refused it"
    }`
  )

  yield* Terminal.heading("Slack is overloaded when a token should be refreshed")
  const before = yield* TokenManager.botToken(key)
  yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 minute" }), share: 1 })
  yield* moveToRefresh
  const meanwhile = yield* TokenManager.botToken(key)
  yield* Terminal.success(
    `${isSame(before, meanwhile) ? "the old token" : "another token"} is served: it is still valid`
  )
  yield* Terminal.note("Two hours later it has expired:")
  yield* MovableClock.move("2 hours")
  yield* expectNoToken(key)
  yield* Terminal.note("A minute later Slack has recovered:")
  yield* SlackEmulator.clearFaults
  yield* MovableClock.move("1 minute")
  const after = yield* TokenManager.botToken(key)
  yield* Terminal.success(`${isSame(before, after) ? "the old token" : "a new token"}: the credential survived`)

  yield* Terminal.heading("The app is removed from the workspace and installed again")
  yield* SlackEmulator.uninstall({ workspace })
  yield* moveToRefresh
  yield* expectNoToken(key)
  yield* install(workspace)
  yield* TokenManager.botToken(key)
  yield* Terminal.success("there is a token again after a new install")

  yield* Terminal.heading("Long-lived tokens become rotating ones: TokenMigration.run()")
  yield* Effect.forEach(
    ["East", "West", "North", "South", "Centre"],
    (name) => Effect.flatMap(addWorkspace(name), saveLegacyToken)
  )
  const { pending } = yield* TokenMigration.run({ dryRun: true })
  yield* Terminal.note(`${pending} credentials do not expire. They are exchanged, ten a second:`)
  const report = yield* TokenMigration.run({ ratePerMinute: 600 })
  yield* Terminal.success(`${report.exchanged} exchanged, ${report.failed} failed`)
  const health = yield* TokenManager.health
  yield* Terminal.success(
    `all credentials: ${health.fresh} fresh, ${health.expiring} expiring, ${health.permanent} permanent, ${health.dead} dead`
  )
})
