/**
 * The second half of a flow: it takes a person back from Slack. The steps are those of the table in `docs/install.md`.
 * Step 1 (is it a person?) comes before every request, in `handler.ts`.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Installation from "../../Installation.js"
import * as InstallError from "../../InstallError.js"
import type * as InstallFlow from "../../InstallFlow.js"
import type * as PendingInstall from "../../PendingInstall.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import type * as TokenResponse from "../../TokenResponse.js"
import type * as LayerContext from "../layerContext.js"
import { sha256 } from "../random.js"
import { unchecked } from "../unchecked.js"
import * as Answer from "./answer.js"
import * as Attempts from "./attempts.js"
import { sendToSlack } from "./begin.js"
import { parseCallbackQuery } from "./callbackQuery.js"
import type { FlowCookie } from "./flowCookies.js"
import type { Parts } from "./parts.js"
import type { Outcome } from "./recentCallbacks.js"
import { idOf } from "./render.js"
import * as Scopes from "./scopes.js"
import * as Success from "./success.js"

// -------------------------------------------------------------------------------------
// step 2: is it what Slack sends?
// -------------------------------------------------------------------------------------

/** Answers requests for the callback path. */
export const make = <M>(
  parts: Parts<M>,
  success: InstallFlow.Options<M>["success"],
  layerContext: LayerContext.LayerContext<never>
): Effect.Effect<(request: Request) => Effect.Effect<Answer.Answer | Response>, never, Scope.Scope> => {
  const showSuccess = Success.make(success, parts.settings, parts.render)
  const attempts = Attempts.make<M>({
    window: parts.settings.duplicateWindow,
    layerContext,
    run: (callback, keeper) => Effect.flatMap(install(parts, callback, keeper), showSuccess),
    report: parts.application.report
  })
  return Effect.map(attempts, (attempt) => (request) => {
    const query = parseCallbackQuery(new URL(request.url).search.slice(1))
    switch (query._tag) {
      case "TooLong":
        return parts.refuse(new InstallError.InstallQueryTooLong())
      case "Repeated":
        return parts.refuse(new InstallError.InstallRepeatedParameter({ parameter: query.parameter }))
      case "Malformed":
        return parts.refuse(new InstallError.InstallMalformedParameter({ parameter: query.parameter }))
      case "Missing":
        return parts.refuse(new InstallError.InstallMissingParameter({ parameter: query.parameter }))
      case "Refusal":
        return withRefusal(parts, request, query.error, query.state)
      case "Code":
        return query.state === undefined
          ? withoutState(parts, request)
          : withCode(parts, attempt, request, query.code, query.state)
    }
  })
}

/** An install that began on Slack's own pages has no state. */
const withoutState = <M>(parts: Parts<M>, request: Request) =>
  parts.settings.withoutState === "reject" || parts.cookies.wasBounced(request.headers.get("cookie"))
    ? parts.refuse(new InstallError.InstallStateMissing(), [parts.cookies.dropBounced])
    : sendToSlack(parts, request, parts.settings.scopes, [parts.cookies.markBounced])

/** The person did not allow the install, or Slack refused it. A state that belongs to this browser is used now. */
const withRefusal = <M>(parts: Parts<M>, request: Request, code: string, state: string | undefined) =>
  Effect.gen(function*() {
    const error = code === "access_denied"
      ? new InstallError.InstallDenied()
      : new InstallError.InstallRefused({ code })
    const cookie = state === undefined ? undefined : yield* proofOf(parts, request, state)
    if (cookie === undefined) return yield* parts.refuse(error)
    yield* Effect.ignore(parts.store.consume(cookie.stateHash, cookie.carried))
    return yield* parts.refuse(error, [parts.cookies.drop(cookie), parts.cookies.dropBounced])
  })

// -------------------------------------------------------------------------------------
// step 3: does the cookie fit the state?
// -------------------------------------------------------------------------------------

/** The cookie that proves that this browser was given the state. */
const proofOf = <M>({ cookies }: Parts<M>, request: Request, state: string): Effect.Effect<FlowCookie | undefined> =>
  Effect.map(
    Effect.promise(() => sha256(state)),
    (stateHash) => cookies.find(request.headers.get("cookie"), stateHash)
  )

const withCode = <M>(
  parts: Parts<M>,
  attempt: (callback: Attempts.Callback) => Effect.Effect<Outcome>,
  request: Request,
  code: string,
  state: string
) =>
  Effect.gen(function*() {
    const cookie = yield* proofOf(parts, request, state)
    if (cookie === undefined) return yield* parts.refuse(new InstallError.InstallStateForeign())
    const outcome = yield* attempt({ ...cookie, code })
    // The attempt has reported its failure already.
    const shown = Either.isRight(outcome) ? outcome.right : yield* parts.render.failed(outcome.left)
    return Answer.withCookies(shown, cookiesAfter(parts, cookie, outcome))
  })

/** Whether the cookie is kept as the proof, or removed because there is nothing left to prove. */
const cookiesAfter = <M>(
  { cookies, settings }: Parts<M>,
  cookie: FlowCookie,
  outcome: Outcome
): ReadonlyArray<string> => {
  switch (Either.isLeft(outcome) ? outcome.left._tag : undefined) {
    case "InstallStateExpired":
      return [cookies.drop(cookie)]
    // The state may be unused, or another process may have the tokens: the browser needs its cookie to come back.
    case "InstallStateUsed":
    case "InstallStateGone":
    case "InstallStoreFailed":
    case "InstallUnexpected":
      return []
    default:
      return [cookies.finish(cookie, Duration.toSeconds(settings.duplicateWindow)), cookies.dropBounced]
  }
}

// -------------------------------------------------------------------------------------
// step 4: is the install pending? step 5: Slack checks the verifier and the redirect URI
// -------------------------------------------------------------------------------------

/** Takes the steps that earlier attempts did not take. It keeps the result of each, because none can be taken twice. */
const install = <M>(
  parts: Parts<M>,
  callback: Attempts.Callback,
  { keep, progress }: Attempts.Keeper<M>
): Effect.Effect<InstallFlow.Installed<M>, InstallError.InstallError> =>
  Effect.gen(function*() {
    const pending = progress.pending ?? (yield* consume(parts, callback))
    keep({ ...progress, pending, cause: undefined })
    const installed = progress.installed ?? (yield* exchange(parts, pending, callback.code))
    keep({ pending, installed, cause: undefined })
    if (isNobodys(installed.response)) {
      return yield* new InstallError.InstallUnexpected({ problem: "Slack did not say whose user token it gave" })
    }
    yield* Effect.catchAllCause(parts.application.onInstalled(installed), (cause) => {
      keep({ pending, installed, cause })
      const { response } = installed
      return Effect.fail(new InstallError.InstallNotCompleted({ appId: response.appId, targetId: idOf(response) }))
    })
    // The application has the tokens, so they are not kept here.
    keep({ pending: undefined, installed: undefined, cause: undefined })
    return installed
  })

/** Whether there is only a user token, and nobody to store it for. */
const isNobodys = ({ authedUserId, bot, user }: TokenResponse.TokenResponse): boolean =>
  Option.isNone(bot) && Option.isNone(authedUserId) && Option.exists(user, ({ userId }) => Option.isNone(userId))

/** Step 4. */
const consume = <M>({ store }: Parts<M>, { carried, stateHash, used }: Attempts.Callback) =>
  Effect.mapError(store.consume(stateHash, carried), (error): InstallError.InstallError => {
    switch (error._tag) {
      case "PendingInstallNotFound":
        return used || error.used ? new InstallError.InstallStateUsed() : new InstallError.InstallStateGone()
      case "PendingInstallExpired":
        return new InstallError.InstallStateExpired()
      case "PendingInstallStoreError":
        return new InstallError.InstallStoreFailed({ problem: error.message })
    }
  })

/** Step 5: Slack compares the verifier and the redirect URI. */
const exchange = <M>(
  { metadata, oauth, settings }: Parts<M>,
  pending: PendingInstall.PendingInstall,
  code: string
): Effect.Effect<InstallFlow.Installed<M>, InstallError.InstallError> =>
  Effect.gen(function*() {
    const decoded = yield* Effect.mapError(
      metadata.decode(pending.metadata),
      () => new InstallError.InstallUnexpected({ problem: "its metadata no longer fits its schema" })
    )
    const { app, installUrl, ownApp, retryPolicy, scopes: flowScopes } = settings
    const requestedAt = yield* DateTime.now
    const response = yield* oauth.access({
      code,
      redirectUri: pending.redirectUri,
      codeVerifier: Option.getOrUndefined(pending.codeVerifier),
      // With a verifier the secret is not sent: Slack takes one proof.
      app: Option.isSome(pending.codeVerifier) ? { clientId: app.clientId, baseUrl: app.baseUrl } : ownApp
    }).pipe(
      RetryPolicy.provide(retryPolicy),
      Effect.mapError((error) => new InstallError.InstallExchangeFailed({ error }, unchecked))
    )
    const requested = { bot: pending.botScopes, user: pending.userScopes }
    const scopes = Scopes.report(requested, Scopes.granted(response), { flowScopes, installUrl })
    const json = Redacted.value(pending.metadata)
    const installation = new Installation.Installation({
      ...Installation.fromTokenResponse(response, requestedAt),
      metadata: json === "" ? Option.none() : Option.some(pending.metadata)
    }, unchecked)
    return { response, installation, requestedAt, metadata: decoded, scopes }
  })
