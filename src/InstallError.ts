/**
 * Errors of an install: one tagged error for each case, with the HTTP status of the page that the person sees.
 *
 * The errors contain no code, no state, no token and no raw cause, so they are safe to log.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import type { ErrorClass } from "./internal/effect/schemas.js"
import * as OAuthV2Error from "./OAuthV2Error.js"

/**
 * What a person does about a failed install.
 *
 * - `restart`: begin the install again
 * - `reload`: load the page again. Steps that succeeded are not repeated.
 * - `none`: nothing
 *
 * @since 0.1.0
 * @category models
 */
export type NextStep = "restart" | "reload" | "none"

/** What all errors of a class have in common. */
interface Traits extends Cause.YieldableError {
  /** HTTP status of the page. */
  readonly status: number
  readonly nextStep: NextStep
}

const installError = <Self>() =>
<Tag extends string, Fields extends Schema.Struct.Fields>(
  tag: Tag,
  fields: Fields,
  status: number,
  nextStep: NextStep,
  text: (fields: Schema.Struct.Type<Fields>) => string
): ErrorClass<Self, Tag, Fields, Traits> => {
  const Base: abstract new() => Cause.YieldableError = Schema.TaggedError<any>()(tag, fields) as any
  abstract class InstallErrorBase extends Base {
    get status(): number {
      return status
    }
    get nextStep(): NextStep {
      return nextStep
    }
    override get message(): string {
      return text(this as any)
    }
  }
  return InstallErrorBase as any
}

// -------------------------------------------------------------------------------------
// requests that cannot begin or finish an install
// -------------------------------------------------------------------------------------

/**
 * 405: the request is neither `GET` nor `HEAD`.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallMethodNotAllowed extends installError<InstallMethodNotAllowed>()(
  "InstallMethodNotAllowed",
  {},
  405,
  "restart",
  () => "An install page was requested with a method other than GET. Open the install address in a browser."
) {}

/**
 * 425: a browser or a scanner loads the page ahead of time. Nothing is done until a person opens the page.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallPrefetched extends installError<InstallPrefetched>()(
  "InstallPrefetched",
  {},
  425,
  "reload",
  () => "An install page was loaded ahead of time, so nothing was done. It works when a person opens it."
) {}

/**
 * 414: the query is longer than any that Slack sends.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallQueryTooLong extends installError<InstallQueryTooLong>()(
  "InstallQueryTooLong",
  {},
  414,
  "restart",
  () => "The query is longer than any that Slack sends. Begin the install again."
) {}

/**
 * 400: a parameter is in the query more than once.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallRepeatedParameter extends installError<InstallRepeatedParameter>()(
  "InstallRepeatedParameter",
  { parameter: Schema.String },
  400,
  "restart",
  ({ parameter }) => `The query has ${parameter} more than once. Begin the install again.`
) {}

/**
 * 400: a parameter has a value that Slack does not send: wrongly encoded, too long, or of another form.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallMalformedParameter extends installError<InstallMalformedParameter>()(
  "InstallMalformedParameter",
  { parameter: Schema.String },
  400,
  "restart",
  ({ parameter }) => `The query has a ${parameter} that Slack does not send. Begin the install again.`
) {}

/**
 * 400: the query lacks a parameter that Slack always sends.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallMissingParameter extends installError<InstallMissingParameter>()(
  "InstallMissingParameter",
  { parameter: Schema.String },
  400,
  "restart",
  ({ parameter }) => `The query has no ${parameter}. Begin the install again.`
) {}

// -------------------------------------------------------------------------------------
// the state
// -------------------------------------------------------------------------------------

/**
 * 400: the callback has no state. The install began on Slack's own pages and the flow refuses that, or it was sent
 * through authorize once already and still has no state.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateMissing extends installError<InstallStateMissing>()(
  "InstallStateMissing",
  {},
  400,
  "restart",
  () => "The callback has no state, so nothing proves that this browser began the install. Begin it on this site."
) {}

/**
 * 403: the state was not given to this browser, or its cookie has expired.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateForeign extends installError<InstallStateForeign>()(
  "InstallStateForeign",
  {},
  403,
  "restart",
  () => "This browser has no cookie for the state of the callback. Begin the install again in this browser."
) {}

/**
 * 409: the state was used before. A state works once. The store or the browser's cookie knows that it was used; if
 * neither does, the error is {@link InstallStateGone}.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateUsed extends installError<InstallStateUsed>()(
  "InstallStateUsed",
  {},
  409,
  "restart",
  () => "The state of the callback was used before, here or in another process. Begin the install again."
) {}

/**
 * 410: the store no longer has the install of this state. It was dropped to make room for others, or it was used and the
 * store does not remember that.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateGone extends installError<InstallStateGone>()(
  "InstallStateGone",
  {},
  410,
  "restart",
  () => "The install of this state is no longer stored: it was dropped to make room, or used. Begin the install again."
) {}

/**
 * 410: the install began too long ago.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateExpired extends installError<InstallStateExpired>()(
  "InstallStateExpired",
  {},
  410,
  "restart",
  () => "The install began too long ago. Begin it again."
) {}

// -------------------------------------------------------------------------------------
// Slack's answer
// -------------------------------------------------------------------------------------

/**
 * 403: the person did not allow the install on the consent page (`error=access_denied`).
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallDenied extends installError<InstallDenied>()(
  "InstallDenied",
  {},
  403,
  "restart",
  () => "The person did not allow the install (access_denied)."
) {}

/**
 * 400: Slack refused the install on the consent page, with a code such as `invalid_scope`.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallRefused extends installError<InstallRefused>()(
  "InstallRefused",
  { code: Schema.String },
  400,
  "restart",
  ({ code }) => `Slack's consent page refused the install: ${code}.`
) {}

const statusOfRemedy: { readonly [R in OAuthV2Error.Remedy]: number } = {
  retry: 503,
  restart: 400,
  reauthorize: 403,
  askAdmin: 403,
  configure: 500,
  report: 500,
  none: 500
}

/**
 * Slack gave no tokens for the code. The `remedy` of the error inside decides the status of the page: 400 if the person
 * has to begin again, 403 if an administrator has to act, 503 if Slack is down, 500 for a mistake in the app's settings.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallExchangeFailed extends Schema.TaggedError<InstallExchangeFailed>()("InstallExchangeFailed", {
  error: OAuthV2Error.AccessError
}) {
  /** HTTP status of the page. */
  get status(): number {
    return statusOfRemedy[this.error.remedy]
  }
  /** A reload sends the code again only if Slack has certainly done nothing with it. */
  get nextStep(): NextStep {
    return this.error.remedy === "retry" && this.error.outcome === "rejected" ? "reload" : "restart"
  }
  override get message(): string {
    return `Slack gave no tokens for the code. ${this.error.message}`
  }
}

// -------------------------------------------------------------------------------------
// this server
// -------------------------------------------------------------------------------------

/**
 * 500: Slack gave the tokens, and the application's `onInstalled` failed. The tokens are kept until the duplicate window
 * ends, and a reload runs `onInstalled` again with the same tokens.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallNotCompleted extends installError<InstallNotCompleted>()(
  "InstallNotCompleted",
  { appId: Schema.String, targetId: Schema.String },
  500,
  "reload",
  ({ appId, targetId }) =>
    `Slack installed the app ${appId} in ${targetId}, but onInstalled failed. A reload runs it again with the same tokens.`
) {}

/**
 * 503: the store of pending installs failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStoreFailed extends installError<InstallStoreFailed>()(
  "InstallStoreFailed",
  { problem: Schema.String },
  503,
  "reload",
  ({ problem }) => problem
) {}

/**
 * 503: the browser has waited too long. An install that has a code continues. A reload shows its result, or waits for it.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallTimeout extends installError<InstallTimeout>()(
  "InstallTimeout",
  {},
  503,
  "reload",
  () => "A page of the install took too long. The browser was told to load it again."
) {}

/**
 * 400: an install address asks for a scope that the flow does not have.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallUnknownScope extends installError<InstallUnknownScope>()(
  "InstallUnknownScope",
  {},
  400,
  "restart",
  () => "The install address asks for a scope that is not among botScopes and userScopes of the flow."
) {}

/**
 * 500: a failure in the application, for example in its `begin`.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallUnexpected extends installError<InstallUnexpected>()(
  "InstallUnexpected",
  { problem: Schema.String },
  500,
  "restart",
  ({ problem }) => `The install cannot continue: ${problem}.`
) {}

/**
 * Why an install failed.
 *
 * @example
 * ```ts
 * import type { InstallError } from "effect-slack-oauth"
 *
 * // What a page of the application tells a person.
 * const advice = (error: InstallError.InstallError): string =>
 *   error.nextStep === "reload" ? "Load this page again." : "Please install the app again."
 * ```
 *
 * @since 0.1.0
 * @category unions
 */
export type InstallError =
  | InstallMethodNotAllowed
  | InstallPrefetched
  | InstallQueryTooLong
  | InstallRepeatedParameter
  | InstallMalformedParameter
  | InstallMissingParameter
  | InstallStateMissing
  | InstallStateForeign
  | InstallStateUsed
  | InstallStateGone
  | InstallStateExpired
  | InstallDenied
  | InstallRefused
  | InstallExchangeFailed
  | InstallNotCompleted
  | InstallStoreFailed
  | InstallTimeout
  | InstallUnknownScope
  | InstallUnexpected
