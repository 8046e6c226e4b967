/**
 * The errors of a call: one tagged error for each code that Slack documents, and four for failures without such a code.
 *
 * Each error has a `remedy` (what to do) and an `outcome` (whether Slack can have acted). So most programs handle a few
 * remedies instead of fifty codes. `docs/errors.md` has the table of all errors.
 *
 * An error holds no request, no response body and no raw cause. Secrets in Slack's messages are masked. So errors are
 * safe to log, to trace, and to send through RPC or a queue.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Codes from "./internal/codes.js"
import { type ErrorClass, type Text, union, withDefault } from "./internal/effect/schemas.js"

/**
 * Marks the errors of this module, see {@link isOAuthV2Error}.
 *
 * @since 0.1.0
 * @category symbols
 */
export const TypeId: unique symbol = Symbol.for("effect-slack-oauth/OAuthV2Error")

/**
 * The type of {@link TypeId}.
 *
 * @since 0.1.0
 * @category symbols
 */
export type TypeId = typeof TypeId

// -------------------------------------------------------------------------------------
// the fields of every error
// -------------------------------------------------------------------------------------

/**
 * What to do about an error.
 *
 * - `retry`: wait, then repeat the call, but only if the `outcome` is `rejected`
 * - `restart`: send the person through install again
 * - `reauthorize`: the stored credential is dead; the app has to be installed again
 * - `configure`: change the settings of the app, in the program or at Slack
 * - `askAdmin`: a policy of the workspace or organization forbids the call
 * - `report`: this package or its caller has a bug
 * - `none`: there is nothing to do
 *
 * @since 0.1.0
 * @category models
 */
export type Remedy = Codes.Remedy

/**
 * Whether Slack acted on the call. `rejected`: it did not, so a single-use grant is still valid, unless the error is
 * about the grant itself. `unknown`: it may have, so do not send a single-use grant again.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Codes.Outcome

/**
 * The two Slack methods that this package calls.
 *
 * @since 0.1.0
 * @category models
 */
export type Method = Codes.Method

/**
 * What is known about a failed call, besides its code.
 *
 * @since 0.1.0
 * @category models
 */
export interface Details {
  /** The HTTP status. Absent if there was no answer, or if nothing was sent. */
  readonly status?: number | undefined
  /** Slack's `x-slack-req-id`, which Slack's support asks for. */
  readonly requestId?: string | undefined
  /** Slack's messages, with secrets masked. */
  readonly messages?: ReadonlyArray<string>
  /** Slack's warning codes, such as `superfluous_charset`. */
  readonly warnings?: ReadonlyArray<string>
  /** The missing scopes, if the code is `missing_scope`. */
  readonly needed?: ReadonlyArray<string> | undefined
  /** The scopes of the token, if the code is `missing_scope`. */
  readonly provided?: ReadonlyArray<string> | undefined
  /** How long Slack asks to wait (`Retry-After`), at most a day. */
  readonly retryAfter?: Duration.Duration | undefined
}

const texts = Schema.Array(Schema.String)
const maybeText = Schema.optional(Schema.String)
const maybeTexts = Schema.optional(texts)
const list = withDefault(texts, [])

const details = {
  status: Schema.optional(Schema.Number),
  requestId: maybeText,
  messages: list,
  warnings: list,
  needed: maybeTexts,
  provided: maybeTexts,
  retryAfter: Schema.optional(Schema.DurationFromMillis)
}

const anyMethod = Schema.Literal("oauth.v2.access", "oauth.v2.exchange")
const anyOutcome = Schema.Literal("rejected", "unknown")

/** The message: the call, the code, what to do, and what identifies the call. */
const describe = (
  error: Details & { readonly method: Method; readonly code: string; readonly messages: ReadonlyArray<string> },
  text: string
): string => {
  const facts = [
    error.status && `HTTP ${error.status}`,
    error.requestId && `request ${error.requestId}`,
    error.needed && `needed ${error.needed}`,
    error.provided && `provided ${error.provided}`,
    error.retryAfter && `retry after ${Duration.format(error.retryAfter)}`,
    ...error.messages
  ].filter(Boolean).join("; ")
  return `${error.method}: ${error.code}. ${text}${facts && ` (${facts})`}`
}

interface Branded extends Cause.YieldableError {
  readonly [TypeId]: TypeId
}

/** What all errors of a class have in common. */
interface Traits<Code extends string, R extends Remedy, O extends Outcome> {
  /** Slack's code. An error without one has a name of this package, in the same form. */
  readonly code: Code
  /** What to do. */
  readonly remedy: R
  /** Whether Slack acted on the call. */
  readonly outcome: O
}

/** Makes a class of errors. The prototype has what all errors of the class have in common. */
const slackError = <Self>() =>
<
  Tag extends string,
  Fields extends Schema.Struct.Fields,
  const T extends Partial<Traits<string, Remedy, Outcome>>
>(
  tag: Tag,
  fields: Fields,
  traits: T,
  text: string | ((error: Schema.Struct.Type<Fields>) => string)
): ErrorClass<Self, Tag, Omit<typeof details, keyof Fields> & Fields, Branded & T> => {
  class SlackError extends Schema.TaggedError<any>()(tag, { ...details, ...fields as {} }) {
    override get message() {
      return describe(this as any, typeof text === "string" ? text : text(this as any))
    }
  }
  Object.assign(SlackError.prototype, { [TypeId]: TypeId, ...traits })
  return SlackError as any
}

interface DocumentedClass<
  Self,
  Code extends string,
  Tag extends string,
  M extends Method,
  R extends Remedy,
  O extends Outcome,
  Fields extends Schema.Struct.Fields
> extends ErrorClass<Self, Tag, typeof details & { readonly method: Text<M> } & Fields, Branded & Traits<Code, R, O>> {
  /** The methods that Slack documents the code for. */
  readonly methods: ReadonlyArray<M>
}

const documented = <Self>() =>
<
  Code extends string,
  Tag extends string,
  M extends Method,
  R extends Remedy,
  O extends Outcome,
  Fields extends Schema.Struct.Fields = {}
>(
  { code, methods, outcome, remedy, tag, text }: Codes.SlackCode<Code, Tag, M, R, O>,
  fields?: Fields,
  describe?: (error: Schema.Struct.Type<Fields>) => string
): DocumentedClass<Self, Code, Tag, M, R, O, Fields> =>
  Object.assign(
    slackError<any>()(
      tag,
      { method: Schema.Literal(...methods), ...fields },
      { code, remedy, outcome },
      describe as any ?? text
    ),
    { methods }
  ) as any

const mayBeSpent = "A single-use grant may be spent: do not send it again on a guess."

// -------------------------------------------------------------------------------------
// the codes that Slack documents
// -------------------------------------------------------------------------------------

/** An answer can mean this documented code without containing it: see {@link SlackServiceUnavailable}. */
const serviceUnavailable: Codes.SlackCode<
  "service_unavailable",
  "SlackServiceUnavailable",
  Method,
  "retry",
  Outcome
> = Codes.serviceUnavailable

/**
 * `access_denied`: Slack refuses access to something in the request.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackAccessDenied extends documented<SlackAccessDenied>()(Codes.accessDenied) {}

/**
 * `accesslimited`: The workspace does not accept calls from this network.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackAccessLimited extends documented<SlackAccessLimited>()(Codes.accessLimited) {}

/**
 * `account_inactive`: The person or workspace of the credential is deactivated.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackAccountInactive extends documented<SlackAccountInactive>()(Codes.accountInactive) {}

/**
 * `authorization_not_found`: The legacy token has no installation any more.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackAuthorizationNotFound extends documented<SlackAuthorizationNotFound>()(Codes.authorizationNotFound) {}

/**
 * `bad_client_secret`: The client secret is missing or belongs to another app.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackBadClientSecret extends documented<SlackBadClientSecret>()(Codes.badClientSecret) {}

/**
 * `bad_redirect_uri`: The redirect URI is not that of the authorize step, or the app does not list it.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackBadRedirectUri extends documented<SlackBadRedirectUri>()(Codes.badRedirectUri) {}

/**
 * `cannot_install_an_org_installed_app`: The organization has the app already, so a workspace cannot install it.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackCannotInstallAnOrgInstalledApp
  extends documented<SlackCannotInstallAnOrgInstalledApp>()(Codes.cannotInstallAnOrgInstalledApp)
{}

/**
 * `deprecated_endpoint`: Slack has retired the endpoint.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackDeprecatedEndpoint extends documented<SlackDeprecatedEndpoint>()(Codes.deprecatedEndpoint) {}

/**
 * `ekm_access_denied`: The organization has withdrawn its encryption keys.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackEkmAccessDenied extends documented<SlackEkmAccessDenied>()(Codes.ekmAccessDenied) {}

/**
 * `enterprise_is_restricted`: The organization may not use this call.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackEnterpriseIsRestricted
  extends documented<SlackEnterpriseIsRestricted>()(Codes.enterpriseIsRestricted)
{}

/**
 * `fatal_error`: Slack failed halfway and may have done a part of the call.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackFatalError extends documented<SlackFatalError>()(Codes.fatalError) {}

/**
 * `internal_error`: Slack failed and may have done a part of the call.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInternalError extends documented<SlackInternalError>()(Codes.internalError) {}

/**
 * `invalid_arg_name`: Slack does not accept the name of a parameter.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidArgName extends documented<SlackInvalidArgName>()(Codes.invalidArgName) {}

/**
 * `invalid_arguments`: Parameters are missing or contradict each other.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidArguments extends documented<SlackInvalidArguments>()(Codes.invalidArguments) {}

/**
 * `invalid_array_arg`: A parameter looks like an array.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidArrayArg extends documented<SlackInvalidArrayArg>()(Codes.invalidArrayArg) {}

/**
 * `invalid_auth`: Slack does not accept the credential, or not from this address.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidAuth extends documented<SlackInvalidAuth>()(Codes.invalidAuth) {}

/**
 * `invalid_charset`: The request has a character set other than UTF-8.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidCharset extends documented<SlackInvalidCharset>()(Codes.invalidCharset) {}

/**
 * `invalid_client_id`: No app has this client id.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidClientId extends documented<SlackInvalidClientId>()(Codes.invalidClientId) {}

/**
 * `invalid_code`: The authorization code is unknown, already used, or older than ten minutes.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidCode extends documented<SlackInvalidCode>()(Codes.invalidCode) {}

/**
 * `invalid_code_verifier`: The PKCE verifier does not match the challenge.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidCodeVerifier extends documented<SlackInvalidCodeVerifier>()(Codes.invalidCodeVerifier) {}

/**
 * `invalid_form_data`: Slack could not read the form in the request.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidFormData extends documented<SlackInvalidFormData>()(Codes.invalidFormData) {}

/**
 * `invalid_grant_type`: The grant type does not fit the grant.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidGrantType extends documented<SlackInvalidGrantType>()(Codes.invalidGrantType) {}

/**
 * `invalid_post_type`: Slack does not accept the content type of the request.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidPostType extends documented<SlackInvalidPostType>()(Codes.invalidPostType) {}

/**
 * `invalid_refresh_token`: The refresh token is unknown, already used, or expired.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidRefreshToken extends documented<SlackInvalidRefreshToken>()(Codes.invalidRefreshToken) {}

/**
 * `invalid_token`: The token cannot be exchanged.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackInvalidToken extends documented<SlackInvalidToken>()(Codes.invalidToken) {}

/**
 * `is_bot`: A bot may not do this.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackIsBot extends documented<SlackIsBot>()(Codes.isBot) {}

/**
 * `method_deprecated`: Slack has retired the method.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackMethodDeprecated extends documented<SlackMethodDeprecated>()(Codes.methodDeprecated) {}

/**
 * `missing_post_type`: The request has no content type.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackMissingPostType extends documented<SlackMissingPostType>()(Codes.missingPostType) {}

/**
 * `missing_scope`: The token lacks a scope. `needed` and `provided` have the scopes.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackMissingScope extends documented<SlackMissingScope>()(Codes.missingScope) {}

/**
 * `no_permission`: The workspace does not allow the app or the person to do this.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackNoPermission extends documented<SlackNoPermission>()(Codes.noPermission) {}

/**
 * `no_scopes`: The authorize step named no scope.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackNoScopes extends documented<SlackNoScopes>()(Codes.noScopes) {}

/**
 * `not_allowed_token_type`: Slack does not accept this kind of token.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackNotAllowedTokenType extends documented<SlackNotAllowedTokenType>()(Codes.notAllowedTokenType) {}

/**
 * `not_authed`: The request has no credential.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackNotAuthed extends documented<SlackNotAuthed>()(Codes.notAuthed) {}

/**
 * `oauth_authorization_url_mismatch`: The code is not from `/oauth/v2/authorize`.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackOAuthAuthorizationUrlMismatch
  extends documented<SlackOAuthAuthorizationUrlMismatch>()(Codes.oauthAuthorizationUrlMismatch)
{}

/**
 * `org_login_required`: The workspace is moving into an organization, and is closed until then.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackOrgLoginRequired extends documented<SlackOrgLoginRequired>()(Codes.orgLoginRequired) {}

/**
 * `pkce_not_allowed`: The app has not opted in to PKCE.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackPkceNotAllowed extends documented<SlackPkceNotAllowed>()(Codes.pkceNotAllowed) {}

/**
 * `preview_feature_not_available`: The app uses a preview feature that Slack has not released to it.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackPreviewFeatureNotAvailable
  extends documented<SlackPreviewFeatureNotAvailable>()(Codes.previewFeatureNotAvailable)
{}

/**
 * `ratelimited`: Too many calls. Every HTTP 429 is this error, whatever its body.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackRateLimited extends documented<SlackRateLimited>()(Codes.rateLimited) {}

/**
 * `request_timeout`: Slack did not get the whole request.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackRequestTimeout extends documented<SlackRequestTimeout>()(Codes.requestTimeout) {}

/**
 * `service_unavailable`: Slack takes no calls right now. An HTTP 503 without a code is this error too.
 *
 * With the code, the `outcome` is `rejected`. Without it, the `outcome` is `unknown`: a proxy also answers 503 if its
 * connection to Slack ended after the request was sent.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackServiceUnavailable extends documented<SlackServiceUnavailable>()(
  serviceUnavailable,
  { outcome: withDefault(anyOutcome, "rejected" satisfies typeof serviceUnavailable.outcome) },
  ({ outcome }) =>
    outcome === "rejected"
      ? serviceUnavailable.text
      : `Slack, or a proxy on the way, takes no calls right now. ${mayBeSpent}`
) {}

/**
 * `team_access_not_granted`: The organization has not granted the app to the workspace.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackTeamAccessNotGranted extends documented<SlackTeamAccessNotGranted>()(Codes.teamAccessNotGranted) {}

/**
 * `team_added_to_org`: The workspace is moving into an organization and does not always answer.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackTeamAddedToOrg extends documented<SlackTeamAddedToOrg>()(Codes.teamAddedToOrg) {}

/**
 * `token_already_exchanged`: The legacy token was exchanged before.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackTokenAlreadyExchanged extends documented<SlackTokenAlreadyExchanged>()(Codes.tokenAlreadyExchanged) {}

/**
 * `token_expired`: The token has expired.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackTokenExpired extends documented<SlackTokenExpired>()(Codes.tokenExpired) {}

/**
 * `token_revoked`: The token was revoked.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackTokenRevoked extends documented<SlackTokenRevoked>()(Codes.tokenRevoked) {}

/**
 * `token_rotation_not_enabled`: The app does not rotate tokens.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackTokenRotationNotEnabled
  extends documented<SlackTokenRotationNotEnabled>()(Codes.tokenRotationNotEnabled)
{}

/**
 * `two_factor_setup_required`: The workspace requires two-factor authentication, and the person has not set it up.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackTwoFactorSetupRequired
  extends documented<SlackTwoFactorSetupRequired>()(Codes.twoFactorSetupRequired)
{}

/**
 * `unknown_method`: Slack does not know the method.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackUnknownMethod extends documented<SlackUnknownMethod>()(Codes.unknownMethod) {}

/**
 * `user_email_unverified`: The person has not confirmed their email address.
 *
 * @since 0.1.0
 * @category documented errors
 */
export class SlackUserEmailUnverified extends documented<SlackUserEmailUnverified>()(Codes.userEmailUnverified) {}

// -------------------------------------------------------------------------------------
// errors without a documented code
// -------------------------------------------------------------------------------------

/**
 * Slack refused with a code that it does not document for this method. The error keeps the code. Nobody knows what the
 * code means, so the `outcome` is `unknown`.
 *
 * @since 0.1.0
 * @category client errors
 */
export class SlackUndocumentedError extends slackError<SlackUndocumentedError>()(
  "SlackUndocumentedError",
  {
    method: anyMethod,
    code: Schema.String
  },
  { remedy: "report", outcome: "unknown" },
  "Slack does not document this code. Look it up in Slack's reference, and report it here."
) {}

/**
 * There was no complete answer. The `outcome` is `rejected` if the request cannot have reached Slack: the name did not
 * resolve, the connection was refused, or the TLS handshake failed. Otherwise it is `unknown`.
 *
 * @since 0.1.0
 * @category client errors
 */
export class SlackTransportError extends slackError<SlackTransportError>()(
  "SlackTransportError",
  {
    method: anyMethod,
    outcome: anyOutcome,
    /** The platform's name for the failure, such as `ECONNREFUSED`, if it has one. */
    reason: Schema.optional(Schema.String)
  },
  { code: "transport_error", remedy: "retry" },
  ({ outcome, reason }) => {
    const because = reason === undefined ? "" : ` (${reason})`
    return outcome === "rejected"
      ? `Slack could not be reached${because}, and nothing was sent. Check the network and the base URL.`
      : `The connection broke before the answer was complete${because}, so Slack may have acted on the call. ${mayBeSpent}`
  }
) {}

/**
 * An attempt took longer than the {@link RetryPolicy} allows. The request may have reached Slack.
 *
 * @since 0.1.0
 * @category client errors
 */
export class SlackTimeoutError extends slackError<SlackTimeoutError>()(
  "SlackTimeoutError",
  {
    method: anyMethod,
    /** The deadline of the attempt. */
    timeout: Schema.DurationFromMillis
  },
  { code: "timeout", remedy: "retry", outcome: "unknown" },
  "Slack did not answer in time and may have acted on the call. A single-use grant may be spent: do not send it again on a guess."
) {}

/**
 * The answer is neither a token response nor an error of Slack: a page of a proxy, a redirect, incomplete JSON, or JSON
 * of another shape. The error has the paths that did not fit, never the values.
 *
 * The `remedy` is `retry` for a status of 500 and above, and `report` otherwise. The `outcome` is `rejected` for a
 * status from 300 to 499, because Slack did not act on the request, and `unknown` otherwise.
 *
 * @since 0.1.0
 * @category client errors
 */
export class SlackUnexpectedResponse extends slackError<SlackUnexpectedResponse>()(
  "SlackUnexpectedResponse",
  {
    method: anyMethod,
    status: Schema.Number,
    /** The media type of the answer, without parameters. */
    contentType: Schema.optional(Schema.String),
    /** The paths that did not fit, such as `team.id`. Empty if the answer is no JSON object. */
    paths: list
  },
  { code: "unexpected_response" },
  ({ contentType, paths, status }) => {
    const what = contentType === undefined ? "The answer" : `The answer (${contentType})`
    return paths.length > 0
      ? `${what} does not have the shape that Slack documents, at: ${paths.join(", ")}. Report it here.`
      : status >= 500
      ? `${what} says that Slack, or a proxy on the way, failed. ${mayBeSpent}`
      : `${what} does not come from Slack's API. Check the base URL, and look for a proxy on the way.`
  }
) {
  /** @since 0.1.0 */
  get remedy(): "retry" | "report" {
    return this.status >= 500 ? "retry" : "report"
  }
  /** @since 0.1.0 */
  get outcome(): Outcome {
    return this.status >= 300 && this.status < 500 ? "rejected" : "unknown"
  }
}

// -------------------------------------------------------------------------------------
// the errors of each method
// -------------------------------------------------------------------------------------

const documentedErrors = [
  SlackAccessDenied,
  SlackAccessLimited,
  SlackAccountInactive,
  SlackAuthorizationNotFound,
  SlackBadClientSecret,
  SlackBadRedirectUri,
  SlackCannotInstallAnOrgInstalledApp,
  SlackDeprecatedEndpoint,
  SlackEkmAccessDenied,
  SlackEnterpriseIsRestricted,
  SlackFatalError,
  SlackInternalError,
  SlackInvalidArgName,
  SlackInvalidArguments,
  SlackInvalidArrayArg,
  SlackInvalidAuth,
  SlackInvalidCharset,
  SlackInvalidClientId,
  SlackInvalidCode,
  SlackInvalidCodeVerifier,
  SlackInvalidFormData,
  SlackInvalidGrantType,
  SlackInvalidPostType,
  SlackInvalidRefreshToken,
  SlackInvalidToken,
  SlackIsBot,
  SlackMethodDeprecated,
  SlackMissingPostType,
  SlackMissingScope,
  SlackNoPermission,
  SlackNoScopes,
  SlackNotAllowedTokenType,
  SlackNotAuthed,
  SlackOAuthAuthorizationUrlMismatch,
  SlackOrgLoginRequired,
  SlackPkceNotAllowed,
  SlackPreviewFeatureNotAvailable,
  SlackRateLimited,
  SlackRequestTimeout,
  SlackServiceUnavailable,
  SlackTeamAccessNotGranted,
  SlackTeamAddedToOrg,
  SlackTokenAlreadyExchanged,
  SlackTokenExpired,
  SlackTokenRevoked,
  SlackTokenRotationNotEnabled,
  SlackTwoFactorSetupRequired,
  SlackUnknownMethod,
  SlackUserEmailUnverified
] as const

type Documented = InstanceType<(typeof documentedErrors)[number]>

type DocumentedFor<M extends Method> = Documented extends infer E
  ? E extends { readonly method: infer Q } ? M extends Q ? E : never : never
  : never

/**
 * The errors without a documented code. Every call can fail with them.
 *
 * @since 0.1.0
 * @category unions
 */
export type ClientError = SlackUndocumentedError | SlackTransportError | SlackTimeoutError | SlackUnexpectedResponse

/**
 * The errors of `oauth.v2.access`: the codes that Slack documents for it, and {@link ClientError}.
 *
 * @see https://docs.slack.dev/reference/methods/oauth.v2.access
 * @since 0.1.0
 * @category unions
 */
export type AccessError = DocumentedFor<"oauth.v2.access"> | ClientError

/**
 * The errors of `oauth.v2.exchange`: the codes that Slack documents for it, and {@link ClientError}.
 *
 * @see https://docs.slack.dev/reference/methods/oauth.v2.exchange
 * @since 0.1.0
 * @category unions
 */
export type ExchangeError = DocumentedFor<"oauth.v2.exchange"> | ClientError

/**
 * The errors of both methods.
 *
 * @since 0.1.0
 * @category unions
 */
export type OAuthV2Error = AccessError | ExchangeError

/**
 * The errors of one method.
 *
 * @since 0.1.0
 * @category unions
 */
export type ErrorOf<M extends Method> = M extends "oauth.v2.access" ? AccessError : ExchangeError

const clientErrors = [
  SlackUndocumentedError,
  SlackTransportError,
  SlackTimeoutError,
  SlackUnexpectedResponse
] as const

const unionOf = (method: Method) =>
  union([...documentedErrors.filter(({ methods }) => methods.some((own) => own === method)), ...clientErrors])

/**
 * The schema of {@link AccessError}, for errors that are sent as JSON, such as through RPC or a queue.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AccessError: Schema.Schema<AccessError, unknown> = Schema.suspend(() => unionOf("oauth.v2.access"))

/**
 * The schema of {@link ExchangeError}, for errors that are sent as JSON, such as through RPC or a queue.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExchangeError: Schema.Schema<ExchangeError, unknown> = Schema.suspend(() => unionOf("oauth.v2.exchange"))

// -------------------------------------------------------------------------------------
// constructors and handlers
// -------------------------------------------------------------------------------------

/**
 * Makes the error of a Slack code. If Slack does not document the code for the method, it is a
 * {@link SlackUndocumentedError} with that code.
 *
 * @example
 * ```ts
 * import { OAuthV2Error } from "effect-slack-oauth"
 *
 * const error = OAuthV2Error.fromCode("invalid_code", { method: "oauth.v2.access" })
 *
 * console.log(error._tag, error.remedy) // SlackInvalidCode restart
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromCode = <M extends Method>(
  // An editor completes the documented codes only if the other member is not `string` itself.
  code: Documented["code"] | (string & {}),
  options: Details & { readonly method: M }
): ErrorOf<M> => {
  const Documented: any = documentedErrors.find(({ methods, prototype }) =>
    prototype.code === code && methods.some((method) => method === options.method)
  )
  return Documented === undefined ? new SlackUndocumentedError({ ...options, code }) : new Documented(options)
}

/**
 * Whether a value is an error of this module.
 *
 * @since 0.1.0
 * @category guards
 */
export const isOAuthV2Error = (u: unknown): u is OAuthV2Error => Predicate.hasProperty(u, TypeId)

/** An error of this module, by the remedies that it may have. */
type Own<Q> = { readonly [TypeId]: TypeId; readonly remedy: Q }

/** The members of `E` that may have the remedy. */
type WithRemedy<E, R extends Remedy> = E extends Own<infer Q> ? [R & Q] extends [never] ? never : E : never

/** The members of `E` that are left if the remedy is handled. */
type WithoutRemedy<E, R extends Remedy> = E extends Own<infer Q> ? [Q] extends [R] ? never : E : E

/**
 * Handles every error that has the given remedy, and leaves the others in the error channel.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { OAuthV2, OAuthV2Error } from "effect-slack-oauth"
 *
 * const program = OAuthV2.access({ code: "the-code" }).pipe(
 *   OAuthV2Error.catchRemedy("restart", () => Effect.succeed("please install again")),
 *   OAuthV2Error.catchRemedy("askAdmin", (error) => Effect.succeed(error.message))
 * )
 * ```
 *
 * @since 0.1.0
 * @category error handling
 */
export const catchRemedy: {
  <R extends Remedy, E, A2, E2, R2>(
    remedy: R,
    f: (error: WithRemedy<E, R>) => Effect.Effect<A2, E2, R2>
  ): <A, R1>(self: Effect.Effect<A, E, R1>) => Effect.Effect<A | A2, E2 | WithoutRemedy<E, R>, R1 | R2>
  <A, E, R1, R extends Remedy, A2, E2, R2>(
    self: Effect.Effect<A, E, R1>,
    remedy: R,
    f: (error: WithRemedy<E, R>) => Effect.Effect<A2, E2, R2>
  ): Effect.Effect<A | A2, E2 | WithoutRemedy<E, R>, R1 | R2>
} = dual(
  3,
  <A, E, R1, R extends Remedy, A2, E2, R2>(
    self: Effect.Effect<A, E, R1>,
    remedy: R,
    f: (error: WithRemedy<E, R>) => Effect.Effect<A2, E2, R2>
  ): Effect.Effect<A | A2, E2 | WithoutRemedy<E, R>, R1 | R2> =>
    Effect.catchIf(
      self,
      (error): error is any => isOAuthV2Error(error) && error.remedy === remedy,
      f
    ) as any
)
