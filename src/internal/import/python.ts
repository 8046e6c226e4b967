/** The rows of python-slack-sdk's stores. */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Installation from "../../Installation.js"
import { IncomingWebhook } from "../../TokenResponse.js"
import { commaList } from "../commaList.js"
import { between, maybe } from "../effect/schemas.js"
import { nonEmpty, type Pieces, reader, toParty } from "./installation.js"

/**
 * SQLite stores times as seconds or text. SQLAlchemy writes text, and timestamps in Postgres. None has a time zone: all
 * are UTC.
 */
const PythonTime = between(
  Schema.Union(Schema.Number, Schema.String, Schema.DateFromSelf),
  Schema.DateTimeUtcFromSelf,
  {
    decode: (value) => {
      const text = typeof value === "string" ? value.trim() : value
      const time = typeof text === "number" || typeof text === "string" && /^\d+(\.\d+)?$/.test(text)
        ? Number(text) * 1000
        : typeof text === "string"
        ? `${text.replace(" ", "T").replace(/(\.\d{3})\d+/, "$1")}${/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? "" : "Z"}`
        : text
      return Either.fromOption(Option.map(DateTime.make(time), DateTime.toUtc), () => ({ path: [] }))
    },
    encode: DateTime.formatIso
  }
)

const PythonRow = Schema.Struct({
  app_id: maybe(Schema.String),
  enterprise_id: maybe(Schema.String),
  enterprise_name: maybe(Schema.String),
  team_id: maybe(Schema.String),
  team_name: maybe(Schema.String),
  bot_token: maybe(Schema.String),
  bot_user_id: maybe(Schema.String),
  bot_scopes: maybe(Schema.String),
  bot_refresh_token: maybe(Schema.String),
  bot_token_expires_at: maybe(PythonTime),
  user_id: maybe(Schema.String),
  user_token: maybe(Schema.String),
  user_scopes: maybe(Schema.String),
  user_refresh_token: maybe(Schema.String),
  user_token_expires_at: maybe(PythonTime),
  incoming_webhook_url: maybe(Schema.String),
  incoming_webhook_channel: maybe(Schema.String),
  incoming_webhook_channel_id: maybe(Schema.String),
  incoming_webhook_configuration_url: maybe(Schema.String),
  is_enterprise_install: maybe(Schema.Union(Schema.Boolean, Schema.Number, Schema.String)),
  installed_at: maybe(PythonTime)
})

export const read = reader(PythonRow, (value): Pieces => ({
  appId: nonEmpty(value.app_id),
  team: toParty(nonEmpty(value.team_id), value.team_name),
  enterprise: toParty(nonEmpty(value.enterprise_id), value.enterprise_name),
  isEnterpriseInstall: [true, 1, "1", "t", "true"].includes(value.is_enterprise_install ?? false),
  installedAt: Option.fromNullable(value.installed_at),
  userId: nonEmpty(value.user_id),
  bot: Option.map(nonEmpty(value.bot_token), (token) => ({
    token,
    scopes: commaList(value.bot_scopes ?? ""),
    refreshToken: nonEmpty(value.bot_refresh_token),
    expiresAt: Option.fromNullable(value.bot_token_expires_at),
    botUserId: nonEmpty(value.bot_user_id)
  })),
  user: Option.map(nonEmpty(value.user_token), (token) => ({
    token,
    scopes: commaList(value.user_scopes ?? ""),
    refreshToken: nonEmpty(value.user_refresh_token),
    expiresAt: Option.fromNullable(value.user_token_expires_at)
  })),
  incomingWebhook: Option.map(nonEmpty(value.incoming_webhook_url), (url) =>
    new IncomingWebhook({
      url: Redacted.make(url),
      channel: value.incoming_webhook_channel ?? "",
      channelId: nonEmpty(value.incoming_webhook_channel_id),
      configurationUrl: value.incoming_webhook_configuration_url ?? ""
    }))
}))

/** The credential that was issued later; the second one if the times are equal. */
const newer = <C extends Installation.Credential>(a: C, b: C): C => DateTime.lessThan(b.issuedAt, a.issuedAt) ? a : b

/** Merges two rows of one installation. */
export const merge = (
  a: Installation.Installation,
  b: Installation.Installation
): Installation.Installation => {
  const [older, later] = DateTime.lessThan(b.installedAt, a.installedAt) ? [b, a] : [a, b]
  const credentials = new Map<string, Installation.Credential>()
  for (const credential of [...older.credentials, ...later.credentials]) {
    const subject = Installation.subjectOf(credential)
    const known = credentials.get(subject)
    credentials.set(subject, known === undefined ? credential : newer(known, credential))
  }
  return Installation.withCredentials(
    new Installation.Installation({
      ...later,
      incomingWebhook: Option.orElse(later.incomingWebhook, () => older.incomingWebhook),
      installedBy: Option.orElse(later.installedBy, () => older.installedBy)
    }),
    Array.from(credentials.values())
  )
}
