/**
 * Slack's answer to a grant: who installed what where, and which tokens came with it.
 *
 * Slack writes this answer in a dozen shapes: bot, user, or both; a workspace or a whole organization; the user token
 * in one place on install and in another on refresh. Here they are one model, and {@link FromWire} is the schema
 * between the two.
 *
 * @see https://docs.slack.dev/reference/methods/oauth.v2.access
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

// -------------------------------------------------------------------------------------
// the model
// -------------------------------------------------------------------------------------

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) =>
  Schema.optionalWith(schema, { as: "Option" }).pipe(Schema.withConstructorDefault(() => Option.none<A>()))

/**
 * A workspace (`T…`) or an organization (`E…`) by id, with its name where Slack gives one.
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
  name: Schema.optionalWith(Schema.String, { as: "Option", exact: true })
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
 * The app is installed in a whole organization and answers for every workspace in it.
 *
 * @since 0.1.0
 * @category models
 */
export class Organization extends Schema.TaggedClass<Organization>("effect-slack-oauth/Organization")("Organization", {
  enterprise: Party
}) {}

/**
 * When a rotating token runs out, and what renews it. Expiry belongs to a token: of the two that one install can
 * bring, one may rotate and the other not.
 *
 * @see https://docs.slack.dev/authentication/using-token-rotation
 * @since 0.1.0
 * @category models
 */
export class Expiry extends Schema.Class<Expiry>("effect-slack-oauth/Expiry")({
  /** Counted from the moment before the request left, so never later than Slack means it. */
  expiresAt: Schema.DateTimeUtc,
  /** Single use: the answer to a refresh brings the next one. */
  refreshToken: Schema.Redacted(Schema.String)
}) {}

/**
 * The token that the app acts with as itself.
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
 * A token that the app acts with on behalf of a person.
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
 * A channel that the app may post to by URL alone, which makes the URL a secret.
 *
 * @see https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 * @since 0.1.0
 * @category models
 */
export class IncomingWebhook extends Schema.Class<IncomingWebhook>("effect-slack-oauth/IncomingWebhook")({
  url: Schema.Redacted(Schema.String),
  channel: Schema.String,
  channelId: optional(Schema.String),
  configurationUrl: Schema.String
}) {}

/**
 * What a grant brought: an install, a refresh, or an exchange.
 *
 * As a schema this class is the model's own JSON form, with an absolute `expiresAt` and the tokens in plain text, for
 * stores that encrypt. Slack's form is {@link FromWire}.
 *
 * @since 0.1.0
 * @category models
 */
export class TokenResponse extends Schema.Class<TokenResponse>("effect-slack-oauth/TokenResponse")({
  appId: Schema.String,
  target: Schema.Union(Workspace, Organization),
  bot: optional(BotToken),
  user: optional(UserToken),
  /** The person who clicked; absent in answers to a refresh or an exchange. */
  authedUserId: optional(Schema.String),
  incomingWebhook: optional(IncomingWebhook),
  /** Slack's warning codes, such as `superfluous_charset`. */
  warnings: Schema.propertySignature(Schema.Array(Schema.String)).pipe(Schema.withConstructorDefault(() => []))
}) {}

// -------------------------------------------------------------------------------------
// Slack's form
// -------------------------------------------------------------------------------------

const maybe = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optional(Schema.NullOr(schema))

const WireParty = Schema.Struct({ id: Schema.String, name: maybe(Schema.String) })

const wireToken = {
  access_token: maybe(Schema.String),
  token_type: maybe(Schema.String),
  scope: maybe(Schema.String),
  expires_in: maybe(Schema.Number),
  refresh_token: maybe(Schema.String)
}

const fields = Schema.Struct({
  ok: Schema.optional(Schema.Literal(true)),
  app_id: Schema.String,
  team: maybe(WireParty),
  enterprise: maybe(WireParty),
  is_enterprise_install: maybe(Schema.Boolean),
  ...wireToken,
  bot_user_id: maybe(Schema.String),
  user_id: maybe(Schema.String),
  authed_user: maybe(Schema.Struct({ id: maybe(Schema.String), ...wireToken })),
  incoming_webhook: maybe(Schema.Struct({
    url: Schema.String,
    channel: Schema.String,
    channel_id: maybe(Schema.String),
    configuration_url: Schema.String
  })),
  warning: maybe(Schema.String),
  response_metadata: maybe(Schema.Struct({ warnings: maybe(Schema.Array(Schema.String)) }))
})

/** Where a value does not fit, such as `team.id`, and never what stands there. */
const pathsOf = (issue: ParseResult.ParseIssue): ReadonlyArray<string> => {
  const paths = new Set<string>()
  const visit = (issue: ParseResult.ParseIssue, path: ReadonlyArray<PropertyKey>): void => {
    switch (issue._tag) {
      case "Pointer":
        return visit(issue.issue, path.concat(issue.path))
      case "Composite":
        return Arr.ensure(issue.issues).forEach((inner) => visit(inner, path))
      case "Refinement":
      case "Transformation":
        return visit(issue.issue, path)
      default:
        if (path.length > 0) paths.add(path.join("."))
    }
  }
  visit(issue, [])
  // A union fails for each of its members; the deepest says it best.
  return Array.from(paths).filter((path) => !Array.from(paths).some((other) => other.startsWith(`${path}.`)))
}

/**
 * A token response as Slack writes it. It takes more than Slack documents (`null` for what is absent, a missing `ok`)
 * and ignores what it does not know. A parse error names the paths that do not fit, without the values: they may be
 * tokens.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Wire = fields.annotations({
  message: (issue) => {
    const paths = pathsOf(issue)
    return {
      message: paths.length === 0
        ? "Expected a token response of Slack, as a JSON object"
        : `Expected a token response of Slack; it does not fit at: ${paths.join(", ")}`,
      override: true
    }
  }
})

/**
 * A token response as Slack writes it.
 *
 * @since 0.1.0
 * @category models
 */
export type Wire = typeof Wire.Type

type WireToken = Pick<Wire, keyof typeof wireToken>

const modelType = Schema.typeSchema(TokenResponse)

/** What has to stand where an answer of the right types does not fit. */
const expected: Readonly<Record<string, string>> = {
  team: "Expected a workspace or an organization",
  access_token: "Expected a bot token or a user token",
  refresh_token: "Expected a refresh token, since the token expires",
  expires_in: "Expected a lifetime in seconds, since there is a refresh token"
}

/**
 * The schema between Slack's form and the model. Slack says in how many seconds a token runs out, so the schema needs
 * to know from when to count: decoding gives an absolute `expiresAt`, encoding turns it back into `expires_in`.
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
export const FromWire = (requestedAt: DateTime.Utc): Schema.Schema<TokenResponse, typeof Wire.Encoded> =>
  Schema.transformOrFail(Wire, modelType, {
    strict: true,
    decode: (wire, _, ast) =>
      Either.mapLeft(
        decode(wire, requestedAt),
        (path) => new ParseResult.Pointer(path, wire, new ParseResult.Type(ast, null, expected[Arr.lastNonEmpty(path)]))
      ),
    encode: (model) => ParseResult.succeed(encode(model, requestedAt))
  })

const decodeWire = ParseResult.decodeUnknownEither(fields, { errors: "all" })

/**
 * Decodes the body of an answer. If it is no token response, the result is where it does not fit, such as `team.id`,
 * and never what stood there.
 *
 * @since 0.1.0
 * @category decoding
 */
export const fromBody = (
  body: unknown,
  requestedAt: DateTime.Utc
): Either.Either<TokenResponse, ReadonlyArray<string>> => {
  const wire = decodeWire(body)
  return Either.isRight(wire)
    ? Either.mapLeft(decode(wire.right, requestedAt), (path) => [path.join(".")])
    : Either.left(pathsOf(wire.left))
}

// -------------------------------------------------------------------------------------
// decoding
// -------------------------------------------------------------------------------------

/** Where an answer of the right types still is no token response. */
type Misfit = Arr.NonEmptyReadonlyArray<string>

const misfit = (...path: Misfit) => Either.left(path)

/** Slack and its imitators write `null` and `""` for what is not there. */
const present = (value: string | null | undefined): Option.Option<string> =>
  value === null || value === undefined || value === "" ? Option.none() : Option.some(value)

const commaList = (value: string | null | undefined): ReadonlyArray<string> =>
  (value ?? "").split(/[\s,]+/).filter((item) => item !== "")

const decodeParty = (wire: Wire["team"]): Option.Option<Party> =>
  wire === null || wire === undefined || wire.id === ""
    ? Option.none()
    : Option.some({ id: wire.id, name: present(wire.name) })

const decodeTarget = (wire: Wire): Either.Either<Workspace | Organization, Misfit> => {
  const team = decodeParty(wire.team)
  const enterprise = decodeParty(wire.enterprise)
  if (Option.isSome(enterprise) && (wire.is_enterprise_install === true || Option.isNone(team))) {
    return Either.right(new Organization({ enterprise: enterprise.value }, { disableValidation: true }))
  }
  return Option.isSome(team)
    ? Either.right(new Workspace({ team: team.value, enterprise }, { disableValidation: true }))
    : misfit("team")
}

const decodeExpiry = (
  wire: WireToken,
  requestedAt: DateTime.Utc,
  path: ReadonlyArray<string>
): Either.Either<Option.Option<Expiry>, Misfit> => {
  const refreshToken = present(wire.refresh_token)
  const expiresIn = wire.expires_in ?? 0
  if (Option.isNone(refreshToken)) {
    return expiresIn === 0
      ? Either.right(Option.none())
      : misfit(...Arr.append(path, "refresh_token"))
  }
  if (wire.expires_in === null || wire.expires_in === undefined) {
    return misfit(...Arr.append(path, "expires_in"))
  }
  const expiresAt = DateTime.make(DateTime.toEpochMillis(requestedAt) + expiresIn * 1000)
  return Option.isNone(expiresAt) || expiresIn < 0
    ? misfit(...Arr.append(path, "expires_in"))
    : Either.right(Option.some(
      new Expiry({ expiresAt: expiresAt.value, refreshToken: Redacted.make(refreshToken.value) }, {
        disableValidation: true
      })
    ))
}

/** The kind of a top-level token: what `token_type` says, and for a type nobody knows, whose id stands beside it. */
const isUserToken = (wire: Wire): boolean => {
  switch (wire.token_type) {
    case "user":
      return true
    case "bot":
    case "granular_bot":
      return false
    default:
      return Option.isSome(present(wire.user_id)) && Option.isNone(present(wire.bot_user_id))
  }
}

const decodeToken = (
  wire: WireToken,
  accessToken: string,
  requestedAt: DateTime.Utc,
  path: ReadonlyArray<string>
) =>
  Either.map(decodeExpiry(wire, requestedAt, path), (expiry) => ({
    accessToken: Redacted.make(accessToken),
    scopes: commaList(wire.scope),
    expiry
  }))

const decodeWebhook = (wire: NonNullable<Wire["incoming_webhook"]>) =>
  new IncomingWebhook({
    url: Redacted.make(wire.url),
    channel: wire.channel,
    channelId: present(wire.channel_id),
    configurationUrl: wire.configuration_url
  }, { disableValidation: true })

const decode = (wire: Wire, requestedAt: DateTime.Utc): Either.Either<TokenResponse, Misfit> => {
  const target = decodeTarget(wire)
  if (Either.isLeft(target)) return Either.left(target.left)

  const authedUserId = present(wire.authed_user?.id)
  let bot = Option.none<BotToken>()
  let user = Option.none<UserToken>()

  const topLevel = present(wire.access_token)
  if (Option.isSome(topLevel)) {
    const token = decodeToken(wire, topLevel.value, requestedAt, [])
    if (Either.isLeft(token)) return Either.left(token.left)
    if (isUserToken(wire)) {
      const userId = Option.orElse(present(wire.user_id), () => authedUserId)
      user = Option.some(new UserToken({ ...token.right, userId }, { disableValidation: true }))
    } else {
      const botUserId = present(wire.bot_user_id)
      bot = Option.some(new BotToken({ ...token.right, botUserId }, { disableValidation: true }))
    }
  }

  const authedUser = wire.authed_user ?? {}
  const nested = present(authedUser.access_token)
  if (Option.isSome(nested) && Option.isNone(user)) {
    const token = decodeToken(authedUser, nested.value, requestedAt, ["authed_user"])
    if (Either.isLeft(token)) return Either.left(token.left)
    const userId = Option.orElse(authedUserId, () => present(wire.user_id))
    user = Option.some(new UserToken({ ...token.right, userId }, { disableValidation: true }))
  }

  if (Option.isNone(bot) && Option.isNone(user)) {
    return misfit("access_token")
  }

  return Either.right(
    new TokenResponse({
      appId: wire.app_id,
      target: target.right,
      bot,
      user,
      authedUserId,
      incomingWebhook: Option.map(Option.fromNullable(wire.incoming_webhook), decodeWebhook),
      warnings: Array.from(
        new Set([wire.warning, ...wire.response_metadata?.warnings ?? []].flatMap((warning) => commaList(warning)))
      )
    }, { disableValidation: true })
  )
}

// -------------------------------------------------------------------------------------
// encoding
// -------------------------------------------------------------------------------------

const encodeParty = ({ id, name }: Party) => ({
  id,
  ...(Option.isSome(name) ? { name: name.value } : undefined)
})

const encodeToken = (type: "bot" | "user", token: BotToken | UserToken, requestedAt: DateTime.Utc): WireToken => ({
  access_token: Redacted.value(token.accessToken),
  token_type: type,
  ...(token.scopes.length > 0 ? { scope: token.scopes.join(",") } : undefined),
  ...(Option.isSome(token.expiry)
    ? {
      expires_in: Math.max(0, Math.round(DateTime.distance(requestedAt, token.expiry.value.expiresAt) / 1000)),
      refresh_token: Redacted.value(token.expiry.value.refreshToken)
    }
    : undefined)
})

/**
 * The user token moves: an answer to an install has it in `authed_user`, with the id of its owner, who clicked; one to
 * a refresh or an exchange, which name nobody who clicked, at the top.
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
