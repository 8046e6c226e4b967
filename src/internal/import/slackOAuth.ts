/** The `Installation` of `@slack/oauth` as JSON. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { IncomingWebhook } from "../../TokenResponse.js"
import { maybe, where } from "../effect/schemas.js"
import { nonEmpty, type Pieces, type PlainToken, reader, toParty } from "./installation.js"

const Scopes = maybe(Schema.Array(Schema.String))

const NodeParty = maybe(Schema.Struct({ id: Schema.String, name: maybe(Schema.String) }))

/** Seconds since 1970, up to the limit of `Date`. */
const Seconds = where(Schema.Number, (seconds) => seconds >= 0 && seconds <= 8_640_000_000_000)

const nodeToken = {
  token: maybe(Schema.String),
  refreshToken: maybe(Schema.String),
  expiresAt: maybe(Seconds),
  scopes: Scopes
}

const NodeInstallation = Schema.Struct({
  team: NodeParty,
  enterprise: NodeParty,
  user: maybe(Schema.Struct({ id: maybe(Schema.String), ...nodeToken })),
  bot: maybe(Schema.Struct({ userId: maybe(Schema.String), ...nodeToken })),
  incomingWebhook: maybe(Schema.Struct({
    url: Schema.String,
    channel: maybe(Schema.String),
    channelId: maybe(Schema.String),
    configurationUrl: maybe(Schema.String)
  })),
  appId: maybe(Schema.String),
  isEnterpriseInstall: maybe(Schema.Boolean)
})

const fromSeconds = (seconds: number | null | undefined): Option.Option<DateTime.Utc> =>
  Option.map(Option.fromNullable(seconds), (seconds) => DateTime.unsafeMake(seconds * 1000))

const fromNodeToken = (
  wire: NonNullable<(typeof NodeInstallation.Type)["user"]> | NonNullable<(typeof NodeInstallation.Type)["bot"]>
): Option.Option<PlainToken> =>
  Option.map(nonEmpty(wire.token), (token) => ({
    token,
    scopes: wire.scopes ?? [],
    refreshToken: nonEmpty(wire.refreshToken),
    expiresAt: fromSeconds(wire.expiresAt)
  }))

export const read = reader(NodeInstallation, (value): Pieces => ({
  appId: nonEmpty(value.appId),
  team: toParty(nonEmpty(value.team?.id), value.team?.name),
  enterprise: toParty(nonEmpty(value.enterprise?.id), value.enterprise?.name),
  isEnterpriseInstall: value.isEnterpriseInstall === true,
  installedAt: Option.none(),
  userId: nonEmpty(value.user?.id),
  bot: Option.flatMap(
    Option.fromNullable(value.bot),
    (bot) => Option.map(fromNodeToken(bot), (token) => ({ ...token, botUserId: nonEmpty(bot.userId) }))
  ),
  user: Option.flatMap(Option.fromNullable(value.user), fromNodeToken),
  incomingWebhook: Option.map(Option.fromNullable(value.incomingWebhook), (webhook) =>
    new IncomingWebhook({
      url: Redacted.make(webhook.url),
      channel: webhook.channel ?? "",
      channelId: nonEmpty(webhook.channelId),
      configurationUrl: webhook.configurationUrl ?? ""
    }))
}))
