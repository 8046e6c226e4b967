/** The life of a token over twelve hours, by the rules that the token manager decides with. */
import * as Installation from "effect-slack-oauth/Installation"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { refreshAtOf } from "../../src/internal/credentialState.js"
import { draw, line, rect, text } from "./svg.js"

const hour = 3_600_000

const issuedAt = DateTime.unsafeMake(0)

const credential = new Installation.BotCredential({
  generation: 1,
  issuedAt,
  reauthorization: Option.none(),
  token: new TokenResponse.BotToken({
    accessToken: Redacted.make("xoxe.xoxb-test"),
    scopes: [],
    botUserId: Option.none(),
    expiry: Option.some(
      new TokenResponse.Expiry({
        expiresAt: DateTime.add(issuedAt, { hours: 12 }),
        refreshToken: Option.some(Redacted.make("xoxe-test"))
      })
    )
  })
})

/** The defaults of `TokenManager.layer()`. */
const rules = { window: 2 * hour, jitter: 0.25, cacheTime: 0, patience: 0, sharedRefresh: true }

const first = refreshAtOf(rules, credential, 0) / hour
const last = refreshAtOf(rules, credential, 1) / hour
const expiry = 12

const left = 40
const perHour = 52
const x = (hours: number) => left + hours * perHour

const words = (hours: number) => `${Math.floor(hours)}:${String(Math.round((hours % 1) * 60)).padStart(2, "0")}`

export const tokenLife = draw({
  width: 760,
  height: 210,
  title: "The life of a rotating token",
  description:
    `A token is served without any call until ${words(first)} hours. Between ${words(first)} and ${
      words(last)
    } hours one refresh begins, ` +
    `at a random time. If Slack is down the token is served until ${words(expiry)} hours, and never afterwards.`,
  body: [
    text(left, 28, "One access token, from its issue to its end", "strong"),
    rect(x(0), 50, x(first) - x(0), 44, "good"),
    text((x(0) + x(first)) / 2, 77, "fresh: served without a call to Slack", "middle"),
    rect(x(first), 50, x(last) - x(first), 44, "soon"),
    rect(x(last), 50, x(expiry) - x(last), 44, "soon"),
    rect(x(expiry), 50, x(13.3) - x(expiry), 44, "bad"),
    text((x(expiry) + x(13.3)) / 2, 77, "never", "middle small"),
    text((x(first) + x(expiry)) / 2, 77, "if Slack is down", "middle small"),
    line([[x(first), 108], [x(first), 96]], true),
    line([[x(last), 108], [x(last), 96]], true),
    text((x(first) + x(last)) / 2, 126, `one refresh, ${words(first)} to ${words(last)} h`, "middle small"),
    line([[x(0), 150], [x(13.3), 150]]),
    ...[0, 2, 4, 6, 8, 10, 12].flatMap((hours) => [
      line([[x(hours), 146], [x(hours), 154]]),
      text(x(hours), 172, `${hours} h`, "middle small")
    ]),
    text(x(13.3), 196, "hours since Slack issued the token", "end small")
  ]
})
