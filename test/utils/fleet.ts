/**
 * A simple Slack for fleets that are too large for the emulator. It knows the latest pair of each chain, and counts the
 * refreshes. It has no grace period and no faults.
 */
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

export interface Fleet {
  readonly layer: Layer.Layer<OAuthV2.OAuthV2>
  /** Stores installations that were all made at the same time. */
  readonly install: (
    size: number
  ) => Effect.Effect<
    ReadonlyArray<Installation.InstallationKey>,
    InstallationStore.InstallationStoreError,
    InstallationStore.InstallationStore
  >
  /** Refreshes by minute since the epoch. */
  readonly perMinute: Map<number, number>
  readonly refreshes: () => number
  /** How many refresh tokens were refused. */
  readonly refused: () => number
  /** Whether Slack would accept an access token. */
  readonly accepts: (token: Redacted.Redacted, now: number) => boolean
}

const life = 12 * 3_600_000

export const makeFleet = (): Fleet => {
  /** By number of the installation: how many pairs were issued, and when the latest. */
  const issued: Array<{ count: number; at: number }> = []
  const perMinute = new Map<number, number>()
  let refreshes = 0
  let refused = 0

  const respond = (number: number, now: number) => {
    const pair = issued[number]!
    pair.count++
    pair.at = now
    return new TokenResponse.TokenResponse({
      appId: "A0FLEET",
      target: new TokenResponse.Workspace({
        team: { id: `T${number}`, name: Option.none() },
        enterprise: Option.none()
      }),
      bot: Option.some(
        new TokenResponse.BotToken({
          accessToken: Redacted.make(`xoxe.xoxb-test-${number}-${pair.count}`),
          scopes: ["chat:write"],
          botUserId: Option.none(),
          expiry: Option.some(
            new TokenResponse.Expiry({
              expiresAt: DateTime.unsafeMake(now + life),
              refreshToken: Option.some(Redacted.make(`xoxe-test-${number}-${pair.count}`))
            })
          )
        }, { disableValidation: true })
      ),
      user: Option.none(),
      authedUserId: Option.none(),
      incomingWebhook: Option.none(),
      warnings: []
    }, { disableValidation: true })
  }

  const parse = (token: string) => token.split("-").slice(-2).map(Number) as [number, number]

  return {
    perMinute,
    refreshes: () => refreshes,
    refused: () => refused,
    accepts: (token, now) => {
      const [number, count] = parse(Redacted.value(token))
      const pair = issued[number]!
      // The pair before still works until it expires. Here only its age is known.
      return count === pair.count && now < pair.at + life
    },
    install: (size) =>
      Effect.gen(function*() {
        const store = yield* InstallationStore.InstallationStore
        const at = yield* DateTime.now
        const keys: Array<Installation.InstallationKey> = []
        for (let index = 0; index < size; index++) {
          const number = issued.push({ count: 0, at: 0 }) - 1
          const response = respond(number, DateTime.toEpochMillis(at))
          keys.push((yield* store.save(Installation.fromTokenResponse(response, at))).key)
        }
        return keys
      }),
    layer: OAuthV2.layerTest({
      access: (request) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const token = request.refreshToken === undefined
            ? "xoxe-test-0-0"
            : Redacted.isRedacted(request.refreshToken)
            ? Redacted.value(request.refreshToken)
            : request.refreshToken
          const [number, count] = parse(token)
          if (issued[number]?.count !== count) {
            refused++
            return Effect.fail(OAuthV2Error.fromCode("invalid_refresh_token", { method: "oauth.v2.access" }))
          }
          refreshes++
          const minute = Math.floor(now / 60_000)
          perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1)
          return Effect.succeed(respond(number, now))
        })
    })
  }
}
