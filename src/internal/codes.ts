/**
 * The table of all error codes that Slack documents for the two OAuth methods. The classes, the unions, the retry rules and
 * `docs/errors.md` derive from it.
 *
 * Each code is a constant of its own. So a bundle that uses one error does not contain the texts of the others.
 */

/** What to do about a failure. */
export type Remedy = "retry" | "restart" | "reauthorize" | "configure" | "askAdmin" | "report" | "none"

/** Whether Slack acted on the call. `rejected`: it did not. `unknown`: it may have, so the grant may be spent. */
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
  /** What happened, then what to do, for the person who reads the log. */
  readonly text: string
}

type PascalCase<Code extends string> = Code extends `${infer Word}_${infer Words}`
  ? `${Capitalize<Word>}${PascalCase<Words>}`
  : Capitalize<Code>

/** Without a tag, it is the code in Pascal case. */
const slackCode = <
  Code extends string,
  M extends Method,
  R extends Remedy,
  O extends Outcome,
  Tag extends string = `Slack${PascalCase<Code>}`
>(
  code: Code,
  methods: ReadonlyArray<M>,
  remedy: R,
  outcome: O,
  text: string,
  tag = `Slack_${code}`.replace(/_(.)/g, (_, letter) => letter.toUpperCase()) as Tag
): SlackCode<Code, Tag, M, R, O> => ({ code, tag, methods, remedy, outcome, text })

const access = ["oauth.v2.access"] as const
const exchange = ["oauth.v2.exchange"] as const
const both = ["oauth.v2.access", "oauth.v2.exchange"] as const

export const accessDenied = slackCode(
  "access_denied",
  both,
  "askAdmin",
  "rejected",
  "Slack refused access to something in the request. Ask an administrator to allow it."
)

export const accessLimited = slackCode(
  "accesslimited",
  both,
  "askAdmin",
  "rejected",
  "The workspace does not accept calls from this network. Ask an administrator to allow it.",
  "SlackAccessLimited"
)

export const accountInactive = slackCode(
  "account_inactive",
  both,
  "reauthorize",
  "rejected",
  "The person or workspace of the credential is deactivated. Have the app installed again."
)

export const authorizationNotFound = slackCode(
  "authorization_not_found",
  exchange,
  "reauthorize",
  "rejected",
  "The legacy token has no installation any more. Have the app installed again."
)

export const badClientSecret = slackCode(
  "bad_client_secret",
  both,
  "configure",
  "rejected",
  "The client secret is missing, or is not that of the client id. Copy both again from the app's Basic Information page."
)

export const badRedirectUri = slackCode(
  "bad_redirect_uri",
  access,
  "configure",
  "rejected",
  "The redirect URI is not that of the authorize step, or not in the list under OAuth & Permissions. Send the same in both steps."
)

export const cannotInstallAnOrgInstalledApp = slackCode(
  "cannot_install_an_org_installed_app",
  access,
  "askAdmin",
  "rejected",
  "The organization has the app already, so a workspace cannot install it. Ask an administrator of the organization to grant it."
)

export const deprecatedEndpoint = slackCode(
  "deprecated_endpoint",
  both,
  "report",
  "rejected",
  "Slack has retired this endpoint. Update this package, or report it."
)

export const ekmAccessDenied = slackCode(
  "ekm_access_denied",
  both,
  "askAdmin",
  "rejected",
  "The organization has withdrawn its encryption keys. Ask an administrator to restore them."
)

export const enterpriseIsRestricted = slackCode(
  "enterprise_is_restricted",
  both,
  "askAdmin",
  "rejected",
  "The organization may not use this call. Ask an administrator to allow it."
)

export const fatalError = slackCode(
  "fatal_error",
  both,
  "retry",
  "unknown",
  "Slack failed halfway and may have done a part of the call. A single-use grant may be spent: do not send it again on a guess."
)

export const internalError = slackCode(
  "internal_error",
  both,
  "retry",
  "unknown",
  "Slack failed and may have done a part of the call. A single-use grant may be spent: do not send it again on a guess."
)

export const invalidArgName = slackCode(
  "invalid_arg_name",
  both,
  "report",
  "rejected",
  "Slack does not accept the name of a parameter. Check the extra parameters."
)

export const invalidArguments = slackCode(
  "invalid_arguments",
  both,
  "report",
  "rejected",
  "Parameters are missing or contradict each other. The messages of this error say which."
)

export const invalidArrayArg = slackCode(
  "invalid_array_arg",
  both,
  "report",
  "rejected",
  "Slack does not accept arrays, only lists with commas. Check the extra parameters."
)

export const invalidAuth = slackCode(
  "invalid_auth",
  both,
  "reauthorize",
  "rejected",
  "Slack does not accept the credential, or not from this address. Look for an IP allow list, or have the app installed again."
)

export const invalidCharset = slackCode(
  "invalid_charset",
  both,
  "report",
  "rejected",
  "The request is not in UTF-8. Look for a proxy or client that rewrites headers."
)

export const invalidClientId = slackCode(
  "invalid_client_id",
  both,
  "configure",
  "rejected",
  "No app has this client id. Copy it again from the app's Basic Information page, and check the base URL."
)

export const invalidCode = slackCode(
  "invalid_code",
  access,
  "restart",
  "rejected",
  "The code is unknown, already used, or older than ten minutes. Send the person through install again."
)

export const invalidCodeVerifier = slackCode(
  "invalid_code_verifier",
  access,
  "restart",
  "rejected",
  "The PKCE verifier does not match the challenge of the authorize step. Send the person through install again."
)

export const invalidFormData = slackCode(
  "invalid_form_data",
  both,
  "report",
  "rejected",
  "Slack could not read the form in the request. Look for a proxy or client that rewrites bodies."
)

export const invalidGrantType = slackCode(
  "invalid_grant_type",
  access,
  "configure",
  "rejected",
  "The grant type does not fit the grant, or the app may not use it. Leave grantType out."
)

export const invalidPostType = slackCode(
  "invalid_post_type",
  both,
  "report",
  "rejected",
  "Slack does not accept the content type of the request. Look for a proxy or client that rewrites headers."
)

export const invalidRefreshToken = slackCode(
  "invalid_refresh_token",
  access,
  "reauthorize",
  "rejected",
  "The refresh token is unknown, already used, or expired. Read the store again: another process may have rotated it. If not, have the app installed again."
)

export const invalidToken = slackCode(
  "invalid_token",
  exchange,
  "reauthorize",
  "rejected",
  "The token is unknown, of another kind, or rotates already. Have the app installed again."
)

export const isBot = slackCode(
  "is_bot",
  both,
  "configure",
  "rejected",
  "A bot may not do this. Use the token of a person."
)

export const methodDeprecated = slackCode(
  "method_deprecated",
  both,
  "report",
  "rejected",
  "Slack has retired this method. Update this package, or report it."
)

export const missingPostType = slackCode(
  "missing_post_type",
  both,
  "report",
  "rejected",
  "The request has no content type. Look for a proxy or client that rewrites headers."
)

export const missingScope = slackCode(
  "missing_scope",
  both,
  "configure",
  "rejected",
  "The token lacks a scope for this. Add what `needed` names to the app's scopes and have the app installed again."
)

export const noPermission = slackCode(
  "no_permission",
  both,
  "askAdmin",
  "rejected",
  "The workspace does not allow the app or the person to do this. Ask an administrator to allow it."
)

export const noScopes = slackCode(
  "no_scopes",
  access,
  "configure",
  "rejected",
  "The authorize URL names no scope. Add a bot or user scope to it."
)

export const notAllowedTokenType = slackCode(
  "not_allowed_token_type",
  both,
  "configure",
  "rejected",
  "Slack does not accept this kind of token. Check which kind it accepts."
)

export const notAuthed = slackCode(
  "not_authed",
  both,
  "reauthorize",
  "rejected",
  "The request has no credential. Look for a proxy or client that rewrites headers, or have the app installed again."
)

export const oauthAuthorizationUrlMismatch = slackCode(
  "oauth_authorization_url_mismatch",
  access,
  "restart",
  "rejected",
  "The code is not from /oauth/v2/authorize. Send the person through install again from there.",
  "SlackOAuthAuthorizationUrlMismatch"
)

export const orgLoginRequired = slackCode(
  "org_login_required",
  both,
  "askAdmin",
  "rejected",
  "The workspace is moving into an organization and is closed until then. Ask an administrator."
)

export const pkceNotAllowed = slackCode(
  "pkce_not_allowed",
  access,
  "configure",
  "rejected",
  "The app does not use PKCE. Turn PKCE on in the app's settings; that cannot be undone."
)

export const previewFeatureNotAvailable = slackCode(
  "preview_feature_not_available",
  access,
  "configure",
  "rejected",
  "The app uses a preview feature that Slack has not released to it. Remove it from the app."
)

export const rateLimited = slackCode(
  "ratelimited",
  both,
  "retry",
  "rejected",
  "Too many calls. Nothing happened: wait for `retryAfter`, then send the same call again.",
  "SlackRateLimited"
)

export const requestTimeout = slackCode(
  "request_timeout",
  both,
  "retry",
  "rejected",
  "Slack did not get the whole request. Nothing happened: wait, then send the same call again."
)

export const serviceUnavailable = slackCode(
  "service_unavailable",
  both,
  "retry",
  "rejected",
  "Slack takes no calls right now. Nothing happened: wait, then send the same call again."
)

export const teamAccessNotGranted = slackCode(
  "team_access_not_granted",
  both,
  "askAdmin",
  "rejected",
  "The organization has not granted the app to the workspace. Ask an administrator of the organization to grant it."
)

export const teamAddedToOrg = slackCode(
  "team_added_to_org",
  both,
  "retry",
  "rejected",
  "The workspace is moving into an organization and does not always answer. Nothing happened: wait, then send the same call again."
)

export const tokenAlreadyExchanged = slackCode(
  "token_already_exchanged",
  exchange,
  "none",
  "rejected",
  "The legacy token was exchanged before. Use the tokens of that exchange."
)

export const tokenExpired = slackCode(
  "token_expired",
  both,
  "reauthorize",
  "rejected",
  "The token has expired. Refresh it if it has a refresh token, or have the app installed again."
)

export const tokenRevoked = slackCode(
  "token_revoked",
  both,
  "reauthorize",
  "rejected",
  "The token was revoked: the app was removed, or the person left. Have the app installed again."
)

export const tokenRotationNotEnabled = slackCode(
  "token_rotation_not_enabled",
  exchange,
  "configure",
  "rejected",
  "The app does not rotate tokens. Turn token rotation on in the app's settings; that cannot be undone."
)

export const twoFactorSetupRequired = slackCode(
  "two_factor_setup_required",
  both,
  "askAdmin",
  "rejected",
  "The workspace requires two-factor authentication. The person has to set it up first."
)

export const unknownMethod = slackCode(
  "unknown_method",
  both,
  "report",
  "rejected",
  "Slack does not know the method. Check the base URL, or update this package."
)

export const userEmailUnverified = slackCode(
  "user_email_unverified",
  access,
  "askAdmin",
  "rejected",
  "The person has not confirmed their email address at Slack, and has to do that first."
)
