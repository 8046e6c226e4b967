/**
 * The credentials that a process knows, each with what goes on with it. There are at most as many as the cache has room
 * for, and those that something depends on.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import type * as OAuthV2Error from "../OAuthV2Error.js"
import type { CredentialBusy } from "../TokenManager.js"
import * as CredentialState from "./credentialState.js"
import type { Running } from "./sharedRefresh.js"

/** Why a refresh did not bring a token, and may do so later. */
export type Obstacle = OAuthV2Error.AccessError | InstallationStore.InstallationStoreError | CredentialBusy

/** One credential. */
export interface Entry {
  state: CredentialState.State<Obstacle>
  /** The refresh under way, which concurrent callers join. */
  running: Running | undefined
  /** Whether a caller has asked for the token, so that it is worth its memory. */
  wasAsked: boolean
}

/** Puts a credential that was read, or that Slack gave, into its entry. */
export const remember = (
  rules: CredentialState.Rules,
  entry: Entry,
  credential: Installation.Credential
): Effect.Effect<CredentialState.Known> =>
  Effect.zipWith(Random.next, Clock.currentTimeMillis, (chance, now) => {
    const state = CredentialState.onRead(rules, entry.state, credential, { chance, now })
    entry.state = state
    return state.known
  })

/** Entries by the texts of their keys. */
export interface CredentialCache {
  /** The entry of a credential. A new one may push out another. */
  readonly get: (id: string) => Entry
  /** Makes an entry the last to be pushed out. */
  readonly renew: (id: string, entry: Entry) => void
  /** Forgets an entry that no caller has asked for, unless something depends on it. */
  readonly forgetUnasked: (id: string, entry: Entry) => void
}

/** Whether nothing depends on an entry. */
const isIdle = ({ running, state }: Entry): boolean => running === undefined && state.unsaved === undefined

/** Makes an empty cache with room for `size` entries. */
export const make = (size: number): CredentialCache => {
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
  return {
    get: (id) => {
      const known = entries.get(id)
      if (known !== undefined) return known
      const entry: Entry = { state: CredentialState.initial, running: undefined, wasAsked: false }
      entries.set(id, entry)
      if (entries.size > size) evict()
      return entry
    },
    renew: (id, entry) => {
      entries.delete(id)
      entries.set(id, entry)
    },
    forgetUnasked: (id, entry) => {
      if (!entry.wasAsked && isIdle(entry) && entries.get(id) === entry) entries.delete(id)
    }
  }
}
