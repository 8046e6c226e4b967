/** The two calls, on any Slack; and what is repeated of them when things go wrong, on an emulated one. */
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
import * as Story from "../support/story.js"

const until = (expiry: Option.Option<TokenResponse.Expiry>) =>
  Effect.map(DateTime.now, (now) =>
    Option.match(expiry, {
      onNone: () => "does not expire",
      onSome: ({ expiresAt }) =>
        `expires in ${Duration.format(Duration.seconds(Math.round(DateTime.distance(now, expiresAt) / 1000)))}`
    }))

const tellTokens = (response: TokenResponse.TokenResponse) =>
  Effect.gen(function*() {
    if (Option.isSome(response.bot)) {
      const { accessToken, expiry, scopes } = response.bot.value
      yield* Story.success(`bot token ${Story.mask(accessToken)} for ${scopes.join(", ")}; ${yield* until(expiry)}`)
    }
    if (Option.isSome(response.user)) {
      const { accessToken, expiry, scopes } = response.user.value
      yield* Story.success(`user token ${Story.mask(accessToken)} for ${scopes.join(", ")}; ${yield* until(expiry)}`)
    }
  })

const refreshTokenOf = ({ bot, user }: TokenResponse.TokenResponse) =>
  Option.firstSomeOf([
    Option.flatMap(bot, ({ expiry }) => expiry),
    Option.flatMap(user, ({ expiry }) => expiry)
  ]).pipe(Option.flatMap(({ refreshToken }) => refreshToken))

/** What works the same on any Slack. */
export const calls = (code: string | Redacted.Redacted, legacyToken: Option.Option<Redacted.Redacted>) =>
  Effect.gen(function*() {
    yield* Story.chapter("An authorization code becomes tokens: OAuthV2.access({ code })")
    const installed = yield* OAuthV2.access({ code })
    const place = installed.target._tag === "Workspace" ? installed.target.team : installed.target.enterprise
    yield* Story.success(
      `${installed.appId} is installed in ${Option.getOrElse(place.name, () => place.id)} (${installed.target._tag})`
    )
    yield* tellTokens(installed)

    yield* Story.chapter("A refresh token becomes the next pair: OAuthV2.access({ refreshToken })")
    const refreshToken = refreshTokenOf(installed)
    if (Option.isSome(refreshToken)) {
      yield* tellTokens(yield* OAuthV2.access({ refreshToken: refreshToken.value }))
    } else {
      yield* Story.note("This app's tokens do not rotate, so there is nothing to refresh.")
    }

    yield* Story.chapter("A legacy token becomes a rotating pair: OAuthV2.exchange({ token })")
    if (Option.isSome(legacyToken)) {
      yield* tellTokens(yield* OAuthV2.exchange({ token: legacyToken.value }))
    } else {
      yield* Story.note("Set SLACK_LEGACY_TOKEN to exchange one. It cannot be undone.")
    }

    yield* Story.chapter("What fails has a name and a remedy")
    yield* Story.note("The code from above, a second time:")
    yield* Story.expectFailure(OAuthV2.access({ code }))
    yield* Story.note("The wrong client secret:")
    const app = yield* SlackApp.SlackApp
    yield* Story.expectFailure(
      OAuthV2.access({ code: "another-code", app: { ...app, clientSecret: Redacted.make("not-the-secret") } })
    )
    yield* Story.note("A Slack that is not there, with a second of patience:")
    const nowhere = { ...app, baseUrl: "http://127.0.0.1:9" }
    yield* Story.expectFailure(
      OAuthV2.access({ code: "another-code", app: nowhere }).pipe(
        RetryPolicy.provide(RetryPolicy.interactive, { budget: "1 second" })
      )
    )
  })

/** How often the emulator was called while an effect ran. */
export const counted = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const before = (yield* SlackEmulator.calls).length
    const result = yield* effect
    return [result, (yield* SlackEmulator.calls).length - before] as const
  })

/** What is sent again after a failure. */
export const repetitions = Effect.gen(function*() {
  yield* Story.chapter("What may be repeated is repeated, and nothing else")
  yield* Story.note("Slack says 429 with Retry-After: 1, then works:")
  const limited = yield* SlackEmulator.authorize()
  yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 second" }) })
  const [, twice] = yield* counted(OAuthV2.access({ code: limited.code }))
  yield* Story.success(`tokens after ${twice} requests, the second one when Slack allowed it`)

  yield* Story.note("Slack says 429 with Retry-After: 60, and a browser is waiting:")
  yield* SlackEmulator.inject({ fault: SlackEmulator.rateLimited({ retryAfter: "1 minute" }) })
  const [, once] = yield* counted(
    Story.expectFailure(OAuthV2.access({ code: (yield* SlackEmulator.authorize()).code }))
  )
  yield* Story.note(`  after ${once} request, without waiting`)

  yield* Story.note("Slack takes the code, and its answer gets lost:")
  yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
  const [, sent] = yield* counted(
    Story.expectFailure(OAuthV2.access({ code: (yield* SlackEmulator.authorize()).code }))
  )
  yield* Story.note(`  after ${sent} request: a code is not sent again on a guess`)
})
