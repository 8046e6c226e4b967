/**
 * Slack's answer to a grant: the app, the workspace or organization, and the tokens.
 *
 * Slack writes this answer in a dozen shapes: with a bot token, a user token, or both; for a workspace or an
 * organization; with the user token in one place after an install and in another after a refresh. This module has one
 * model for all of them. {@link FromWire} is the schema between Slack's form and the model.
 *
 * @see https://docs.slack.dev/reference/methods/oauth.v2.access
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { commaList } from "./internal/commaList.js"
import { between, exactOptional, guarded, optional, withConstructorDefault } from "./internal/effect/schemas.js"
import { endOfTime } from "./internal/expiry.js"
import { instance } from "./internal/instance.js"
import { isObject } from "./internal/unknown.js"

// -------------------------------------------------------------------------------------
// the model
// -------------------------------------------------------------------------------------

/**
 * A workspace (`T…`) or an organization (`E…`): its id, and its name if Slack gives one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Party {
  readonly id: string
  readonly name: Option.Option<string>
}

/**
 * The schema of {@link Party}.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Party: Schema.Schema<Party, { readonly id: string; readonly name?: string }> = Schema.Struct({
  id: Schema.String,
  name: exactOptional(Schema.String)
})

/**
 * The app is installed in one workspace, which may belong to an organization.
 *
 * @since 0.1.0
 * @category models
 */
export class Workspace extends Schema.TaggedClass<Workspace>("effect-slack-oauth/Workspace")("Workspace", {
  team: Party,
  enterprise: optional(Party)
}) {}

/**
 * The app is installed in a whole organization, with all its workspaces.
 *
 * @since 0.1.0
 * @category models
 */
export class Organization extends Schema.TaggedClass<Organization>("effect-slack-oauth/Organization")("Organization", {
  enterprise: Party
}) {}

/**
 * When a token expires, and its refresh token. An install can have two tokens, and each has its own expiry or none.
 *
 * @see https://docs.slack.dev/authentication/using-token-rotation
 * @since 0.1.0
 * @category models
 */
export class Expiry extends Schema.Class<Expiry>("effect-slack-oauth/Expiry")({
  /** Counted from before the request, so never later than the token really expires. */
  expiresAt: Schema.DateTimeUtc,
  /** Works once: the answer to a refresh has the next one. A token without one expires and cannot be refreshed. */
  refreshToken: optional(Schema.Redacted(Schema.String))
}) {}

/**
 * A token with which the app acts as itself.
 *
 * @since 0.1.0
 * @category models
 */
export class BotToken extends Schema.Class<BotToken>("effect-slack-oauth/BotToken")({
  accessToken: Schema.Redacted(Schema.String),
  scopes: Schema.Array(Schema.String),
  botUserId: optional(Schema.String),
  expiry: optional(Expiry)
}) {}

/**
 * A token with which the app acts for a person.
 *
 * @since 0.1.0
 * @category models
 */
export class UserToken extends Schema.Class<UserToken>("effect-slack-oauth/UserToken")({
  accessToken: Schema.Redacted(Schema.String),
  scopes: Schema.Array(Schema.String),
  userId: optional(Schema.String),
  expiry: optional(Expiry)
}) {}

/**
 * A URL that posts to a channel. It needs no token, so the URL is a secret.
 *
 * @see https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 * @since 0.1.0
 * @category models
 */
export class IncomingWebhook extends Schema.Class<IncomingWebhook>("effect-slack-oauth/IncomingWebhook")({
  url: Schema.Redacted(Schema.String),
  /** Empty if Slack does not name it. */
  channel: Schema.String,
  channelId: optional(Schema.String),
  /** Empty if Slack does not give one. */
  configurationUrl: Schema.String
}) {}

/**
 * The answer to an install, a refresh or an exchange.
 *
 * As a schema, this class has a JSON form of its own, with an absolute `expiresAt`, and with the tokens in plain text:
 * encrypt it before you store it. {@link FromWire} is the schema of Slack's form.
 *
 * @since 0.1.0
 * @category models
 */
export class TokenResponse extends Schema.Class<TokenResponse>("effect-slack-oauth/TokenResponse")({
  appId: Schema.String,
  target: Schema.Union(Workspace, Organization),
  bot: optional(BotToken),
  user: optional(UserToken),
  /** The person who installed the app. Absent in answers to a refresh or an exchange. */
  authedUserId: optional(Schema.String),
  incomingWebhook: optional(IncomingWebhook),
  /** Slack's warning codes, such as `superfluous_charset`. */
  warnings: withConstructorDefault(Schema.Array(Schema.String), [])
}) {}

// -------------------------------------------------------------------------------------
// Slack's form
// -------------------------------------------------------------------------------------

interface WireParty {
  readonly id: string
  readonly name?: string | null | undefined
}

interface WireToken {
  readonly access_token?: string | null | undefined
  readonly token_type?: string | null | undefined
  readonly scope?: string | null | undefined
  readonly expires_in?: number | null | undefined
  readonly refresh_token?: string | null | undefined
}

/**
 * A token response as Slack documents it. {@link FromWire} also reads answers that deviate from it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Wire extends WireToken {
  readonly ok?: true | undefined
  readonly app_id: string
  readonly team?: WireParty | null | undefined
  readonly enterprise?: WireParty | null | undefined
  readonly is_enterprise_install?: boolean | null | undefined
  readonly bot_user_id?: string | null | undefined
  readonly user_id?: string | null | undefined
  readonly authed_user?: WireToken & { readonly id?: string | null | undefined } | null | undefined
  readonly incoming_webhook?:
    | {
      readonly url: string
      readonly channel: string
      readonly channel_id?: string | null | undefined
      readonly configuration_url: string
    }
    | null
    | undefined
  readonly warning?: string | null | undefined
  readonly response_metadata?: { readonly warnings?: ReadonlyArray<string> | null | undefined } | null | undefined
}

/**
 * The schema of {@link Wire}. It accepts every JSON object: {@link FromWire} decides which fields are needed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Wire: Schema.Schema<Wire> = guarded(
  "Wire",
  (body): body is Wire => isObject(body),
  "Expected a token response of Slack, as a JSON object"
)

const modelType = Schema.typeSchema(TokenResponse)

/**
 * What the caller knows before Slack answers. It is used if the answer does not say it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Known {
  readonly appId?: string | undefined
  readonly target?: Workspace | Organization | undefined
  /** The refresh token that is presented. It stays valid if the answer has no new one (RFC 6749 §6). */
  readonly refreshToken?: Redacted.Redacted | undefined
}

/**
 * The target of a refresh or an exchange, if neither the answer nor the request names it: a workspace with an empty id.
 *
 * @since 0.1.0
 * @category models
 */
export const unnamed: Workspace = instance(Workspace, {
  _tag: "Workspace",
  team: { id: "", name: Option.none() },
  enterprise: Option.none()
})

/**
 * The schema between Slack's form and the model. Slack says in how many seconds a token expires. Decoding adds them to
 * `requestedAt`, and the result is `expiresAt`. Encoding returns the seconds from `requestedAt` to `expiresAt`.
 *
 * An answer needs a token, an app, and a workspace or organization; `known` can supply the last two. All other fields
 * are optional. A field that does not fit is ignored, because the grant is spent and the token must not get lost.
 * Numbers may be text. A token with a refresh token and without a lifetime lives 12 hours, as Slack documents. A token
 * with a lifetime of zero or less has expired.
 *
 * A parse error has the path that does not fit, without the value: that may be a token.
 *
 * @example
 * ```ts
 * import { DateTime, Schema } from "effect"
 * import { TokenResponse } from "effect-slack-oauth"
 *
 * const schema = TokenResponse.FromWire(DateTime.unsafeMake("2026-01-01T00:00:00Z"))
 *
 * const response = Schema.decodeUnknownSync(schema)({
 *   ok: true,
 *   app_id: "A0EXAMPLE",
 *   team: { id: "T0EXAMPLE", name: "Example" },
 *   access_token: "xoxb-test-token",
 *   token_type: "bot",
 *   scope: "chat:write"
 * })
 *
 * console.log(response.target._tag) // "Workspace"
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const FromWire = (requestedAt: DateTime.Utc, known?: Known): Schema.Schema<TokenResponse, Wire> =>
  between(Wire, modelType, {
    decode: (wire) =>
      Either.mapLeft(
        decode(object(wire), requestedAt, known),
        (path) => ({ path: path.split("."), expected: needed[path] })
      ),
    encode: (model) => encode(model, requestedAt)
  })

/**
 * Decodes the body of an answer. If it is no token response, the result has the path that does not fit, such as
 * `team.id`, and no value.
 *
 * @since 0.1.0
 * @category decoding
 */
export const fromBody = (
  body: unknown,
  requestedAt: DateTime.Utc,
  known?: Known
): Either.Either<TokenResponse, ReadonlyArray<string>> =>
  isObject(body) ? Either.mapLeft(decode(body, requestedAt, known), (path) => [path]) : Either.left([])

// -------------------------------------------------------------------------------------
// reading fields: a value that does not fit counts as absent
// -------------------------------------------------------------------------------------

type Json = Readonly<Record<string, unknown>>

const nothing: Json = {}

const object = (value: unknown): Json => isObject(value) ? value : nothing

const string = (value: unknown): string => typeof value === "string" ? value : ""

/** Slack and its imitators write `null` and `""` for an absent text. */
const text = (value: unknown): Option.Option<string> =>
  typeof value === "string" && value !== "" ? Option.some(value) : Option.none()

/**
 * Ids and scopes are stored, and some databases cannot store control characters and lone surrogates. They are also
 * printed, so a token in their place does not count.
 */
const isWord = (item: string): boolean => /^(?!xox|xapp-)[^\p{Cc}\p{Cs}]+$/u.test(item)

const id = (value: unknown): Option.Option<string> =>
  typeof value === "string" && isWord(value) ? Option.some(value) : Option.none()

const words = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string" ? commaList(value).filter(isWord) : []

/** A list, as text with commas or as a JSON list. */
const list = (value: unknown): ReadonlyArray<string> => Array.isArray(value) ? value.flatMap(words) : words(value)

const number = (value: unknown): number | undefined => {
  const number = typeof value === "object" ? NaN : parseFloat(String(value))
  return Number.isFinite(number) ? number : undefined
}

const isTrue = (value: unknown): boolean => value === true || value === 1 || value === "true" || value === "1"

// -------------------------------------------------------------------------------------
// decoding
// -------------------------------------------------------------------------------------

/** What an answer needs, by the path of a misfit. */
const needed = {
  ok: "Expected ok to be true",
  app_id: "Expected the id of an app",
  team: "Expected a workspace or an organization",
  "team.id": "Expected the id of a workspace",
  access_token: "Expected a bot token or a user token"
}

type Misfit = keyof typeof needed

const decodeParty = (wire: unknown): Option.Option<Party> => {
  const party = object(wire)
  return Option.map(id(party.id), (id) => ({ id, name: text(party.name) }))
}

/** Whether there is a workspace that cannot be read. Such an installation must not count as one of the organization. */
const isUnreadable = (team: unknown): boolean =>
  typeof team === "object" && team !== null ? Object.values(team).some(Boolean) : Boolean(team)

const decodeTarget = (wire: Json, known: Known): Workspace | Organization | undefined => {
  const team = decodeParty(wire.team)
  const enterprise = decodeParty(wire.enterprise)
  const isWorkspace = Option.isSome(team) || isUnreadable(wire.team)
  return Option.isSome(enterprise) && (isTrue(wire.is_enterprise_install) || !isWorkspace)
    ? instance(Organization, { _tag: "Organization", enterprise: enterprise.value })
    : Option.isSome(team)
    ? instance(Workspace, { _tag: "Workspace", team: team.value, enterprise })
    : known.target
}

/** The lifetime of Slack's rotating tokens, in seconds. */
const usualLifetime = 43_200

const decodeExpiry = (
  wire: Json,
  requestedAt: DateTime.Utc,
  known: Known
): Option.Option<Expiry> => {
  const refreshToken = Option.orElse(
    Option.map(text(wire.refresh_token), Redacted.make),
    () => Option.fromNullable(known.refreshToken)
  )
  const seconds = number(wire.expires_in) ?? (Option.isSome(refreshToken) ? usualLifetime : undefined)
  if (seconds === undefined) return Option.none()
  const expiresAt = Math.floor(DateTime.toEpochMillis(requestedAt) + Math.max(seconds, 0) * 1000)
  return Option.some(
    instance(Expiry, { expiresAt: DateTime.unsafeMake(Math.min(expiresAt, endOfTime)), refreshToken })
  )
}

/** Whether the top-level token is a user token: by `token_type`, or by the ids in the answer if the type is unknown. */
const isUserToken = ({ bot_user_id, token_type, user_id }: Json): boolean =>
  token_type === "user" ||
  (token_type !== "bot" && token_type !== "granular_bot" && Option.isSome(id(user_id)) &&
    Option.isNone(id(bot_user_id)))

/** The token at the top level, or in `authed_user`. */
const decodeToken = (wire: Json, requestedAt: DateTime.Utc, known: Known) =>
  Option.map(text(wire.access_token), (accessToken) => ({
    accessToken: Redacted.make(accessToken),
    scopes: list(wire.scope),
    expiry: decodeExpiry(wire, requestedAt, known)
  }))

/** A webhook without a URL counts as absent. */
const decodeWebhook = (wire: Json): Option.Option<IncomingWebhook> =>
  Option.map(text(wire.url), (url) =>
    instance(IncomingWebhook, {
      url: Redacted.make(url),
      channel: string(wire.channel),
      channelId: text(wire.channel_id),
      configurationUrl: string(wire.configuration_url)
    }))

const decode = (
  wire: Json,
  requestedAt: DateTime.Utc,
  known: Known = {}
): Either.Either<TokenResponse, Misfit> => {
  if (wire.ok !== undefined && wire.ok !== true) return Either.left("ok")
  const appId = Option.getOrUndefined(id(wire.app_id)) ?? known.appId
  if (appId === undefined) return Either.left("app_id")
  const target = decodeTarget(wire, known)
  if (target === undefined) return Either.left(isObject(wire.team) ? "team.id" : "team")

  const authedUser = object(wire.authed_user)
  const authedUserId = id(authedUser.id)
  const userId = id(wire.user_id)
  const top = decodeToken(wire, requestedAt, known)
  // The presented refresh token belongs to the top-level token, if there is one.
  const nested = decodeToken(authedUser, requestedAt, Option.isSome(top) ? {} : known)
  const isUser = Option.isSome(top) && isUserToken(wire)
  const bot = Option.map(
    isUser ? Option.none() : top,
    (token) => instance(BotToken, { ...token, botUserId: id(wire.bot_user_id) })
  )
  const user = Option.map(isUser ? top : nested, (token) =>
    instance(UserToken, {
      ...token,
      userId: Option.firstSomeOf(isUser ? [userId, authedUserId] : [authedUserId, userId])
    }))
  if (Option.isNone(bot) && Option.isNone(user)) return Either.left("access_token")

  return Either.right(
    instance(TokenResponse, {
      appId,
      target,
      bot,
      user,
      authedUserId,
      incomingWebhook: decodeWebhook(object(wire.incoming_webhook)),
      warnings: Array.from(new Set([...list(wire.warning), ...list(object(wire.response_metadata).warnings)]))
    })
  )
}

// -------------------------------------------------------------------------------------
// encoding
// -------------------------------------------------------------------------------------

const encodeParty = ({ id, name }: Party) =>
  id === "" ? null : { id, ...(Option.isSome(name) ? { name: name.value } : undefined) }

const encodeToken = (type: "bot" | "user", token: BotToken | UserToken, requestedAt: DateTime.Utc): WireToken => ({
  access_token: Redacted.value(token.accessToken),
  token_type: type,
  ...(token.scopes.length > 0 ? { scope: token.scopes.join(",") } : undefined),
  ...(Option.isSome(token.expiry)
    ? {
      expires_in: Math.max(0, Math.round(DateTime.distance(requestedAt, token.expiry.value.expiresAt) / 1000)),
      ...(Option.isSome(token.expiry.value.refreshToken)
        ? { refresh_token: Redacted.value(token.expiry.value.refreshToken.value) }
        : undefined)
    }
    : undefined)
})

/**
 * After an install, the user token is in `authed_user`, with the id of the person who installed the app. After a
 * refresh or an exchange it is at the top level, and there is no `authed_user`.
 */
const encode = (model: TokenResponse, requestedAt: DateTime.Utc): Wire => {
  const { authedUserId, bot, incomingWebhook, target, user, warnings } = model
  const userId = Option.flatMap(user, ({ userId }) => userId)
  const clicked = Option.isSome(authedUserId) && Option.contains(userId, authedUserId.value)
  const moved = Option.isSome(user) && Option.isNone(bot) && !clicked
  return {
    ok: true,
    app_id: model.appId,
    team: target._tag === "Workspace" ? encodeParty(target.team) : null,
    enterprise: target._tag === "Organization"
      ? encodeParty(target.enterprise)
      : Option.getOrNull(Option.map(target.enterprise, encodeParty)),
    is_enterprise_install: target._tag === "Organization",
    ...(Option.isSome(bot) ? encodeToken("bot", bot.value, requestedAt) : undefined),
    ...(Option.isSome(bot) && Option.isSome(bot.value.botUserId)
      ? { bot_user_id: bot.value.botUserId.value }
      : undefined),
    ...(moved ? encodeToken("user", user.value, requestedAt) : undefined),
    ...(Option.isSome(userId) && !clicked ? { user_id: userId.value } : undefined),
    ...(Option.isSome(authedUserId) || (Option.isSome(user) && !moved)
      ? {
        authed_user: {
          ...(Option.isSome(authedUserId) ? { id: authedUserId.value } : undefined),
          ...(Option.isSome(user) && !moved ? encodeToken("user", user.value, requestedAt) : undefined)
        }
      }
      : undefined),
    ...(Option.isSome(incomingWebhook)
      ? {
        incoming_webhook: {
          url: Redacted.value(incomingWebhook.value.url),
          channel: incomingWebhook.value.channel,
          ...(Option.isSome(incomingWebhook.value.channelId)
            ? { channel_id: incomingWebhook.value.channelId.value }
            : undefined),
          configuration_url: incomingWebhook.value.configurationUrl
        }
      }
      : undefined),
    ...(warnings.length > 0 ? { warning: warnings.join(","), response_metadata: { warnings } } : undefined)
  }
}
