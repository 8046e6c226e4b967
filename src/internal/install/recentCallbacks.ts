/**
 * The memory of recent callbacks: the result of each code and state, as plain records and pure functions.
 */
import type * as Cause from "effect/Cause"
import type * as Deferred from "effect/Deferred"
import * as Either from "effect/Either"
import type * as InstallError from "../../InstallError.js"
import type * as InstallFlow from "../../InstallFlow.js"
import type * as PendingInstall from "../../PendingInstall.js"
import type { Answer } from "./answer.js"

/** The result of an attempt. */
export type Outcome = Either.Either<Answer, InstallError.InstallError>

/** How far an install has come. A later attempt continues from here, because no step can be taken twice. */
export interface Progress<M> {
  /** Taken from the store of pending installs. */
  readonly pending: PendingInstall.PendingInstall | undefined
  /** Slack's tokens, until the application has stored them. */
  readonly installed: InstallFlow.Installed<M> | undefined
  /** How `onInstalled` failed, if it did. */
  readonly cause: Cause.Cause<unknown> | undefined
}

/** What is remembered of one code and state. */
export interface Entry<M> {
  /** When it is forgotten, unless an attempt runs then. */
  readonly until: number
  /** The attempt that runs. Requests wait for its outcome. */
  readonly running: Deferred.Deferred<Outcome> | undefined
  /** The outcome of the latest attempt that ended. */
  readonly outcome: Outcome | undefined
  readonly progress: Progress<M>
}

/** The entries of a memory, in the order in which they are forgotten. */
export type Entries<M> = ReadonlyMap<string, Entry<M>>

export const noProgress: Progress<never> = { pending: undefined, installed: undefined, cause: undefined }

/** The entry of a new code and state. */
export const newEntry = (now: number, windowMillis: number): Entry<never> => ({
  until: now + windowMillis,
  running: undefined,
  outcome: undefined,
  progress: noProgress
})

/** Whether a reload may succeed where this outcome failed. */
export const mayRepeat = (outcome: Outcome): boolean => Either.isLeft(outcome) && outcome.left.nextStep === "reload"

/** The errors of a callback whose state has no install. There is nothing to remember of these. */
const noInstall: ReadonlySet<string> = new Set(["InstallStateUsed", "InstallStateGone", "InstallStateExpired"])

/** Whether an outcome is worth an entry. */
export const isRemembered = (outcome: Outcome): boolean => Either.isRight(outcome) || !noInstall.has(outcome.left._tag)

/** What a request with a code and state does. */
export type Decision<M> =
  | { readonly _tag: "Begin" }
  | { readonly _tag: "Join"; readonly running: Deferred.Deferred<Outcome> }
  | { readonly _tag: "Show"; readonly outcome: Outcome }
  | { readonly _tag: "Continue"; readonly entry: Entry<M> }

/**
 * A new code and state begins an attempt. A known one joins the attempt that runs, shows its outcome, or continues where
 * it failed.
 */
export const decide = <M>(entry: Entry<M> | undefined, now: number): Decision<M> => {
  if (entry?.running !== undefined) return { _tag: "Join", running: entry.running }
  if (entry === undefined || entry.until <= now) return { _tag: "Begin" }
  return entry.outcome === undefined || mayRepeat(entry.outcome)
    ? { _tag: "Continue", entry }
    : { _tag: "Show", outcome: entry.outcome }
}

/**
 * What is lost with an entry: 0 for nothing, 1 for a page to show again, 2 for an install that a reload can finish, and
 * infinity for tokens.
 */
export const worth = ({ outcome, progress }: Entry<unknown>): number => {
  if (progress.installed !== undefined) return Infinity
  if (outcome === undefined) return 0
  if (Either.isRight(outcome)) return 1
  return mayRepeat(outcome) && progress.pending !== undefined ? 2 : 0
}

/**
 * How many entries are kept. Everybody can begin an install, so strangers can fill the memory. Attempts that run and
 * tokens that wait for a reload do not count: these are never forgotten to make room.
 */
export const capacity = 500

/** The keys to forget before a new entry: those that expired, and if this is not enough, the oldest of the least value. */
export const makeRoom = (entries: Entries<unknown>, now: number): ReadonlyArray<string> => {
  const forgotten: Array<string> = []
  let least = Infinity
  let oldest: string | undefined
  for (const [key, entry] of entries) {
    if (entry.running !== undefined) continue
    if (entry.until <= now) {
      forgotten.push(key)
      continue
    }
    // The entries are in the order of their ends, so nothing after this one has expired.
    if (entries.size - forgotten.length < capacity || least === 0) break
    if (worth(entry) < least) {
      least = worth(entry)
      oldest = key
    }
  }
  return oldest === undefined || entries.size - forgotten.length < capacity ? forgotten : [...forgotten, oldest]
}
