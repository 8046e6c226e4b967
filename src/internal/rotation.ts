/**
 * Rotates one stored credential: asks Slack for the next token and stores the answer. `TokenManager` rotates with
 * refresh tokens, `TokenMigration` with legacy tokens. Both kinds work once, so the protocol has these rules, each of
 * which is a function below:
 *
 * 1. {@link look}: only a credential that is due is rotated. This is asked before the lease is taken, and again under it
 * 2. {@link Lease}: one holder at a time. The lease also says what its holder does, for people who look at the store
 * 3. {@link send}: nothing interrupts from the call to the commit
 * 4. {@link send}: a call that Slack rejected is repeated only after another look: the stored generation has to be the
 *    one that was sent
 * 5. {@link resend}: a call whose answer was lost is repeated once, only under a renewed lease, and after such a look
 * 6. {@link commit}: the answer is stored by compare-and-set from the generation that was sent, under a lease
 * 7. {@link markDead}: a refusal is believed only if the generation that was sent is still stored
 * 8. {@link givingBack}: the lease is given back, unless it is unknown whether Slack acted. Then it runs out by itself,
 *    which delays the next try
 *
 * Each call to the store gets a sixth of the lease (`storeCall` in `leaseTime`), so it ends in time even if the store never
 * answers. The caller gives a store with that deadline.
 * `docs/token-protocol.md` has the states of a credential, and what a crash in each of them leaves behind.
 */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../Installation.js"
import * as InstallationStore from "../InstallationStore.js"
import type { OAuthV2Error } from "../OAuthV2Error.js"
import type { TokenResponse } from "../TokenResponse.js"
import * as LeaseTime from "./leaseTime.js"
import { clockAndUptime, uptime } from "./uptime.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/** What to rotate, and how. */
export interface Options<E extends OAuthV2Error> {
  readonly key: Installation.CredentialKey
  /** What the holder of the lease is doing, for people who look at the store: `refresh` or `exchange`. */
  readonly verb: string
  /** The holder of the lease: unique to this process and to this rotation. */
  readonly holder: string
  /** Longer than a call may take. After it, other processes assume that the holder crashed. */
  readonly leaseDuration: Duration.DurationInput
  /** Called with each credential that is read, before any decision about it. */
  readonly onRead?: ((credential: Installation.Credential) => void) | undefined
  /** Whether the credential is to be rotated. Asked before the lease is taken, and again under it. */
  readonly isDue: (credential: Installation.Credential) => boolean
  /** Whether nothing is to be sent any more, even if there is time left in the lease. */
  readonly isTooLate?: (() => boolean) | undefined
  /**
   * Asks Slack, in at most half of the lease time. Before a call that Slack rejected is repeated, `mayRepeat` has to be
   * asked: it reads the credential again, and is `false` if somebody has changed it or the lease is nearly over. `retry`
   * asks it, as part of the retry policy. A call that is never repeated does not need it.
   */
  readonly call: (
    credential: Installation.Credential,
    mayRepeat: Effect.Effect<boolean>
  ) => Effect.Effect<TokenResponse, E>
  /** Whether a refusal means that the credential is dead. */
  readonly isDeath: (error: E) => boolean
  /**
   * Whether a call whose answer was lost is repeated once, at once. Right for a refresh token, which Slack takes again
   * during its grace period. A legacy token has none.
   */
  readonly repeatLost: boolean
}

/** Why there is no lease: the credential is gone, or another holder has it. */
type NotTaken = { readonly _tag: "Missing" } | { readonly _tag: "Busy"; readonly remaining: Duration.Duration }

/** Why nothing was sent, or sent again. */
type Stopped = NotTaken | { readonly _tag: "Current"; readonly credential: Installation.Credential }

/**
 * How a rotation ended.
 *
 * - `Missing`: there is no such credential
 * - `Current`: there is nothing to do, because it was not due, or somebody else has done it
 * - `Busy`: another holder has the lease, for `remaining` at the longest. It may be an earlier rotation of this process
 * - `Late`: the rest of its lease was too short for a call because this process was so slow, or it `isTooLate`. Nothing was
 *   sent
 * - `Renewed`: the next token is stored
 * - `Unsaved`: Slack gave the next token, and the store did not save it. `credential` has it; `save` tries again
 * - `Dead`: Slack says that the credential is dead, and that is stored
 * - `Failed`: Slack gave no token. As far as is known, the stored credential is unchanged: the store may have marked it
 *   dead without an answer. With the `outcome` `unknown`, its refresh token may be spent
 */
export type Outcome<E extends OAuthV2Error> =
  | Stopped
  | { readonly _tag: "Late" }
  | { readonly _tag: "Renewed"; readonly credential: Installation.Credential }
  | {
    readonly _tag: "Unsaved"
    readonly credential: Installation.Credential
    readonly error: InstallationStore.InstallationStoreError
    readonly save: Effect.Effect<Saved, InstallationStore.InstallationStoreError>
  }
  | { readonly _tag: "Dead"; readonly credential: Installation.Credential; readonly error: E }
  | { readonly _tag: "Failed"; readonly credential: Installation.Credential; readonly error: E }

/**
 * How a save ended: `Renewed` by this token, `Current` because somebody else has changed the credential since, or
 * `Missing` because the credential was removed.
 */
export type Saved = Data.TaggedEnum<{
  Renewed: { readonly credential: Installation.Credential }
  Current: { readonly credential: Installation.Credential }
  Missing: {}
}>

const Saved = Data.taggedEnum<Saved>()

/** A rotation under way. */
interface Rotation<E extends OAuthV2Error> extends Options<E> {
  readonly store: InstallationStore.Service
  readonly lease: Lease
}

// -------------------------------------------------------------------------------------
// rotating
// -------------------------------------------------------------------------------------

/**
 * Rotates a credential, if it is due and no other process holds its lease. Fails if the store cannot be read or the
 * lease cannot be taken; then nothing was sent. Run it outside of a database transaction: a rollback would take the
 * token with it.
 */
export const rotate = <E extends OAuthV2Error>(
  store: InstallationStore.Service,
  options: Options<E>
): Effect.Effect<Outcome<E>, InstallationStore.InstallationStoreError> =>
  Effect.suspend(() => {
    const lease = makeLease(store, options)
    const rotation: Rotation<E> = { ...options, store, lease }
    return look(rotation).pipe(
      Effect.flatMap((seen) =>
        Effect.uninterruptible(
          Effect.zipRight(lease.take(seen.generation), givingBack(lease, rotateUnderLease(rotation, seen)))
        )
      ),
      Effect.catchAll((reason) =>
        reason instanceof InstallationStore.InstallationStoreError
          ? Effect.fail(reason)
          : Effect.succeed<Outcome<E>>(reason)
      )
    )
  })

/** Looks at the credential again and calls Slack, under the lease. */
const rotateUnderLease = <E extends OAuthV2Error>(
  rotation: Rotation<E>,
  seen: Installation.Credential
): Effect.Effect<Outcome<E>, Stopped | InstallationStore.InstallationStoreError> =>
  Effect.gen(function*() {
    const credential = yield* look(rotation)
    // The lease has to name the generation that is sent, for people who look at the store. After a new lease, look again.
    if (credential.generation !== seen.generation) {
      yield* rotation.lease.take(credential.generation)
      return yield* rotateUnderLease(rotation, credential)
    }
    // The store took so long that the rest of the lease is too short for a call, or the caller is about to end.
    if ((yield* rotation.lease.isPast("beforeCall")) || rotation.isTooLate?.()) return { _tag: "Late" }
    const result = yield* send(rotation, credential)
    return isLost(result) && rotation.repeatLost ? yield* resend(rotation, credential, result) : result
  })

// -------------------------------------------------------------------------------------
// looking at the credential
// -------------------------------------------------------------------------------------

/** Only a credential that is due is rotated. */
const look = <E extends OAuthV2Error>(
  { isDue, key, onRead, store }: Rotation<E>
): Effect.Effect<Installation.Credential, Stopped | InstallationStore.InstallationStoreError> =>
  Effect.flatMap(
    store.credential(key),
    Option.match({
      onNone: () => Effect.fail<Stopped>({ _tag: "Missing" }),
      onSome: (credential) => {
        onRead?.(credential)
        return isDue(credential) ? Effect.succeed(credential) : Effect.fail<Stopped>({ _tag: "Current", credential })
      }
    })
  )

/** Nothing is sent again unless the stored generation is still the one that was sent. */
const lookAgain = <E extends OAuthV2Error>(
  { key, store }: Rotation<E>,
  { generation }: Installation.Credential
): Effect.Effect<void, Stopped | InstallationStore.InstallationStoreError> =>
  Effect.flatMap(
    store.credential(key),
    Option.match({
      onNone: () => Effect.fail<Stopped>({ _tag: "Missing" }),
      onSome: (credential) =>
        credential.generation === generation ? Effect.void : Effect.fail<Stopped>({ _tag: "Current", credential })
    })
  )

// -------------------------------------------------------------------------------------
// asking Slack
// -------------------------------------------------------------------------------------

/** Makes one call, with its repetitions, and stores the result. */
const send = <E extends OAuthV2Error>(
  rotation: Rotation<E>,
  credential: Installation.Credential
): Effect.Effect<Outcome<E>> =>
  Effect.gen(function*() {
    let stopped: Stopped | undefined
    // The clock comes after the store: a process that slept while it read does not send. The budget of the call limits
    // its repetitions. So only the part of the lease that is for the commit has to be left.
    const mayRepeat = Effect.matchEffect(lookAgain(rotation, credential), {
      onSuccess: () =>
        Effect.map(rotation.lease.isPast("beforeCommit"), (isPast) => !isPast && !rotation.isTooLate?.()),
      onFailure: (reason) => {
        if (!(reason instanceof InstallationStore.InstallationStoreError)) stopped = reason
        return Effect.succeed(false)
      }
    })

    const issuedAt = yield* DateTime.now
    const answer = yield* Effect.either(uninterrupted(rotation.call(credential, mayRepeat)))
    if (Either.isRight(answer)) return yield* commit(rotation, credential, answer.right, issuedAt)
    if (stopped !== undefined) return stopped
    const error = answer.left
    const failed: Outcome<E> = { _tag: "Failed", credential, error }
    return error.outcome === "rejected" && rotation.isDeath(error)
      ? yield* Effect.orElseSucceed(markDead(rotation, credential, error), () => failed)
      : failed
  })

/** Nothing interrupts the call but its own deadline: an answer to an interrupted call would be lost. */
const uninterrupted = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(Effect.interruptible(call)), Fiber.join))

/** Whether the answer to a call was lost, so that Slack may have spent the token. */
const isLost = <E extends OAuthV2Error>(result: Outcome<E>): boolean =>
  result._tag === "Failed" && result.error.outcome === "unknown"

/** A second answer that says neither yes nor no leaves it unknown whether Slack acted on the first call. */
const isSettled = <E extends OAuthV2Error>(rotation: Rotation<E>, second: Outcome<E>): boolean =>
  second._tag !== "Failed" || (second.error.outcome === "rejected" && rotation.isDeath(second.error))

/**
 * Sends a refresh token again whose first answer was lost: only under a renewed lease, only if nobody has changed the
 * credential since, and only if there is time for a call. If the store does not say, it is not sent.
 */
const resend = <E extends OAuthV2Error>(
  rotation: Rotation<E>,
  credential: Installation.Credential,
  first: Outcome<E>
): Effect.Effect<Outcome<E>> =>
  rotation.lease.take(credential.generation).pipe(
    Effect.zipRight(lookAgain(rotation, credential)),
    Effect.zipRight(rotation.lease.isPast("beforeCall")),
    Effect.flatMap((isPast) => isPast || rotation.isTooLate?.() ? Effect.succeed(first) : send(rotation, credential)),
    Effect.map((second) => isSettled(rotation, second) ? second : first),
    Effect.catchAll((reason) =>
      Effect.succeed(reason instanceof InstallationStore.InstallationStoreError ? first : reason)
    )
  )

// -------------------------------------------------------------------------------------
// storing the answer
// -------------------------------------------------------------------------------------

/** Stores Slack's answer. */
const commit = <E extends OAuthV2Error>(
  rotation: Rotation<E>,
  credential: Installation.Credential,
  response: TokenResponse,
  issuedAt: DateTime.Utc
): Effect.Effect<Outcome<E>> => {
  const token = tokenFor(credential, response)
  // A response has a bot token or a user token, and either is this credential's.
  if (Option.isNone(token)) return Effect.dieMessage("A token response without a token")
  const { generation } = credential
  const change = Installation.Change.Renewed({ token: token.value, issuedAt })
  const saving = Effect.zipRight(
    underLease(rotation, generation),
    save(rotation.store, rotation.key, generation, change)
  )
  return Effect.catchAll(saving, (error) =>
    Effect.succeed<Outcome<E>>({
      _tag: "Unsaved",
      credential: Installation.change(credential, change),
      error,
      save: Effect.zipLeft(saving, rotation.lease.giveBack)
    }))
}

const heldCode = "HELD"

/** Whether an answer is not stored because other processes hold the lease. */
export const isHeld = ({ code }: InstallationStore.InstallationStoreError): boolean => code === heldCode

const held = (key: Installation.CredentialKey) =>
  new InstallationStore.InstallationStoreError({
    operation: "acquireLease",
    reason: "unavailable",
    row: String(key),
    code: heldCode
  })

/**
 * Renews the lease if what is left of it is too short for a commit. Waits while another process holds it, so that this
 * commit does not come between that process's call and its commit. That process may give its lease back early, so this one
 * tries again and again. The wait ends after two lease times, or when it is interrupted. Both count as a store that has
 * failed: the answer is not lost.
 */
const underLease = <E extends OAuthV2Error>(
  { key, lease, leaseDuration }: Rotation<E>,
  generation: number
): Effect.Effect<void, InstallationStore.InstallationStoreError> => {
  const renew = (until: number): Effect.Effect<void, InstallationStore.InstallationStoreError> =>
    Effect.catchTags(lease.take(generation), {
      Busy: ({ remaining }) =>
        Effect.flatMap(uptime, (now) => {
          if (now >= until) return Effect.fail(held(key))
          const free = Math.ceil(Duration.toMillis(remaining)) + 1
          const pause = Math.min(free, LeaseTime.millisOf("pause", leaseDuration), until - now)
          return Effect.exit(Effect.interruptible(Effect.sleep(pause))).pipe(
            Effect.flatMap((slept) => Exit.isSuccess(slept) ? renew(until) : Effect.fail(held(key)))
          )
        }),
      // The compare-and-set notices that.
      Missing: () => Effect.void
    })
  return Effect.flatMap(
    lease.isPast("beforeCommit"),
    (isPast) =>
      isPast
        ? Effect.flatMap(uptime, (now) => renew(now + LeaseTime.millisOf("waiting", leaseDuration)))
        : Effect.void
  )
}

/** The token for a credential. Slack names neither its kind nor its person reliably. The credential knows both. */
const tokenFor = (credential: Installation.Credential, response: TokenResponse): Option.Option<Installation.Token> =>
  credential._tag === "BotCredential"
    ? Option.orElse<Installation.Token, Installation.Token>(response.bot, () => response.user)
    : Option.orElse<Installation.Token, Installation.Token>(response.user, () => response.bot)

const isSameToken = (a: Installation.Token, b: Installation.Token): boolean =>
  Redacted.value(a.accessToken) === Redacted.value(b.accessToken)

/**
 * Stores a new token. A new token also overrides a `Dead` mark: another process sets one when it sends the refresh token
 * that this rotation has spent.
 */
const save = (
  store: InstallationStore.Service,
  key: Installation.CredentialKey,
  generation: number,
  change: Extract<Installation.Change, { readonly _tag: "Renewed" }>
): Effect.Effect<Saved, InstallationStore.InstallationStoreError> =>
  Effect.flatMap(store.compareAndSet(key, generation, change), (swap) => {
    if (swap._tag === "Swapped") return Effect.succeed(Saved.Renewed({ credential: swap.credential }))
    if (Option.isNone(swap.current)) return Effect.succeed(Saved.Missing())
    const current = swap.current.value
    const isAlive = Option.isNone(current.reauthorization)
    if (isSameToken(current.token, change.token)) {
      // An earlier try stored it, and its reply was lost. If the credential is dead now, it died after that.
      return Effect.succeed(isAlive ? Saved.Renewed({ credential: current }) : Saved.Current({ credential: current }))
    }
    // The `Dead` mark counts as a generation.
    return !isAlive && current.generation === generation + 1
      ? save(store, key, current.generation, change)
      : Effect.succeed(Saved.Current({ credential: current }))
  })

/** Marks a credential dead, unless somebody has changed it since it was sent. */
const markDead = <E extends OAuthV2Error>(
  { key, store }: Rotation<E>,
  credential: Installation.Credential,
  error: E
): Effect.Effect<Outcome<E>, InstallationStore.InstallationStoreError> =>
  DateTime.now.pipe(
    Effect.flatMap((since) =>
      store.compareAndSet(key, credential.generation, Installation.Change.Dead({ code: error.code, since }))
    ),
    Effect.map((swap): Outcome<E> => {
      if (swap._tag === "Swapped") return { _tag: "Dead", credential: swap.credential, error }
      return Option.match(swap.current, {
        onNone: () => ({ _tag: "Missing" }),
        onSome: (current) => ({ _tag: "Current", credential: current })
      })
    })
  )

// -------------------------------------------------------------------------------------
// the lease
// -------------------------------------------------------------------------------------

/** The lease on one credential, for one holder. */
interface Lease {
  /** Takes the lease, or renews it. */
  readonly take: (generation: number) => Effect.Effect<void, NotTaken | InstallationStore.InstallationStoreError>
  /**
   * Whether more than a part of the lease has passed on this machine, counted from before it was taken. A clock that is
   * set back shows less, and `uptime` does not count the time for which a machine is suspended. So the longer one counts.
   */
  readonly isPast: (part: "beforeCall" | "beforeCommit") => Effect.Effect<boolean>
  readonly giveBack: Effect.Effect<void>
}

const makeLease = <E extends OAuthV2Error>(store: InstallationStore.Service, options: Options<E>): Lease => {
  const { holder, key, leaseDuration, verb } = options
  let takenAt: readonly [clock: number, uptime: number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  return {
    take: (generation) =>
      Effect.flatMap(clockAndUptime, (asked) =>
        Effect.flatMap(
          store.acquireLease(key, { holder, intent: `${verb} generation ${generation}`, duration: leaseDuration }),
          (result): Effect.Effect<void, NotTaken> => {
            switch (result._tag) {
              case "Acquired":
                takenAt = asked
                return Effect.void
              case "Held":
                return Effect.fail({ _tag: "Busy", remaining: result.remaining })
              case "Missing":
                return Effect.fail({ _tag: "Missing" })
            }
          }
        )),
    isPast: (part) =>
      Effect.map(
        clockAndUptime,
        ([clock, up]) => Math.max(clock - takenAt[0], up - takenAt[1]) > LeaseTime.millisOf(part, leaseDuration)
      ),
    giveBack: Effect.ignore(store.releaseLease(key, holder))
  }
}

/** Whether Slack may have acted, and the store does not know. */
const isInDoubt = <E extends OAuthV2Error>(result: Outcome<E>): boolean =>
  result._tag === "Unsaved" || (result._tag === "Failed" && result.error.outcome === "unknown")

/**
 * The lease is given back, unless it is unknown whether Slack acted. Then it runs out by itself: until then it keeps
 * other processes from sending a refresh token that may be spent.
 */
const givingBack = <E extends OAuthV2Error, E2>(lease: Lease, work: Effect.Effect<Outcome<E>, E2>) =>
  work.pipe(
    Effect.tap((result) => isInDoubt(result) ? Effect.void : lease.giveBack),
    Effect.tapError(() => lease.giveBack)
  )
