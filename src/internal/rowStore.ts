/**
 * A store of installations over a storage of rows.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import { resolveWith } from "./derivedStore.js"
import * as Row from "./installationRow.js"
import { unchecked } from "./unchecked.js"

type Failure = InstallationStore.InstallationStoreError

/** The row of one installation, with its key. */
export type Entry = readonly [key: Installation.InstallationKey, row: Row.Row]

/** What the storage has to do. */
export interface Storage {
  readonly read: (
    operation: string,
    key: Installation.InstallationKey
  ) => Effect.Effect<Option.Option<Row.Row>, Failure>
  /** The subjects of a row whose credentials are alive, without decrypting it; none if nothing is installed. */
  readonly alive: (
    operation: string,
    key: Installation.InstallationKey
  ) => Effect.Effect<Option.Option<ReadonlyArray<string>>, Failure>
  /** Applies a function to a row and stores the row that it returns. One call at a time has the row. */
  readonly modify: <A>(
    operation: string,
    key: Installation.InstallationKey,
    f: (row: Row.Row, now: DateTime.Utc) => Row.Changed<A>
  ) => Effect.Effect<A, Failure>
  readonly all: (operation: string) => Stream.Stream<Entry, Failure>
  /** The rotating credentials that end before a time, in the order of their ends. */
  readonly expiring: (before: DateTime.Utc) => Stream.Stream<InstallationStore.CredentialInfo, Failure>
  readonly reencrypt: InstallationStore.Service["reencrypt"]
}

/**
 * The store over a storage. It is given the class `Lease`, because the module of that class imports this one for its
 * store in memory.
 */
export const make = (
  Lease: typeof InstallationStore.Lease,
  { alive, all, expiring, modify, read, reencrypt }: Storage
): InstallationStore.Operations => ({
  reencrypt,
  resolve: resolveWith((key) => alive("resolve", key)),
  get: (key) => Effect.map(read("get", key), Option.flatMap(Row.installationOf)),
  credential: (key) =>
    Effect.map(read("credential", key.installation), Option.flatMap((row) => Row.credentialOf(row, key.subject))),
  save: (installation, options) =>
    modify("save", installation.key, (row) => Row.save(row, installation, options?.existing ?? "replace")),
  compareAndSet: ({ installation, subject }, generation, change) =>
    modify("compareAndSet", installation, (row) => Row.compareAndSet(row, subject, generation, change)),
  acquireLease: ({ installation, subject }, { duration, holder, intent }) =>
    modify("acquireLease", installation, (row, now) => {
      const lease = new Lease({ holder, intent, since: now, until: DateTime.addDuration(now, duration) }, unchecked)
      return Row.acquireLease(row, subject, lease)
    }),
  releaseLease: ({ installation, subject }, holder) =>
    modify("releaseLease", installation, (row) => Row.releaseLease(row, subject, holder)),
  remove: (key, options) => modify("remove", key, (row, now) => Row.remove(row, options?.installedBefore, now)),
  removeCredential: ({ installation, subject }, options) =>
    modify(
      "removeCredential",
      installation,
      (row, now) => Row.removeCredential(row, subject, options?.issuedBefore, now)
    ),
  stream: Stream.filterMap(all("stream"), ([, row]) => Row.installationOf(row)),
  credentials: (selection) =>
    selection.state === "rotating" && selection.expiresBefore !== undefined
      ? expiring(selection.expiresBefore)
      : Stream.mapConcat(
        all("credentials"),
        ([key, row]) => Row.infosOf(key, row).filter((info) => Row.isSelected(info, selection))
      ),
  counts: (options) =>
    Stream.runFold(all("counts"), Row.noCounts, (counts, entry) => Row.count(counts, entry, options?.expiringBefore))
})
