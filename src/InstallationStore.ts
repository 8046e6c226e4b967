/**
 * The store of installations: its contract, and a store in memory.
 *
 * A store has many writers: installs, refreshes, events, on many machines. Every operation of {@link Service} is
 * atomic: other callers see all of it or nothing, and after a crash it has either happened or not. Each operation
 * documents what else it promises. See `docs/storage.md` for an overview.
 *
 * - {@link layerMemory}: in memory, for tests
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
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Installation from "./Installation.js"
import { resolveBy, withChanges } from "./internal/derivedStore.js"
import * as ExpiryIndex from "./internal/expiryIndex.js"
import * as Row from "./internal/installationRow.js"
import { credentialRowId, installationRowId } from "./internal/rowId.js"
import * as RowStore from "./internal/rowStore.js"
import { standardDeadline, storeCall, storeStream } from "./internal/storeCall.js"
import { SlackApp } from "./SlackApp.js"
import type * as TokenCipher from "./TokenCipher.js"

// -------------------------------------------------------------------------------------
// errors
// -------------------------------------------------------------------------------------

/** The operations that change nothing. */
const reads = new Set(["make", "get", "resolve", "credential", "stream", "credentials", "counts", "import"])

const failedRead = "The storage failed or did not answer. Nothing was changed: ask again later."

const remedies = {
  unavailable:
    "The storage failed or did not answer. A write may have happened or not: read again before you repeat it.",
  unreadable: "The row was not written by this package. Restore it, or remove it and install again.",
  keyMissing:
    "The key that encrypted the row is not configured. Add it to the older keys, or remove the row and install again.",
  notAuthentic:
    "Decryption failed: a different key has this id, or the row was altered or moved. Nothing was overwritten. Restore the row, or remove it and install again.",
  notSealed:
    "The row is not encrypted, and a cipher is configured. Encrypt it with `reencrypt`, or allow `plain` in the keys.",
  unsupported: "This store does not support that database. Use libsql, SQLite or Postgres."
} as const

/**
 * Why a store failed.
 *
 * - `unavailable`: the storage failed or did not answer; a write may have happened
 * - `unreadable`: the row was not written by this package
 * - `keyMissing`: the key that encrypted the row is not configured
 * - `notAuthentic`: decryption failed: a different key has this id, or the row was altered or moved
 * - `notSealed`: the row is not encrypted, and a cipher is configured
 * - `unsupported`: the store does not support the database
 *
 * @since 0.1.0
 * @category errors
 */
export type Reason = keyof typeof remedies

/**
 * A store failed. The error names the operation, the reason and the row, and contains nothing of the row's content.
 *
 * @since 0.1.0
 * @category errors
 */
export class InstallationStoreError extends Schema.TaggedError<InstallationStoreError>()("InstallationStoreError", {
  /** The operation of the store, such as `compareAndSet`. */
  operation: Schema.String,
  reason: Schema.Literal("unavailable", "unreadable", "keyMissing", "notAuthentic", "notSealed", "unsupported"),
  /** The key of the row, if the failure is about one row. */
  row: Schema.optional(Schema.String),
  /** The driver's code, such as `ECONNREFUSED` or `SQLITE_FULL`, or the id of the missing key. */
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
 * Makes the error of a store out of the error of a cipher, for a store of your own.
 *
 * @since 0.1.0
 * @category errors
 */
export const fromCipherError =
  (operation: string, row: string) => ({ keyId, reason }: TokenCipher.TokenCipherError): InstallationStoreError =>
    new InstallationStoreError({
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
  /** When the access token expires; none if it does not. */
  readonly expiresAt: Option.Option<DateTime.Utc>
  readonly reauthorization: Option.Option<Installation.Reauthorization>
}

/**
 * Selects credentials by their state.
 *
 * - `rotating`: alive, with an expiry; with `expiresBefore`, only those that expire before that time
 * - `permanent`: alive, without an expiry
 * - `dead`: marked as dead; only a new install helps
 *
 * @since 0.1.0
 * @category models
 */
export type Selection =
  | { readonly state: "rotating"; readonly expiresBefore?: DateTime.Utc | undefined }
  | { readonly state: "permanent" }
  | { readonly state: "dead" }

/**
 * Numbers of installations and credentials. `rotating`, `permanent` and `dead` add up to the sum of `bots` and `users`.
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
  /** Those of `rotating` that expire before the given time. */
  readonly expiring: number
}

/**
 * The result of a compare-and-set.
 *
 * - `Swapped`: the change is stored; `credential` is the changed credential
 * - `Superseded`: the credential has another generation, and nothing was changed; `current` is the stored credential, none
 *   if there is none
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
 * A row that was not encrypted under the current key. It is now, unless there is an `error`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reencrypted {
  readonly row: string
  readonly error: Option.Option<InstallationStoreError>
}

/**
 * Tells others that a caller is working on a credential. Its times are from the store's clock: the database's, if there
 * is one.
 *
 * @since 0.1.0
 * @category models
 */
export class Lease extends Schema.Class<Lease>("effect-slack-oauth/Lease")({
  /** The id of the caller. One process may have several. */
  holder: Schema.String,
  /** What the holder does, such as `refreshing generation 7`. For people who look at the store: nothing is decided by it. Never a secret. */
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
 * The result of {@link Service.acquireLease}.
 *
 * - `Acquired`: the caller has the lease. `previous` is the lease before it, if that was not released: the caller's own,
 *   which is renewed, or one whose holder crashed or is late. Its `intent` says what the holder did, and its `since`, from
 *   when.
 * - `Held`: another caller has the lease, for `remaining` at most
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
 * A store of installations. Each operation is atomic. Operations on one credential happen one after the other.
 *
 * A write that fails as `unavailable` may have happened. {@link Service.save} can be repeated. After
 * {@link Service.compareAndSet}, read the credential, and compare its generation and its token.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The installation with exactly this key, and all its credentials. {@link find} also looks for the organization's. */
  readonly get: (
    key: Installation.InstallationKey
  ) => Effect.Effect<Option.Option<Installation.Installation>, InstallationStoreError>

  /**
   * The key of the installation that serves a place: that of the workspace, or that of its organization. It is, in this
   * order:
   *
   * 1. the first with a live credential for `subject`: `"bot"`, which is the default, or the id of a person
   * 2. the first with any live credential
   * 3. the first, so that the caller sees which credentials are dead
   *
   * It decrypts nothing, and takes one query, however many people the installations have.
   */
  readonly resolve: (
    place: Installation.Place,
    options?: { readonly subject?: string | undefined }
  ) => Effect.Effect<Option.Option<Installation.InstallationKey>, InstallationStoreError>

  /** One credential. It reads one row, however many people the installation has. */
  readonly credential: (
    key: Installation.CredentialKey
  ) => Effect.Effect<Option.Option<Installation.Credential>, InstallationStoreError>

  /**
   * Stores an installation. If the app is installed there already, each new credential replaces the stored one of the same
   * subject: it gets the next generation and is alive. Credentials of other subjects stay, and so do a bot credential and
   * a webhook that the new installation does not have. Of a save and a compare-and-set at the same time, the save always
   * succeeds: it replaces the result of the compare-and-set, or the compare-and-set is superseded.
   *
   * An install that was saved before changes no credential, because its tokens may have been refreshed since. A store
   * remembers which refresh tokens the last eight installs of a subject brought, until the credential is removed. Tokens
   * that do not rotate are replaced.
   *
   * With `existing: "keep"`, it replaces nothing. It only adds credentials that are not stored, and only if the app was not
   * removed after `installedAt`. An import uses this: it can be repeated at any time, and never restores a refresh token
   * that was spent.
   *
   * Returns the installation with the credentials that are stored now.
   */
  readonly save: (
    installation: Installation.Installation,
    options?: { readonly existing?: "replace" | "keep" | undefined }
  ) => Effect.Effect<Installation.Installation, InstallationStoreError>

  /**
   * Changes a credential if it still has this generation. Of several concurrent callers, one succeeds. Leases are not
   * checked: a caller whose lease has expired succeeds if nobody else has changed the credential.
   */
  readonly compareAndSet: (
    key: Installation.CredentialKey,
    generation: number,
    change: Installation.Change
  ) => Effect.Effect<Swap, InstallationStoreError>

  /**
   * Takes the lease on a credential if it is free, has expired, or is the caller's own. The caller's own lease is renewed,
   * with the new intent. Two holders never have a valid lease at the same time. The lease stays when the credential
   * changes, and is removed with the credential.
   */
  readonly acquireLease: (
    key: Installation.CredentialKey,
    request: LeaseRequest
  ) => Effect.Effect<LeaseResult, InstallationStoreError>

  /** Releases the lease; `false` if this holder does not have it. */
  readonly releaseLease: (
    key: Installation.CredentialKey,
    holder: string
  ) => Effect.Effect<boolean, InstallationStoreError>

  /**
   * Removes an installation and all its credentials; with `installedBefore`, only if the latest install is older than that
   * time. Returns `false` if nothing was removed. If the app is installed again, its generations continue.
   */
  readonly remove: (
    key: Installation.InstallationKey,
    options?: { readonly installedBefore?: DateTime.Utc | undefined }
  ) => Effect.Effect<boolean, InstallationStoreError>

  /**
   * Removes one credential; with `issuedBefore`, only if its token is older than that time. Returns `false` if nothing was
   * removed. The installation stays, even without credentials.
   */
  readonly removeCredential: (
    key: Installation.CredentialKey,
    options?: { readonly issuedBefore?: DateTime.Utc | undefined }
  ) => Effect.Effect<boolean, InstallationStoreError>

  /**
   * All installations, in no particular order, in bounded memory. An installation that is stored from the start to the end
   * of the stream is emitted exactly once; one that is added or removed during the stream, at most once. Nothing is locked.
   */
  readonly stream: Stream.Stream<Installation.Installation, InstallationStoreError>

  /**
   * The credentials of one state, in bounded memory, without their tokens. With `expiresBefore` they come in the order of
   * their expiry, otherwise in no particular order. A credential that is renewed during the stream may come again, if its
   * new expiry is also before that time.
   */
  readonly credentials: (selection: Selection) => Stream.Stream<CredentialInfo, InstallationStoreError>

  /**
   * Encrypts each row again that is not encrypted under the cipher's current key, and reports it. The content stays the
   * same, generations included. A row that another caller changes at the same time is skipped: that caller encrypts it
   * under the current key. After an interruption, run it again: it continues with the remaining rows. A row that cannot be
   * decrypted is reported and stays as it is.
   */
  readonly reencrypt: Stream.Stream<Reencrypted, InstallationStoreError>

  /** Counts all installations and credentials, in one pass. */
  readonly counts: (
    options?: { readonly expiringBefore?: DateTime.Utc | undefined }
  ) => Effect.Effect<Counts, InstallationStoreError>

  /**
   * The keys of what this process writes, from the moment of subscription on: the key of an installation after a save or
   * a removal, and the key of a credential after a compare-and-set or a removal of that credential. It also emits keys of
   * writes that failed, because they may have happened. What other processes write is not emitted.
   */
  readonly changes: Stream.Stream<Installation.InstallationKey | Installation.CredentialKey>

  /**
   * Calls a function with each write of this process, before the write returns, until the scope closes. A cache that has
   * to know a write at once uses this, and not {@link Service.changes}. The function must not throw.
   */
  readonly onChange: (listener: (change: Change) => void) => Effect.Effect<void, never, Scope.Scope>
}

/**
 * A write of this process.
 *
 * @since 0.1.0
 * @category models
 */
export interface Change {
  /** The installation, with all its credentials, or one credential. */
  readonly key: Installation.InstallationKey | Installation.CredentialKey
  /** The generation of the credential after a compare-and-set. */
  readonly generation?: number | undefined
}

/**
 * What a store has to do. {@link make} adds the rest.
 *
 * @since 0.1.0
 * @category models
 */
export interface Operations extends Omit<Service, "resolve" | "changes" | "onChange"> {
  /** By default, {@link make} derives it from `get`, which reads and decrypts both installations. */
  readonly resolve?: Service["resolve"] | undefined
}

/**
 * The store of installations.
 *
 * @since 0.1.0
 * @category tags
 */
export class InstallationStore
  extends Context.Tag("effect-slack-oauth/InstallationStore")<InstallationStore, Service>()
{}

/**
 * Makes a store of your own from its operations. It adds `changes` and `onChange`, which tell the caches of this process
 * what the store writes, and `resolve` if there is none.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (operations: Operations): Service =>
  withChanges({ ...operations, resolve: operations.resolve ?? resolveBy(operations.get) })

/**
 * The same store, with a deadline for each call: `deadline`, or 10 seconds. {@link Service.counts} and each pull of a
 * stream have six times as long, because they read all rows. A call that does not answer in time, throws, or interrupts
 * itself fails as `unavailable`, with the code `DEADLINE` or the code of the defect. A call that is late is interrupted in
 * the background, and its write may still happen.
 *
 * This package puts such a deadline on every store that it uses.
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
    toError: (code: string) => new InstallationStoreError({ operation, reason: "unavailable", row, code })
  })
  const ofInstallation = (operation: string, key: Installation.InstallationKey) =>
    options(operation, one, installationRowId(key))
  const ofCredential = (operation: string, { installation, subject }: Installation.CredentialKey) =>
    options(operation, one, credentialRowId(installation, subject))
  return {
    get: (key) => storeCall(store.get(key), ofInstallation("get", key)),
    resolve: (place, how) => storeCall(store.resolve(place, how), options("resolve", one)),
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
    counts: (when) => storeCall(store.counts(when), options("counts", all)),
    changes: store.changes,
    onChange: store.onChange
  }
}

/** The store in the context, with the standard deadline. */
const withStore = <A, E>(use: (store: Service) => Effect.Effect<A, E>): Effect.Effect<A, E, InstallationStore> =>
  Effect.flatMap(InstallationStore, (store) => use(bounded(store)))

/** A place with its app: that of the `SlackApp` in the context, if the place names none. */
const withApp = (place: Installation.Place): Effect.Effect<Installation.Place> =>
  place.appId ? Effect.succeed(place) : Effect.flatMap(Effect.serviceOption(SlackApp), (app) => {
    const appId = Option.getOrUndefined(app)?.appId
    return appId === undefined
      ? Effect.as(
        Effect.logWarning(
          "The place names no app, so no installation is found. Set SLACK_APP_ID, or give it an appId."
        ),
        place
      )
      : Effect.succeed({ ...place, appId })
  })

/**
 * The key of the installation that serves a place; see {@link Service.resolve}. It decrypts nothing. To get a token by a
 * place, use `TokenManager.botTokenFor`, which remembers the answers.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { InstallationStore } from "effect-slack-oauth"
 *
 * const program = InstallationStore.resolve({ appId: "A0EXAMPLE", teamId: "T0EXAMPLE", enterpriseId: "E0EXAMPLE" }).pipe(
 *   Effect.map(Option.match({ onNone: () => "not installed", onSome: String }))
 * )
 *
 * Effect.runPromise(Effect.provide(program, InstallationStore.layerMemory)).then(console.log) // "not installed"
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const resolve = (
  place: Installation.Place,
  options?: { readonly subject?: string | undefined }
): Effect.Effect<Option.Option<Installation.InstallationKey>, InstallationStoreError, InstallationStore> =>
  withStore((store) => Effect.flatMap(withApp(place), (place) => store.resolve(place, options)))

/**
 * The installation that serves a place, by the rule of {@link Service.resolve}, with all its credentials. It decrypts the
 * tokens of everybody there. To get one token, use `TokenManager.botTokenFor`.
 *
 * @since 0.1.0
 * @category operations
 */
export const find = (
  place: Installation.Place,
  options?: { readonly subject?: string | undefined }
): Effect.Effect<Option.Option<Installation.Installation>, InstallationStoreError, InstallationStore> =>
  Effect.flatMap(resolve(place, options), Option.match({ onNone: () => Effect.succeedNone, onSome: get }))

/**
 * The installation with exactly this key.
 *
 * @since 0.1.0
 * @category operations
 */
export const get = (
  key: Installation.InstallationKey
): Effect.Effect<Option.Option<Installation.Installation>, InstallationStoreError, InstallationStore> =>
  withStore((store) => store.get(key))

/**
 * Stores an installation; see {@link Service.save}.
 *
 * @since 0.1.0
 * @category operations
 */
export const save = (
  installation: Installation.Installation,
  options?: { readonly existing?: "replace" | "keep" | undefined }
): Effect.Effect<Installation.Installation, InstallationStoreError, InstallationStore> =>
  withStore((store) => store.save(installation, options))

/**
 * Removes an installation and all its credentials; see {@link Service.remove}.
 *
 * @since 0.1.0
 * @category operations
 */
export const remove = (
  key: Installation.InstallationKey,
  options?: { readonly installedBefore?: DateTime.Utc | undefined }
): Effect.Effect<boolean, InstallationStoreError, InstallationStore> => withStore((store) => store.remove(key, options))

/**
 * All installations; see {@link Service.stream}.
 *
 * @since 0.1.0
 * @category operations
 */
export const stream: Stream.Stream<Installation.Installation, InstallationStoreError, InstallationStore> = Stream
  .unwrap(
    Effect.map(InstallationStore, (store) => bounded(store).stream)
  )

/**
 * The keys of what this process writes; see {@link Service.changes}.
 *
 * @since 0.1.0
 * @category operations
 */
export const changes: Stream.Stream<
  Installation.InstallationKey | Installation.CredentialKey,
  never,
  InstallationStore
> = Stream.unwrap(Effect.map(InstallationStore, (store) => store.changes))

/**
 * Runs {@link Service.reencrypt} to its end. Returns how many rows it encrypted again, and the errors of those that could
 * not be decrypted.
 *
 * @since 0.1.0
 * @category operations
 */
export const reencrypt: Effect.Effect<
  { readonly sealed: number; readonly failed: ReadonlyArray<InstallationStoreError> },
  InstallationStoreError,
  InstallationStore
> = withStore((store) => {
  const failed: Array<InstallationStoreError> = []
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
  const read = (_: string, key: Installation.InstallationKey) =>
    Effect.sync(() => Option.fromNullable(rows.get(installationRowId(key))?.[1]))
  return make(RowStore.make(Lease, {
    read,
    alive: (_, key) => Effect.map(read(_, key), Option.flatMap(Row.aliveOf)),
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
  }))
})

/**
 * A store in the memory of this process, for tests. Everything is lost when the process ends. Its leases use Effect's
 * clock.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<InstallationStore> = Layer.effect(InstallationStore, makeMemory)
