/**
 * Turning over one stored credential: Slack is asked for the next token, and what it says is stored. `TokenManager`
 * does it with refresh tokens, `TokenMigration` with legacy tokens. Both work once, so the order of steps matters:
 *
 * 1. the lease, so that of all processes one is at work, with its intent for whoever comes after a crash
 * 2. a second look at the credential, under the lease
 * 3. the call; before it is repeated, another look under the lease: the generation has to be the one that was sent
 * 4. compare-and-set of what Slack said, from the generation that was sent; if the lease has run out by then, under a
 *    new one, so that it does not come between another owner's call and that owner's commit
 * 5. the lease is given back, unless it is unknown whether Slack acted: then it runs out by itself, and that paces
 *    the next try
 *
 * From step 3 to step 4 nothing interrupts. Each call to the store has a sixth of the lease, so it ends in time also if
 * the store never answers. `docs/token-rotation.md` has the states, and what a crash at each leaves.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../Installation.js"
import * as InstallationStore from "../InstallationStore.js"
import type { OAuthV2Error } from "../OAuthV2Error.js"
import type { TokenResponse } from "../TokenResponse.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * What to turn over, and how.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<E extends OAuthV2Error> {
  readonly key: Installation.CredentialKey
  /** What is being done, for whoever finds the lease after a crash: `refresh` or `exchange`. */
  readonly verb: string
  /** Who is at work: unique to this process and to this piece of work. */
  readonly holder: string
  /** Longer than a call may take, or somebody else will think that the holder died. */
  readonly leaseDuration: Duration.DurationInput
  /** Whether the credential is to be turned over. Asked before the lease is taken, and again under it. */
  readonly isDue: (credential: Installation.Credential) => boolean
  /**
   * Asks Slack, in half of the lease time. Whoever repeats a call that Slack did nothing with asks `mayRepeat` before:
   * it looks at the credential again, and is `false` if somebody else has changed it or the lease is over.
   */
  readonly call: (
    credential: Installation.Credential,
    mayRepeat: Effect.Effect<boolean>
  ) => Effect.Effect<TokenResponse, E>
  /** Whether a refusal means that the credential is dead. */
  readonly isEnd: (error: E) => boolean
  /**
   * Whether a call is repeated once, at once, when its answer got lost. Right for a refresh token, which Slack honours
   * again during its grace period. A legacy token has none.
   */
  readonly repeatLost: boolean
}

/**
 * How it ended.
 *
 * - `Missing`: there is no such credential
 * - `Current`: there is nothing to do, as somebody else has done it or it was not due
 * - `Busy`: somebody else is at work, for `remaining` at the longest
 * - `Renewed`: the next token is stored
 * - `Unsaved`: Slack gave the next token and the store did not take it. `credential` has it; `save` tries again
 * - `Dead`: Slack says that the credential is dead, and that is stored
 * - `Failed`: Slack gave no token, and the credential stands as it did. With the `outcome` `unknown` it may be spent
 *
 * @since 0.1.0
 * @category models
 */
export type Result<E extends OAuthV2Error> =
  | { readonly _tag: "Missing" }
  | { readonly _tag: "Current"; readonly credential: Installation.Credential }
  | { readonly _tag: "Busy"; readonly remaining: Duration.Duration }
  | { readonly _tag: "Renewed"; readonly credential: Installation.Credential }
  | {
    readonly _tag: "Unsaved"
    readonly credential: Installation.Credential
    readonly error: InstallationStore.StoreError
    readonly save: Effect.Effect<Saved, InstallationStore.StoreError>
  }
  | { readonly _tag: "Dead"; readonly credential: Installation.Credential; readonly error: E }
  | { readonly _tag: "Failed"; readonly credential: Installation.Credential; readonly error: E }

/**
 * How a save ended: `Renewed` by this token, or `Current` because somebody else has changed the credential meanwhile,
 * or `Missing` because the credential is gone.
 *
 * @since 0.1.0
 * @category models
 */
export type Saved = Data.TaggedEnum<{
  Renewed: { readonly credential: Installation.Credential }
  Current: { readonly credential: Installation.Credential }
  Missing: {}
}>

const Saved = Data.taggedEnum<Saved>()

// -------------------------------------------------------------------------------------
// storing what Slack said
// -------------------------------------------------------------------------------------

/** The token in an answer that a credential gets. Slack names neither kind nor person reliably, the credential does. */
const tokenFor = (credential: Installation.Credential, response: TokenResponse): Option.Option<Installation.Token> =>
  credential._tag === "BotCredential"
    ? Option.orElse<Installation.Token, Installation.Token>(response.bot, () => response.user)
    : Option.orElse<Installation.Token, Installation.Token>(response.user, () => response.bot)

const isSameToken = (a: Installation.Token, b: Installation.Token): boolean =>
  Redacted.value(a.accessToken) === Redacted.value(b.accessToken)

/**
 * Stores a new token. It is this credential's latest word, so it also stands against somebody who came to the
 * conclusion that the credential is dead, which they do when the old refresh token no longer works for them.
 */
const save = (
  store: InstallationStore.Service,
  key: Installation.CredentialKey,
  generation: number,
  change: Extract<Installation.Change, { readonly _tag: "Renewed" }>
): Effect.Effect<Saved, InstallationStore.StoreError> =>
  Effect.flatMap(store.compareAndSet(key, generation, change), (swap) => {
    if (swap._tag === "Swapped") return Effect.succeed(Saved.Renewed({ credential: swap.credential }))
    if (Option.isNone(swap.current)) return Effect.succeed(Saved.Missing())
    const current = swap.current.value
    const isAlive = Option.isNone(current.reauthorization)
    if (isSameToken(current.token, change.token)) {
      // An earlier try whose reply got lost. If it is dead by now, then by what came after that try.
      return Effect.succeed(isAlive ? Saved.Renewed({ credential: current }) : Saved.Current({ credential: current }))
    }
    return !isAlive && current.generation === generation + 1
      ? save(store, key, current.generation, change)
      : Effect.succeed(Saved.Current({ credential: current }))
  })

// -------------------------------------------------------------------------------------
// turning over
// -------------------------------------------------------------------------------------

/**
 * A call that goes on whatever happens to whoever waits for it, and that its own deadline can still end. An interrupted
 * call would be a lost answer.
 */
const uninterrupted = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(Effect.interruptible(call)), Fiber.join))

/**
 * The parts of a lease. The lease and the second look end in a third of it, whatever the store does; the call gets a
 * half; and a sixth is left to store the answer.
 */
const forOneStoreCall = 1 / 6
const untilTheCall = 1 / 3
const untilTheCommit = 5 / 6

/**
 * Turns a credential over, if it is due and nobody else is at it. Fails if the store cannot be read or the lease cannot
 * be taken; then nothing was sent. Run it outside of a database transaction: one that is rolled back would take the
 * token with it.
 *
 * @since 0.1.0
 * @category rotation
 */
export const turnOver = <E extends OAuthV2Error>(
  store: InstallationStore.Service,
  options: Options<E>
): Effect.Effect<Result<E>, InstallationStore.StoreError> =>
  Effect.suspend(() => {
    const oneCall = Math.ceil(Duration.toMillis(options.leaseDuration) * forOneStoreCall)
    return turnOverOnce(InstallationStore.bounded(store, oneCall), options)
  })

const turnOverOnce = <E extends OAuthV2Error>(
  store: InstallationStore.Service,
  options: Options<E>
): Effect.Effect<Result<E>, InstallationStore.StoreError> => {
  const { holder, isDue, key, verb } = options
  const duration = Duration.decode(options.leaseDuration)
  const release = Effect.ignore(store.releaseLease(key, holder))

  /** When the lease that is held was asked for, by this process's clock: no later than it began. */
  let leasedAt = Number.NEGATIVE_INFINITY

  const takeLease = (generation: number) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.tap(
        store.acquireLease(key, { holder, intent: `${verb} generation ${generation}`, duration }),
        ({ _tag }) => {
          if (_tag === "Acquired") leasedAt = now
          return Effect.void
        }
      ))

  /** Whether more than a part of the lease has passed. */
  const isPast = (part: number): Effect.Effect<boolean> =>
    Effect.map(Clock.currentTimeMillis, (now) => now - leasedAt > part * Duration.toMillis(duration))

  /** Renews the lease if what is left is too short for a commit, and waits for it if somebody else has it now. */
  const underLease = (generation: number): Effect.Effect<void, InstallationStore.StoreError> =>
    Effect.flatMap(isPast(untilTheCommit), (isOver) =>
      isOver
        ? Effect.flatMap(takeLease(generation), (lease) =>
          lease._tag === "Held"
            ? Effect.zipRight(Effect.sleep(Math.ceil(Duration.toMillis(lease.remaining)) + 1), underLease(generation))
            : Effect.void)
        : Effect.void)

  /** What somebody else has made of a credential that was to be sent; nothing if it is still the same. */
  const lookAgain = (
    { generation }: Installation.Credential
  ): Effect.Effect<Option.Option<Result<E>>, InstallationStore.StoreError> =>
    Effect.map(
      store.credential(key),
      Option.match({
        onNone: () => Option.some<Result<E>>({ _tag: "Missing" }),
        onSome: (current) =>
          current.generation === generation
            ? Option.none()
            : Option.some<Result<E>>({ _tag: "Current", credential: current })
      })
    )

  const renew = (credential: Installation.Credential): Effect.Effect<Result<E>> =>
    Effect.gen(function*() {
      const first = yield* send(credential)
      if (first._tag !== "Failed" || first.error.outcome === "rejected" || !options.repeatLost) return first

      const again = yield* Effect.either(Effect.gen(function*() {
        const lease = yield* takeLease(credential.generation)
        if (lease._tag === "Missing") return Option.some<Result<E>>(lease)
        if (lease._tag === "Held") return Option.some<Result<E>>({ _tag: "Busy", remaining: lease.remaining })
        const changed = yield* lookAgain(credential)
        if (Option.isSome(changed)) return yield* Effect.as(release, changed)
        return (yield* isPast(untilTheCall)) ? Option.some<Result<E>>(first) : Option.none<Result<E>>()
      }))
      // The store does not say whether the token is still the one to send. So it is not sent again.
      if (Either.isLeft(again)) return first
      return yield* Option.match(again.right, { onNone: () => send(credential), onSome: Effect.succeed })
    })

  /** One call, with its repetitions after Slack did nothing, and what follows from it. */
  const send = (credential: Installation.Credential): Effect.Effect<Result<E>> =>
    Effect.gen(function*() {
      let changed = Option.none<Result<E>>()
      const mayRepeat = Effect.gen(function*() {
        if (yield* isPast(untilTheCommit)) return false
        changed = yield* lookAgain(credential)
        return Option.isNone(changed)
      }).pipe(Effect.orElseSucceed(() => false))

      const issuedAt = yield* DateTime.now
      const answer = yield* Effect.either(uninterrupted(options.call(credential, mayRepeat)))
      if (Either.isRight(answer)) return yield* commit(credential, answer.right, issuedAt)
      if (Option.isSome(changed)) return yield* Effect.as(release, changed.value)
      return answer.left.outcome === "rejected"
        ? yield* giveUp(credential, answer.left)
        : { _tag: "Failed", credential, error: answer.left }
    })

  const commit = (
    credential: Installation.Credential,
    response: TokenResponse,
    issuedAt: DateTime.Utc
  ): Effect.Effect<Result<E>> => {
    const token = tokenFor(credential, response)
    // A response has a bot token or a user token, and either is this credential's.
    if (Option.isNone(token)) return Effect.dieMessage("A token response without a token")
    const change = Installation.Change.Renewed({ token: token.value, issuedAt })
    const saving = Effect.zipRight(
      underLease(credential.generation),
      save(store, key, credential.generation, change)
    )
    return Effect.matchEffect(saving, {
      onSuccess: (saved): Effect.Effect<Result<E>> => Effect.as(release, saved),
      // The lease is kept: it keeps others from sending what is spent, while this one tries to save.
      onFailure: (error) =>
        Effect.succeed<Result<E>>({
          _tag: "Unsaved",
          credential: Installation.change(credential, change),
          error,
          save: Effect.zipLeft(saving, release)
        })
    })
  }

  /** Slack did nothing. Whether that is the credential's end is decided after one more look at the store. */
  const giveUp = (credential: Installation.Credential, error: E): Effect.Effect<Result<E>> => {
    const failed: Result<E> = { _tag: "Failed", credential, error }
    if (!options.isEnd(error)) return Effect.as(release, failed)
    return DateTime.now.pipe(
      Effect.flatMap((since) =>
        store.compareAndSet(key, credential.generation, Installation.Change.Dead({ code: error.code, since }))
      ),
      Effect.match({
        onSuccess: (swap): Result<E> =>
          swap._tag === "Swapped"
            ? { _tag: "Dead", credential: swap.credential, error }
            : Option.match(swap.current, {
              onNone: () => ({ _tag: "Missing" }),
              onSome: (current) => ({ _tag: "Current", credential: current })
            }),
        onFailure: () => failed
      }),
      Effect.zipLeft(release)
    )
  }

  return Effect.gen(function*() {
    const seen = yield* store.credential(key)
    if (Option.isNone(seen)) return { _tag: "Missing" }
    if (!isDue(seen.value)) return { _tag: "Current", credential: seen.value }

    return yield* Effect.uninterruptible(Effect.gen(function*() {
      const lease = yield* takeLease(seen.value.generation)
      if (lease._tag === "Missing") return { _tag: "Missing" } as const
      if (lease._tag === "Held") return { _tag: "Busy", remaining: lease.remaining } as const

      const current = yield* Effect.tapError(store.credential(key), () => release)
      if (Option.isNone(current)) return yield* Effect.as(release, { _tag: "Missing" } as const)
      if (!isDue(current.value)) {
        return yield* Effect.as(release, { _tag: "Current", credential: current.value } as const)
      }
      if (current.value.generation !== seen.value.generation) {
        // The intent names a generation that is history.
        const renewed = yield* Effect.tapError(takeLease(current.value.generation), () => release)
        if (renewed._tag === "Missing") return { _tag: "Missing" } as const
        if (renewed._tag === "Held") return { _tag: "Busy", remaining: renewed.remaining } as const
      }
      // The store took so long that the rest of the lease is too short for a call.
      if (yield* isPast(untilTheCall)) {
        return yield* Effect.as(release, { _tag: "Busy", remaining: Duration.zero } as const)
      }
      return yield* renew(current.value)
    }))
  })
}
