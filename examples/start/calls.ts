/** The two calls, with any Slack; and their retries, with the emulator. */
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Terminal from "../support/terminal.js"

const until = (expiry: Option.Option<TokenResponse.Expiry>) =>
  Effect.map(DateTime.now, (now) =>
    Option.match(expiry, {
      onNone: () => "does not expire",
      onSome: ({ expiresAt }) =>
        `expires in ${Duration.format(Duration.seconds(Math.round(DateTime.distance(now, expiresAt) / 1000)))}`
    }))

const printTokens = (response: TokenResponse.TokenResponse) =>
  Effect.gen(function*() {
    if (Option.isSome(response.bot)) {
      const { accessToken, expiry, scopes } = response.bot.value
      yield* Terminal.success(
        `bot token ${Terminal.mask(accessToken)} for ${scopes.join(", ")}; ${yield* until(expiry)}`
      )
    }
    if (Option.isSome(response.user)) {
      const { accessToken, expiry, scopes } = response.user.value
      yield* Terminal.success(
        `user token ${Terminal.mask(accessToken)} for ${scopes.join(", ")}; ${yield* until(expiry)}`
      )
    }
  })

const refreshTokenOf = ({ bot, user }: TokenResponse.TokenResponse) =>
  Option.firstSomeOf([
    Option.flatMap(bot, ({ expiry }) => expiry),
    Option.flatMap(user, ({ expiry }) => expiry)
  ]).pipe(Option.flatMap(({ refreshToken }) => refreshToken))

/** The calls, with any Slack. */
export const calls = (code: string | Redacted.Redacted, legacyToken: Option.Option<Redacted.Redacted>) =>
  Effect.gen(function*() {
    yield* Terminal.heading("An authorization code becomes tokens: OAuthV2.access({ code })")
    const installed = yield* OAuthV2.access({ code })
    const place = installed.target._tag === "Workspace" ? installed.target.team : installed.target.enterprise
    yield* Terminal.success(
      `${installed.appId} is installed in ${Option.getOrElse(place.name, () => place.id)} (${installed.target._tag})`
    )
    yield* printTokens(installed)

    yield* Terminal.heading("A refresh token becomes the next pair: OAuthV2.access({ refreshToken })")
    const refreshToken = refreshTokenOf(installed)
    if (Option.isSome(refreshToken)) {
      yield* printTokens(yield* OAuthV2.access({ refreshToken: refreshToken.value }))
    } else {
      yield* Terminal.note("This app's tokens do not rotate, so there is nothing to refresh.")
    }

    yield* Terminal.heading("A legacy token becomes a rotating pair: OAuthV2.exchange({ token })")
    if (Option.isSome(legacyToken)) {
      yield* printTokens(yield* OAuthV2.exchange({ token: legacyToken.value }))
    } else {
      yield* Terminal.note("Set SLACK_LEGACY_TOKEN to exchange one. It cannot be undone.")
    }

    yield* Terminal.heading("Every failure has a tag and a remedy")
    yield* Terminal.note("The same code again:")
    yield* Terminal.expectFailure(OAuthV2.access({ code }))
    yield* Terminal.note("A wrong client secret:")
    const app = yield* SlackApp.SlackApp
    yield* Terminal.expectFailure(
      OAuthV2.access({ code: "another-code", app: { ...app, clientSecret: Redacted.make("not-the-secret") } })
    )
    yield* Terminal.note("A Slack that cannot be reached, with a retry budget of one second:")
    const nowhere = { ...app, baseUrl: "http://127.0.0.1:9" }
    yield* Terminal.expectFailure(
      OAuthV2.access({ code: "another-code", app: nowhere }).pipe(
        RetryPolicy.provide(RetryPolicy.interactive, { budget: "1 second" })
      )
    )
  })

/** How often an effect called the emulator. */
export const counted = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const before = (yield* SlackEmulator.calls).length
    const result = yield* effect
    return [result, (yield* SlackEmulator.calls).length - before] as const
  })

/** Which calls are retried. */
export const repetitions = Effect.gen(function*() {
  yield* Terminal.heading("A call is retried only if Slack did nothing")
  yield* Terminal.note("Slack answers 429 with Retry-After: 1, and then tokens:")
  const limited = yield* SlackEmulator.authorize()
  yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 second" }) })
  const [, twice] = yield* counted(OAuthV2.access({ code: limited.code }))
  yield* Terminal.success(`tokens after ${twice} requests, the second one a second later`)

  yield* Terminal.note("Slack answers 429 with Retry-After: 60, and a browser is waiting:")
  yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 minute" }) })
  const [, once] = yield* counted(
    Terminal.expectFailure(OAuthV2.access({ code: (yield* SlackEmulator.authorize()).code }))
  )
  yield* Terminal.note(`  after ${once} request, without waiting`)

  yield* Terminal.note("Slack redeems the code, and its answer is lost:")
  yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
  const [, sent] = yield* counted(
    Terminal.expectFailure(OAuthV2.access({ code: (yield* SlackEmulator.authorize()).code }))
  )
  yield* Terminal.note(`  after ${sent} request: the code is not sent again, because it may be spent`)
})
