/** From the parts of another SDK's installation to an installation. */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as Installation from "../../Installation.js"
import {
  BotToken,
  Expiry,
  type IncomingWebhook,
  Organization,
  type Party,
  UserToken,
  Workspace
} from "../../TokenResponse.js"
import { decoder } from "../effect/schemas.js"
import { isStorable } from "../rowId.js"

/** Why a value cannot be read. It never contains the value. */
export type Problem = string

export interface PlainToken {
  readonly token: string
  readonly scopes: ReadonlyArray<string>
  readonly refreshToken: Option.Option<string>
  readonly expiresAt: Option.Option<DateTime.Utc>
}

/** The parts of an installation that both formats have. */
export interface Pieces {
  readonly appId: Option.Option<string>
  readonly team: Option.Option<Party>
  readonly enterprise: Option.Option<Party>
  readonly isEnterpriseInstall: boolean
  readonly installedAt: Option.Option<DateTime.Utc>
  readonly userId: Option.Option<string>
  readonly bot: Option.Option<PlainToken & { readonly botUserId: Option.Option<string> }>
  readonly user: Option.Option<PlainToken>
  readonly incomingWebhook: Option.Option<IncomingWebhook>
}

/** The lifetime of Slack's access tokens. A token's expiry minus this time is when it was issued. */
const lifetime = { hours: 12 }

const longAgo = DateTime.unsafeMake(0)

const latest = (times: ReadonlyArray<DateTime.Utc>): DateTime.Utc => times.reduce((a, b) => DateTime.max(a, b), longAgo)

/** Ids and scopes, which are stored unencoded. */
const textsOf = ({ bot, enterprise, team, user, userId }: Pieces): ReadonlyArray<string> => [
  ...[team, enterprise].flatMap(Option.toArray).map(({ id }) => id),
  ...Option.toArray(userId),
  ...Option.toArray(Option.flatMap(bot, ({ botUserId }) => botUserId)),
  ...[bot, user].flatMap((token) => Option.toArray(token)).flatMap(({ scopes }) => scopes)
]

const need = <A>(value: Option.Option<A>, problem: Problem): Either.Either<A, Problem> =>
  Either.fromOption(value, () => problem)

const targetOf = (
  { enterprise, isEnterpriseInstall, team }: Pieces
): Either.Either<Workspace | Organization, Problem> =>
  isEnterpriseInstall
    ? Either.map(need(enterprise, "it has no organization"), (enterprise) => new Organization({ enterprise }))
    : Either.map(need(team, "it has no workspace"), (team) => new Workspace({ team, enterprise }))

const tokenOf = (token: PlainToken, kind: "bot" | "user") =>
  Option.isNone(token.expiresAt) && Option.isSome(token.refreshToken)
    ? Either.left(`the ${kind} token has a refresh token and no expiry`)
    : Either.right({
      accessToken: Redacted.make(token.token),
      scopes: token.scopes,
      expiry: Option.map(
        token.expiresAt,
        (expiresAt) => new Expiry({ expiresAt, refreshToken: Option.map(token.refreshToken, Redacted.make) })
      )
    })

const credentialsOf = (pieces: Pieces): Either.Either<ReadonlyArray<Installation.Credential>, Problem> =>
  Either.gen(function*() {
    const stored = (token: PlainToken) => ({
      generation: 0,
      issuedAt: Option.match(token.expiresAt, {
        onNone: () => Option.getOrElse(pieces.installedAt, () => longAgo),
        onSome: (expiresAt) => DateTime.subtract(expiresAt, lifetime)
      }),
      reauthorization: Option.none()
    })
    const credentials: Array<Installation.Credential> = []
    if (Option.isSome(pieces.bot)) {
      const { botUserId } = pieces.bot.value
      const token = new BotToken({ ...(yield* tokenOf(pieces.bot.value, "bot")), botUserId })
      credentials.push(new Installation.BotCredential({ ...stored(pieces.bot.value), token }))
    }
    if (Option.isSome(pieces.user)) {
      const userId = yield* need(pieces.userId, "the user token has no user id")
      const token = new UserToken({ ...(yield* tokenOf(pieces.user.value, "user")), userId: Option.some(userId) })
      credentials.push(new Installation.UserCredential({ ...stored(pieces.user.value), userId, token }))
    }
    return credentials.length === 0 ? yield* Either.left("it has no token") : credentials
  })

/** The installation, or why there is none. `appIdIfMissing` is for pieces without an app id. */
const toInstallation = (
  pieces: Pieces,
  appIdIfMissing: string | undefined
): Either.Either<Installation.Installation, Problem> =>
  Either.gen(function*() {
    const appId = yield* need(
      Option.orElse(pieces.appId, () => Option.fromNullable(appIdIfMissing)),
      "it does not name an app; give the app id"
    )
    const target = yield* targetOf(pieces)
    // `bot` is the subject of the bot credential.
    if (Option.contains(pieces.userId, "bot")) return yield* Either.left("the user id \"bot\" is reserved")
    const texts = [appId, ...textsOf(pieces)]
    if (!texts.every(isStorable)) return yield* Either.left("an id or a scope has control characters")
    const credentials = yield* credentialsOf(pieces)

    return Installation.withCredentials(
      new Installation.Installation({
        appId,
        target,
        bot: Option.none(),
        users: [],
        incomingWebhook: pieces.incomingWebhook,
        installedBy: pieces.userId,
        installedAt: Option.getOrElse(pieces.installedAt, () => latest(credentials.map(({ issuedAt }) => issuedAt)))
      }),
      credentials
    )
  })

/** A text that is not empty. */
export const nonEmpty = (value: string | null | undefined): Option.Option<string> =>
  Option.filter(Option.fromNullable(value), (text) => text !== "")

export const toParty = (id: Option.Option<string>, name: string | null | undefined): Option.Option<Party> =>
  Option.map(id, (id) => ({ id, name: nonEmpty(name) }))

/** Reads a value. The problem of a value with another shape lists the paths that do not fit. */
export const reader = <A, I>(schema: Schema.Schema<A, I>, toPieces: (value: A) => Pieces) => {
  const decode = decoder(schema)
  return (value: unknown, appIdIfMissing: string | undefined): Either.Either<Installation.Installation, Problem> =>
    decode(value).pipe(
      Either.mapLeft((paths) =>
        paths.length === 0 ? "it is not an object" : `unexpected values at ${paths.join(", ")}`
      ),
      Either.flatMap((value) => toInstallation(toPieces(value), appIdIfMissing))
    )
}
