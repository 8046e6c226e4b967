/**
 * Every error code that Slack documents for the two OAuth methods, once. Classes, unions, retry rules and
 * `docs/errors.md` all derive from here.
 *
 * Each code is a constant of its own, so that a bundle which names one error does not carry the other texts.
 */

/** What to do about a failure. */
export type Remedy = "retry" | "restart" | "reauthorize" | "configure" | "askAdmin" | "report" | "none"

/** Whether Slack did anything: `rejected` is a plain no, after `unknown` the grant may be spent. */
export type Outcome = "rejected" | "unknown"

/** The Slack methods that this package calls, by their names on the wire. */
export type Method = "oauth.v2.access" | "oauth.v2.exchange"

export interface SlackCode<
  Code extends string = string,
  Tag extends string = string,
  M extends Method = Method,
  R extends Remedy = Remedy,
  O extends Outcome = Outcome
> {
  readonly code: Code
  readonly tag: Tag
  readonly methods: ReadonlyArray<M>
  readonly remedy: R
  readonly outcome: O
  /** What happened and what to do about it, for the person who reads the log. */
  readonly text: string
}

const slackCode = <Code extends string, Tag extends string, M extends Method, R extends Remedy, O extends Outcome>(
  code: Code,
  tag: Tag,
  methods: ReadonlyArray<M>,
  remedy: R,
  outcome: O,
  text: string
): SlackCode<Code, Tag, M, R, O> => ({ code, tag, methods, remedy, outcome, text })

const access = ["oauth.v2.access"] as const
const exchange = ["oauth.v2.exchange"] as const
const both = ["oauth.v2.access", "oauth.v2.exchange"] as const

export const accessDenied = slackCode(
  "access_denied",
  "SlackAccessDenied",
  both,
  "askAdmin",
  "rejected",
  "Slack refused access to something the request names. An administrator of the workspace has to allow the app."
)

export const accessLimited = slackCode(
  "accesslimited",
  "SlackAccessLimited",
  both,
  "askAdmin",
  "rejected",
  "The workspace does not accept this call from the network it came from. Ask an administrator which networks are allowed."
)

export const accountInactive = slackCode(
  "account_inactive",
  "SlackAccountInactive",
  both,
  "reauthorize",
  "rejected",
  "The person or workspace behind the credential has been deactivated. Someone active has to install the app again."
)

export const authorizationNotFound = slackCode(
  "authorization_not_found",
  "SlackAuthorizationNotFound",
  exchange,
  "reauthorize",
  "rejected",
  "The legacy token no longer stands for an installation. Have the app installed again."
)

export const badClientSecret = slackCode(
  "bad_client_secret",
  "SlackBadClientSecret",
  both,
  "configure",
  "rejected",
  "The client secret is missing or does not belong to this client id. Copy both again from the app's Basic Information page."
)

export const badRedirectUri = slackCode(
  "bad_redirect_uri",
  "SlackBadRedirectUri",
  access,
  "configure",
  "rejected",
  "The redirect URI is not that of the authorize step, or the app does not list it under OAuth & Permissions. Send the same in both steps."
)

export const cannotInstallAnOrgInstalledApp = slackCode(
  "cannot_install_an_org_installed_app",
  "SlackCannotInstallAnOrgInstalledApp",
  access,
  "askAdmin",
  "rejected",
  "The organization has this app already, so a workspace cannot install it. An organization admin can grant it to the workspace."
)

export const deprecatedEndpoint = slackCode(
  "deprecated_endpoint",
  "SlackDeprecatedEndpoint",
  both,
  "report",
  "rejected",
  "Slack has retired this endpoint. Look for a newer version of this package, and report it if there is none."
)

export const ekmAccessDenied = slackCode(
  "ekm_access_denied",
  "SlackEkmAccessDenied",
  both,
  "askAdmin",
  "rejected",
  "The organization has withdrawn its own encryption keys. Only its administrators can restore access."
)

export const enterpriseIsRestricted = slackCode(
  "enterprise_is_restricted",
  "SlackEnterpriseIsRestricted",
  both,
  "askAdmin",
  "rejected",
  "This call is not open to the organization. Ask its administrators, or install into a single workspace."
)

export const fatalError = slackCode(
  "fatal_error",
  "SlackFatalError",
  both,
  "retry",
  "unknown",
  "Slack broke down while it worked on the call and may have finished part of it. A single-use grant may be spent: do not send it again on a guess."
)

export const internalError = slackCode(
  "internal_error",
  "SlackInternalError",
  both,
  "retry",
  "unknown",
  "Slack failed inside and cannot say how far it came. A single-use grant may be spent: do not send it again on a guess."
)

export const invalidArgName = slackCode(
  "invalid_arg_name",
  "SlackInvalidArgName",
  both,
  "report",
  "rejected",
  "A parameter has a name that Slack does not accept. Check the extra parameters."
)

export const invalidArguments = slackCode(
  "invalid_arguments",
  "SlackInvalidArguments",
  both,
  "report",
  "rejected",
  "Parameters are missing or do not go together. The messages of this error say which."
)

export const invalidArrayArg = slackCode(
  "invalid_array_arg",
  "SlackInvalidArrayArg",
  both,
  "report",
  "rejected",
  "A parameter looks like an array, which Slack takes only as a comma-separated string. Check the extra parameters."
)

export const invalidAuth = slackCode(
  "invalid_auth",
  "SlackInvalidAuth",
  both,
  "reauthorize",
  "rejected",
  "Slack does not accept the credential, or not from this address. Look for an IP allow list, or have the app installed again."
)

export const invalidCharset = slackCode(
  "invalid_charset",
  "SlackInvalidCharset",
  both,
  "report",
  "rejected",
  "The request announced a character set other than UTF-8. Look for a proxy or client that rewrites headers."
)

export const invalidClientId = slackCode(
  "invalid_client_id",
  "SlackInvalidClientId",
  both,
  "configure",
  "rejected",
  "No app has this client id. Copy it again from the app's Basic Information page, and check the base URL."
)

export const invalidCode = slackCode(
  "invalid_code",
  "SlackInvalidCode",
  access,
  "restart",
  "rejected",
  "The authorization code is unknown, already used, or older than ten minutes. Send the person through install again."
)

export const invalidCodeVerifier = slackCode(
  "invalid_code_verifier",
  "SlackInvalidCodeVerifier",
  access,
  "restart",
  "rejected",
  "The PKCE verifier does not match the challenge of the authorize step. Send the person through install again."
)

export const invalidFormData = slackCode(
  "invalid_form_data",
  "SlackInvalidFormData",
  both,
  "report",
  "rejected",
  "Slack could not read the form in the request body. Look for a proxy or client that rewrites bodies."
)

export const invalidGrantType = slackCode(
  "invalid_grant_type",
  "SlackInvalidGrantType",
  access,
  "configure",
  "rejected",
  "The grant type does not fit the grant, or this app may not use it. Leave grantType out."
)

export const invalidPostType = slackCode(
  "invalid_post_type",
  "SlackInvalidPostType",
  both,
  "report",
  "rejected",
  "The request reached Slack with a content type that it does not take. Look for a proxy or client that rewrites headers."
)

export const invalidRefreshToken = slackCode(
  "invalid_refresh_token",
  "SlackInvalidRefreshToken",
  access,
  "reauthorize",
  "rejected",
  "The refresh token is unknown, used up, or expired. Read the store again: another process may have rotated it. If not, have the app installed again."
)

export const invalidToken = slackCode(
  "invalid_token",
  "SlackInvalidToken",
  exchange,
  "reauthorize",
  "rejected",
  "This token cannot be exchanged: it is unknown, of the wrong kind, or rotates already. Have the app installed again."
)

export const isBot = slackCode(
  "is_bot",
  "SlackIsBot",
  both,
  "configure",
  "rejected",
  "A bot may not do this. Use the token of a person."
)

export const methodDeprecated = slackCode(
  "method_deprecated",
  "SlackMethodDeprecated",
  both,
  "report",
  "rejected",
  "Slack has retired this method. Look for a newer version of this package, and report it if there is none."
)

export const missingPostType = slackCode(
  "missing_post_type",
  "SlackMissingPostType",
  both,
  "report",
  "rejected",
  "The request reached Slack without a content type. Look for a proxy or client that strips headers."
)

export const missingScope = slackCode(
  "missing_scope",
  "SlackMissingScope",
  both,
  "configure",
  "rejected",
  "The token lacks a scope for this. Add what `needed` names to the app's scopes and have the app installed again."
)

export const noPermission = slackCode(
  "no_permission",
  "SlackNoPermission",
  both,
  "askAdmin",
  "rejected",
  "The workspace does not let this app or person do this. Ask one of its administrators."
)

export const noScopes = slackCode(
  "no_scopes",
  "SlackNoScopes",
  access,
  "configure",
  "rejected",
  "The authorize step asked for no scope at all. Name at least one bot or user scope in the authorize URL."
)

export const notAllowedTokenType = slackCode(
  "not_allowed_token_type",
  "SlackNotAllowedTokenType",
  both,
  "configure",
  "rejected",
  "Slack does not take this kind of token here. Check whether a bot, user or app-level token is meant."
)

export const notAuthed = slackCode(
  "not_authed",
  "SlackNotAuthed",
  both,
  "reauthorize",
  "rejected",
  "The request reached Slack without a credential. Look for a proxy that strips it, or have the app installed again."
)

export const oauthAuthorizationUrlMismatch = slackCode(
  "oauth_authorization_url_mismatch",
  "SlackOAuthAuthorizationUrlMismatch",
  access,
  "restart",
  "rejected",
  "The code does not come from /oauth/v2/authorize. Send the person through install again from there."
)

export const orgLoginRequired = slackCode(
  "org_login_required",
  "SlackOrgLoginRequired",
  both,
  "askAdmin",
  "rejected",
  "The workspace is moving into an organization and is closed until that is done. Its administrators know when."
)

export const pkceNotAllowed = slackCode(
  "pkce_not_allowed",
  "SlackPkceNotAllowed",
  access,
  "configure",
  "rejected",
  "The request uses PKCE and the app has not opted in. Turn PKCE on in the app's settings; that cannot be undone."
)

export const previewFeatureNotAvailable = slackCode(
  "preview_feature_not_available",
  "SlackPreviewFeatureNotAvailable",
  access,
  "configure",
  "rejected",
  "The app asks for something that Slack has not released to it. Remove the preview feature or scope from the app."
)

export const rateLimited = slackCode(
  "ratelimited",
  "SlackRateLimited",
  both,
  "retry",
  "rejected",
  "Too many calls. Nothing happened: wait as long as `retryAfter` says, then send the same call again."
)

export const requestTimeout = slackCode(
  "request_timeout",
  "SlackRequestTimeout",
  both,
  "retry",
  "rejected",
  "The request body reached Slack cut short, or not at all. Nothing happened: the same call may be sent again."
)

export const serviceUnavailable = slackCode(
  "service_unavailable",
  "SlackServiceUnavailable",
  both,
  "retry",
  "rejected",
  "Slack is not taking calls right now. Nothing happened: wait, then send the same call again."
)

export const teamAccessNotGranted = slackCode(
  "team_access_not_granted",
  "SlackTeamAccessNotGranted",
  both,
  "askAdmin",
  "rejected",
  "The organization has the app but has not granted it to this workspace. An organization admin can do that."
)

export const teamAddedToOrg = slackCode(
  "team_added_to_org",
  "SlackTeamAddedToOrg",
  both,
  "retry",
  "rejected",
  "The workspace is moving into an organization and answers only now and then. Try again; it can take a while."
)

export const tokenAlreadyExchanged = slackCode(
  "token_already_exchanged",
  "SlackTokenAlreadyExchanged",
  exchange,
  "none",
  "rejected",
  "This legacy token has been exchanged before. Use the rotating pair that came out of it."
)

export const tokenExpired = slackCode(
  "token_expired",
  "SlackTokenExpired",
  both,
  "reauthorize",
  "rejected",
  "The token has run out. Refresh it if its chain is still alive, or have the app installed again."
)

export const tokenRevoked = slackCode(
  "token_revoked",
  "SlackTokenRevoked",
  both,
  "reauthorize",
  "rejected",
  "The token has been revoked: the app was removed, or the person left. Have the app installed again."
)

export const tokenRotationNotEnabled = slackCode(
  "token_rotation_not_enabled",
  "SlackTokenRotationNotEnabled",
  exchange,
  "configure",
  "rejected",
  "The app does not rotate tokens. Turn token rotation on in its settings first; that cannot be undone."
)

export const twoFactorSetupRequired = slackCode(
  "two_factor_setup_required",
  "SlackTwoFactorSetupRequired",
  both,
  "askAdmin",
  "rejected",
  "The workspace demands two-factor authentication and the person has none. They have to set it up first."
)

export const unknownMethod = slackCode(
  "unknown_method",
  "SlackUnknownMethod",
  both,
  "report",
  "rejected",
  "This Slack does not know the method. Check that the base URL is right, and look for a newer version of this package."
)

export const userEmailUnverified = slackCode(
  "user_email_unverified",
  "SlackUserEmailUnverified",
  access,
  "askAdmin",
  "rejected",
  "The person has not confirmed their email address with Slack. They have to do that before they can install."
)
