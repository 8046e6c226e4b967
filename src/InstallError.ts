/**
 * Everything that can go wrong between "Add to Slack" and an installed app, as one tagged error for each case, with the
 * HTTP status of the page that the person gets to see.
 *
 * The errors hold no code, no state, no token and no raw cause: they are safe to log.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import type { ErrorClass } from "./internal/effect/schemas.js"
import * as OAuthV2Error from "./OAuthV2Error.js"

/**
 * What is to be done about a failed install by the person in front of it.
 *
 * - `restart`: begin again
 * - `reload`: load the page again; what has succeeded so far is kept and not repeated
 * - `none`: nothing helps, or nothing is needed
 *
 * @since 0.1.0
 * @category models
 */
export type NextStep = "restart" | "reload" | "none"

/** What an error knows by its class. */
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
// requests that are not answered with an install
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
  () => "An install page was asked for by a method other than GET."
) {}

/**
 * 425: a browser or a scanner loads the page ahead of time. Nothing is done until somebody really comes.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallPrefetched extends installError<InstallPrefetched>()(
  "InstallPrefetched",
  {},
  425,
  "reload",
  () => "An install page was loaded ahead of time; nothing has been done."
) {}

/**
 * 414: the query is longer than anything that Slack sends.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallQueryTooLong extends installError<InstallQueryTooLong>()(
  "InstallQueryTooLong",
  {},
  414,
  "restart",
  () => "The query is longer than anything that Slack sends."
) {}

/**
 * 400: a parameter stands in the query more than once, so it is not said which of them counts.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallRepeatedParameter extends installError<InstallRepeatedParameter>()(
  "InstallRepeatedParameter",
  { parameter: Schema.String },
  400,
  "restart",
  ({ parameter }) => `The query has ${parameter} more than once.`
) {}

/**
 * 400: a parameter is not what Slack would send: wrongly encoded, too long, or of a form that was never handed out.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallMalformedParameter extends installError<InstallMalformedParameter>()(
  "InstallMalformedParameter",
  { parameter: Schema.String },
  400,
  "restart",
  ({ parameter }) => `The query has a ${parameter} that cannot be right.`
) {}

/**
 * 400: a parameter is missing that Slack always sends.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallMissingParameter extends installError<InstallMissingParameter>()(
  "InstallMissingParameter",
  { parameter: Schema.String },
  400,
  "restart",
  ({ parameter }) => `The query has no ${parameter}.`
) {}

// -------------------------------------------------------------------------------------
// the state
// -------------------------------------------------------------------------------------

/**
 * 400: there is no state. The install was started on Slack's own pages and the flow refuses such, or it has been sent
 * through authorize once already and still has none.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateMissing extends installError<InstallStateMissing>()(
  "InstallStateMissing",
  {},
  400,
  "restart",
  () => "The callback has no state, so nothing ties it to this browser."
) {}

/**
 * 403: the state was not given to this browser, or so long ago that its cookie is gone.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateForeign extends installError<InstallStateForeign>()(
  "InstallStateForeign",
  {},
  403,
  "restart",
  () => "The state of the callback was not given to this browser: its cookie is missing or another's."
) {}

/**
 * 409: the state has been used. It works once. This is said only if it is known: by the store, or by the browser's
 * cookie.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateUsed extends installError<InstallStateUsed>()(
  "InstallStateUsed",
  {},
  409,
  "restart",
  () => "The state of the callback has been used before, here or in another process."
) {}

/**
 * 410: the store does not have the install of this state any more. It was dropped because too many others were begun
 * after it, or used without a trace here.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateGone extends installError<InstallStateGone>()(
  "InstallStateGone",
  {},
  410,
  "restart",
  () => "The install of this state is not stored any more: it made room for others, or was used."
) {}

/**
 * 410: the install was begun too long ago.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallStateExpired extends installError<InstallStateExpired>()(
  "InstallStateExpired",
  {},
  410,
  "restart",
  () => "The install was begun too long ago."
) {}

// -------------------------------------------------------------------------------------
// Slack's answer
// -------------------------------------------------------------------------------------

/**
 * 403: the person said no on the consent page (`error=access_denied`).
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
 * 400: Slack refused on the consent page, with a code such as `invalid_scope`.
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
 * Slack gave no tokens for the code. Which status the page has depends on the `remedy` of the error inside: 400 when
 * the person has to begin again, 403 when an administrator has to act, 503 when Slack is down, 500 for a mistake in the
 * app's settings.
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
  /** The code is presented again only where Slack has certainly done nothing with it. */
  get nextStep(): NextStep {
    return this.error.remedy === "retry" && this.error.outcome === "rejected" ? "reload" : "restart"
  }
  override get message(): string {
    return `Slack gave no tokens for the code. ${this.error.message}`
  }
}

// -------------------------------------------------------------------------------------
// this side
// -------------------------------------------------------------------------------------

/**
 * 500: Slack gave the tokens, and the application's `onInstalled` failed. The tokens are kept for the duplicate window:
 * loading the page again runs `onInstalled` again with the same ones.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallNotCompleted extends installError<InstallNotCompleted>()(
  "InstallNotCompleted",
  { appId: Schema.String, targetId: Schema.String },
  500,
  "reload",
  ({ appId, targetId }) => `The app ${appId} is installed in ${targetId}, but onInstalled failed.`
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
 * 503: the browser has waited long enough. An install that has a code goes on without it: loading the page again shows
 * the result, or waits for it again.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallTimeout extends installError<InstallTimeout>()(
  "InstallTimeout",
  {},
  503,
  "reload",
  () => "A page of the install took too long, so the browser was told to load it again."
) {}

/**
 * 400: the address of an install asks for a scope that the flow does not ask for.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallUnknownScope extends installError<InstallUnknownScope>()(
  "InstallUnknownScope",
  {},
  400,
  "restart",
  () => "The address asks for a scope that is not among those of the flow."
) {}

/**
 * 500: a mistake in the application, such as a `begin` that failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallUnexpected extends installError<InstallUnexpected>()(
  "InstallUnexpected",
  { problem: Schema.String },
  500,
  "restart",
  ({ problem }) => `The install cannot go on: ${problem}.`
) {}

/**
 * Why there is no install.
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
