/**
 * How a lease time is divided. `docs/token-protocol.md` has this as a table.
 */
import * as Duration from "effect/Duration"

/** The parts of a lease time, and what they are for. */
const parts = {
  /** Each call to the store. */
  storeCall: 1 / 6,
  /** The lease itself and the second look at the credential. After it, no call to Slack begins. */
  beforeCall: 1 / 3,
  /** The call to Slack, with its repetitions. */
  call: 1 / 2,
  /** One attempt of that call. */
  attempt: 1 / 3,
  /** Everything before the commit. What is left of the lease is for the commit. */
  beforeCommit: 5 / 6,
  /** How long to wait for other holders of the lease. */
  waiting: 2,
  /** The pause before a commit that waits for them tries again. */
  pause: 1 / 15,
  /** What a manager that closes counts its time in. */
  closingTick: 1 / 30
} as const

/** A part of a lease time, in milliseconds. */
export const millisOf = (part: keyof typeof parts, leaseDuration: Duration.DurationInput): number =>
  Math.ceil(Duration.toMillis(leaseDuration) * parts[part])
