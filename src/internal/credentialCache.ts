/**
 * The credentials that a process has in memory, each with its state and its running refresh. A full cache forgets the
 * credential that it has known longest, but none that is in use.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import type * as OAuthV2Error from "../OAuthV2Error.js"
import type { CredentialBusy, LeaseTooShort } from "../TokenManager.js"
import * as CredentialState from "./credentialState.js"
import type { HeardChanges } from "./heardChanges.js"

/** Why a refresh failed that may succeed later. */
export type Obstacle =
  | OAuthV2Error.AccessError
  | InstallationStore.InstallationStoreError
  | CredentialBusy
  | LeaseTooShort

/** A refresh under way. */
export interface Running {
  /** The `uptime` of its begin. */
  readonly startedAt: number
  readonly isForced: boolean
  /** What it reads by: see `heardChanges`. */
  readonly version: number
  /** Waits for the end. */
  readonly result: Effect.Effect<CredentialState.Served, CredentialState.Refusal<Obstacle>>
}

/** One credential. */
export interface Entry {
  state: CredentialState.State<Obstacle>
  /** The refresh under way, which concurrent callers join. */
  running: Running | undefined
  /** What the state was read by: see `heardChanges`. */
  version: number
  /** How many callers work with the entry. */
  users: number
  /** Whether a caller has asked for the token, so that it is worth its memory. */
  wasAsked: boolean
}

/** Records a credential, from the store or from Slack, in its entry. */
export const remember = (
  rules: CredentialState.Rules,
  entry: Entry,
  credential: Installation.Credential
): Effect.Effect<CredentialState.Known> =>
  Effect.flatMap(Random.next, (chance) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const state = CredentialState.onRead(rules, entry.state, credential, { chance, now })
      entry.state = state
      return state.known
    }))

/** The ids of the rows that an entry depends on: its installation, and its credential. */
const rowsOf = (id: string): ReadonlyArray<string> => [id, id.slice(0, id.lastIndexOf("/"))]

/** Forgets what an entry knows if it was read before a change of its rows. */
export const forgetOutdated = (changes: HeardChanges, id: string, entry: Entry): void => {
  if (changes.since(entry.version, rowsOf(id))) entry.state = CredentialState.onChanged(entry.state)
  entry.version = changes.version()
}

/** The token of an entry, if it is served from memory at once. */
export const freshToken = (changes: HeardChanges, entry: Entry | undefined, now: number) =>
  entry !== undefined && entry.version === changes.version() && CredentialState.isFresh(entry.state, now)
    ? entry.state.known.token
    : undefined

/** The refresh under way, if it began before a change. New callers must not get its result. */
export const outdatedRefresh = (changes: HeardChanges, id: string, { running }: Entry): Running | undefined =>
  running !== undefined && changes.since(running.version, rowsOf(id)) ? running : undefined

/**
 * Whether a manager knows a change already: it is a compare-and-set of its own, or one that does not go beyond what it
 * knows.
 */
export const isKnownChange = (entry: Entry | undefined, generation: number | undefined): boolean =>
  generation !== undefined &&
  (entry === undefined || entry.users > 0 || entry.running !== undefined ||
    (entry.state.known?.credential.generation ?? 0) >= generation)

/** Like `Deferred`, without copying the list of waiting fibers each time one joins. */
export const makeSharedResult = <A, E>() => {
  const waiting = new Set<(result: Exit.Exit<A, E>) => void>()
  let completed: Exit.Exit<A, E> | undefined
  return {
    result: Effect.async<A, E>((resume) => {
      if (completed !== undefined) return resume(completed)
      waiting.add(resume)
      return Effect.sync(() => waiting.delete(resume))
    }),
    complete: (result: Exit.Exit<A, E>): void => {
      completed = result
      for (const resume of waiting) resume(result)
      waiting.clear()
    }
  }
}

/** Entries by the texts of their keys. */
export interface CredentialCache {
  /** The entry of a credential, if it is known. */
  readonly peek: (id: string) => Entry | undefined
  /**
   * Works with the entry of a credential, which stays in the cache until that ends. A new entry may replace another. An
   * entry that no caller has asked for is forgotten afterwards.
   */
  readonly use: <A, E, R>(id: string, work: (entry: Entry) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Makes an entry the last to be forgotten. */
  readonly renew: (id: string, entry: Entry) => void
}

/** Whether an entry is not in use. */
const isIdle = ({ running, state, users }: Entry): boolean =>
  users === 0 && running === undefined && state.unsaved === undefined

/** Makes an empty cache with room for `size` entries. */
export const make = (size: number, changes: HeardChanges): CredentialCache => {
  const entries = new Map<string, Entry>()
  /** Forgets the idle entry that is known longest. */
  const evict = (): void => {
    for (const [id, entry] of entries) {
      if (isIdle(entry)) {
        entries.delete(id)
        return
      }
    }
  }
  const take = (id: string): Entry => {
    const known = entries.get(id)
    if (known !== undefined) {
      known.users++
      return known
    }
    const entry: Entry = {
      state: CredentialState.initial,
      running: undefined,
      version: changes.version(),
      users: 1,
      wasAsked: false
    }
    entries.set(id, entry)
    if (entries.size > size) evict()
    return entry
  }
  const giveBack = (id: string, entry: Entry): void => {
    entry.users--
    if (!entry.wasAsked && isIdle(entry) && entries.get(id) === entry) entries.delete(id)
  }
  return {
    peek: (id) => entries.get(id),
    use: (id, work) =>
      Effect.acquireUseRelease(
        Effect.sync(() => take(id)),
        work,
        (entry) => Effect.sync(() => giveBack(id, entry))
      ),
    renew: (id, entry) => {
      entries.delete(id)
      entries.set(id, entry)
    }
  }
}
