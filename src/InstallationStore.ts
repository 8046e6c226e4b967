/**
 * Where installations are kept.
 *
 * A store has many writers: installs, refreshes, events, on many machines. Every operation of {@link Service} is
 * atomic: others see all of it or nothing, and after a crash it either happened or did not. What an operation promises
 * beyond that stands with it. `docs/storage.md` has the whole picture.
 *
 * - {@link layerMemory}: for tests, and for programs that may forget
 * - `KeyValueInstallationStore`: over a `KeyValueStore`, such as a folder, for one process
 * - `effect-slack-oauth/sql/SqlInstallationStore`: over SQL (libsql, Postgres), for any number of processes
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "./Installation.js"
import * as ExpiryIndex from "./internal/expiryIndex.js"
import * as Row from "./internal/installationRow.js"
import { credentialRowId, installationRowId } from "./internal/rowId.js"
import * as RowStore from "./internal/rowStore.js"
import { standardDeadline, storeCall, storeStream } from "./internal/storeCall.js"
import type * as TokenCipher from "./TokenCipher.js"

// -------------------------------------------------------------------------------------
// errors
// -------------------------------------------------------------------------------------

/** The operations that change nothing. */
const reads = new Set(["make", "get", "find", "credential", "stream", "credentials", "counts", "import"])

const failedRead = "The storage did not answer, or failed. Nothing was changed: ask again later."

const remedies = {
  unavailable:
    "The storage did not answer, or failed. A write may have happened or not: read again before you repeat it.",
  unreadable: "What is stored there is not what this package writes. Restore the row, or remove it and install again.",
  keyMissing:
    "It is sealed under a key that is not configured. Add that key to the older keys, or remove the row and install again.",
  notAuthentic:
    "It does not open: another key of the same id sealed it, it was changed, or it belongs to another row. Nothing was overwritten.",
  notSealed: "It is not sealed, and a cipher is configured. Seal it with `reencrypt`, or allow `plain` in the keys.",
  unsupported: "This store cannot run on that database. libsql, SQLite and Postgres are supported."
} as const

/**
 * Why a store failed.
 *
 * - `unavailable`: the storage did not answer or failed; whether a write happened is unknown, and a read changed nothing
 * - `unreadable`: what is stored there is not what this package writes
 * - `keyMissing`: sealed under a key that is not configured
 * - `notAuthentic`: it does not open: wrong key, changed, or moved here from another row
 * - `notSealed`: it stands in plain text, where a cipher is configured
 * - `unsupported`: the database is none that the store knows
 *
 * @since 0.1.0
 * @category errors
 */
export type Reason = keyof typeof remedies

/**
 * A store failed. It says in which operation, why, and at which row, and holds nothing of what the row contains.
 *
 * @since 0.1.0
 * @category errors
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  /** The operation of the store, such as `compareAndSet`. */
  operation: Schema.String,
  reason: Schema.Literal("unavailable", "unreadable", "keyMissing", "notAuthentic", "notSealed", "unsupported"),
  /** The key of the row, if it is about one. */
  row: Schema.optional(Schema.String),
  /** The driver's own code, such as `ECONNREFUSED` or `SQLITE_FULL`, or the id of the key that is missing. */
  code: Schema.optional(Schema.String)
}) {
  override get message(): string {
    const where = [...(this.row === undefined ? [] : [this.row]), ...(this.code === undefined ? [] : [this.code])]
    const isRead = this.reason === "unavailable" && reads.has(this.operation)
    return `InstallationStore.${this.operation}: ${this.reason}${where.length === 0 ? "" : ` (${where.join(", ")})`}. ${
      isRead ? failedRead : remedies[this.reason]
    }`
  }
}

/**
 * A failure of a cipher as one of a store, for stores of one's own.
 *
 * @since 0.1.0
 * @category errors
 */
export const fromCipherError =
  (operation: string, row: string) => ({ keyId, reason }: TokenCipher.CipherError): StoreError =>
    new StoreError({
      operation,
      row,
      reason: reason === "malformed" ? "unreadable" : reason,
      ...(keyId === undefined ? undefined : { code: keyId })
    })

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * What is stored of a credential, without its tokens.
 *
 * @since 0.1.0
 * @category models
 */
export interface CredentialInfo {
  readonly key: Installation.CredentialKey
  readonly generation: number
  readonly issuedAt: DateTime.Utc
  /** When the access token runs out; none if it does not rotate. */
  readonly expiresAt: Option.Option<DateTime.Utc>
  readonly reauthorization: Option.Option<Installation.Reauthorization>
}

/**
 * Which credentials.
 *
 * - `rotating`: alive, with an expiry; with `expiresBefore`, only those that run out before that time
 * - `permanent`: alive, without expiry
 * - `dead`: in need of a new install
 *
 * @since 0.1.0
 * @category models
 */
export type Selection =
  | { readonly state: "rotating"; readonly expiresBefore?: DateTime.Utc | undefined }
  | { readonly state: "permanent" }
  | { readonly state: "dead" }

/**
 * How many there are. `rotating`, `permanent` and `dead` add up to `bots` and `users`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counts {
  readonly installations: number
  readonly bots: number
  readonly users: number
  readonly rotating: number
  readonly permanent: number
  readonly dead: number
  /** Of `rotating`, those that run out before the time that was asked for. */
  readonly expiring: number
}

/**
 * How a compare-and-set ended.
 *
 * - `Swapped`: the change is stored, and `credential` is what stands there now
 * - `Superseded`: the credential is of another generation, and nothing was changed; `current` is what was found there,
 *   none if it is gone
 *
 * @since 0.1.0
 * @category models
 */
export type Swap = Data.TaggedEnum<{
  Swapped: { readonly credential: Installation.Credential }
  Superseded: { readonly current: Option.Option<Installation.Credential> }
}>

/**
 * Makes and matches a {@link Swap}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Swap = Data.taggedEnum<Swap>()

/**
 * A row that was not sealed under the current key: now it is, unless there is an `error`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reencrypted {
  readonly row: string
  readonly error: Option.Option<StoreError>
}

/**
 * Who is at work on a credential, and at what. All times are the store's: the database's clock, where there is one.
 *
 * @since 0.1.0
 * @category models
 */
export class Lease extends Schema.Class<Lease>("effect-slack-oauth/Lease")({
  /** Unique to the one at work: a process may have many. */
  holder: Schema.String,
  /** What is being done, such as `refreshing generation 7`, for whoever comes next after a crash. Never a secret. */
  intent: Schema.String,
  since: Schema.DateTimeUtc,
  until: Schema.DateTimeUtc
}) {}

/**
 * What {@link Service.acquireLease} takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface LeaseRequest {
  readonly holder: string
  readonly intent: string
  /** How long the lease lasts unless it is released or renewed. */
  readonly duration: Duration.DurationInput
}

/**
 * How asking for a lease ended.
 *
 * - `Acquired`: it is the caller's. `previous` is the lease that stood there and was never released: its holder crashed
 *   or is late, and was at `intent` (or it is the caller's own, being renewed). `lease.since` tells how long ago that
 *   began.
 * - `Held`: somebody else has it, for `remaining` at the longest
 * - `Missing`: there is no such credential
 *
 * @since 0.1.0
 * @category models
 */
export type LeaseResult = Data.TaggedEnum<{
  Acquired: { readonly lease: Lease; readonly previous: Option.Option<Lease> }
  Held: { readonly lease: Lease; readonly remaining: Duration.Duration }
  Missing: {}
}>

/**
 * Makes and matches a {@link LeaseResult}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const LeaseResult = Data.taggedEnum<LeaseResult>()

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * A store of installations. Each operation is atomic; operations on one credential happen one after the other.
 *
 * A write that fails as `unavailable` may have happened. For {@link Service.save} it is safe to repeat; for
 * {@link Service.compareAndSet} read the credential and look at its generation and its token.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The installation of exactly this key, with all its credentials. See {@link find} for the fallback to the organization. */
  readonly get: (
    key: Installation.InstallationKey
  ) => Effect.Effect<Option.Option<Installation.Installation>, StoreError>

  /** One credential: one row read, however many people the installation has. */
  readonly credential: (
    key: Installation.CredentialKey
  ) => Effect.Effect<Option.Option<Installation.Credential>, StoreError>

  /**
   * Stores what an install brought. If the app is installed there already, the new credentials replace those of the
   * same subject, one generation later and alive; everybody else's stay, and so do a bot credential and a webhook that
   * this install did not bring. A save never loses against a compare-and-set: of two at once, the compare-and-set came
   * first and is replaced, or comes second and is superseded.
   *
   * With `existing: "keep"`, what is stored wins instead: only credentials that are not there are added, and only if
   * the app was not removed after `installedAt`. That is what an import needs, so that it can be repeated at any time
   * without putting a spent refresh token back.
   *
   * Succeeds with the same installation, its credentials being those that are stored now.
   */
  readonly save: (
    installation: Installation.Installation,
    options?: { readonly existing?: "replace" | "keep" | undefined }
  ) => Effect.Effect<Installation.Installation, StoreError>

  /**
   * Changes a credential if it still is of this generation; of any number at once, one succeeds. Leases do not matter
   * here: a holder whose lease ran out succeeds if nobody was faster.
   */
  readonly compareAndSet: (
    key: Installation.CredentialKey,
    generation: number,
    change: Installation.Change
  ) => Effect.Effect<Swap, StoreError>

  /**
   * Takes the lease on a credential if it is free, has run out, or is the caller's own; in the last case it is renewed,
   * with the new intent. At no time do two holders have a lease that has not run out. The lease stays through changes
   * of the credential, and goes when the credential is removed.
   */
  readonly acquireLease: (
    key: Installation.CredentialKey,
    request: LeaseRequest
  ) => Effect.Effect<LeaseResult, StoreError>

  /** Gives the lease back; `false` if it was not this holder's any more. */
  readonly releaseLease: (key: Installation.CredentialKey, holder: string) => Effect.Effect<boolean, StoreError>

  /**
   * Removes an installation with everything in it; with `installedBefore`, only if the latest install is older than
   * that. `false` if nothing was removed. Generations go on where they ended if the app is installed again.
   */
  readonly remove: (
    key: Installation.InstallationKey,
    options?: { readonly installedBefore?: DateTime.Utc | undefined }
  ) => Effect.Effect<boolean, StoreError>

  /**
   * Removes one credential; with `issuedBefore`, only if its token is older than that. `false` if nothing was removed.
   * The installation stays, even without any credential.
   */
  readonly removeCredential: (
    key: Installation.CredentialKey,
    options?: { readonly issuedBefore?: DateTime.Utc | undefined }
  ) => Effect.Effect<boolean, StoreError>

  /**
   * All installations, in no particular order and in bounded memory. What is stored from the beginning to the end of
   * the stream comes exactly once; what comes or goes meanwhile, at most once. Nothing is locked.
   */
  readonly stream: Stream.Stream<Installation.Installation, StoreError>

  /**
   * Credentials of one state, in bounded memory and without touching their tokens: the ones that `expiresBefore` asks
   * for come in the order of their expiry, others in no particular order. A credential whose expiry moves on meanwhile
   * may come again if it still is before that time.
   */
  readonly credentials: (selection: Selection) => Stream.Stream<CredentialInfo, StoreError>

  /**
   * Seals again whatever is not sealed under the cipher's current key, row by row, and reports each row that it came
   * to. What is stored stays the same, generations too, and a row that is changed meanwhile is left to its writer, who
   * seals under the current key. Begun again after an interruption, it does what is left. A row that does not open is
   * reported and stays as it is.
   */
  readonly reencrypt: Stream.Stream<Reencrypted, StoreError>

  /** Counts everything, in one pass. */
  readonly counts: (
    options?: { readonly expiringBefore?: DateTime.Utc | undefined }
  ) => Effect.Effect<Counts, StoreError>
}

/**
 * Where installations are kept.
 *
 * @since 0.1.0
 * @category tags
 */
export class InstallationStore
  extends Context.Tag("effect-slack-oauth/InstallationStore")<InstallationStore, Service>()
{}

/**
 * The same store, with a deadline for each call: 10 seconds, or `deadline`. A pass over all rows gets six times as long
 * ({@link Service.counts}, and each pull of a stream). A call that does not answer in time, throws, or is interrupted
 * from inside fails as `unavailable`, with the code `DEADLINE` or that of the defect. It is then interrupted in the
 * background, and a write may still happen.
 *
 * Everything in this package that is given a store puts such a deadline on it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const bounded = (store: Service, deadline: Duration.DurationInput = standardDeadline): Service => {
  const one = Duration.decode(deadline)
  const all = Duration.times(one, 6)
  const options = (operation: string, deadline: Duration.Duration, row?: string) => ({
    operation: `InstallationStore.${operation}`,
    deadline,
    toError: (code: string) => new StoreError({ operation, reason: "unavailable", row, code })
  })
  const ofInstallation = (operation: string, key: Installation.InstallationKey) =>
    options(operation, one, installationRowId(key))
  const ofCredential = (operation: string, { installation, subject }: Installation.CredentialKey) =>
    options(operation, one, credentialRowId(installation, subject))
  return {
    get: (key) => storeCall(store.get(key), ofInstallation("get", key)),
    credential: (key) => storeCall(store.credential(key), ofCredential("credential", key)),
    save: (installation, how) => storeCall(store.save(installation, how), ofInstallation("save", installation.key)),
    compareAndSet: (key, generation, change) =>
      storeCall(store.compareAndSet(key, generation, change), ofCredential("compareAndSet", key)),
    acquireLease: (key, request) => storeCall(store.acquireLease(key, request), ofCredential("acquireLease", key)),
    releaseLease: (key, holder) => storeCall(store.releaseLease(key, holder), ofCredential("releaseLease", key)),
    remove: (key, when) => storeCall(store.remove(key, when), ofInstallation("remove", key)),
    removeCredential: (key, when) =>
      storeCall(store.removeCredential(key, when), ofCredential("removeCredential", key)),
    stream: storeStream(store.stream, options("stream", all)),
    credentials: (selection) => storeStream(store.credentials(selection), options("credentials", all)),
    reencrypt: storeStream(store.reencrypt, options("reencrypt", all)),
    counts: (when) => storeCall(store.counts(when), options("counts", all))
  }
}

/** The store in the context, with the standard deadline. */
const withStore = <A, E>(use: (store: Service) => Effect.Effect<A, E>): Effect.Effect<A, E, InstallationStore> =>
  Effect.flatMap(InstallationStore, (store) => use(bounded(store)))

/**
 * The installation that answers for a place: the workspace's own, or else its organization's. An installation whose
 * credential for `subject` is missing or dead does not hide one that can serve. In this order:
 *
 * 1. the first with a live credential for `subject`: `"bot"`, the default, or the id of a person
 * 2. the first with any live credential
 * 3. the first, so that the caller sees what is dead
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { InstallationStore } from "effect-slack-oauth"
 *
 * const program = InstallationStore.find({ appId: "A0EXAMPLE", teamId: "T0EXAMPLE", enterpriseId: "E0EXAMPLE" }).pipe(
 *   Effect.map(Option.match({
 *     onNone: () => "not installed",
 *     onSome: ({ target }) => `installed in the ${target._tag}`
 *   }))
 * )
 *
 * Effect.runPromise(Effect.provide(program, InstallationStore.layerMemory)).then(console.log) // "not installed"
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const find = (
  place: Installation.Place,
  options?: { readonly subject?: string | undefined }
): Effect.Effect<Option.Option<Installation.Installation>, StoreError, InstallationStore> =>
  withStore((store) =>
    Effect.gen(function*() {
      const subject = options?.subject ?? "bot"
      const found: Array<Installation.Installation> = []
      for (const key of Installation.candidates(place)) {
        const installation = Option.getOrUndefined(yield* store.get(key))
        if (installation === undefined) continue
        if (liveSubjects(installation).includes(subject)) return Option.some(installation)
        found.push(installation)
      }
      return Option.fromNullable(found.find((installation) => liveSubjects(installation).length > 0) ?? found[0])
    })
  )

const liveSubjects = ({ credentials }: Installation.Installation): ReadonlyArray<string> =>
  credentials
    .filter(({ reauthorization }) => Option.isNone(reauthorization))
    .map((credential) => Installation.subjectOf(credential))

/**
 * The installation of exactly this key.
 *
 * @since 0.1.0
 * @category operations
 */
export const get = (
  key: Installation.InstallationKey
): Effect.Effect<Option.Option<Installation.Installation>, StoreError, InstallationStore> =>
  withStore((store) => store.get(key))

/**
 * Stores what an install brought; see {@link Service.save}.
 *
 * @since 0.1.0
 * @category operations
 */
export const save = (
  installation: Installation.Installation,
  options?: { readonly existing?: "replace" | "keep" | undefined }
): Effect.Effect<Installation.Installation, StoreError, InstallationStore> =>
  withStore((store) => store.save(installation, options))

/**
 * Removes an installation with everything in it; see {@link Service.remove}.
 *
 * @since 0.1.0
 * @category operations
 */
export const remove = (
  key: Installation.InstallationKey,
  options?: { readonly installedBefore?: DateTime.Utc | undefined }
): Effect.Effect<boolean, StoreError, InstallationStore> => withStore((store) => store.remove(key, options))

/**
 * All installations; see {@link Service.stream}.
 *
 * @since 0.1.0
 * @category operations
 */
export const stream: Stream.Stream<Installation.Installation, StoreError, InstallationStore> = Stream.unwrap(
  Effect.map(InstallationStore, (store) => bounded(store).stream)
)

/**
 * Runs {@link Service.reencrypt} to its end and reports: how many rows are sealed anew, and the ones that do not open.
 *
 * @since 0.1.0
 * @category operations
 */
export const reencrypt: Effect.Effect<
  { readonly sealed: number; readonly failed: ReadonlyArray<StoreError> },
  StoreError,
  InstallationStore
> = withStore((store) => {
  const failed: Array<StoreError> = []
  return Effect.map(
    Stream.runFold(store.reencrypt, 0, (sealed, { error }) => {
      if (Option.isNone(error)) return sealed + 1
      failed.push(error.value)
      return sealed
    }),
    (sealed) => ({ sealed, failed })
  )
})

// -------------------------------------------------------------------------------------
// memory
// -------------------------------------------------------------------------------------

const makeMemory: Effect.Effect<Service> = Effect.sync(() => {
  const rows = new Map<string, RowStore.Entry>()
  const expiries = ExpiryIndex.make()
  return RowStore.make(Lease, {
    read: (_, key) => Effect.sync(() => Option.fromNullable(rows.get(installationRowId(key))?.[1])),
    modify: (_, key, f) =>
      Effect.map(DateTime.now, (now) => {
        const id = installationRowId(key)
        const before = rows.get(id)?.[1] ?? Row.empty()
        const [result, after] = f(before, now)
        if (after !== before) {
          rows.set(id, [key, after])
          expiries.update(key, before, after)
        }
        return result
      }),
    all: () => Stream.suspend(() => Stream.fromIterable(rows.values())),
    expiring: (before) => Stream.fromIterable(expiries.before(before)),
    reencrypt: Stream.empty
  })
})

/**
 * A store in the memory of this process, for tests and for programs that may forget. Its leases use Effect's clock.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<InstallationStore> = Layer.effect(InstallationStore, makeMemory)
