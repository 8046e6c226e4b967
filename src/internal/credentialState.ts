/**
 * What one process knows of one credential: a plain record, and pure functions over it. {@link decide} says what a
 * caller gets. Each `on…` returns the record after an event. Times are milliseconds of the clock.
 *
 * Nothing here reads a clock, a store or random numbers. `freshTokens` does.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../Installation.js"
import type { Refresh } from "../TokenManager.js"
import { endOfToken } from "./expiry.js"
import { longestPause } from "./retryAfter.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/** The options of the manager that decisions depend on. Durations are in milliseconds. */
export interface Rules {
  readonly window: number
  readonly jitter: number
  readonly cacheTime: number
  readonly patience: number
  readonly sharedRefresh: boolean
}

/** A credential from the store or from Slack. */
export interface Known {
  readonly credential: Installation.Credential
  /** When its token expires; infinite if never. */
  readonly expiresAt: number
  /** When it is time for the next token. */
  readonly refreshAt: number
  /** Until when the token is served without any I/O; minus infinity if it is not. */
  readonly freshUntil: number
  /** The token as an effect. Made once: most reads do nothing but return it. */
  readonly token: Effect.Effect<Redacted.Redacted>
}

/** The last failure, and when to try again. */
export interface Failure<E> {
  readonly error: E
  /** How many failures there were in a row. */
  readonly attempts: number
  /** When it happened. A clock that shows an earlier time was set back, which ends the pause. */
  readonly at: number
  readonly retryAt: number
}

/** What a process knows of a credential. `E` is the error of a refresh that failed. */
export interface State<E> {
  readonly known: Known | undefined
  /** Set from a failure until the next success. */
  readonly failure: Failure<E> | undefined
  /** A credential with a token that Slack gave and the store has not saved yet. */
  readonly unsaved: Installation.Credential | undefined
  /** Whether this process has installed or removed the app since, so that the unsaved token may be worth nothing. */
  readonly isUnsavedDoubtful: boolean
  /** The token that Slack refused, with its code. Set until another token is known. */
  readonly refused: { readonly token: string; readonly code: string } | undefined
}

/** Nothing is known. */
export const initial: State<never> = {
  known: undefined,
  failure: undefined,
  unsaved: undefined,
  isUnsavedDoubtful: false,
  refused: undefined
}

/** When something happens, and a random number from 0 to 1. */
export interface Moment {
  readonly now: number
  readonly chance: number
}

/** A token, and the result of the refresh that it comes from. */
export interface Served {
  readonly token: Redacted.Redacted
  readonly how: Refresh
}

/** Why there is no token: there is no such credential, it is dead, or a refresh failed and may succeed later. */
export type Refusal<E> =
  | { readonly _tag: "Missing" }
  | { readonly _tag: "Dead"; readonly reauthorization: Installation.Reauthorization }
  | { readonly _tag: "Unavailable"; readonly error: E; readonly retryAfter: number }

// -------------------------------------------------------------------------------------
// the times of a credential
// -------------------------------------------------------------------------------------

/** When it is time for the next token. A larger `chance`, from 0 to 1, means later. */
export const refreshAtOf = (rules: Rules, credential: Installation.Credential, chance: number): number => {
  const expiresAt = endOfToken(credential.token)
  if (Option.isNone(Installation.refreshTokenOf(credential))) return expiresAt
  const window = Math.min(rules.window, (expiresAt - DateTime.toEpochMillis(credential.issuedAt)) / 2)
  return expiresAt - window + window * rules.jitter * chance
}

/** The pause after failures: a second, doubling up to a minute, give or take a quarter. */
export const pauseAfter = (attempts: number, chance: number): number =>
  Math.ceil(Math.min(1000 * 2 ** attempts, 60_000) * (0.75 + chance / 2))

// -------------------------------------------------------------------------------------
// questions
// -------------------------------------------------------------------------------------

/** Whether Slack refused this token. */
export const isRefused = <E>({ refused }: State<E>, token: Redacted.Redacted): boolean =>
  refused !== undefined && refused.token === Redacted.value(token)

/** After this code the last token works until its expiry. After any other, the token is dead too. */
const leavesTheToken = (code: string): boolean => code === "invalid_refresh_token"

/** Whether a credential's token may be served. */
export const isValid = <E>(state: State<E>, credential: Installation.Credential, now: number): boolean =>
  now < endOfToken(credential.token) &&
  !isRefused(state, credential.token.accessToken) &&
  Option.match(credential.reauthorization, { onNone: () => true, onSome: ({ code }) => leavesTheToken(code) })

/** What is known, if its token may be served. */
export const validOf = <E>(state: State<E>, now: number): Known | undefined =>
  state.known !== undefined && isValid(state, state.known.credential, now) ? state.known : undefined

/** Whether the known token is served without any I/O. */
export const isFresh = <E>(state: State<E>, now: number): state is State<E> & { readonly known: Known } =>
  state.known !== undefined && now < state.known.freshUntil

/** Whether the known credential is to be refreshed: it can be, and its time has come, or Slack refused its token, or by force. */
export const isDue = <E>(state: State<E>, now: number, isForced: boolean): boolean => {
  if (state.known === undefined) return false
  const { credential, refreshAt } = state.known
  return Option.isNone(credential.reauthorization) &&
    Option.isSome(Installation.refreshTokenOf(credential)) &&
    (isForced || now >= refreshAt || isRefused(state, credential.token.accessToken))
}

/**
 * Whether a credential needs no refresh yet: it is dead, or the latest time for its refresh has not come. The random delay
 * of its refresh may not be known, so the longest one counts.
 */
export const isEarly = (rules: Rules, credential: Installation.Credential, now: number): boolean =>
  Option.isSome(credential.reauthorization) || now < refreshAtOf(rules, credential, 1)

// -------------------------------------------------------------------------------------
// what a caller gets
// -------------------------------------------------------------------------------------

/**
 * What a caller gets.
 *
 * - `Serve`: this token, at once
 * - `Refresh`: the credential has to be read, and refreshed if it is due. The caller waits for that, up to `atMost`
 * - `Wait`: that has begun already. The caller waits for it, up to `atMost`
 * - `Refuse`: there is no valid token, and it is too early to try again
 *
 * After `atMost`, decide again.
 */
export type Decision<E> =
  | { readonly _tag: "Serve"; readonly token: Redacted.Redacted }
  | { readonly _tag: "Refresh"; readonly atMost: number }
  | { readonly _tag: "Wait"; readonly atMost: number }
  | { readonly _tag: "Refuse"; readonly refusal: Refusal<E> }

/** Decides what a caller gets. `runningFor` is how long the refresh under way has been running, if there is one. */
export const decide = <E>(
  rules: Rules,
  state: State<E>,
  now: number,
  runningFor: number | undefined
): Decision<E> => {
  const { failure } = state
  const valid = validOf(state, now)
  const serve = valid && { _tag: "Serve", token: valid.credential.token.accessToken } as const
  if (serve !== undefined && isFresh(state, now)) return serve
  if (failure !== undefined && failure.at <= now && now < failure.retryAt) {
    return serve ??
      { _tag: "Refuse", refusal: { _tag: "Unavailable", error: failure.error, retryAfter: failure.retryAt - now } }
  }
  // Also without a known token: after `patience` the refresh has read the stored one, which may be valid.
  if (runningFor === undefined) return { _tag: "Refresh", atMost: rules.patience }
  const patienceLeft = rules.patience - runningFor
  if (patienceLeft > 0) return { _tag: "Wait", atMost: patienceLeft }
  return serve ?? { _tag: "Wait", atMost: Number.POSITIVE_INFINITY }
}

/**
 * What follows for a credential that was read and is not to be refreshed.
 *
 * - `serve`: its token is valid
 * - `dead`: it is dead
 * - `again`: its token has ended, or was refused, since it was looked at. Now it can be refreshed
 * - `ended`: its token has ended, or was refused, and it has no refresh token: it has to be marked dead
 *
 * A forced refresh of a dead credential is not answered with its last token.
 */
export const judge = <E>(state: State<E>, { credential }: Known, now: number, isForced: boolean) => {
  const isServable = isValid(state, credential, now)
  if (Option.isSome(credential.reauthorization)) return isServable && !isForced ? "serve" : "dead"
  if (isServable) return "serve"
  return Option.isSome(Installation.refreshTokenOf(credential)) ? "again" : "ended"
}

// -------------------------------------------------------------------------------------
// the record after an event
// -------------------------------------------------------------------------------------

/** The credential was read from the store, or Slack gave it. */
export const onRead = <E>(
  rules: Rules,
  state: State<E>,
  credential: Installation.Credential,
  { chance, now }: Moment
): State<E> & { readonly known: Known } => {
  // Two processes may make a generation of the same number, of which one is stored.
  const isSame = state.known?.credential.generation === credential.generation &&
    Redacted.value(state.known.credential.token.accessToken) === Redacted.value(credential.token.accessToken)
  const expiresAt = endOfToken(credential.token)
  const refreshAt = isSame && state.known !== undefined ? state.known.refreshAt : refreshAtOf(rules, credential, chance)
  const isDead = Option.isSome(credential.reauthorization)
  // Without shared refreshes, nothing runs in the background: each caller has to try to save the token first.
  const isSavedByCallers = !rules.sharedRefresh && state.unsaved !== undefined
  // With `now` instead of minus infinity, the token would be served again after the clock is set back.
  const freshUntil = isSavedByCallers || !isValid(state, credential, now)
    ? Number.NEGATIVE_INFINITY
    : Math.min(isDead ? expiresAt : refreshAt, now + rules.cacheTime)
  return {
    ...state,
    known: { credential, expiresAt, refreshAt, freshUntil, token: Effect.succeed(credential.token.accessToken) },
    // A dead credential is not refreshed again, so there is nothing to wait for.
    failure: isDead ? undefined : state.failure,
    refused: isRefused(state, credential.token.accessToken) ? state.refused : undefined
  }
}

/** There is a valid token, or the credential is dead: either way, the pause after failures ends. */
export const onSuccess = <E>(state: State<E>): State<E> => ({ ...state, failure: undefined })

/**
 * A refresh failed, with a hint how long to wait, if there was one. The pause may last longer than
 * {@link longestPause} only while the token is valid.
 */
export const onFailure = <E>(
  state: State<E>,
  error: E,
  hint: number,
  { chance, now }: Moment
): State<E> & { readonly failure: Failure<E> } => {
  const attempts = state.failure?.attempts ?? 0
  const pause = Math.max(pauseAfter(attempts, chance), hint)
  const validUntil = validOf(state, now)?.expiresAt ?? now
  // A long hint ends with the token, or after the longest pause if that is later.
  const retryAt = Math.min(now + pause, Math.max(validUntil, now + longestPause))
  return { ...state, failure: { error, attempts: attempts + 1, at: now, retryAt } }
}

/** Slack refused a token. If another one is known by now, nothing changes. */
export const onRefused = <E>(state: State<E>, token: string, code: string): State<E> => {
  const current = state.unsaved ?? state.known?.credential
  return current === undefined || Redacted.value(current.token.accessToken) === token
    ? {
      ...state,
      known: state.known && { ...state.known, freshUntil: Number.NEGATIVE_INFINITY },
      failure: undefined,
      refused: { token, code }
    }
    : state
}

/** Slack gave a token, and the store did not save it. */
export const onUnsaved = <E>(state: State<E>, credential: Installation.Credential): State<E> => ({
  ...state,
  unsaved: credential,
  isUnsavedDoubtful: false
})

/** The store has saved the token, or has a later one. */
export const onSaved = <E>(state: State<E>): State<E> => ({
  ...state,
  unsaved: undefined,
  isUnsavedDoubtful: false
})

/** This process has installed or removed the app, or has changed the credential: what was read before is outdated. */
export const onChanged = <E>(state: State<E>): State<E> => ({
  ...state,
  known: undefined,
  failure: undefined,
  isUnsavedDoubtful: state.unsaved !== undefined
})

/** The credential is not stored. */
export const onMissing = <E>(state: State<E>): State<E> => ({ ...state, known: undefined, failure: undefined })
