/** The same installations for this package and for `@slack/oauth`. Each has a number, and a rotating bot token with a number. */
import type * as SlackOAuth from "@slack/oauth"
import * as Installation from "effect-slack-oauth/Installation"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

const hour = 3_600_000

export const teamOf = (number: number): string => `T${number}`

export const tokenOf = (number: number): string => `xoxe.xoxb-1-bench-${number}`

export const keyOf = (number: number): Installation.InstallationKey => Installation.workspace("A0BENCH", teamOf(number))

const botToken = (number: number, expiresAt: number): TokenResponse.BotToken =>
  new TokenResponse.BotToken({
    accessToken: Redacted.make(tokenOf(number)),
    scopes: ["chat:write"],
    expiry: Option.some(
      new TokenResponse.Expiry({
        expiresAt: DateTime.unsafeMake(expiresAt),
        refreshToken: Option.some(Redacted.make(`xoxe-1-bench-${number}`))
      })
    )
  })

export const installation = (number: number, expiresAt: number): Installation.Installation => {
  const issuedAt = DateTime.unsafeMake(expiresAt - 12 * hour)
  return new Installation.Installation({
    appId: "A0BENCH",
    target: new TokenResponse.Workspace({ team: { id: teamOf(number), name: Option.none() } }),
    bot: Option.some(
      new Installation.BotCredential({
        generation: 0,
        issuedAt,
        reauthorization: Option.none(),
        token: botToken(number, expiresAt)
      })
    ),
    users: [],
    incomingWebhook: Option.none(),
    installedBy: Option.none(),
    installedAt: issuedAt
  })
}

/** What a refresh stores. */
export const renewed = (number: number, expiresAt: number): Installation.Change =>
  Installation.Change.Renewed({ issuedAt: DateTime.unsafeMake(expiresAt), token: botToken(number, expiresAt) })

export const peerInstallation = (number: number, expiresAt: number): SlackOAuth.Installation<"v2", false> => ({
  team: { id: teamOf(number) },
  enterprise: undefined,
  isEnterpriseInstall: false,
  authVersion: "v2",
  user: { id: "U0PERSON", token: undefined, scopes: undefined },
  bot: {
    id: "B0BENCH",
    userId: "U0BENCH",
    token: tokenOf(number),
    refreshToken: `xoxe-1-bench-${number}`,
    expiresAt: Math.floor(expiresAt / 1000),
    scopes: ["chat:write"]
  }
})

export const peerQuery = (number: number): SlackOAuth.InstallationQuery<false> => ({
  teamId: teamOf(number),
  enterpriseId: undefined,
  isEnterpriseInstall: false
})
