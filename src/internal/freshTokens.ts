/**
 * Serves the callers whose token is not fresh in memory. The steps, in the order of this file:
 *
 * 1. {@link read}: `decide` (`credentialState`) says what the caller gets: a token, an error, or a refresh to wait for. Callers
 *    inside a transaction ({@link readInside}), and beside an outdated refresh ({@link readBeside}), are served apart
 * 2. {@link join}: begins a refresh, or joins the one under way
 * 3. {@link update}: the steps of a refresh, which begin again as long as the last one has no result:
 *    1. {@link serveUnsaved}: a token that the store has not saved is served, or has to be stored first
 *    2. {@link rotateIfDue}: the credential is read, and rotated if it is due (`rotation`)
 *    3. {@link conclude}: what that means for the caller, for the next callers (`credentialState`), and for the events
 *
 * Only the waits of a refresh can be interrupted.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import type * as OAuthV2 from "../OAuthV2.js"
import * as OAuthV2Error from "../OAuthV2Error.js"
import * as RetryPolicy from "../RetryPolicy.js"
import type * as SlackApp from "../SlackApp.js"
import type { CredentialBusy, Force, LeaseTooShort, Refresh } from "../TokenManager.js"
import type { TokenResponse } from "../TokenResponse.js"
import * as Closing from "./closing.js"
import {
  type Entry,
  forgetOutdated,
  makeSharedResult,
  type Obstacle,
  outdatedRefresh,
  remember,
  type Running
} from "./credentialCache.js"
import * as CredentialState from "./credentialState.js"
import { withDeadline } from "./deadline.js"
import type { HeardChanges } from "./heardChanges.js"
import * as LayerContext from "./layerContext.js"
import * as LeaseTime from "./leaseTime.js"
import { randomToken } from "./random.js"
import * as Rotation from "./rotation.js"
import * as Telemetry from "./telemetry.js"
import { Event, type TokenEvents } from "./tokenEvents.js"
import * as UnsavedTokens from "./unsavedTokens.js"
import { clockAndUptime, uptime } from "./uptime.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/** What serving tokens needs. */
export interface Parts {
  readonly rules: CredentialState.Rules
  readonly leaseDuration: Duration.Duration
  readonly slack: OAuthV2.Service
  readonly apps: ((appId: string) => SlackApp.Service | undefined) | undefined
  /** The store, with a deadline for each call: the part `storeCall` of the lease time. */
  readonly store: InstallationStore.Service
  readonly changes: HeardChanges
  readonly events: TokenEvents
  readonly context: LayerContext.LayerContext<never>
  /** Shared refreshes run in it. */
  readonly scope: Scope.Scope
  /** The error of a refresh that has waited too long for another holder of the lease. */
  readonly makeBusy: (waited: Duration.Duration) => CredentialBusy
  /** The error of a refresh for which this process was too slow. */
  readonly makeTooShort: (waited: Duration.Duration) => LeaseTooShort
}

/** The part of a manager that serves tokens. */
export interface FreshTokens extends Parts {
  readonly closing: Closing.Closing
  readonly unsaved: UnsavedTokens.UnsavedTokens
  /** A name for this process, and how many updates it has begun: together, they name the holder of a lease. */
  readonly process: string
  updates: number
}

/** Makes that part. */
export const make = (parts: Parts): FreshTokens => {
  const closing = Closing.make()
  return {
    ...parts,
    closing,
    unsaved: UnsavedTokens.make({ ...parts, closing }),
    // Not from Effect's `Random`: with the same seed, two processes would have the same name.
    process: randomToken(),
    updates: 0
  }
}

const method = "oauth.v2.access"

type Refusal = CredentialState.Refusal<Obstacle>
type GetToken = Effect.Effect<Redacted.Redacted, Refusal>
type Serve = Effect.Effect<CredentialState.Served, Refusal>

// -------------------------------------------------------------------------------------
// 1. serving callers
// -------------------------------------------------------------------------------------

/** Serves a caller whose token is not served from memory at once. */
export const read = (tokens: FreshTokens, key: Installation.CredentialKey, entry: Entry): GetToken =>
  Effect.suspend(() => {
    // The entry may be older than a change of its rows that this process has heard of.
    forgetOutdated(tokens.changes, String(key), entry)
    const outdated = outdatedRefresh(tokens.changes, String(key), entry)
    if (outdated !== undefined) return readBeside(tokens, key, entry, outdated)
    return Effect.flatMap(
      LayerContext.isInTransaction,
      (isInTransaction) => isInTransaction ? readInside(tokens, key, entry) : readOutside(tokens, key, entry)
    )
  })

/** Serves a caller outside of a transaction. */
const readOutside = (tokens: FreshTokens, key: Installation.CredentialKey, entry: Entry): GetToken =>
  Effect.flatMap(clockAndUptime, ([now, up]) => {
    entry.wasAsked = true
    const runningFor = entry.running && up - entry.running.startedAt
    const decision = CredentialState.decide(tokens.rules, entry.state, now, runningFor)
    switch (decision._tag) {
      case "Serve":
        return Effect.succeed(decision.token)
      case "Refuse":
        return Effect.fail(decision.refusal)
      case "Refresh":
      case "Wait":
        return awaitRefresh(tokens, key, entry, up, decision.atMost)
    }
  })

/** Waits for a refresh, which it begins if none is under way. After `atMost`, what the caller gets is decided again. */
const awaitRefresh = (
  tokens: FreshTokens,
  key: Installation.CredentialKey,
  entry: Entry,
  up: number,
  atMost: number
): GetToken => {
  const refreshed = Effect.flatMap(join(tokens, key, entry, up), ({ token }) =>
    // Slack may have refused it since the refresh ended.
    CredentialState.isRefused(entry.state, token) ? readOutside(tokens, key, entry) : Effect.succeed(token))
  // Where refreshes are not shared, a caller that refreshes has to stay: there is nobody else to store the result.
  if (!tokens.rules.sharedRefresh || !Number.isFinite(atMost)) return refreshed
  return Effect.catchAll(
    withDeadline(refreshed, Duration.millis(atMost), () => "late" as const),
    (error) => error === "late" ? readOutside(tokens, key, entry) : Effect.fail(error)
  )
}

/**
 * Serves a caller inside a database transaction, which may hold the lock, or the only connection, that a refresh waits
 * for. So it first reads inside the transaction, and gets that token unless there is a newer one in time. That token is
 * not remembered: the transaction may be rolled back.
 */
const readInside = (tokens: FreshTokens, key: Installation.CredentialKey, entry: Entry): GetToken =>
  Effect.gen(function*() {
    const { rules, store } = tokens
    const seen = yield* Effect.orElseSucceed(store.credential(key), Option.none)
    const now = yield* Clock.currentTimeMillis
    const outside = readOutside(tokens, key, entry)
    if (Option.isNone(seen) || !CredentialState.isValid(entry.state, seen.value, now)) return yield* outside
    const { accessToken } = seen.value.token
    if (CredentialState.isEarly(rules, seen.value, now)) return accessToken
    return yield* Effect.catchAll(
      rules.sharedRefresh ? withDeadline(outside, Duration.millis(rules.patience), () => "late" as const) : outside,
      (error) => error === "late" || error._tag === "Unavailable" ? Effect.succeed(accessToken) : Effect.fail(error)
    )
  })

/**
 * Serves a caller while a refresh runs that began before this process has changed the credential. The caller gets the
 * stored token, which is not remembered. If that is not valid, or cannot be read, the caller waits for that refresh, and
 * is served after it.
 */
const readBeside = (tokens: FreshTokens, key: Installation.CredentialKey, entry: Entry, outdated: Running): GetToken =>
  Effect.gen(function*() {
    const stored = yield* Effect.option(tokens.store.credential(key))
    const now = yield* Clock.currentTimeMillis
    if (Option.isSome(stored)) {
      if (Option.isNone(stored.value)) return yield* Effect.fail<Refusal>({ _tag: "Missing" })
      const credential = stored.value.value
      if (CredentialState.isValid(entry.state, credential, now)) return credential.token.accessToken
    }
    yield* Effect.exit(outdated.result)
    return yield* read(tokens, key, entry)
  })

/** Refreshes by force. A refresh that is under way and was not forced is waited for first. */
export const refresh = (tokens: FreshTokens, key: Installation.CredentialKey, entry: Entry, force: Force): Serve =>
  Effect.flatMap(uptime, (up) => {
    forgetOutdated(tokens.changes, String(key), entry)
    const { running } = entry
    return running === undefined || running.isForced
      ? join(tokens, key, entry, up, force)
      : Effect.zipRight(Effect.exit(running.result), refresh(tokens, key, entry, force))
  })

// -------------------------------------------------------------------------------------
// 2. one refresh for all callers
// -------------------------------------------------------------------------------------

/**
 * Refreshes a credential, or joins the refresh under way. A refresh runs in the context of the manager's layer, so an
 * interrupted caller does not stop it. Where refreshes are not shared, each caller runs its own, in the context of the
 * layer too, and the lease in the store lets one of them refresh.
 */
const join = (tokens: FreshTokens, key: Installation.CredentialKey, entry: Entry, up: number, force?: Force): Serve =>
  Effect.uninterruptibleMask((restore) => {
    const { context, rules, scope } = tokens
    if (tokens.closing.stage !== "open") return Effect.interrupt
    if (entry.running !== undefined) return restore(entry.running.result)
    const work = Effect.uninterruptible(
      Effect.withSpan(update(tokens, key, entry, force), "TokenManager.update", {
        captureStackTrace: false,
        root: true,
        attributes: { "slack.credential": String(key) }
      })
    )
    if (!rules.sharedRefresh) return restore(context.run(work))
    const { complete, result } = makeSharedResult<CredentialState.Served, Refusal>()
    entry.running = { startedAt: up, isForced: force !== undefined, version: tokens.changes.version(), result }
    const shared = Effect.onExit(work, (exit) =>
      Effect.sync(() => {
        entry.running = undefined
        complete(exit)
      }))
    return Effect.zipRight(context.fork(Effect.uninterruptible(shared), scope), restore(result))
  })

// -------------------------------------------------------------------------------------
// 3. the steps of a refresh
// -------------------------------------------------------------------------------------

/** A refresh under way. */
interface Update {
  readonly tokens: FreshTokens
  readonly key: Installation.CredentialKey
  readonly entry: Entry
  readonly isForced: boolean
  /** The generation to refresh by force: the one that was asked for, or else the first that is read. */
  forcedFrom: number | undefined
  /** The `uptime` of its begin. */
  readonly startedAt: number
  /** A name for the holder of its leases. */
  readonly holder: string
  rotations: number
  /** How often it has waited before it began again. */
  waits: number
}

/**
 * What a step gives the caller. With `undefined` there is nothing for the caller yet: the next step follows, and after the
 * last step the refresh begins again.
 */
type Step = Effect.Effect<CredentialState.Served | undefined, Refusal>

/**
 * Updates a credential. With `force`, it is refreshed although its token is fresh, unless another process has refreshed it.
 */
const update = (
  tokens: FreshTokens,
  key: Installation.CredentialKey,
  entry: Entry,
  force: Force | undefined
): Serve =>
  Effect.gen(function*() {
    const underWay: Update = {
      tokens,
      key,
      entry,
      isForced: force !== undefined,
      forcedFrom: force?.generation,
      startedAt: yield* uptime,
      holder: `${tokens.process}-${tokens.updates++}`,
      rotations: 0,
      waits: 0
    }
    const rotateOnce = Closing.attempt(
      tokens.closing,
      entry,
      Effect.matchEffect(rotateIfDue(underWay), {
        onFailure: (error) => fail(underWay, error),
        onSuccess: (outcome) => conclude(underWay, outcome)
      })
    )
    while (true) {
      const result = (yield* serveUnsaved(underWay)) ?? (yield* rotateOnce)
      if (result !== undefined) return result
    }
  })

// -------------------------------------------------------------------------------------
// 3.1 unsaved tokens
// -------------------------------------------------------------------------------------

/** Serves a token that the store has not saved. If it is not valid any more, it is stored before it is refreshed. */
const serveUnsaved = (update: Update): Step =>
  Effect.gen(function*() {
    const { entry, tokens: { rules, unsaved } } = update
    const credential = entry.state.unsaved
    if (credential === undefined) return undefined
    const save = unsaved.save(entry)
    const mayServe = !update.isForced && !entry.state.isUnsavedDoubtful
    if (mayServe && CredentialState.isValid(entry.state, credential, yield* Clock.currentTimeMillis)) {
      // Nothing saves it in the background, so each caller has to try.
      if (!rules.sharedRefresh) yield* Effect.ignore(save)
      return served(credential, "Stale")
    }
    // The refresh token that is stored is spent, so the unsaved one has to be stored before it is sent.
    return yield* Effect.matchEffect(save, {
      onFailure: (error) => fail(update, error),
      onSuccess: () => Effect.succeed(undefined)
    })
  })

// -------------------------------------------------------------------------------------
// 3.2 rotation
// -------------------------------------------------------------------------------------

/** Reads the credential, and rotates it if it is due. */
const rotateIfDue = (
  update: Update
): Effect.Effect<Rotation.Outcome<OAuthV2Error.AccessError>, InstallationStore.InstallationStoreError> =>
  Effect.gen(function*() {
    const { entry, key, tokens } = update
    const chance = yield* Random.next
    const clock = yield* Effect.clock
    // What is read from here on has the number of the last change before it: see `heardChanges`.
    const version = tokens.changes.version()
    let app: SlackApp.Service | undefined
    const rotated = yield* Rotation.rotate<OAuthV2Error.AccessError>(tokens.store, {
      key,
      verb: "refresh",
      holder: `${update.holder}-${update.rotations++}`,
      leaseDuration: tokens.leaseDuration,
      // From here on its token is served while it is valid, even if every later step fails.
      onRead: (credential) => {
        entry.version = version
        const now = clock.unsafeCurrentTimeMillis()
        entry.state = CredentialState.onRead(tokens.rules, entry.state, credential, { now, chance })
        update.forcedFrom ??= credential.generation
      },
      isDue: ({ generation }) => {
        const isForced = update.isForced && update.forcedFrom === generation
        const isDue = CredentialState.isDue(entry.state, clock.unsafeCurrentTimeMillis(), isForced)
        // The user's function is called before the lease is taken: if it throws, no lease is left behind.
        if (isDue) app ??= tokens.apps?.(key.installation.appId)
        return isDue
      },
      isTooLate: () => tokens.closing.stage === "saving",
      call: (credential, mayRepeat) => callSlack(tokens, key, app, credential, mayRepeat),
      isDeath: (error) => error.remedy === "reauthorize",
      repeatLost: true
    })
    // A caller may have brought the entry up to date meanwhile. The result of this rotation is older.
    entry.version = version
    return rotated
  })

/**
 * Presents a refresh token to Slack. A refresh token of an app that this manager does not know is not sent: Slack would
 * answer that it is dead.
 */
const callSlack = (
  { apps, leaseDuration, slack }: FreshTokens,
  key: Installation.CredentialKey,
  app: SlackApp.Service | undefined,
  credential: Installation.Credential,
  mayRepeat: Effect.Effect<boolean>
): Effect.Effect<TokenResponse, OAuthV2Error.AccessError> => {
  if (apps !== undefined && app === undefined) {
    return Effect.fail(OAuthV2Error.fromCode("invalid_client_id", { method }))
  }
  const refreshToken = Installation.refreshTokenOf(credential)
  if (Option.isNone(refreshToken)) {
    return Effect.dieMessage("A credential without a refresh token cannot be refreshed")
  }
  const access = slack.access({
    refreshToken: refreshToken.value,
    installation: Installation.placeOf(key.installation),
    app
  })
  const attemptTimeout = LeaseTime.millisOf("attempt", leaseDuration)
  const budget = Duration.millis(LeaseTime.millisOf("call", leaseDuration))
  // Another implementation of the service may have no deadline of its own.
  return withDeadline(
    access.pipe(RetryPolicy.provide(RetryPolicy.background, { attemptTimeout, budget, mayRepeat })),
    budget,
    () => new OAuthV2Error.SlackTimeoutError({ method, timeout: budget })
  )
}

// -------------------------------------------------------------------------------------
// 3.3 conclusions
// -------------------------------------------------------------------------------------

/** What the end of a rotation means. */
const conclude = (update: Update, result: Rotation.Outcome<OAuthV2Error.AccessError>): Step =>
  Effect.gen(function*() {
    const { entry, key, tokens: { events, makeBusy, makeTooShort, rules, unsaved } } = update
    switch (result._tag) {
      case "Missing":
        return yield* concludeMissing(update)
      case "Current":
        return yield* concludeCurrent(update, result.credential)
      case "Busy":
        // At most until the lease ends.
        return yield* waitAndTryAgain(update, Math.ceil(Duration.toMillis(result.remaining)) + 1, makeBusy)
      case "Late":
        return yield* waitAndTryAgain(update, Number.POSITIVE_INFINITY, makeTooShort)
      case "Renewed":
        yield* Telemetry.refreshed("ok")
        yield* events.emit(Event.Refreshed({ key, generation: result.credential.generation }))
        return yield* concludeRenewed(update, result.credential)
      case "Unsaved":
        yield* Telemetry.refreshed("unsaved")
        yield* events.emit(Event.Unsaved({ key, error: result.error }))
        yield* unsaved.keep(key, entry, result.credential, result.save)
        // Where refreshes are not shared, `keep` has tried again: the token may be stored by now, or replaced or removed.
        return entry.state.unsaved === undefined ? undefined : yield* concludeRenewed(update, result.credential)
      case "Dead":
        yield* Telemetry.refreshed(result.error._tag)
        return yield* concludeDead(update, result.credential)
      case "Failed":
        yield* Telemetry.refreshed(result.error._tag)
        yield* remember(rules, entry, result.credential)
        return yield* fail(update, result.error)
    }
  })

/** The credential is not stored. */
const concludeMissing = ({ entry }: Update): Step =>
  Effect.suspend(() => {
    entry.state = CredentialState.onMissing(entry.state)
    return Effect.fail<Refusal>({ _tag: "Missing" })
  })

/** The credential was read, and there was nothing to refresh. */
const concludeCurrent = (update: Update, credential: Installation.Credential): Step =>
  Effect.gen(function*() {
    const { entry, isForced, tokens } = update
    const known = yield* remember(tokens.rules, entry, credential)
    const isDead = Option.isSome(credential.reauthorization)
    switch (CredentialState.judge(entry.state, known, yield* Clock.currentTimeMillis, isForced)) {
      case "serve":
        return yield* succeed(update, credential, "Current")
      case "dead":
        return isDead ? yield* failDead(credential.reauthorization.value) : undefined
      case "again":
        return undefined
      case "ended":
        return yield* markEnded(update, credential)
    }
  })

/** Marks a credential dead whose token has ended, or was refused, and that has no refresh token. */
const markEnded = (update: Update, credential: Installation.Credential): Step =>
  DateTime.now.pipe(
    Effect.flatMap((since) =>
      update.tokens.store.compareAndSet(
        update.key,
        credential.generation,
        Installation.Change.Dead({ code: update.entry.state.refused?.code ?? "token_expired", since })
      )
    ),
    Effect.matchEffect({
      onFailure: (error) => fail(update, error),
      onSuccess: (swap) => swap._tag === "Swapped" ? concludeDead(update, swap.credential) : Effect.succeed(undefined)
    })
  )

/** Serves a new token. One that has ended already, or that Slack has refused before, counts as a failed refresh. */
const concludeRenewed = (update: Update, credential: Installation.Credential): Step =>
  Effect.gen(function*() {
    const { entry, tokens } = update
    const known = yield* remember(tokens.rules, entry, credential)
    const now = yield* Clock.currentTimeMillis
    if (CredentialState.validOf(entry.state, now) !== undefined) return yield* succeed(update, credential, "Renewed")
    const path = now >= known.expiresAt ? "expires_in" : "access_token"
    return yield* fail(
      update,
      new OAuthV2Error.SlackUnexpectedResponse({ method, status: 200, paths: [path] })
    )
  })

/** A credential died just now. Its last token may still be valid. */
const concludeDead = (update: Update, credential: Installation.Credential): Step =>
  Effect.gen(function*() {
    const { entry, key, tokens: { events, rules } } = update
    if (Option.isNone(credential.reauthorization)) return undefined
    const reauthorization = credential.reauthorization.value
    const error = OAuthV2Error.fromCode(reauthorization.code, { method })
    yield* events.emit(Event.ReauthorizationNeeded({ key, error }))
    yield* Effect.logDebug(`${key}: reauthorization is needed. ${error.message}`)
    yield* remember(rules, entry, credential)
    return CredentialState.validOf(entry.state, yield* Clock.currentTimeMillis) === undefined
      ? yield* failDead(reauthorization)
      : yield* succeed(update, credential, "Stale")
  })

/** Waits a little before the refresh begins again, and not for longer than two lease times in all. */
const waitAndTryAgain = (update: Update, atMost: number, makeError: (waited: Duration.Duration) => Obstacle): Step =>
  Effect.gen(function*() {
    const { entry, isForced, startedAt, tokens: { leaseDuration, rules } } = update
    const chance = yield* Random.next
    const now = yield* Clock.currentTimeMillis
    const waited = (yield* uptime) - startedAt
    if (waited > LeaseTime.millisOf("waiting", leaseDuration)) {
      return yield* fail(update, makeError(Duration.millis(waited)))
    }
    // Where refreshes are not shared, this is the only caller that waits, so it stops when its patience is over.
    const valid = rules.sharedRefresh || isForced ? undefined : CredentialState.validOf(entry.state, now)
    if (valid !== undefined && waited >= rules.patience) return served(valid.credential, "Stale")
    const pause = Math.ceil(Math.min(100 * 1.5 ** update.waits++, 2000) * (0.75 + chance / 2))
    const patienceLeft = valid === undefined ? pause : rules.patience - waited
    yield* Effect.interruptible(Effect.sleep(Math.min(pause, atMost, patienceLeft)))
    return undefined
  })

// -------------------------------------------------------------------------------------
// how a refresh ends
// -------------------------------------------------------------------------------------

/** A token, and how the refresh ended. */
const served = (credential: Installation.Credential, how: Refresh): CredentialState.Served => ({
  token: credential.token.accessToken,
  how
})

/** Serves a valid token. This ends the pause after failures. */
const succeed = ({ entry }: Update, credential: Installation.Credential, how: Refresh) =>
  Effect.sync(() => {
    entry.state = CredentialState.onSuccess(entry.state)
    return served(credential, how)
  })

/** A refresh failed: a valid token is still served, and the next try has to wait. */
const fail = (
  { entry, key, tokens: { events } }: Update,
  error: Obstacle
): Effect.Effect<CredentialState.Served, Refusal> =>
  Effect.gen(function*() {
    const hint = "retryAfter" in error && error.retryAfter !== undefined ? Duration.toMillis(error.retryAfter) : 0
    const chance = yield* Random.next
    const now = yield* Clock.currentTimeMillis
    const { failure } = entry.state = CredentialState.onFailure(entry.state, error, hint, { now, chance })
    yield* Effect.logDebug(`${key}: ${error.message}`)
    const { known } = entry.state
    if (known !== undefined && Option.isSome(Installation.refreshTokenOf(known.credential))) {
      yield* events.warn(key, known.credential.issuedAt)
    }
    const valid = CredentialState.validOf(entry.state, now)
    if (valid === undefined) {
      return yield* Effect.fail<Refusal>({ _tag: "Unavailable", error, retryAfter: failure.retryAt - now })
    }
    const { expiry } = valid.credential.token
    if (Option.isSome(expiry)) {
      yield* events.emit(Event.ServingStale({ key, expiresAt: expiry.value.expiresAt, error }))
    }
    return served(valid.credential, "Stale")
  })

const failDead = (reauthorization: Installation.Reauthorization): Effect.Effect<never, Refusal> =>
  Effect.fail({ _tag: "Dead", reauthorization })
