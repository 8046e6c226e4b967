/**
 * Where installations are kept.
 *
 * A store has many writers: installs, refreshes, events, on many machines. Every operation of {@link Service} is
 * atomic: others see all of it or nothing, and after a crash it either happened or did not. What an operation promises
 * beyond that stands with it. `docs/storage.md` has the whole picture.
 *
 * - {@link layerMemory}: for tests, and for programs that may forget
 * - {@link layerKeyValueStore}: over a `KeyValueStore`, such as a folder, for one process
 * - `effect-slack-oauth/sql/SqlInstallationStore`: over SQL (libsql, Postgres), for any number of processes
 *
 * @since 0.1.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "./Installation.js"
import { credentialRowId, installationRowId, parseInstallationRowId } from "./internal/rowId.js"
import { logCause, standardDeadline, storeCall, storeStream } from "./internal/storeCall.js"
import * as TokenCipher from "./TokenCipher.js"

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
// one installation as a value
// -------------------------------------------------------------------------------------

/**
 * A subject's place in a row. It outlives its credential, so that generations go on where they ended.
 */
const Slot = Schema.mutable(Schema.Struct({
  generation: Schema.NonNegativeInt,
  credential: Schema.OptionFromNullOr(Installation.Credential),
  lease: Schema.OptionFromNullOr(Lease),
  removedAt: Schema.OptionFromNullOr(Schema.DateTimeUtc)
}))

type Slot = typeof Slot.Type

/**
 * Everything that is kept of one key. The functions below are what the stores of this module do; they change a row in
 * place, and the stores see to it that nobody else has it meanwhile.
 */
const Row = Schema.mutable(Schema.Struct({
  /** The installation without its credentials; none if it was removed. */
  installation: Schema.OptionFromNullOr(Installation.Installation),
  slots: Schema.Map({ key: Schema.String, value: Slot }),
  removedAt: Schema.OptionFromNullOr(Schema.DateTimeUtc),
  /** Slots that are not there begin above this generation. */
  floor: Schema.NonNegativeInt
}))

interface Row {
  installation: Option.Option<Installation.Installation>
  readonly slots: Map<string, Slot>
  removedAt: Option.Option<DateTime.Utc>
  readonly floor: number
}

const emptyRow = (floor = 0): Row => ({
  installation: Option.none(),
  slots: new Map(),
  removedAt: Option.none(),
  floor
})

/** No generation of this row was higher. */
const highestGeneration = ({ floor, slots }: Row): number =>
  Array.from(slots.values()).reduce((highest, { generation }) => Math.max(highest, generation), floor)

const credentialsOf = (row: Row): ReadonlyArray<Installation.Credential> =>
  Array.from(row.slots.values()).flatMap(({ credential }) => Option.toArray(credential))

const isBot = (credential: Installation.Credential) => credential._tag === "BotCredential"

const readRow = (row: Row): Option.Option<Installation.Installation> =>
  Option.map(row.installation, (installation) => Installation.withCredentials(installation, credentialsOf(row)))

/** Whether what was removed at one time is older than what was there at another. */
const removedBefore = (removedAt: Option.Option<DateTime.Utc>, at: DateTime.Utc): boolean =>
  Option.isNone(removedAt) || DateTime.lessThan(removedAt.value, at)

const saveRow = (
  row: Row,
  incoming: Installation.Installation,
  existing: "replace" | "keep"
): Installation.Installation => {
  const keep = existing === "keep"
  if (keep && Option.isNone(row.installation) && !removedBefore(row.removedAt, incoming.installedAt)) {
    return Installation.withCredentials(incoming, [])
  }
  for (const credential of incoming.credentials) {
    const subject = Installation.subjectOf(credential)
    const slot = row.slots.get(subject)
    if (keep && slot !== undefined) {
      if (Option.isSome(slot.credential) || !removedBefore(slot.removedAt, credential.issuedAt)) continue
    }
    const generation = (slot?.generation ?? row.floor) + 1
    row.slots.set(subject, {
      generation,
      credential: Option.some(Installation.atGeneration(credential, generation)),
      lease: Option.flatMap(Option.fromNullable(slot), ({ lease }) => lease),
      removedAt: Option.none()
    })
  }
  if (!(keep && Option.isSome(row.installation))) {
    row.installation = Option.some(Installation.withCredentials(
      Option.match(row.installation, {
        onNone: () => incoming,
        onSome: (stored) =>
          new Installation.Installation({
            ...incoming,
            incomingWebhook: Option.orElse(incoming.incomingWebhook, () => stored.incomingWebhook),
            installedAt: DateTime.max(stored.installedAt, incoming.installedAt)
          }, { disableValidation: true })
      }),
      []
    ))
    row.removedAt = Option.none()
  }
  return Installation.withCredentials(
    incoming,
    incoming.credentials.flatMap((credential) =>
      Option.toArray(row.slots.get(Installation.subjectOf(credential))?.credential ?? Option.none())
    )
  )
}

const compareAndSetRow = (row: Row, subject: string, generation: number, change: Installation.Change): Swap => {
  const slot = row.slots.get(subject)
  if (slot === undefined || Option.isNone(slot.credential) || slot.generation !== generation) {
    return Swap.Superseded({ current: slot?.credential ?? Option.none() })
  }
  const credential = Installation.change(slot.credential.value, change)
  slot.generation = credential.generation
  slot.credential = Option.some(credential)
  return Swap.Swapped({ credential })
}

const acquireLeaseRow = (row: Row, subject: string, request: LeaseRequest, now: DateTime.Utc): LeaseResult => {
  const slot = row.slots.get(subject)
  if (slot === undefined || Option.isNone(slot.credential)) return LeaseResult.Missing()
  const previous = slot.lease
  if (
    Option.isSome(previous) && previous.value.holder !== request.holder && DateTime.lessThan(now, previous.value.until)
  ) {
    return LeaseResult.Held({ lease: previous.value, remaining: DateTime.distanceDuration(now, previous.value.until) })
  }
  const lease = new Lease({
    holder: request.holder,
    intent: request.intent,
    since: now,
    until: DateTime.addDuration(now, request.duration)
  })
  slot.lease = Option.some(lease)
  return LeaseResult.Acquired({ lease, previous })
}

const releaseLeaseRow = (row: Row, subject: string, holder: string): boolean => {
  const slot = row.slots.get(subject)
  if (slot === undefined || Option.isNone(slot.lease) || slot.lease.value.holder !== holder) return false
  slot.lease = Option.none()
  return true
}

const removeSlot = (slot: Slot, at: DateTime.Utc): void => {
  slot.credential = Option.none()
  slot.lease = Option.none()
  slot.removedAt = Option.some(at)
}

const removeRow = (row: Row, installedBefore: DateTime.Utc | undefined, now: DateTime.Utc): boolean => {
  if (Option.isNone(row.installation)) return false
  if (installedBefore !== undefined && !DateTime.lessThan(row.installation.value.installedAt, installedBefore)) {
    return false
  }
  const at = installedBefore ?? now
  for (const slot of row.slots.values()) {
    if (Option.isSome(slot.credential)) removeSlot(slot, at)
  }
  row.installation = Option.none()
  row.removedAt = Option.some(at)
  return true
}

const removeCredentialRow = (
  row: Row,
  subject: string,
  issuedBefore: DateTime.Utc | undefined,
  now: DateTime.Utc
): boolean => {
  const slot = row.slots.get(subject)
  if (slot === undefined || Option.isNone(slot.credential)) return false
  if (issuedBefore !== undefined && !DateTime.lessThan(slot.credential.value.issuedAt, issuedBefore)) return false
  removeSlot(slot, issuedBefore ?? now)
  return true
}

const infoOf = (installation: Installation.InstallationKey, credential: Installation.Credential): CredentialInfo => ({
  key: new Installation.CredentialKey({ installation, subject: Installation.subjectOf(credential) }, {
    disableValidation: true
  }),
  generation: credential.generation,
  issuedAt: credential.issuedAt,
  expiresAt: Option.map(credential.token.expiry, ({ expiresAt }) => expiresAt),
  reauthorization: credential.reauthorization
})

const stateOf = (credential: Installation.Credential): Selection["state"] =>
  Option.isSome(credential.reauthorization)
    ? "dead"
    : Option.isSome(credential.token.expiry)
    ? "rotating"
    : "permanent"

const runsOutBefore = (credential: Installation.Credential, time: DateTime.Utc): boolean =>
  Option.isSome(credential.token.expiry) && DateTime.lessThan(credential.token.expiry.value.expiresAt, time)

const noCounts: Counts = { installations: 0, bots: 0, users: 0, rotating: 0, permanent: 0, dead: 0, expiring: 0 }

const countRow = (counts: Counts, row: Row, expiringBefore: DateTime.Utc | undefined): Counts => {
  const next = { ...counts, installations: counts.installations + (Option.isSome(row.installation) ? 1 : 0) }
  for (const credential of credentialsOf(row)) {
    const state = stateOf(credential)
    next[isBot(credential) ? "bots" : "users"]++
    next[state]++
    if (state === "rotating" && expiringBefore !== undefined && runsOutBefore(credential, expiringBefore)) {
      next.expiring++
    }
  }
  return next
}

/** What a store of rows has to bring. */
interface Rows {
  readonly read: (operation: string, key: Installation.InstallationKey) => Effect.Effect<Option.Option<Row>, StoreError>
  /** Hands the row out to one caller at a time, and stores what the caller made of it. */
  readonly modify: <A>(
    operation: string,
    key: Installation.InstallationKey,
    f: (row: Row, now: DateTime.Utc) => A
  ) => Effect.Effect<A, StoreError>
  readonly all: (operation: string) => Stream.Stream<readonly [Installation.InstallationKey, Row], StoreError>
  /** Those that run out before a time, by expiry. */
  readonly expiring: (before: DateTime.Utc) => Stream.Stream<CredentialInfo, StoreError>
  readonly reencrypt: Stream.Stream<Reencrypted, StoreError>
}

const fromRows = ({ all, expiring, modify, read, reencrypt }: Rows): Service => ({
  reencrypt,
  get: (key) => Effect.map(read("get", key), Option.flatMap(readRow)),
  credential: (key) =>
    Effect.map(
      read("credential", key.installation),
      Option.flatMap((row) => row.slots.get(key.subject)?.credential ?? Option.none())
    ),
  save: (installation, options) =>
    modify("save", installation.key, (row) => saveRow(row, installation, options?.existing ?? "replace")),
  compareAndSet: (key, generation, change) =>
    modify("compareAndSet", key.installation, (row) => compareAndSetRow(row, key.subject, generation, change)),
  acquireLease: (key, request) =>
    modify("acquireLease", key.installation, (row, now) => acquireLeaseRow(row, key.subject, request, now)),
  releaseLease: (key, holder) =>
    modify("releaseLease", key.installation, (row) => releaseLeaseRow(row, key.subject, holder)),
  remove: (key, options) => modify("remove", key, (row, now) => removeRow(row, options?.installedBefore, now)),
  removeCredential: (key, options) =>
    modify(
      "removeCredential",
      key.installation,
      (row, now) => removeCredentialRow(row, key.subject, options?.issuedBefore, now)
    ),
  stream: Stream.filterMap(all("stream"), ([, row]) => readRow(row)),
  credentials: (selection) =>
    selection.state === "rotating" && selection.expiresBefore !== undefined
      ? expiring(selection.expiresBefore)
      : Stream.mapConcat(all("credentials"), ([key, row]) =>
        credentialsOf(row)
          .filter((credential) => stateOf(credential) === selection.state)
          .map((credential) => infoOf(key, credential))),
  counts: (options) =>
    Stream.runFold(all("counts"), noCounts, (counts, [, row]) => countRow(counts, row, options?.expiringBefore))
})

// -------------------------------------------------------------------------------------
// memory
// -------------------------------------------------------------------------------------

const hour = 60 * 60 * 1000

const expiryOf = (info: CredentialInfo): number =>
  Option.match(info.expiresAt, { onNone: () => Number.POSITIVE_INFINITY, onSome: DateTime.toEpochMillis })

/** Credentials by the hour in which they run out, so that a sweep looks at what is due and not at everything. */
const makeExpiries = () => {
  const hours = new Map<number, Map<string, CredentialInfo>>()
  const hourOf = (millis: number) => Math.floor(millis / hour)
  const change = (
    key: Installation.InstallationKey,
    credential: Installation.Credential,
    f: (entries: Map<string, CredentialInfo>, id: string, info: CredentialInfo) => void
  ) => {
    if (stateOf(credential) !== "rotating") return
    const info = infoOf(key, credential)
    const at = hourOf(expiryOf(info))
    let entries = hours.get(at)
    if (entries === undefined) hours.set(at, entries = new Map())
    f(entries, credentialRowId(key, info.key.subject), info)
    if (entries.size === 0) hours.delete(at)
  }
  return {
    add: (key: Installation.InstallationKey, credential: Installation.Credential) =>
      change(key, credential, (entries, id, info) => entries.set(id, info)),
    remove: (key: Installation.InstallationKey, credential: Installation.Credential) =>
      change(key, credential, (entries, id) => entries.delete(id)),
    before: (time: DateTime.Utc): Iterable<CredentialInfo> => ({
      *[Symbol.iterator]() {
        const millis = DateTime.toEpochMillis(time)
        for (const at of Array.from(hours.keys()).filter((at) => at <= hourOf(millis)).sort((a, b) => a - b)) {
          yield* Array.from(hours.get(at)?.values() ?? [])
            .filter((info) => expiryOf(info) < millis)
            .sort((a, b) => expiryOf(a) - expiryOf(b))
        }
      }
    })
  }
}

const makeMemory: Effect.Effect<Service> = Effect.sync(() => {
  const rows = new Map<string, readonly [Installation.InstallationKey, Row]>()
  const expiries = makeExpiries()
  return fromRows({
    read: (_, key) =>
      Effect.sync(() => Option.map(Option.fromNullable(rows.get(installationRowId(key))), ([, row]) => row)),
    modify: (_, key, f) =>
      Effect.map(DateTime.now, (now) => {
        const id = installationRowId(key)
        const row = rows.get(id)?.[1] ?? emptyRow()
        const before = new Set(credentialsOf(row))
        const result = f(row, now)
        const after = new Set(credentialsOf(row))
        if (row.slots.size > 0 || Option.isSome(row.installation)) rows.set(id, [key, row])
        for (const credential of before) if (!after.has(credential)) expiries.remove(key, credential)
        for (const credential of after) if (!before.has(credential)) expiries.add(key, credential)
        return result
      }),
    all: () => Stream.suspend(() => Stream.fromIterable(rows.values())),
    expiring: (before) => Stream.fromIterable(expiries.before(before)),
    reencrypt: Stream.empty
  })
})

/**
 * A store that lives and ends with the process, for tests and for programs that may forget. Its leases go by Effect's
 * clock.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<InstallationStore> = Layer.effect(InstallationStore, makeMemory)

// -------------------------------------------------------------------------------------
// KeyValueStore
// -------------------------------------------------------------------------------------

const keyPrefix = "slack-oauth.store."

/** Rows share their locks and their lists of keys by a hash of the key. */
const shards = 256

/** FNV-1a. */
const shardOf = (id: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % shards
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

/**
 * A value in two copies, written one after the other as `<length> <text>`. A `KeyValueStore` need not write atomically,
 * and one over files does not, so a crash may leave a copy cut short; then the other one counts.
 */
const makeCopies = (store: KeyValueStore.KeyValueStore) => {
  const failed = (operation: string) =>
    Effect.catchAll((error: PlatformError) => {
      const code = error._tag === "SystemError" ? error.reason : error._tag
      return Effect.zipRight(
        logCause(`InstallationStore.${operation}`, error),
        Effect.fail(new StoreError({ operation, reason: "unavailable", code }))
      )
    })

  const readCopy = (operation: string, key: string): Effect.Effect<Option.Option<string>, StoreError> =>
    Effect.flatMap(failed(operation)(store.get(key)), (stored) => {
      const match = /^(\d+) ([^]*)$/.exec(Option.getOrElse(stored, () => ""))
      if (match === null) return Effect.succeedNone
      const [, length, text] = match as unknown as [string, string, string]
      if (text.length < Number(length)) return Effect.succeedNone
      return text.length > Number(length)
        ? Effect.fail(new StoreError({ operation, reason: "unreadable", row: key }))
        : Effect.succeedSome(text)
    })

  return {
    read: (operation: string, key: string): Effect.Effect<Option.Option<string>, StoreError> =>
      Effect.flatMap(
        readCopy(operation, `${keyPrefix}${key}`),
        (text) => Option.isSome(text) ? Effect.succeed(text) : readCopy(operation, `${keyPrefix}${key}.next`)
      ),
    write: (operation: string, key: string, text: string): Effect.Effect<void, StoreError> => {
      const framed = `${text.length} ${text}`
      return failed(operation)(Effect.zipRight(
        store.set(`${keyPrefix}${key}.next`, framed),
        store.set(`${keyPrefix}${key}`, framed)
      ))
    }
  }
}

const RowJson = Schema.parseJson(Row)
const encodeRow = Schema.encodeSync(RowJson)
const decodeRow = Schema.decodeOption(RowJson)
const decodeIds = Schema.decodeOption(Schema.parseJson(Schema.Array(Schema.String)))

const makeKeyValueStore: Effect.Effect<Service, never, KeyValueStore.KeyValueStore | TokenCipher.TokenCipher> = Effect
  .gen(function*() {
    const copies = makeCopies(yield* KeyValueStore.KeyValueStore)
    const cipher = yield* TokenCipher.TokenCipher
    yield* TokenCipher.warnIfPlain(cipher)
    const locks = Array.from({ length: shards }, () => Effect.unsafeMakeSemaphore(1))

    const unreadable = (operation: string, row: string) => new StoreError({ operation, reason: "unreadable", row })

    const readIds = (operation: string, shard: number): Effect.Effect<ReadonlyArray<string>, StoreError> =>
      Effect.flatMap(copies.read(operation, `index.${shard}`), (text) =>
        Option.isNone(text)
          ? Effect.succeed([])
          : Option.match(decodeIds(text.value), {
            onNone: () => Effect.fail(unreadable(operation, `index.${shard}`)),
            onSome: (ids) => Effect.succeed(ids)
          }))

    /** The list of ids comes before the row: an id without a row does no harm, a row that nobody finds would. */
    const addId = (operation: string, shard: number, id: string) =>
      Effect.flatMap(
        readIds(operation, shard),
        (ids) =>
          ids.includes(id) ? Effect.void : copies.write(operation, `index.${shard}`, JSON.stringify([...ids, id]))
      )

    /** The highest generation stands before the sealed row, so that it outlives a row that does not open. */
    const parts = (stored: string): readonly [highest: number, sealed: string] => {
      const match = /^(\d+) ([^]*)$/.exec(stored)
      return match === null ? [0, stored] : [Number(match[1]), match[2] ?? ""]
    }

    const open = (operation: string, id: string, stored: string): Effect.Effect<Row, StoreError> =>
      Effect.flatMap(
        Effect.mapError(cipher.open(parts(stored)[1], id), fromCipherError(operation, id)),
        (text) =>
          Option.match(decodeRow(text), {
            onNone: () => Effect.fail(unreadable(operation, id)),
            onSome: (row): Effect.Effect<Row> => Effect.succeed(row)
          })
      )

    const writeRow = (operation: string, id: string, row: Row, text: string) =>
      Effect.flatMap(
        cipher.seal(text, id),
        (sealed) => copies.write(operation, `row.${id}`, `${highestGeneration(row)} ${sealed}`)
      )

    const readRow = (operation: string, id: string): Effect.Effect<Option.Option<Row>, StoreError> =>
      Effect.flatMap(
        copies.read(operation, `row.${id}`),
        (text) => Option.isNone(text) ? Effect.succeedNone : Effect.asSome(open(operation, id, text.value))
      )

    const exclusively = (id: string) => <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.uninterruptibleMask((restore) => {
        const lock = locks[shardOf(id)]
        return Effect.zipRight(restore(lock.take(1)), Effect.ensuring(effect, lock.release(1)))
      })

    const keyOf = (operation: string, id: string) =>
      Option.match(Option.fromNullable(parseInstallationRowId(id)), {
        onNone: () => Effect.fail(unreadable(operation, id)),
        onSome: (key) =>
          Effect.succeed(
            key._tag === "Workspace"
              ? Installation.workspace(key.appId, key.teamId)
              : Installation.organization(key.appId, key.enterpriseId)
          )
      })

    const ids = (operation: string) =>
      Stream.flatMap(
        Stream.range(0, shards - 1),
        (shard) => Stream.unwrap(Effect.map(readIds(operation, shard), Stream.fromIterable))
      )

    const all = (operation: string) =>
      Stream.filterMap(
        Stream.mapEffect(ids(operation), (id) =>
          Effect.flatMap(readRow(operation, id), (row) =>
            Option.isNone(row)
              ? Effect.succeedNone
              : Effect.asSome(Effect.map(keyOf(operation, id), (key) => [key, row.value] as const)))),
        (found) => found
      )

    const service = fromRows({
      all,
      read: (operation, key) => readRow(operation, installationRowId(key)),
      modify: (operation, key, f) => {
        const id = installationRowId(key)
        return exclusively(id)(Effect.gen(function*() {
          const stored = yield* readRow(operation, id)
          const row = Option.getOrElse(stored, emptyRow)
          const before = encodeRow(row)
          const result = f(row, yield* DateTime.now)
          const text = encodeRow(row)
          if (text === before) return result
          if (Option.isNone(stored)) yield* addId(operation, shardOf(id), id)
          yield* writeRow(operation, id, row, text)
          return result
        }))
      },
      // Folders have no index by time: the due ones are few, and are sorted once they are found.
      expiring: (before) =>
        Stream.unwrap(Effect.map(
          Stream.runFold(all("credentials"), [] as Array<CredentialInfo>, (due, [key, row]) => {
            for (const credential of credentialsOf(row)) {
              if (stateOf(credential) === "rotating" && runsOutBefore(credential, before)) {
                due.push(infoOf(key, credential))
              }
            }
            return due
          }),
          (due) => Stream.fromIterable(due.sort((a, b) => expiryOf(a) - expiryOf(b)))
        )),
      reencrypt: Stream.filterMap(
        Stream.mapEffect(ids("reencrypt"), (id) =>
          exclusively(id)(Effect.gen(function*() {
            const stored = yield* copies.read("reencrypt", `row.${id}`)
            if (Option.isNone(stored)) return Option.none<Reencrypted>()
            const [highest, sealed] = parts(stored.value)
            if (sealed.startsWith(cipher.prefix)) return Option.none()
            const opened = yield* Effect.either(TokenCipher.openAny(cipher, sealed, id))
            if (Either.isLeft(opened)) {
              return Option.some({ row: id, error: Option.some(fromCipherError("reencrypt", id)(opened.left)) })
            }
            yield* copies.write("reencrypt", `row.${id}`, `${highest} ${yield* cipher.seal(opened.right, id)}`)
            return Option.some({ row: id, error: Option.none() })
          }))),
        (reported) => reported
      )
    })

    /** What does not open can be removed all the same, or nobody could install again after a key was lost. */
    const removeUnopened = (key: Installation.InstallationKey) => {
      const id = installationRowId(key)
      return exclusively(id)(Effect.gen(function*() {
        const stored = yield* copies.read("remove", `row.${id}`)
        if (Option.isNone(stored)) return false
        const row = emptyRow(parts(stored.value)[0])
        row.removedAt = Option.some(yield* DateTime.now)
        yield* writeRow("remove", id, row, encodeRow(row))
        return true
      }))
    }

    return {
      ...service,
      remove: (key, options): Effect.Effect<boolean, StoreError> =>
        options?.installedBefore === undefined
          ? Effect.catchIf(
            service.remove(key),
            ({ reason }) => reason !== "unavailable",
            () => removeUnopened(key)
          )
          : service.remove(key, options)
    }
  })

/**
 * A store over platform's `KeyValueStore`, such as `KeyValueStore.layerFileSystem("slack")`, under keys that begin with
 * `slack-oauth.store.`. A crash in the middle of a write leaves the value before it.
 *
 * It is for one process, which has one instance of this layer: a `KeyValueStore` cannot change a value only if it is
 * still the same, so what is atomic here is so by locks in memory. For several processes take the SQL store, over a
 * libsql file or Postgres. It cannot search either: `stream`, `credentials` and `counts` read everything.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyValueStore: Layer.Layer<
  InstallationStore,
  never,
  KeyValueStore.KeyValueStore | TokenCipher.TokenCipher
> = Layer.effect(InstallationStore, makeKeyValueStore)
