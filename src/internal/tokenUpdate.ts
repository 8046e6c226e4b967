/**
 * Brings the token of one credential up to date. An update is these steps, which begin again where the last one has no
 * result:
 *
 * 1. {@link serveUnsaved}: a token that the store has not taken is served, or has to be stored first
 * 2. {@link rotateIfDue}: the credential is read, and rotated if it is due (`rotation`)
 * 3. {@link conclude}: what that means for the caller, for the next callers (`credentialState`), and for the events
 *
 * Only the waits of an update can be interrupted.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import * as OAuthV2Error from "../OAuthV2Error.js"
import type { CredentialBusy, Force, Refresh } from "../TokenManager.js"
import { type Entry, type Obstacle, remember } from "./credentialCache.js"
import * as CredentialState from "./credentialState.js"
import { randomToken } from "./random.js"
import type { RefreshCall } from "./refreshCall.js"
import * as Rotation from "./rotation.js"
import * as Telemetry from "./telemetry.js"
import { Event, type TokenEvents } from "./tokenEvents.js"
import type { UnsavedTokens } from "./unsavedTokens.js"
import { uptime } from "./uptime.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/** What the updates of a manager work with. */
export interface Parts {
  readonly rules: CredentialState.Rules
  /** The store, without deadlines. A rotation sets its own. */
  readonly unbounded: InstallationStore.Service
  /** The store, with deadlines. */
  readonly store: InstallationStore.Service
  readonly leaseDuration: Duration.Duration
  readonly call: RefreshCall
  readonly events: TokenEvents
  readonly unsaved: UnsavedTokens
  /** Makes the error of an update that has waited too long for another process. */
  readonly makeBusy: (waited: Duration.Duration) => CredentialBusy
}

/** An update under way. */
interface Update {
  readonly parts: Parts
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
  /** How often it has waited for another process. */
  waits: number
}

type Refusal = CredentialState.Refusal<Obstacle>

/** What a step gives the caller; `undefined` if the update begins again. */
type Step = Effect.Effect<CredentialState.Served | undefined, Refusal>

const served = (credential: Installation.Credential, how: Refresh): CredentialState.Served => ({
  token: credential.token.accessToken,
  how
})

/** Serves a valid token. The failures are over. */
const succeed = ({ entry }: Update, credential: Installation.Credential, how: Refresh) =>
  Effect.sync(() => {
    entry.state = CredentialState.onSuccess(entry.state)
    return served(credential, how)
  })

// -------------------------------------------------------------------------------------
// failing
// -------------------------------------------------------------------------------------

/** A refresh failed: a valid token is served on, and the credential is left alone for a while. */
const fail = (
  { entry, key, parts: { events } }: Update,
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

// -------------------------------------------------------------------------------------
// 1. unsaved tokens
// -------------------------------------------------------------------------------------

/** Serves a token that the store has not taken. If it is not valid any more, it is stored before it is refreshed. */
const serveUnsaved = (update: Update): Step =>
  Effect.gen(function*() {
    const { entry, parts: { rules, unsaved } } = update
    const credential = entry.state.unsaved
    if (credential === undefined) return undefined
    const save = unsaved.save(entry)
    if (!update.isForced && CredentialState.isValid(entry.state, credential, yield* Clock.currentTimeMillis)) {
      // Without a background, each caller has to try.
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
// 2. rotation
// -------------------------------------------------------------------------------------

/** Whether a forced refresh is meant for this generation. */
const isForcedFrom = (update: Update, { generation }: Installation.Credential): boolean =>
  update.isForced && (update.forcedFrom ??= generation) === generation

/** Reads the credential, and rotates it if it is due. */
const rotateIfDue = (
  update: Update
): Effect.Effect<Rotation.Outcome<OAuthV2Error.AccessError>, InstallationStore.InstallationStoreError> =>
  Effect.gen(function*() {
    const { entry, key, parts } = update
    const chance = yield* Random.next
    const clock = yield* Effect.clock
    const isDue = (credential: Installation.Credential): boolean => {
      const now = clock.unsafeCurrentTimeMillis()
      // From here on its token is served while it is valid, even if every later step fails.
      const state = CredentialState.onRead(parts.rules, entry.state, credential, { now, chance })
      entry.state = state
      return CredentialState.isDue(state, state.known, now, isForcedFrom(update, credential))
    }
    return yield* Rotation.rotate<OAuthV2Error.AccessError>(parts.unbounded, {
      key,
      verb: "refresh",
      holder: `${update.holder}-${update.rotations++}`,
      leaseDuration: parts.leaseDuration,
      isDue,
      call: (credential, mayRepeat) => parts.call(key, credential, mayRepeat),
      isDeath: (error) => error.remedy === "reauthorize",
      repeatLost: true
    })
  })

// -------------------------------------------------------------------------------------
// 3. conclusions
// -------------------------------------------------------------------------------------

/** The credential is not stored. */
const missing = ({ entry }: Update): Step =>
  Effect.suspend(() => {
    entry.state = CredentialState.onMissing(entry.state)
    return Effect.fail<Refusal>({ _tag: "Missing" })
  })

/** A credential died just now. Its last token may still be valid. */
const died = (update: Update, credential: Installation.Credential): Step =>
  Effect.gen(function*() {
    const { entry, key, parts: { events, rules } } = update
    if (Option.isNone(credential.reauthorization)) return undefined
    const reauthorization = credential.reauthorization.value
    const error = OAuthV2Error.fromCode(reauthorization.code, { method: "oauth.v2.access" })
    yield* events.emit(Event.ReauthorizationNeeded({ key, error }))
    yield* Effect.logDebug(`${key}: reauthorization is needed. ${error.message}`)
    yield* remember(rules, entry, credential)
    return CredentialState.validOf(entry.state, yield* Clock.currentTimeMillis) === undefined
      ? yield* failDead(reauthorization)
      : yield* succeed(update, credential, "Stale")
  })

/** Marks a credential dead whose token has ended, or was refused, and that has no refresh token. */
const markEnded = (update: Update, credential: Installation.Credential): Step =>
  DateTime.now.pipe(
    Effect.flatMap((since) =>
      update.parts.store.compareAndSet(
        update.key,
        credential.generation,
        Installation.Change.Dead({ code: update.entry.state.refused?.code ?? "token_expired", since })
      )
    ),
    Effect.matchEffect({
      onFailure: (error) => fail(update, error),
      onSuccess: (swap) => swap._tag === "Swapped" ? died(update, swap.credential) : Effect.succeed(undefined)
    })
  )

/** The credential was read, and there was nothing to refresh. */
const looked = (update: Update, credential: Installation.Credential): Step =>
  Effect.gen(function*() {
    const { entry, isForced, parts } = update
    const known = yield* remember(parts.rules, entry, credential)
    const isDead = Option.isSome(credential.reauthorization)
    switch (CredentialState.judge(entry.state, known, yield* Clock.currentTimeMillis, isForced)) {
      case "serve":
        return yield* succeed(update, credential, isDead ? "Stale" : "Current")
      case "dead":
        return isDead ? yield* failDead(credential.reauthorization.value) : undefined
      case "again":
        return undefined
      case "ended":
        return yield* markEnded(update, credential)
    }
  })

/** Serves a new token. One that has ended already, or that Slack has refused before, counts as a failed refresh. */
const renewed = (update: Update, credential: Installation.Credential): Step =>
  Effect.gen(function*() {
    const { entry, parts } = update
    const known = yield* remember(parts.rules, entry, credential)
    const now = yield* Clock.currentTimeMillis
    if (CredentialState.validOf(entry.state, now) !== undefined) return yield* succeed(update, credential, "Renewed")
    const path = now >= known.expiresAt ? "expires_in" : "access_token"
    return yield* fail(
      update,
      new OAuthV2Error.SlackUnexpectedResponse({ method: "oauth.v2.access", status: 200, paths: [path] })
    )
  })

/** Waits a little for another process that holds the lease. */
const waitForHolder = (update: Update, remaining: Duration.Duration): Step =>
  Effect.gen(function*() {
    const { entry, isForced, parts: { leaseDuration, makeBusy, rules }, startedAt } = update
    const chance = yield* Random.next
    const now = yield* Clock.currentTimeMillis
    const waited = (yield* uptime) - startedAt
    if (waited > 2 * Duration.toMillis(leaseDuration)) return yield* fail(update, makeBusy(Duration.millis(waited)))
    // Where refreshes are not shared, this is the only caller that waits, so it stops when its patience is over.
    const valid = rules.sharedRefresh || isForced ? undefined : CredentialState.validOf(entry.state, now)
    if (valid !== undefined && waited >= rules.patience) return served(valid.credential, "Stale")
    const pause = Math.ceil(Math.min(100 * 1.5 ** update.waits++, 2000) * (0.75 + chance / 2))
    const untilItEnds = Math.ceil(Duration.toMillis(remaining)) + 1
    const patienceLeft = valid === undefined ? pause : rules.patience - waited
    yield* Effect.interruptible(Effect.sleep(Math.min(pause, untilItEnds, patienceLeft)))
    return undefined
  })

/** What the end of a rotation means. */
const conclude = (update: Update, result: Rotation.Outcome<OAuthV2Error.AccessError>): Step =>
  Effect.gen(function*() {
    const { entry, key, parts: { events, rules, unsaved } } = update
    switch (result._tag) {
      case "Missing":
        return yield* missing(update)
      case "Current":
        return yield* looked(update, result.credential)
      case "Busy":
        return yield* waitForHolder(update, result.remaining)
      case "Renewed":
        yield* Telemetry.refreshed("ok")
        yield* events.emit(Event.Refreshed({ key, generation: result.credential.generation }))
        return yield* renewed(update, result.credential)
      case "Unsaved":
        yield* Telemetry.refreshed("unsaved")
        yield* events.emit(Event.Unsaved({ key, error: result.error }))
        yield* unsaved.keep(key, entry, result.credential, result.save)
        // Where refreshes are not shared, `keep` has tried again: the token may be stored by now, or replaced or removed.
        return entry.state.unsaved === undefined ? undefined : yield* renewed(update, result.credential)
      case "Dead":
        yield* Telemetry.refreshed(result.error._tag)
        return yield* died(update, result.credential)
      case "Failed":
        yield* Telemetry.refreshed(result.error._tag)
        yield* remember(rules, entry, result.credential)
        return yield* fail(update, result.error)
    }
  })

// -------------------------------------------------------------------------------------
// updating
// -------------------------------------------------------------------------------------

/**
 * Makes the updates of a manager. With `force`, a credential is refreshed wherever it is in its life, unless somebody
 * else was faster.
 */
export const make = (parts: Parts) => {
  // Not from Effect's `Random`: with the same seed, two processes would have the same name.
  const process = randomToken()
  let updates = 0
  return (
    key: Installation.CredentialKey,
    entry: Entry,
    force: Force | undefined
  ): Effect.Effect<CredentialState.Served, Refusal> =>
    Effect.gen(function*() {
      const update: Update = {
        parts,
        key,
        entry,
        isForced: force !== undefined,
        forcedFrom: force?.generation,
        startedAt: yield* uptime,
        holder: `${process}-${updates++}`,
        rotations: 0,
        waits: 0
      }
      const rotateOnce = Effect.matchEffect(rotateIfDue(update), {
        onFailure: (error) => fail(update, error),
        onSuccess: (result) => conclude(update, result)
      })
      while (true) {
        const result = (yield* serveUnsaved(update)) ?? (yield* rotateOnce)
        if (result !== undefined) return result
      }
    })
}
