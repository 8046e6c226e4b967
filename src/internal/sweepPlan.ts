/**
 * How a sweep spreads its work: arithmetic over the times at which credentials are due. `docs/background-refresh.md`
 * explains it. Times are in milliseconds. Only a {@link Draft} and {@link takeEarly} change what they work with.
 *
 * A pass over the whole fleet makes a {@link Plan}: how many credentials are due by when, and how many refreshes a
 * millisecond the fleet may take. The pressure is the most by which the credentials that are due by some time exceed what
 * that rate can do until then. While there is pressure, credentials are refreshed before they are due.
 */
import * as DateTime from "effect/DateTime"
import type { CredentialInfo } from "../InstallationStore.js"
import { endOf } from "./expiry.js"

// -------------------------------------------------------------------------------------
// credentials
// -------------------------------------------------------------------------------------

/** A credential that may be refreshed. */
export interface Candidate {
  readonly key: CredentialInfo["key"]
  readonly generation: number
  readonly expiresAt: number
}

/** The part of a credential's data that a refresh needs. */
export const candidateOf = (info: CredentialInfo): Candidate => ({
  key: info.key,
  generation: info.generation,
  expiresAt: endOf(info)
})

/**
 * When a credential is due, and how long that is after it was issued. Half of a short-lived token's life counts as its
 * window.
 */
export const dueOf = (info: CredentialInfo, window: number): { readonly dueAt: number; readonly period: number } => {
  const expiresAt = endOf(info)
  const life = expiresAt - DateTime.toEpochMillis(info.issuedAt)
  const own = Math.min(window, life / 2)
  return { dueAt: expiresAt - own, period: life - own }
}

// -------------------------------------------------------------------------------------
// the plan
// -------------------------------------------------------------------------------------

/** What one pass over the whole fleet found. */
export interface Plan {
  readonly madeAt: number
  /** How long it takes on average from one refresh of a credential to the next. */
  readonly period: number
  /** Refreshes per millisecond that the fleet may take: a quarter more than it needs on average. */
  readonly rate: number
  /** The credentials that are due first, in that order. Those that a pass takes leave the list. */
  readonly candidates: Array<Candidate>
  /** How many credentials are due by the end of each bucket of time. */
  readonly dueBy: Float64Array
  /** How long a bucket is. */
  readonly bucket: number
  /** How many credentials were refreshed since. */
  done: number
}

/** How much more than on average the fleet may take. */
const headroom = 1.25

/** The period of Slack's tokens: they live twelve hours, and are refreshed two hours before they expire. */
const usualPeriod = 10 * 3_600_000

/** How often the whole fleet is read: every half hour for Slack's tokens. */
const plansPerPeriod = 20

const bucketsPerPeriod = 120

/** Credentials that are due after ten periods are not counted. */
const buckets = 10 * bucketsPerPeriod

/** Whether it is time for a new plan. */
export const isOld = ({ madeAt, period }: Plan, now: number): boolean => now - madeAt >= period / plansPerPeriod

/**
 * Until when no credential of the plan is due, and the plan is not old; `now` if one may be due at any time. It is the
 * begin of a bucket, so it may be early.
 */
export const quietUntil = (plan: Plan, now: number): number => {
  const { bucket, dueBy, madeAt, period } = plan
  const current = Math.floor((now - madeAt) / bucket)
  const dueBefore = dueBy[current - 1] ?? 0
  let at = current
  while (at < dueBy.length && (dueBy[at] ?? 0) <= dueBefore) at++
  return Math.max(now, Math.min(madeAt + at * bucket, madeAt + period / plansPerPeriod))
}

/** A plan that is being made. */
export interface Draft {
  /** Takes one credential into account. They have to come in the order of their expiry. */
  readonly add: (info: CredentialInfo) => void
  readonly finish: () => Plan
}

/** Begins a plan. `last` is the plan before, and `expected` is about how many credentials will come. */
export const draft = (now: number, window: number, expected: number, last: Plan | undefined): Draft => {
  const bucket = (last?.period ?? usualPeriod) / bucketsPerPeriod
  const kept = Math.ceil(expected / 8) + 100
  const dueBy = new Float64Array(buckets)
  const candidates: Array<Candidate> = []
  let count = 0
  let periods = 0
  return {
    add: (info) => {
      const { dueAt, period } = dueOf(info, window)
      count++
      periods += period
      const at = Math.max(0, Math.floor((dueAt - now) / bucket))
      if (at < buckets) dueBy[at] = (dueBy[at] ?? 0) + 1
      if (candidates.length < kept) candidates.push(candidateOf(info))
    },
    finish: () => {
      for (let at = 1; at < buckets; at++) dueBy[at] = (dueBy[at] ?? 0) + (dueBy[at - 1] ?? 0)
      const period = count === 0 ? usualPeriod : Math.max(periods / count, 1)
      return { madeAt: now, period, rate: headroom * count / period, candidates, dueBy, bucket, done: 0 }
    }
  }
}

/** The most by which the credentials that are due by some time exceed what the rate can do until then. */
export const pressureOf = ({ bucket, done, dueBy, madeAt, rate }: Plan, now: number): number => {
  const elapsed = now - madeAt
  let pressure = 0
  for (let at = Math.floor(elapsed / bucket); at < dueBy.length; at++) {
    pressure = Math.max(pressure, (dueBy[at] ?? 0) - done - rate * ((at + 1) * bucket - elapsed))
  }
  return pressure
}

/** Takes up to `wanted` credentials that are accepted from the front of the list. */
export const takeEarly = (
  { candidates }: Plan,
  wanted: number,
  accept: (candidate: Candidate) => boolean
): ReadonlyArray<Candidate> => {
  const taken: Array<Candidate> = []
  while (taken.length < wanted && candidates.length > 0) {
    taken.push(...candidates.splice(0, wanted - taken.length).filter(accept))
  }
  return taken
}

// -------------------------------------------------------------------------------------
// the allowance
// -------------------------------------------------------------------------------------

/** How many refreshes a pass may make. */
export interface Allowance {
  /** What is left from the passes before. */
  readonly before: number
  /** How long ago the last pass was. */
  readonly elapsed: number
  readonly interval: number
  /** The most refreshes that a pass makes. */
  readonly most: number
  /** How many credentials are due and taken. They come first. */
  readonly due: number
}

/** How many credentials to refresh before they are due, and what is left for the next pass if none are found. */
export const earlyShare = (
  plan: Plan,
  now: number,
  { before, due, elapsed, interval, most }: Allowance
): { readonly wanted: number; readonly left: number } => {
  const { rate } = plan
  // An allowance that was not used for long does not add up.
  const allowed = Math.min(before + rate * elapsed, 2 * rate * elapsed + 1)
  const share = Math.min(allowed, most) - due
  const pressure = pressureOf(plan, now) - due
  // A small pressure is random.
  const tolerated = Math.max(10, rate * interval)
  return {
    wanted: pressure > tolerated ? Math.max(0, Math.floor(Math.min(share, pressure))) : 0,
    left: Math.max(0, allowed - due)
  }
}
