/** Installations and tokens for tests of stores. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../../Installation.js"
import { BotToken, Expiry, type IncomingWebhook, Organization, UserToken, Workspace } from "../../TokenResponse.js"

/** The default time of an install. */
export const t0: DateTime.Utc = DateTime.unsafeMake("2026-01-01T00:00:00Z")

const expiryAt = (name: string, expiresAt: DateTime.Utc | undefined): Option.Option<Expiry> =>
  Option.map(
    Option.fromNullable(expiresAt),
    (expiresAt) => new Expiry({ expiresAt, refreshToken: Option.some(Redacted.make(`xoxe-test-${name}`)) })
  )

/** A bot token. It rotates if it has an expiry. */
export const botToken = (name: string, expiresAt?: DateTime.Utc, scopes?: ReadonlyArray<string>): BotToken =>
  new BotToken({
    accessToken: Redacted.make(`xoxb-test-${name}`),
    scopes: scopes ?? ["chat:write", "commands"],
    botUserId: Option.some("U0BOT"),
    expiry: expiryAt(name, expiresAt)
  })

/** A user token. It rotates if it has an expiry. */
export const userToken = (name: string, expiresAt?: DateTime.Utc): UserToken =>
  new UserToken({
    accessToken: Redacted.make(`xoxp-test-${name}`),
    scopes: ["search:read"],
    userId: Option.none(),
    expiry: expiryAt(name, expiresAt)
  })

/** The installation of an install: in the workspace if there is one, otherwise in the organization. */
export const install = (options: {
  readonly appId: string
  readonly teamId?: string
  readonly enterpriseId?: string
  readonly name?: string
  readonly bot?: BotToken
  readonly user?: readonly [id: string, token: UserToken]
  readonly webhook?: IncomingWebhook
  readonly metadata?: string
  readonly by?: string
  readonly at?: DateTime.Utc
}): Installation.Installation => {
  const installedAt = options.at ?? t0
  const stored = { generation: 0, issuedAt: installedAt, reauthorization: Option.none() }
  const party = (id: string) => ({ id, name: Option.fromNullable(options.name) })
  const enterprise = Option.map(Option.fromNullable(options.enterpriseId), party)
  return new Installation.Installation({
    appId: options.appId,
    target: options.teamId === undefined
      ? new Organization({ enterprise: Option.getOrThrow(enterprise) })
      : new Workspace({ team: party(options.teamId), enterprise }),
    bot: Option.map(
      Option.fromNullable(options.bot),
      (token) => new Installation.BotCredential({ ...stored, token })
    ),
    users: Option.toArray(Option.map(
      Option.fromNullable(options.user),
      ([userId, token]) =>
        new Installation.UserCredential({
          ...stored,
          userId,
          token: new UserToken({ ...token, userId: Option.some(userId) })
        })
    )),
    incomingWebhook: Option.fromNullable(options.webhook),
    installedBy: Option.fromNullable(options.by ?? options.user?.[0]),
    installedAt,
    metadata: Option.map(Option.fromNullable(options.metadata), Redacted.make)
  })
}
