/**
 * What happens in one life, as data: the fleet, the clocks, and the storms. It follows from a seed, it can be printed, and
 * it can be made shorter.
 */
import * as Dice from "./dice.js"
import type { ClockError, Freeze } from "./machine.js"
import type { Subject } from "./slack.js"

export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour

export interface Credential {
  readonly workspace: string
  readonly subject: Subject
}

export const nameOf = ({ subject, workspace }: Credential): string => `${workspace} ${subject}`

/** Where a process can be hit. `call` is the call to Slack. */
const operations = ["credential", "acquireLease", "compareAndSet", "releaseLease"] as const
export type Operation = typeof operations[number] | "save"
export type Point = `${"before" | "after"} ${Operation | "call"}`

/**
 * What a store does with a call.
 *
 * - `fail`: nothing, and says so
 * - `fail after`: it does what was asked, and says that it failed
 * - `hang`: nothing, and never answers
 * - `hang after`: it does what was asked, and never answers
 * - `slow`: it takes the call late
 */
const storeFaults = ["fail", "fail after", "hang", "hang after", "slow"] as const
export type StoreFault = typeof storeFaults[number]

/**
 * What happens to a call to Slack.
 *
 * - `refused`: there is no connection, so nothing was sent
 * - `lost request`, `lost answer`, `half an answer`: the connection breaks, before or after Slack has acted
 * - `late request`: it reaches Slack late, even if its sender has given up on it by then
 * - `late answer`: Slack acts at once, and its answer takes time
 * - the rest: what Slack answers, before or after it has acted
 */
const slackFaults = [
  "refused",
  "lost request",
  "lost answer",
  "half an answer",
  "late request",
  "late answer",
  "internal_error after acting",
  "fatal_error",
  "ratelimited",
  "service_unavailable",
  "503",
  "502 after acting"
] as const
export type SlackFault = typeof slackFaults[number]

/** A trap: it waits for the next time that a process (`undefined`: any) comes to a point, `skip` times left out. */
interface Trap {
  readonly process: number | undefined
  readonly skip: number
  readonly times: number
}

export type Mishap =
  | (Trap & { readonly do: "store"; readonly operation: Operation; readonly how: StoreFault; readonly millis: number })
  | (Trap & { readonly do: "slack"; readonly how: SlackFault; readonly millis: number })
  | (Trap & { readonly do: "kill"; readonly at: Point })
  | (Trap & {
    readonly do: "freeze"
    readonly at: Point
    readonly kind: Freeze
    readonly millis: number
    /** By how much the clock is set meanwhile. */
    readonly setBy?: number
  })
  | {
    readonly do: "store outage"
    readonly process: number | undefined
    readonly how: "fail" | "hang" | "hang after"
    readonly after: number
    readonly millis: number
  }
  | { readonly do: "slack outage"; readonly how: SlackFault; readonly after: number; readonly millis: number }
  | { readonly do: "close"; readonly process: number; readonly after: number }
  | { readonly do: "set clock"; readonly process: number; readonly after: number; readonly by: number }
  | { readonly do: "install"; readonly process: number; readonly after: number }
  | { readonly do: "uninstall" | "revoke"; readonly after: number; readonly eventAfter: number }

/** Somebody asks for a token, or refreshes it by force, or reports that Slack refused it. */
export interface Visit {
  readonly do: "read" | "refresh" | "refuse"
  readonly process: number
  readonly after: number
  /** When the caller is interrupted, after its call. */
  readonly interruptedAfter: number | undefined
}

/** Some hours in which things go wrong for one credential. */
export interface Storm {
  readonly at: number
  readonly credential: number
  /** When it begins, before the expiry of the token. It begins at once if the time for that is over. */
  readonly beforeExpiry: number
  readonly mishaps: ReadonlyArray<Mishap>
  readonly visits: ReadonlyArray<Visit>
}

export interface Plan {
  readonly seed: number
  readonly days: number
  /** Milliseconds. */
  readonly grace: number
  readonly credentials: ReadonlyArray<Credential>
  /** The clocks of the processes. */
  readonly clocks: ReadonlyArray<ClockError>
  readonly storeClock: ClockError
  readonly leaseMillis: number
  readonly cacheMinutes: number
  readonly isShared: boolean
  /** How often each process asks for each credential on average, in hours. */
  readonly readEvery: number
  /** How often each process sweeps, in minutes; never, if it is 0. */
  readonly sweepEvery: ReadonlyArray<number>
  readonly storms: ReadonlyArray<Storm>
}

const millisFor = (dice: Dice.Dice): number =>
  dice.weigh([
    [3, dice.between(1, 2_000)],
    [3, dice.between(2_000, 12_000)],
    [3, dice.between(12_000, 70_000)],
    [1, dice.between(70_000, hour)],
    [0.3, dice.between(hour, 14 * hour)]
  ])

const trap = (dice: Dice.Dice, processes: number): Trap => ({
  process: dice.chance(0.5) ? undefined : dice.between(0, processes - 1),
  skip: dice.weigh([[6, 0], [3, 1], [1, 2]]),
  times: dice.weigh([[6, 1], [3, 2], [1, 4]])
})

const point = (dice: Dice.Dice): Point =>
  `${dice.pick(["before", "after"] as const)} ${
    dice.weigh<Operation | "call">([
      [2, "credential"],
      [2, "acquireLease"],
      [3, "compareAndSet"],
      [1, "releaseLease"],
      [5, "call"]
    ])
  }`

/** How far a clock is set, ahead or back. */
const jump = (dice: Dice.Dice): number => dice.pick([-1, 1]) * dice.between(1_000, 10 * minute)

const mishap = (dice: Dice.Dice, processes: number, clocksAreSet: boolean): Mishap => {
  const any = () => dice.between(0, processes - 1)
  const after = () => dice.between(0, 90_000)
  return dice.weigh<() => Mishap>([
    [9, () => ({ do: "slack", ...trap(dice, processes), how: dice.pick(slackFaults), millis: millisFor(dice) })],
    // The faults that the grace period is about.
    [5, () => ({
      do: "slack",
      ...trap(dice, processes),
      how: dice.pick(["lost answer", "late answer", "lost request"] as const),
      millis: dice.between(1_000, 40_000)
    })],
    [8, () => ({
      do: "store",
      ...trap(dice, processes),
      operation: dice.pick(operations),
      how: dice.pick(storeFaults),
      millis: dice.between(1_000, 20_000)
    })],
    [4, () => ({ do: "kill", ...trap(dice, processes), times: 1, at: point(dice) })],
    [8, () => ({
      do: "freeze",
      ...trap(dice, processes),
      times: 1,
      at: point(dice),
      kind: clocksAreSet ? "stop" : dice.pick(["stop", "suspend"] as const),
      millis: millisFor(dice),
      ...clocksAreSet && dice.chance(0.5) && { setBy: jump(dice) }
    })],
    [2, () => ({
      do: "store outage",
      process: dice.chance(0.5) ? undefined : any(),
      how: dice.pick(["fail", "hang", "hang after"] as const),
      after: after(),
      millis: millisFor(dice)
    })],
    [1, () => ({
      do: "slack outage",
      how: dice.pick(["refused", "lost request", "lost answer", "ratelimited", "503", "late request"] as const),
      after: after(),
      millis: millisFor(dice)
    })],
    [1, () => ({ do: "close", process: any(), after: after() })],
    [clocksAreSet ? 3 : 0, () => ({
      do: "set clock",
      process: any(),
      after: after(),
      by: jump(dice)
    })],
    [1, () => ({ do: "install", process: any(), after: after() })],
    [1, () => ({
      do: dice.pick(["uninstall", "revoke"] as const),
      after: after(),
      eventAfter: millisFor(dice)
    })]
  ])()
}

const visit = (dice: Dice.Dice, processes: number): Visit => ({
  do: dice.weigh([[8, "read" as const], [3, "refresh" as const], [1, "refuse" as const]]),
  process: dice.between(0, processes - 1),
  after: dice.weigh([[4, dice.between(0, 150)], [3, dice.between(0, 20_000)], [3, dice.between(0, 120_000)]]),
  interruptedAfter: dice.chance(0.15) ? dice.between(1, 5_000) : undefined
})

const storm = (dice: Dice.Dice, at: number, credentials: number, processes: number, clocksAreSet: boolean): Storm => ({
  at,
  credential: dice.between(0, credentials - 1),
  beforeExpiry: dice.weigh([
    [7, dice.between(84, 92) * minute],
    [1, dice.between(1, 120) * minute],
    [2, -dice.between(0, 30) * minute]
  ]),
  mishaps: Array.from(
    { length: dice.weigh([[2, 1], [3, 2], [4, 4], [1, 7]]) },
    () => mishap(dice, processes, clocksAreSet)
  ),
  visits: Array.from({ length: dice.between(2, 10) }, () => visit(dice, processes))
})

/** The plan of a seed. */
export const make = (seed: number): Plan => {
  const dice = Dice.make(seed, "plan")
  const processes = dice.between(2, 4)
  const days = dice.between(8, 17)
  const credentials: Array<Credential> = []
  const workspaces = dice.between(2, 4)
  for (let index = 1; index <= workspaces; index++) {
    credentials.push({ workspace: `T${index}`, subject: "bot" })
    if (index === 1 && dice.chance(0.5)) credentials.push({ workspace: `T${index}`, subject: "U0PERSON" })
  }
  const isTrue = dice.chance(0.3)
  const clocksAreSet = !isTrue && dice.chance(0.3)
  const clock = (): ClockError =>
    isTrue
      ? { ahead: 0, drift: 0 }
      : { ahead: dice.between(-20 * minute, 20 * minute), drift: dice.between(-300, 300) }
  const storms: Array<Storm> = []
  for (let at = dice.between(1, 8) * hour; at < (days - 0.5) * day; at += dice.between(11, 36) * hour) {
    storms.push(storm(dice, at, credentials.length, processes, clocksAreSet))
  }
  return {
    seed,
    days,
    grace: dice.weigh([
      [2, 0],
      [2, dice.between(1, 5_000)],
      [4, dice.between(5_000, 60_000)],
      [2, 60_000]
    ]),
    credentials,
    clocks: Array.from({ length: processes }, clock),
    storeClock: clock(),
    leaseMillis: dice.weigh([[8, 30_000], [2, 12_000]]),
    cacheMinutes: dice.weigh([[6, 10], [2, 0], [2, 120]]),
    isShared: dice.chance(0.85),
    readEvery: dice.weigh([[1, 12], [3, 72], [3, 240]]),
    sweepEvery: Array.from({ length: processes }, () => dice.chance(0.06) ? dice.pick([240, 480, 720]) : 0),
    storms
  }
}
