/**
 * What is stored under one installation key, as a plain record, and what a store does with it, as pure functions. The
 * stores in memory and over a `KeyValueStore` share these; the SQL store does the same in SQL.
 */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../Installation.js"
import type { Counts, CredentialInfo, Lease, LeaseResult, Selection, Swap } from "../InstallationStore.js"
import { liveSubjects } from "./derivedStore.js"
import { endOf } from "./expiry.js"
import { credentialKeyOf } from "./installationKey.js"
import { unchecked } from "./unchecked.js"

const { Superseded, Swapped } = Data.taggedEnum<Swap>()
const { Acquired, Held, Missing } = Data.taggedEnum<LeaseResult>()

/** The place of one subject. It stays when its credential is removed, so that its generation is not used again. */
export interface Slot {
  readonly generation: number
  readonly credential: Option.Option<Installation.Credential>
  readonly lease: Option.Option<Lease>
  readonly removedAt: Option.Option<DateTime.Utc>
  /** The refresh tokens that the last installs brought, the latest first. They stay while the credential is refreshed. */
  readonly origins?: ReadonlyArray<Redacted.Redacted> | undefined
}

/** How many installs of a subject are remembered: more than are made within the minutes in which one may be repeated. */
export const rememberedInstalls = 8

/** Everything that is stored under one key. */
export interface Row {
  /** The installation without its credentials; none if it was removed. */
  readonly installation: Option.Option<Installation.Installation>
  readonly slots: ReadonlyMap<string, Slot>
  readonly removedAt: Option.Option<DateTime.Utc>
  /** The first generation of a new slot is above this. */
  readonly floor: number
}

/** The result of an operation, and the row after it. It is the same row if the operation changed nothing. */
export type Changed<A> = readonly [result: A, row: Row]

/** A row under which nothing is stored. */
export const empty = (floor = 0): Row => ({
  installation: Option.none(),
  slots: new Map(),
  removedAt: Option.none(),
  floor
})

/** The row of a removed installation whose content is not known. */
export const removedUnread = (highestGeneration: number, at: DateTime.Utc): Row => ({
  ...empty(highestGeneration),
  removedAt: Option.some(at)
})

const withSlot = (row: Row, subject: string, slot: Slot): Row => ({
  ...row,
  slots: new Map(row.slots).set(subject, slot)
})

// -------------------------------------------------------------------------------------
// reading
// -------------------------------------------------------------------------------------

/** The highest generation that this row has given out. */
export const highestGeneration = ({ floor, slots }: Row): number =>
  Array.from(slots.values()).reduce((highest, { generation }) => Math.max(highest, generation), floor)

export const credentialsOf = (row: Row): ReadonlyArray<Installation.Credential> =>
  Array.from(row.slots.values()).flatMap(({ credential }) => Option.toArray(credential))

export const credentialOf = (row: Row, subject: string): Option.Option<Installation.Credential> =>
  row.slots.get(subject)?.credential ?? Option.none()

export const installationOf = (row: Row): Option.Option<Installation.Installation> =>
  Option.map(row.installation, (installation) => Installation.withCredentials(installation, credentialsOf(row)))

/** The subjects whose credentials are alive; none if nothing is installed. */
export const aliveOf = (row: Row): Option.Option<ReadonlyArray<string>> =>
  Option.map(row.installation, () => liveSubjects(credentialsOf(row)))

/** What is stored of each credential, without its tokens. */
export const infosOf = (installation: Installation.InstallationKey, row: Row): ReadonlyArray<CredentialInfo> =>
  credentialsOf(row).map((credential) => infoOf(installation, credential))

export const infoOf = (
  installation: Installation.InstallationKey,
  credential: Installation.Credential
): CredentialInfo => ({
  key: credentialKeyOf(installation, Installation.subjectOf(credential)),
  generation: credential.generation,
  issuedAt: credential.issuedAt,
  expiresAt: Option.map(credential.token.expiry, ({ expiresAt }) => expiresAt),
  reauthorization: credential.reauthorization
})

export const stateOf = ({ expiresAt, reauthorization }: CredentialInfo): Selection["state"] =>
  Option.isSome(reauthorization) ? "dead" : Option.isSome(expiresAt) ? "rotating" : "permanent"

export const isSelected = (info: CredentialInfo, selection: Selection): boolean =>
  stateOf(info) === selection.state &&
  (selection.state !== "rotating" || selection.expiresBefore === undefined ||
    endOf(info) < DateTime.toEpochMillis(selection.expiresBefore))

export const noCounts: Counts = { installations: 0, bots: 0, users: 0, rotating: 0, permanent: 0, dead: 0, expiring: 0 }

/** The counts with those of one more row. */
export const count = (
  counts: Counts,
  [key, row]: readonly [Installation.InstallationKey, Row],
  expiresBefore: DateTime.Utc | undefined
): Counts => {
  const next = { ...counts, installations: counts.installations + (Option.isSome(row.installation) ? 1 : 0) }
  for (const info of infosOf(key, row)) {
    next[info.key.subject === "bot" ? "bots" : "users"]++
    next[stateOf(info)]++
    if (expiresBefore !== undefined && isSelected(info, { state: "rotating", expiresBefore })) next.expiring++
  }
  return next
}

// -------------------------------------------------------------------------------------
// saving
// -------------------------------------------------------------------------------------

/** Whether something was removed before a time, or not at all. */
const removedBefore = (removedAt: Option.Option<DateTime.Utc>, at: DateTime.Utc): boolean =>
  Option.isNone(removedAt) || DateTime.lessThan(removedAt.value, at)

/** The installation that is stored when `incoming` comes. What it does not have of webhook and metadata stays. */
const merged = (
  stored: Option.Option<Installation.Installation>,
  incoming: Installation.Installation
): Installation.Installation =>
  Installation.withCredentials(
    Option.match(stored, {
      onNone: () => incoming,
      onSome: ({ incomingWebhook, installedAt, metadata }) =>
        new Installation.Installation({
          ...incoming,
          incomingWebhook: Option.orElse(incoming.incomingWebhook, () => incomingWebhook),
          metadata: Option.orElse(incoming.metadata, () => metadata),
          installedAt: DateTime.max(installedAt, incoming.installedAt)
        }, unchecked)
    }),
    []
  )

/** Whether an install was stored before: its credential is stored, or what has replaced it. */
const isRepeated = ({ origins = [] }: Slot, origin: ReadonlyArray<Redacted.Redacted>): boolean =>
  origin.some((token) => origins.some((other) => Redacted.value(other) === Redacted.value(token)))

/** Saves an installation. The result has the credentials that are stored now. */
export const save = (
  row: Row,
  incoming: Installation.Installation,
  existing: "replace" | "keep"
): Changed<Installation.Installation> => {
  const keep = existing === "keep"
  if (keep && Option.isNone(row.installation) && !removedBefore(row.removedAt, incoming.installedAt)) {
    return [Installation.withCredentials(incoming, []), row]
  }
  const saved = new Map<string, Slot>()
  for (const credential of incoming.credentials) {
    const subject = Installation.subjectOf(credential)
    const slot = saved.get(subject) ?? row.slots.get(subject)
    if (keep && slot !== undefined) {
      if (Option.isSome(slot.credential) || !removedBefore(slot.removedAt, credential.issuedAt)) continue
    }
    const origin = Option.toArray(Installation.refreshTokenOf(credential))
    if (slot !== undefined && isRepeated(slot, origin)) continue
    const generation = (slot?.generation ?? row.floor) + 1
    saved.set(subject, {
      generation,
      credential: Option.some(Installation.atGeneration(credential, generation)),
      lease: slot?.lease ?? Option.none(),
      removedAt: Option.none(),
      origins: [...origin, ...slot?.origins ?? []].slice(0, rememberedInstalls)
    })
  }
  const keepsInstallation = keep && Option.isSome(row.installation)
  const after: Row = keepsInstallation && saved.size === 0 ? row : {
    ...row,
    slots: new Map([...row.slots, ...saved]),
    ...keepsInstallation ? undefined : {
      installation: Option.some(merged(row.installation, incoming)),
      removedAt: Option.none()
    }
  }
  const stored = incoming.credentials.flatMap((credential) =>
    Option.toArray(credentialOf(after, Installation.subjectOf(credential)))
  )
  return [Installation.withCredentials(incoming, stored), after]
}

// -------------------------------------------------------------------------------------
// changing one credential
// -------------------------------------------------------------------------------------

/** The slot of a subject that has a credential. */
const occupied = (row: Row, subject: string): { slot: Slot; credential: Installation.Credential } | undefined => {
  const slot = row.slots.get(subject)
  return slot !== undefined && Option.isSome(slot.credential) ? { slot, credential: slot.credential.value } : undefined
}

export const compareAndSet = (
  row: Row,
  subject: string,
  generation: number,
  change: Installation.Change
): Changed<Swap> => {
  const found = occupied(row, subject)
  if (found?.slot.generation !== generation) {
    return [Superseded({ current: Option.fromNullable(found?.credential) }), row]
  }
  const credential = Installation.change(found.credential, change)
  const slot = { ...found.slot, generation: credential.generation, credential: Option.some(credential) }
  return [Swapped({ credential }), withSlot(row, subject, slot)]
}

/** Takes the lease if it is free at the time at which it would begin. */
export const acquireLease = (row: Row, subject: string, lease: Lease): Changed<LeaseResult> => {
  const slot = occupied(row, subject)?.slot
  if (slot === undefined) return [Missing(), row]
  const current = Option.getOrUndefined(slot.lease)
  if (current !== undefined && current.holder !== lease.holder && DateTime.lessThan(lease.since, current.until)) {
    return [Held({ lease: current, remaining: DateTime.distanceDuration(lease.since, current.until) }), row]
  }
  return [
    Acquired({ lease, previous: slot.lease }),
    withSlot(row, subject, { ...slot, lease: Option.some(lease) })
  ]
}

export const releaseLease = (row: Row, subject: string, holder: string): Changed<boolean> => {
  const slot = row.slots.get(subject)
  if (slot === undefined || Option.isNone(slot.lease) || slot.lease.value.holder !== holder) return [false, row]
  return [true, withSlot(row, subject, { ...slot, lease: Option.none() })]
}

// -------------------------------------------------------------------------------------
// removing
// -------------------------------------------------------------------------------------

/** Whether something of this time may be removed. */
const isOlder = (at: DateTime.Utc, limit: DateTime.Utc | undefined): boolean =>
  limit === undefined || DateTime.lessThan(at, limit)

const emptied = (slot: Slot, at: DateTime.Utc): Slot => ({
  generation: slot.generation,
  credential: Option.none(),
  lease: Option.none(),
  removedAt: Option.some(at)
})

/** Removes the installation with all credentials, if it is older than `installedBefore`. */
export const remove = (
  row: Row,
  installedBefore: DateTime.Utc | undefined,
  now: DateTime.Utc
): Changed<boolean> => {
  if (Option.isNone(row.installation) || !isOlder(row.installation.value.installedAt, installedBefore)) {
    return [false, row]
  }
  const at = installedBefore ?? now
  const slots = Array.from(
    row.slots,
    ([subject, slot]) => [subject, Option.isSome(slot.credential) ? emptied(slot, at) : slot] as const
  )
  return [true, { ...row, installation: Option.none(), slots: new Map(slots), removedAt: Option.some(at) }]
}

/** Removes one credential, if it is older than `issuedBefore`. */
export const removeCredential = (
  row: Row,
  subject: string,
  issuedBefore: DateTime.Utc | undefined,
  now: DateTime.Utc
): Changed<boolean> => {
  const found = occupied(row, subject)
  return found !== undefined && isOlder(found.credential.issuedAt, issuedBefore)
    ? [true, withSlot(row, subject, emptied(found.slot, issuedBefore ?? now))]
    : [false, row]
}
