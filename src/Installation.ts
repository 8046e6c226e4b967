/**
 * What is kept of an app's installation: who installed it, where, and the credentials that came with it.
 *
 * There is one {@link Installation} for each app in each workspace or organization. The bot credential stands in it
 * once, whoever installed last; beside it stands one credential for each person who gave the app a token.
 *
 * A credential is a token with a `generation`: a number that grows by one with every change and is never used again,
 * not even after the app was removed and came back. Whoever changes a credential says which generation the change is
 * made from, and loses if somebody else was faster.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { credentialRowId, installationRowId, userSubject } from "./internal/rowId.js"
import {
  BotToken,
  type Expiry,
  IncomingWebhook,
  Organization,
  type TokenResponse,
  UserToken,
  Workspace
} from "./TokenResponse.js"

/** What is made of typed values is not validated again: that would cost more than all the rest. */
const asTyped = { disableValidation: true } as const

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
 * What an installation is known by: the app, and the workspace or the organization. Keys with the same content are
 * equal (`Equal.equals`), so they can be keys of a `HashMap` or a `Cache`.
 *
 * @since 0.1.0
 * @category keys
 */
export const InstallationKey = Schema.Union(WorkspaceKey, OrganizationKey)

/**
 * What an installation is known by: the app, and the workspace or the organization.
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
export const workspace = (appId: string, teamId: string): WorkspaceKey => new WorkspaceKey({ appId, teamId }, asTyped)

/**
 * The key of an app in an organization (`E…`).
 *
 * @since 0.1.0
 * @category keys
 */
export const organization = (appId: string, enterpriseId: string): OrganizationKey =>
  new OrganizationKey({ appId, enterpriseId }, asTyped)

/**
 * The app and the target of a key, without names.
 *
 * @since 0.1.0
 * @category keys
 */
export const placeOf = (key: InstallationKey): Pick<TokenResponse, "appId" | "target"> => ({
  appId: key.appId,
  target: key._tag === "Workspace"
    ? new Workspace({ team: { id: key.teamId, name: Option.none() }, enterprise: Option.none() }, asTyped)
    : new Organization({ enterprise: { id: key.enterpriseId, name: Option.none() } }, asTyped)
})

/**
 * What a credential is known by: its installation, and `"bot"` or the id of the person whose token it is.
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
  new CredentialKey({ installation, subject: "bot" }, asTyped)

/**
 * The key of one person's credential. It is never the bot's, whatever the id.
 *
 * @since 0.1.0
 * @category keys
 */
export const userKey = (installation: InstallationKey, userId: string): CredentialKey =>
  new CredentialKey({ installation, subject: userSubject(userId) }, asTyped)

/**
 * Where a request of Slack's comes from, as far as the request tells: Slack names these fields `team_id`,
 * `enterprise_id` and `is_enterprise_install` in events, commands and interactions. Absent, `null` and `""` are one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Place {
  readonly appId: string
  readonly teamId?: string | null | undefined
  readonly enterpriseId?: string | null | undefined
  /** `true` asks for the organization's installation alone. */
  readonly isEnterpriseInstall?: boolean | undefined
}

/**
 * The keys to look under for an installation that answers for a place, in that order: the workspace's own comes
 * before its organization's.
 *
 * @since 0.1.0
 * @category keys
 */
export const candidates = (place: Place): ReadonlyArray<InstallationKey> => [
  ...(place.teamId && place.isEnterpriseInstall !== true ? [workspace(place.appId, place.teamId)] : []),
  ...(place.enterpriseId ? [organization(place.appId, place.enterpriseId)] : [])
]

// -------------------------------------------------------------------------------------
// credentials
// -------------------------------------------------------------------------------------

/**
 * Why and since when a credential is dead: nothing but a new install brings it back.
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
  /** From 1, and one more with every change. 0 means not stored yet. */
  generation: Schema.NonNegativeInt,
  /** When the request left that brought this token; a refresh token that lives 30 days lives them from here. */
  issuedAt: Schema.DateTimeUtc,
  /** Set if the credential is dead. Its last token stays: it may work until it runs out. */
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
 * A stored token, with the number of its generation.
 *
 * @since 0.1.0
 * @category models
 */
export const Credential = Schema.Union(BotCredential, UserCredential)

/**
 * A stored token, with the number of its generation.
 *
 * @since 0.1.0
 * @category models
 */
export type Credential = typeof Credential.Type

/**
 * `"bot"`, or the id of the person.
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
    ? new BotCredential({ ...credential, generation }, asTyped)
    : new UserCredential({ ...credential, generation }, asTyped)) as C

/**
 * What a refresh or an exchange brings to a credential. A `BotToken` and a `UserToken` are both of this form.
 *
 * @since 0.1.0
 * @category models
 */
export interface Token {
  readonly accessToken: BotToken["accessToken"]
  /** Empty means: as before. */
  readonly scopes: ReadonlyArray<string>
  readonly expiry: Option.Option<Expiry>
}

/**
 * What can become of a credential by compare-and-set.
 *
 * - `Renewed`: it has a new token (after a refresh or an exchange) and is alive
 * - `Dead`: only a new install can help; the token stays as it is
 *
 * @since 0.1.0
 * @category models
 */
export type Change = Data.TaggedEnum<{
  Renewed: { readonly token: Token; readonly issuedAt: DateTime.Utc }
  Dead: { readonly code: string; readonly since: DateTime.Utc }
}>

/**
 * The refresh token of a credential. Without one, its token is permanent or ends.
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
      ? { reauthorization: Option.some(new Reauthorization({ code: change.code, since: change.since }, asTyped)) }
      : { reauthorization: Option.none(), issuedAt: change.issuedAt })
  }
  const renewed = change._tag === "Dead" ? undefined : {
    accessToken: change.token.accessToken,
    scopes: change.token.scopes.length > 0 ? change.token.scopes : credential.token.scopes,
    expiry: change.token.expiry
  }
  return (next._tag === "BotCredential"
    ? new BotCredential({ ...next, token: new BotToken({ ...next.token, ...renewed }, asTyped) }, asTyped)
    : new UserCredential({ ...next, token: new UserToken({ ...next.token, ...renewed }, asTyped) }, asTyped)) as C
}

// -------------------------------------------------------------------------------------
// installations
// -------------------------------------------------------------------------------------

/**
 * An app in a workspace or an organization, with everything that is kept of it.
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
  /** The one that the latest install brought. */
  incomingWebhook: Schema.OptionFromNullOr(IncomingWebhook),
  /** The person who installed last. */
  installedBy: Schema.OptionFromNullOr(Schema.String),
  /** When the request of the latest install left. Events that are older do not concern this installation. */
  installedAt: Schema.DateTimeUtc
}) {
  /** What the installation is known by. */
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
 * The installation that an answer to an install stands for; `at` is when the request left. Its credentials are of
 * generation 0 until a store has them.
 *
 * Every answer has one: bot, user or both, workspace or organization, rotating or not. A user token that comes
 * without a user id, which Slack's answers to a refresh may do, belongs to a credential that is stored already
 * (`Change.Renewed` takes it there) and is left out here.
 *
 * It throws for an answer whose app or target nobody has named. Only a refresh or an exchange whose request does not
 * name its `installation` can bring one.
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
    throw new Error("This answer names no app or no workspace: give `installation` in the request of the refresh")
  }
  const fresh = { generation: 0, issuedAt: at, reauthorization: Option.none() }
  return new Installation({
    appId: response.appId,
    target: response.target,
    bot: Option.map(response.bot, (token) => new BotCredential({ ...fresh, token }, asTyped)),
    users: Option.toArray(Option.flatMap(response.user, (token) =>
      Option.map(
        Option.orElse(token.userId, () => response.authedUserId),
        (userId) =>
          new UserCredential(
            { ...fresh, userId, token: new UserToken({ ...token, userId: Option.some(userId) }, asTyped) },
            asTyped
          )
      ))),
    incomingWebhook: response.incomingWebhook,
    installedBy: response.authedUserId,
    installedAt: at
  }, asTyped)
}

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
  }, asTyped)
