/**
 * The first half of a flow: it sends a person to Slack's consent page.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as AuthorizeUrl from "../../AuthorizeUrl.js"
import * as InstallError from "../../InstallError.js"
import type * as InstallFlow from "../../InstallFlow.js"
import * as PendingInstall from "../../PendingInstall.js"
import * as Pkce from "../../Pkce.js"
import { randomToken, sha256 } from "../random.js"
import { unchecked } from "../unchecked.js"
import * as Answer from "./answer.js"
import type { Begun } from "./application.js"
import type { Parts } from "./parts.js"
import { isResponse } from "./render.js"
import * as Scopes from "./scopes.js"

/** Longer than every address that has a purpose here. */
const maxQueryLength = 4096

/** What is stored until the person comes back, and the address that they are sent to. */
const prepare = <M>(
  begun: Exclude<Begun<M>, Response>,
  scopes: InstallFlow.Scopes,
  state: string,
  { metadata, settings }: Parts<M>
) =>
  Effect.gen(function*() {
    const { app, lifetime, redirectUri } = settings
    const pkce = settings.pkce ? Option.some(yield* Pkce.make) : Option.none()
    const botScopes = AuthorizeUrl.scopes(begun.botScopes ?? scopes.bot)
    const userScopes = AuthorizeUrl.scopes(begun.userScopes ?? scopes.user)
    const url = yield* AuthorizeUrl.forApp(app, {
      botScopes,
      userScopes,
      redirectUri,
      state,
      team: begun.team,
      codeChallenge: Option.getOrUndefined(Option.map(pkce, ({ challenge }) => challenge))
    })
    const encoded = yield* metadata.encode(begun)
    const now = yield* DateTime.now
    const pending = new PendingInstall.PendingInstall({
      redirectUri,
      botScopes,
      userScopes,
      codeVerifier: Option.map(pkce, ({ verifier }) => verifier),
      metadata: encoded,
      expiresAt: DateTime.addDuration(now, lifetime)
    }, unchecked)
    return { now, pending, url }
  })

const toSeconds = (time: DateTime.Utc): number => Math.floor(time.epochMillis / 1000)

const toError = (cause: Cause.Cause<unknown>): InstallError.InstallError => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  if (error instanceof PendingInstall.PendingInstallStoreError) {
    return new InstallError.InstallStoreFailed({ problem: error.message })
  }
  return new InstallError.InstallUnexpected({
    problem: error instanceof AuthorizeUrl.AuthorizeUrlNoScopes
      ? "it asks for no scopes"
      : "the application's begin failed, or its metadata does not fit its schema"
  })
}

/** Asks the application, stores the install under the hash of a new state, and redirects to Slack. */
export const sendToSlack = <M>(
  parts: Parts<M>,
  request: Request,
  scopes: InstallFlow.Scopes,
  setCookies: ReadonlyArray<string> = []
): Effect.Effect<Answer.Answer | Response> =>
  Effect.gen(function*() {
    const begun = yield* parts.application.begin(request)
    // A copy, because the application may give the same response again.
    if (isResponse(begun)) return begun.clone()

    const state = randomToken()
    const stateHash = yield* Effect.promise(() => sha256(state))
    const { now, pending, url } = yield* prepare(begun, scopes, state, parts)
    const carried = yield* parts.store.save(stateHash, pending)
    const proof = { stateHash, expiresAtSeconds: toSeconds(pending.expiresAt), carried }
    return Answer.withCookies(Answer.redirect(302, url), [
      ...setCookies,
      ...parts.cookies.begin(request.headers.get("cookie"), toSeconds(now), proof)
    ])
  }).pipe(Effect.catchAllCause((cause) => parts.refuse(toError(cause))))

/** Answers a request for the install path. */
export const answer = <M>(parts: Parts<M>) => (request: Request): Effect.Effect<Answer.Answer | Response> => {
  const { installUrl, landing, scopes } = parts.settings
  const { search, searchParams: query } = new URL(request.url)
  if (search.length > maxQueryLength + 1) return parts.refuse(new InstallError.InstallQueryTooLong())

  const asked = Scopes.fromQuery(query)
  if (!Scopes.covers(scopes, asked)) return parts.refuse(new InstallError.InstallUnknownScope())

  if (landing && !query.has("begin")) {
    const next = Scopes.toQuery(asked)
    next.set("begin", "")
    return parts.render.landing(`${installUrl}?${next}`)
  }
  return sendToSlack(parts, request, Scopes.isEmpty(asked) ? scopes : asked)
}
