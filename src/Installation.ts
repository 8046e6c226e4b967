/**
 * The model of what is stored: who installed the app, where, and with which credentials.
 *
 * There is one {@link Installation} for each app in each workspace or organization. It has one bot credential, whoever
 * installed last, and one user credential for each person who gave the app a token.
 *
 * A credential is a token with a `generation`: a number that grows by one with every change. It is never used twice, not
 * even if the app is removed and installed again. A caller that changes a credential names the generation that it read.
 * The change fails if another caller has changed the credential since.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { decoder, jsonText, nonNegativeInt, optional } from "./internal/effect/schemas.js"
import { credentialRowId, installationRowId, userSubject } from "./internal/rowId.js"
import { unchecked } from "./internal/unchecked.js"
import {
  BotToken,
  type Expiry,
  IncomingWebhook,
  Organization,
  type TokenResponse,
  UserToken,
  Workspace
} from "./TokenResponse.js"

// -------------------------------------------------------------------------------------
// keys
// -------------------------------------------------------------------------------------

/**
 * The key of an app in one workspace.
 *
 * @since 0.1.0
 * @category keys
 */
export class WorkspaceKey extends Schema.TaggedClass<WorkspaceKey>("effect-slack-oauth/WorkspaceKey")("Workspace", {
  appId: Schema.String,
  teamId: Schema.String
}) {
  /**
   * `A0APP/workspace/T0TEAM`, for logs and messages. Different keys have different texts.
   *
   * @since 0.1.0
   */
  override toString(): string {
    return installationRowId(this)
  }
}

/**
 * The key of an app in a whole organization.
 *
 * @since 0.1.0
 * @category keys
 */
export class OrganizationKey
  extends Schema.TaggedClass<OrganizationKey>("effect-slack-oauth/OrganizationKey")("Organization", {
    appId: Schema.String,
    enterpriseId: Schema.String
  })
{
  /**
   * `A0APP/organization/E0ORG`, for logs and messages. Different keys have different texts.
   *
   * @since 0.1.0
   */
  override toString(): string {
    return installationRowId(this)
  }
}

/**
 * The identity of an installation: the app, and the workspace or the organization. Keys with the same content are equal
 * (`Equal.equals`), so they can be the keys of a `HashMap` or a `Cache`.
 *
 * @since 0.1.0
 * @category keys
 */
export const InstallationKey = Schema.Union(WorkspaceKey, OrganizationKey)

/**
 * The identity of an installation: the app, and the workspace or the organization.
 *
 * @since 0.1.0
 * @category keys
 */
export type InstallationKey = typeof InstallationKey.Type

/**
 * The key of an app in a workspace (`T…`).
 *
 * @since 0.1.0
 * @category keys
 */
export const workspace = (appId: string, teamId: string): WorkspaceKey => new WorkspaceKey({ appId, teamId }, unchecked)

/**
 * The key of an app in an organization (`E…`).
 *
 * @since 0.1.0
 * @category keys
 */
export const organization = (appId: string, enterpriseId: string): OrganizationKey =>
  new OrganizationKey({ appId, enterpriseId }, unchecked)

/**
 * The app and the target of a key, without their names.
 *
 * @since 0.1.0
 * @category keys
 */
export const placeOf = (key: InstallationKey): Pick<TokenResponse, "appId" | "target"> => ({
  appId: key.appId,
  target: key._tag === "Workspace"
    ? new Workspace({ team: { id: key.teamId, name: Option.none() }, enterprise: Option.none() }, unchecked)
    : new Organization({ enterprise: { id: key.enterpriseId, name: Option.none() } }, unchecked)
})

/**
 * The identity of a credential: its installation, and `"bot"` or the id of the person who gave the token.
 *
 * @since 0.1.0
 * @category keys
 */
export class CredentialKey extends Schema.Class<CredentialKey>("effect-slack-oauth/CredentialKey")({
  installation: InstallationKey,
  /** `"bot"`, or a user id (`U…`, `W…`). */
  subject: Schema.String
}) {
  /**
   * `A0APP/workspace/T0TEAM/bot` or `A0APP/workspace/T0TEAM/U0USER`, for logs and messages. Different keys have
   * different texts.
   *
   * @since 0.1.0
   */
  override toString(): string {
    return credentialRowId(this.installation, this.subject)
  }
}

/**
 * The key of an installation's bot credential.
 *
 * @since 0.1.0
 * @category keys
 */
export const botKey = (installation: InstallationKey): CredentialKey =>
  new CredentialKey({ installation, subject: "bot" }, unchecked)

/**
 * The key of one person's credential. It differs from the bot's key, whatever the id.
 *
 * @since 0.1.0
 * @category keys
 */
export const userKey = (installation: InstallationKey, userId: string): CredentialKey =>
  new CredentialKey({ installation, subject: userSubject(userId) }, unchecked)

/**
 * Where a request from Slack belongs. Slack calls these fields `team_id`, `enterprise_id` and `is_enterprise_install` in
 * events, commands and interactions. Absent, `null` and `""` mean the same.
 *
 * @since 0.1.0
 * @category models
 */
export interface Place {
  /** `api_app_id` in Slack's requests. By default, the `appId` of the `SlackApp` in the context. */
  readonly appId?: string | null | undefined
  readonly teamId?: string | null | undefined
  readonly enterpriseId?: string | null | undefined
  /** `true` asks for the organization's installation only. */
  readonly isEnterpriseInstall?: boolean | undefined
}

/**
 * The keys under which the installation for a place may be stored: first that of the workspace, then that of its
 * organization. There are none if the place names no app, or neither of the two.
 *
 * @since 0.1.0
 * @category keys
 */
export const candidates = (
  { appId, enterpriseId, isEnterpriseInstall, teamId }: Place
): ReadonlyArray<InstallationKey> =>
  appId
    ? [
      ...(teamId && isEnterpriseInstall !== true ? [workspace(appId, teamId)] : []),
      ...(enterpriseId ? [organization(appId, enterpriseId)] : [])
    ]
    : []

// -------------------------------------------------------------------------------------
// credentials
// -------------------------------------------------------------------------------------

/**
 * Why and since when a credential is dead. Only a new install helps.
 *
 * @since 0.1.0
 * @category models
 */
export class Reauthorization extends Schema.Class<Reauthorization>("effect-slack-oauth/Reauthorization")({
  /** Slack's code, such as `invalid_refresh_token`. */
  code: Schema.String,
  since: Schema.DateTimeUtc
}) {}

const credentialFields = {
  /** It starts at 1 and grows by one with every change. 0 means not stored yet. */
  generation: nonNegativeInt,
  /** When the request for this token was sent. A refresh token that expires after 30 days expires 30 days after this. */
  issuedAt: Schema.DateTimeUtc,
  /** Set if the credential is dead. Its last token is kept, because it may work until it expires. */
  reauthorization: Schema.OptionFromNullOr(Reauthorization)
}

/**
 * The app's own token in one installation.
 *
 * @since 0.1.0
 * @category models
 */
export class BotCredential
  extends Schema.TaggedClass<BotCredential>("effect-slack-oauth/BotCredential")("BotCredential", {
    ...credentialFields,
    token: BotToken
  })
{}

/**
 * The token that one person gave the app.
 *
 * @since 0.1.0
 * @category models
 */
export class UserCredential
  extends Schema.TaggedClass<UserCredential>("effect-slack-oauth/UserCredential")("UserCredential", {
    ...credentialFields,
    userId: Schema.String,
    token: UserToken
  })
{}

/**
 * A stored token, with its generation.
 *
 * @since 0.1.0
 * @category models
 */
export const Credential = Schema.Union(BotCredential, UserCredential)

/**
 * A stored token, with its generation.
 *
 * @since 0.1.0
 * @category models
 */
export type Credential = typeof Credential.Type

/**
 * The subject of a credential: `"bot"`, or the id of the person.
 *
 * @since 0.1.0
 * @category getters
 */
export const subjectOf = (credential: Credential): string =>
  credential._tag === "BotCredential" ? "bot" : userSubject(credential.userId)

/**
 * The same credential with another generation.
 *
 * @since 0.1.0
 * @category combinators
 */
export const atGeneration = <C extends Credential>(credential: C, generation: number): C =>
  (credential._tag === "BotCredential"
    ? new BotCredential({ ...credential, generation }, unchecked)
    : new UserCredential({ ...credential, generation }, unchecked)) as C

/**
 * The new token of a credential after a refresh or an exchange. `BotToken` and `UserToken` have this form.
 *
 * @since 0.1.0
 * @category models
 */
export interface Token {
  readonly accessToken: BotToken["accessToken"]
  /** Empty means: the same as before. */
  readonly scopes: ReadonlyArray<string>
  readonly expiry: Option.Option<Expiry>
}

/**
 * A change of a credential, for a compare-and-set.
 *
 * - `Renewed`: the credential has a new token, after a refresh or an exchange, and is alive
 * - `Dead`: the credential is marked as dead, and keeps its token; only a new install helps
 *
 * @since 0.1.0
 * @category models
 */
export type Change = Data.TaggedEnum<{
  Renewed: { readonly token: Token; readonly issuedAt: DateTime.Utc }
  Dead: { readonly code: string; readonly since: DateTime.Utc }
}>

/**
 * The refresh token of a credential. A token without one is permanent, or cannot be refreshed when it expires.
 *
 * @since 0.1.0
 * @category getters
 */
export const refreshTokenOf = ({ token }: Credential): Option.Option<Redacted.Redacted> =>
  Option.flatMap(token.expiry, ({ refreshToken }) => refreshToken)

/**
 * Makes and matches a {@link Change}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Change = Data.taggedEnum<Change>()

/**
 * The credential after a change, one generation later.
 *
 * @since 0.1.0
 * @category combinators
 */
export const change = <C extends Credential>(credential: C, change: Change): C => {
  const next = {
    ...credential,
    generation: credential.generation + 1,
    ...(change._tag === "Dead"
      ? { reauthorization: Option.some(new Reauthorization({ code: change.code, since: change.since }, unchecked)) }
      : { reauthorization: Option.none(), issuedAt: change.issuedAt })
  }
  const renewed = change._tag === "Dead" ? undefined : {
    accessToken: change.token.accessToken,
    scopes: change.token.scopes.length > 0 ? change.token.scopes : credential.token.scopes,
    expiry: change.token.expiry
  }
  return (next._tag === "BotCredential"
    ? new BotCredential({ ...next, token: new BotToken({ ...next.token, ...renewed }, unchecked) }, unchecked)
    : new UserCredential({ ...next, token: new UserToken({ ...next.token, ...renewed }, unchecked) }, unchecked)) as C
}

// -------------------------------------------------------------------------------------
// installations
// -------------------------------------------------------------------------------------

/**
 * An app in a workspace or an organization, with everything that is stored about it.
 *
 * @since 0.1.0
 * @category models
 */
export class Installation extends Schema.Class<Installation>("effect-slack-oauth/Installation")({
  appId: Schema.String,
  target: Schema.Union(Workspace, Organization),
  bot: Schema.OptionFromNullOr(BotCredential),
  /** At most one for each person. */
  users: Schema.Array(UserCredential),
  /** The webhook of the latest install that had one. */
  incomingWebhook: Schema.OptionFromNullOr(IncomingWebhook),
  /** The person who installed last. */
  installedBy: Schema.OptionFromNullOr(Schema.String),
  /** When the request of the latest install was sent. Older events do not apply to this installation. */
  installedAt: Schema.DateTimeUtc,
  /**
   * What the application knows about the installation, as JSON, such as whose customer the workspace is: that of the latest
   * install that had any. {@link metadataOf} reads it. Stores encrypt it like a token.
   */
  metadata: optional(Schema.Redacted(Schema.String))
}) {
  /** The identity of the installation. */
  get key(): InstallationKey {
    return this.target._tag === "Workspace"
      ? workspace(this.appId, this.target.team.id)
      : organization(this.appId, this.target.enterprise.id)
  }

  /** All credentials, the bot's first. */
  get credentials(): ReadonlyArray<Credential> {
    return [...Option.toArray(this.bot), ...this.users]
  }

  /**
   * One person's credential.
   *
   * @since 0.1.0
   */
  user(userId: string): Option.Option<UserCredential> {
    return Option.fromNullable(this.users.find((user) => user.userId === userId))
  }
}

/**
 * Makes an installation from Slack's answer to an install. `at` is when the request was sent. Its credentials have
 * generation 0 until a store saves them.
 *
 * It accepts every answer to an install: with a bot token, a user token or both, for a workspace or an organization,
 * rotating or not. A user token without a user id is left out. Slack's answers to a refresh may have one: it belongs to a
 * credential that is stored already (see `Change.Renewed`).
 *
 * It throws if the answer has no app or no target. That happens only after a refresh or an exchange whose request did not
 * name its `installation`.
 *
 * @example
 * ```ts
 * import { DateTime, Effect } from "effect"
 * import { Installation, OAuthV2 } from "effect-slack-oauth"
 *
 * const install = Effect.gen(function*() {
 *   const at = yield* DateTime.now
 *   const response = yield* OAuthV2.access({ code: "from-the-callback" })
 *   return Installation.fromTokenResponse(response, at)
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromTokenResponse = (response: TokenResponse, at: DateTime.Utc): Installation => {
  const { target } = response
  if (response.appId === "" || (target._tag === "Workspace" ? target.team : target.enterprise).id === "") {
    throw new Error("The answer has no app or no workspace: name `installation` in the request of the refresh")
  }
  const fresh = { generation: 0, issuedAt: at, reauthorization: Option.none() }
  return new Installation({
    appId: response.appId,
    target: response.target,
    bot: Option.map(response.bot, (token) => new BotCredential({ ...fresh, token }, unchecked)),
    users: Option.toArray(Option.flatMap(response.user, (token) =>
      Option.map(
        Option.orElse(token.userId, () => response.authedUserId),
        (userId) =>
          new UserCredential(
            { ...fresh, userId, token: new UserToken({ ...token, userId: Option.some(userId) }, unchecked) },
            unchecked
          )
      ))),
    incomingWebhook: response.incomingWebhook,
    installedBy: response.authedUserId,
    installedAt: at,
    metadata: Option.none()
  }, unchecked)
}

/**
 * The metadata of an installation does not fit its schema. `paths` says where, and never contains a value.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallationMetadataError
  extends Schema.TaggedError<InstallationMetadataError>()("InstallationMetadataError", {
    key: InstallationKey,
    paths: Schema.Array(Schema.String)
  })
{
  override get message(): string {
    return `${installationRowId(this.key)}: the metadata does not fit its schema${
      this.paths.length === 0 ? "" : ` at ${this.paths.join(", ")}`
    }. A schema for stored metadata has to accept what earlier versions have stored.`
  }
}

/**
 * The metadata of an installation; none if it was installed without any. Use the schema of the install flow.
 *
 * @since 0.1.0
 * @category metadata
 */
export const metadataOf = <M, I>(
  installation: Installation,
  schema: Schema.Schema<M, I>
): Either.Either<Option.Option<M>, InstallationMetadataError> =>
  Option.match(installation.metadata, {
    onNone: () => Either.right(Option.none()),
    onSome: (text) =>
      Either.mapBoth(decoder(jsonText(schema))(Redacted.value(text)), {
        onLeft: (paths) => new InstallationMetadataError({ key: installation.key, paths }),
        onRight: Option.some
      })
  })

/**
 * The same installation with other metadata. It throws if the metadata does not fit the schema.
 *
 * @since 0.1.0
 * @category metadata
 */
export const withMetadata = <M, I>(
  installation: Installation,
  schema: Schema.Schema<M, I>,
  metadata: M
): Installation =>
  new Installation({
    ...installation,
    metadata: Option.some(Redacted.make(Schema.encodeSync(jsonText(schema))(metadata)))
  }, unchecked)

/**
 * The same installation with other credentials.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withCredentials = (installation: Installation, credentials: ReadonlyArray<Credential>): Installation =>
  new Installation({
    ...installation,
    bot: Option.fromNullable(credentials.find((credential) => credential._tag === "BotCredential")),
    users: credentials.filter((credential) => credential._tag === "UserCredential")
  }, unchecked)
