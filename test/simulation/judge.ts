/**
 * What `docs/token-rotation.md` promises, checked at each step of a life, by somebody who sees Slack, the store and the
 * network at once. A chain that is lost is attributed to a sentence of "What is not promised", or to none.
 */
import type { Agenda } from "./agenda.js"
import type { Machine } from "./machine.js"
import { hour, nameOf, type Plan } from "./plan.js"
import type { Pair, Slack } from "./slack.js"

/** Why a chain may be lost, by the sentences of `docs/token-rotation.md`. */
export const windows = {
  "lost twice": "an answer was lost twice, and nobody got the next one within the grace period",
  "lost once": "an answer was lost, and the token was not sent again within the grace period",
  "no grace": "an answer was lost, and Slack had no grace period",
  "died": "a process died between Slack's answer and the commit",
  "slept": "a process slept before it stored its pair, until Slack had ended that pair",
  "unsaved": "a process could not store its pair, until Slack had ended that pair",
  "install": "an install was stored late, or never, and Slack has ended the pair that is stored",
  "late request": "requests whose senders had given up on them, or had slept, ended the pair that is stored"
} as const
export type Window = keyof typeof windows

export interface Violation {
  readonly rule: string
  readonly detail: string
}

/** Where a pair is that Slack gave and the store does not have. */
interface Hand {
  readonly machine: Machine
  state: "on its way" | "held" | "lost" | "died" | "stored" | "replaced" | "dropped"
  /** How many freezes of its machine were over when Slack gave it. */
  readonly freezes: number
  /** Whether the store failed when its machine called it since. */
  storeFailed: boolean
  /** Whether its request reached Slack after its sender had given up on it. */
  readonly isLate: boolean
  /** Whether the sender of its request had slept before it sent. */
  readonly isAsleep: boolean
}

interface Stored {
  readonly pair: Pair
  readonly generation: number
  readonly isDead: boolean
  /** When the token expires, as the store has it. */
  readonly expiresAt: number
}

/** A refresh token that has left a process. */
export interface Sending {
  readonly machine: Machine
  readonly pair: Pair
  /** The lease under which it was sent, if that is known. */
  readonly holder: string | undefined
  /** Whether its sender had slept in the instant after its look at the clock. */
  readonly isAsleep: boolean
  readonly sentAt: number
  /** What its sender knows of it. */
  result: "none yet" | "answered" | "rejected" | "refused" | "unknown"
}

interface Lease {
  readonly machine: Machine
  readonly holder: string
  /** By the store's clock. */
  readonly until: number
}

/** What a machine has read in the store. */
interface Read {
  readonly step: number
  readonly generation: number | undefined
}

/** How many of them count: without shared refreshes, a machine has several refreshes at once, and each of them reads. */
const mostReads = 16

/** What a machine has heard from the store. */
interface News {
  readonly seen: Seen | undefined
  /** How many freezes of the machine were over when it was so. */
  readonly freezes: number
  /** When the machine heard of it. */
  readonly at: number
}

/** How much of it counts: several refreshes of a machine, and its sweep, hear at once. */
const mostNews = 4

/** One credential. */
interface Case {
  readonly name: string
  stored: Stored | undefined
  /** Goes up when the credential appears, disappears, dies or comes back to life. */
  version: number
  lease: Lease | undefined
  /** The lease under which a token was sent that may be spent. */
  doubt: { readonly pair: Pair; readonly lease: Lease } | undefined
  hands: Map<Pair, Hand>
  sendings: Array<Sending>
  /** What each machine has read, the newest first. */
  readonly reads: Map<Machine, ReadonlyArray<Read>>
  /** What each machine has heard from the store, the newest first. */
  readonly heard: Map<Machine, ReadonlyArray<News>>
  readonly sentAt: Map<Sending, number>
  /** Generations from which a machine was told to refresh by force, and tokens that it was told are refused. */
  readonly forced: Map<Machine, Set<number>>
  readonly refused: Map<Machine, Set<string>>
  /** Machines that slept in the instant between their look at the clock and the step after it. */
  readonly napped: Set<Machine>
  /** Those of them whose next step was a write. */
  readonly asleep: Set<Machine>
  /** Pairs whose successor was stored, and when, if a process stored it that had slept after its look at the clock. */
  replaced: Map<Pair, number | undefined>
  lost: Window | "outside" | undefined
  since: number | undefined
}

export interface Counts {
  refreshes: number
  served: number
  unavailable: number
  deaths: number
  freezes: number
  naps: number
  servedEnded: number
  readonly losses: Record<string, number>
  outside: number
  installationMillis: number
}

/** The sum of two counts. */
export const add = (a: Counts, b: Counts): Counts => {
  const losses = { ...a.losses }
  for (const [window, count] of Object.entries(b.losses)) losses[window] = (losses[window] ?? 0) + count
  return {
    refreshes: a.refreshes + b.refreshes,
    served: a.served + b.served,
    unavailable: a.unavailable + b.unavailable,
    deaths: a.deaths + b.deaths,
    freezes: a.freezes + b.freezes,
    naps: a.naps + b.naps,
    servedEnded: a.servedEnded + b.servedEnded,
    outside: a.outside + b.outside,
    installationMillis: a.installationMillis + b.installationMillis,
    losses
  }
}

export const noCounts = (): Counts => ({
  refreshes: 0,
  served: 0,
  unavailable: 0,
  deaths: 0,
  freezes: 0,
  naps: 0,
  servedEnded: 0,
  losses: {},
  outside: 0,
  installationMillis: 0
})

/** What the judge is told of a credential that the store has. */
export interface Seen {
  readonly access: string
  readonly generation: number
  readonly isDead: boolean
  readonly expiresAt: number
}

const windowMillis = 2 * hour

export const make = (
  { agenda, fail, log, slack, storeNow }: {
    readonly agenda: Agenda
    readonly slack: Slack
    readonly storeNow: () => number
    readonly log: (line: string) => void
    readonly fail: (violation: Violation) => void
  },
  { credentials, isShared, leaseMillis }: Pick<Plan, "credentials" | "isShared" | "leaseMillis">
) => {
  const counts = noCounts()
  let step = 0
  const cases = new Map<string, Case>(credentials.map((credential) => [nameOf(credential), {
    name: nameOf(credential),
    stored: undefined,
    version: 0,
    lease: undefined,
    doubt: undefined,
    hands: new Map(),
    sendings: [],
    reads: new Map(),
    heard: new Map(),
    sentAt: new Map(),
    forced: new Map(),
    refused: new Map(),
    napped: new Set(),
    asleep: new Set(),
    replaced: new Map(),
    lost: undefined,
    since: undefined
  }]))
  const caseOf = (name: string): Case => cases.get(name)!
  const caseOfPair = ({ chain }: Pair): Case => caseOf(`${chain.workspace} ${chain.subject}`)
  const expiries = new Map<string, number>()

  const violate = (rule: string, detail: string) => fail({ rule, detail })
  const promise = (rule: string, holds: boolean, detail: () => string) => {
    if (!holds) violate(rule, detail())
  }

  const hasLease = (lease: Lease | undefined, machine: Machine): boolean =>
    lease !== undefined && lease.machine === machine && storeNow() < lease.until

  // ---- chains that are lost

  const isInHand = ({ state }: Hand): boolean => state === "on its way" || state === "held"

  /** Whether nobody counts on the request of a pair any more when Slack answers it. */
  const isStray = ({ isAsleep, isLate }: Hand): boolean => isLate || isAsleep

  /** The sentence that a loss belongs to. */
  const windowOf = ({ hands, stored }: Case): Window | "outside" => {
    const after = Array.from(hands).filter(([pair]) => pair !== stored?.pair)
    const own = stored && hands.get(stored.pair)
    if (own !== undefined && stored?.pair.refreshEnded) {
      if (own.isAsleep || own.machine.freezes() > own.freezes) return "slept"
      if (own.storeFailed) return "unsaved"
    }
    const gone = (state: Hand["state"]) => after.filter(([, hand]) => hand.state === state)
    if (stored?.pair.refreshEnded && after.some(([pair]) => pair.from === undefined)) return "install"
    if (gone("died").length > 0) return "died"
    if (stored?.pair.refreshEnded && after.some(([, hand]) => isStray(hand))) return "late request"
    if (stored?.pair.refreshEnded && stored.pair.from === undefined) return "install"
    const lost = gone("lost").filter(([pair]) => pair.from === stored?.pair).length
    if (lost > 0) return slack.graceMillis === 0 ? "no grace" : lost > 1 ? "lost twice" : "lost once"
    for (const [pair, hand] of after) {
      if (!isInHand(hand) || slack.works(pair)) continue
      return hand.machine.freezes() > hand.freezes ? "slept" : hand.storeFailed ? "unsaved" : "outside"
    }
    return "outside"
  }

  /** Slack has not ended the chain, and nobody has a refresh token that works. */
  const checkLoss = (one: Case): void => {
    const { stored } = one
    if (stored === undefined || one.lost !== undefined) return
    if (stored.pair.chain.end !== undefined || slack.works(stored.pair)) return
    for (const [pair, hand] of one.hands) if (isInHand(hand) && slack.works(pair)) return
    one.lost = windowOf(one)
    log(`${one.name} is lost: ${one.lost}`)
    if (one.lost === "outside") {
      counts.outside++
      const hands = Array.from(one.hands, ([pair, { state }]) => `${pair.number}: ${state}`).join(", ")
      return violate(
        "no chain is lost for another reason than those of the page",
        `${one.name}, pair ${stored.pair.number}; ${hands}`
      )
    }
    counts.losses[one.lost] = (counts.losses[one.lost] ?? 0) + 1
  }

  /** Another pair is stored, or none: the story of the one before is over. */
  const setStored = (one: Case, stored: Stored | undefined): void => {
    const before = one.stored
    one.stored = stored
    if (stored !== undefined) expiries.set(stored.pair.access, stored.expiresAt)
    if (before?.pair !== stored?.pair) {
      one.lost = undefined
      const own = stored && one.hands.get(stored.pair)
      if (own !== undefined) own.state = "stored"
      // Pairs that are still in somebody's hands are followed on.
      one.hands = new Map(
        Array.from(one.hands).filter(([pair, hand]) =>
          isInHand(hand) || pair === stored?.pair || (pair.from === stored?.pair && stored !== undefined) ||
          ((pair.from === undefined || isStray(hand)) && stored !== undefined && pair.number > stored.pair.number)
        )
      )
      one.sendings = one.sendings.filter(({ pair }) => pair === stored?.pair)
    }
    if ((before === undefined) !== (stored === undefined) || before?.isDead !== stored?.isDead) one.version++
    if (before === undefined && stored !== undefined) one.since = agenda.now()
    if (before !== undefined && stored === undefined) {
      if (one.name.endsWith(" bot")) counts.installationMillis += agenda.now() - (one.since ?? agenda.now())
      one.lease = undefined
      one.doubt = undefined
      one.replaced.clear()
    }
  }

  const toStored = (seen: Seen): Stored => ({ ...seen, pair: slack.byAccess(seen.access)! })

  return {
    counts,
    caseOf,

    /** Whether a credential is stored and alive, as far as anybody can see. */
    isWorking: (name: string): boolean => {
      const { lost, stored } = caseOf(name)
      return stored !== undefined && !stored.isDead && stored.pair.chain.end === undefined && lost === undefined
    },

    // ---- what goes on between the processes and the store

    onRead: (machine: Machine, name: string, seen: Seen | undefined): void => {
      const { reads } = caseOf(name)
      const read: Read = { step: ++step, generation: seen?.generation }
      reads.set(machine, [read, ...(reads.get(machine) ?? [])].slice(0, isShared ? 1 : mostReads))
    },
    onHeard: (machine: Machine, name: string, seen: Seen | undefined, freezes: number): void => {
      const { heard } = caseOf(name)
      heard.set(machine, [{ seen, freezes, at: agenda.now() }, ...(heard.get(machine) ?? [])].slice(0, mostNews))
    },
    onStoreFailure: (machine: Machine, name: string): void => {
      for (const hand of caseOf(name).hands.values()) if (hand.machine === machine) hand.storeFailed = true
    },
    onLease: (machine: Machine, name: string, holder: string, until: number): void => {
      const one = caseOf(name)
      one.lease = { machine, holder, until }
      if (one.doubt !== undefined && one.doubt.lease.holder === holder) one.doubt = { ...one.doubt, lease: one.lease }
    },
    onRelease: (name: string): void => {
      caseOf(name).lease = undefined
    },
    onSaved: (seen: Seen, name: string): void => {
      const one = caseOf(name)
      setStored(one, toStored(seen))
    },
    onSwapped: (machine: Machine, name: string, seen: Seen): void => {
      const one = caseOf(name)
      const next = toStored(seen)
      const before = one.stored
      if (seen.isDead) {
        const last = one.sendings.filter((sending) => sending.machine === machine).at(-1)
        promise(
          "a refusal is believed only for the generation that was sent",
          last?.pair === next.pair,
          () =>
            `${machine.name} marks ${name} dead for pair ${next.pair.number}, and has sent pair ${last?.pair.number}`
        )
        promise(
          "a credential is marked dead only if its refresh token does not work",
          !slack.works(next.pair),
          () => `${machine.name} marks ${name} dead, and pair ${next.pair.number} works`
        )
      } else {
        counts.refreshes++
        promise(
          "no commit replaces what another has stored",
          next.pair.from === before?.pair || before?.pair === next.pair,
          () => `${machine.name} replaces pair ${before?.pair.number} of ${name} by pair ${next.pair.number}`
        )
      }
      setStored(one, next)
      if (before !== undefined && next.pair.from === before.pair) {
        one.replaced.set(before.pair, one.asleep.has(machine) ? ++step : undefined)
      }
      one.napped.delete(machine)
      checkLoss(one)
    },
    /** A write leaves a process. */
    onWrite: (machine: Machine, name: string): void => {
      const { asleep, napped } = caseOf(name)
      if (napped.has(machine)) asleep.add(machine)
      else asleep.delete(machine)
    },
    onSuperseded: (machine: Machine, name: string, access: string): void => {
      const one = caseOf(name)
      const pair = slack.byAccess(access)
      const hand = pair && one.hands.get(pair)
      if (hand === undefined || hand.machine !== machine) return
      // Its own pair, or a mark that the chain is dead, is no reason to give it up.
      if (one.stored?.pair === pair || one.stored?.isDead) return
      hand.state = "replaced"
    },
    onRemoved: (name: string): void => setStored(caseOf(name), undefined),

    // ---- what goes on between the processes and Slack

    /** A refresh token leaves a process. */
    onSend: (machine: Machine, pair: Pair): Sending => {
      const one = caseOfPair(pair)
      const { lease, stored } = one
      const isSame = stored?.pair === pair && !stored.isDead
      const isAsleep = one.napped.has(machine)
      if (isAsleep) {
        counts.naps++
        one.napped.delete(machine)
      }
      // Without shared refreshes, a machine has several at once, and the lease may be another's by now.
      const isOwn = lease?.machine === machine && (isShared || !isAsleep)
      const own = isOwn ? lease.holder : undefined
      const sending: Sending = { machine, pair, holder: own, isAsleep, sentAt: agenda.now(), result: "none yet" }
      const earlier = one.sendings.filter((sending) => sending.pair === pair)
      const ofThis = own === undefined ? [] : earlier.filter(({ holder }) => holder === own)
      const who = `${machine.name}, pair ${pair.number} of ${one.name}`
      if (!isAsleep) {
        promise(
          "whoever sends has the lease",
          !isSame || hasLease(lease, machine),
          () => `${who}; the lease is ${lease === undefined ? "free" : `${lease.machine.name}'s, or over`}`
        )
        promise(
          "no refresh token is sent whose successor is stored",
          !one.replaced.has(pair) ||
            (one.reads.get(machine) ?? []).some(({ step }) => step < (one.replaced.get(pair) ?? 0)),
          () => who
        )
        promise(
          "nothing is sent that is not due",
          !isSame || ofThis.length > 0 || earlier.some((other) => other.isAsleep && other.machine === machine) ||
            machine.wall() >= stored.expiresAt - windowMillis ||
            Array.from(one.forced.get(machine) ?? []).some((from) => from <= stored.generation) ||
            one.refused.get(machine)?.has(pair.access) === true,
          () => who
        )
        promise(
          "a refresh in doubt is left alone until its lease runs out",
          !isSame || one.doubt === undefined || one.doubt.pair !== pair || one.doubt.lease.holder === own ||
            storeNow() >= one.doubt.lease.until,
          () => `${who}; ${one.doubt?.lease.machine.name} has left it in doubt`
        )
      }
      promise(
        "a rotation sends a token once more after a lost answer, and not again",
        ofThis.filter(({ result }) => result !== "rejected").length <= 1,
        () => who
      )
      const last = ofThis.at(-1)
      if (last !== undefined) {
        const read = one.reads.get(machine)?.[0]
        promise(
          "a token is sent again only after a read that has shown the generation that was sent",
          read !== undefined && read.step > one.sentAt.get(last)! &&
            (!isSame || read.generation === stored.generation),
          () => who
        )
      }
      // Without shared refreshes, the next one of this process waits for the end of the lease, as in another process.
      promise(
        "no second call while the first has no result",
        !earlier.some((other) =>
          other.machine === machine && other.result === "none yet" &&
          (isShared || (!isAsleep && !other.isAsleep && other.holder === own))
        ),
        () => who
      )
      one.sendings.push(sending)
      one.sentAt.set(sending, ++step)
      if (lease !== undefined && lease.machine === machine) one.doubt = { pair, lease }
      return sending
    },
    /** A call has a result for its sender. */
    onResult: (sending: Sending, result: Exclude<Sending["result"], "none yet">): void => {
      sending.result = result
      const one = caseOfPair(sending.pair)
      if (one.doubt?.pair !== sending.pair || result === "unknown") return
      const isSettled = result !== "rejected" ||
        !one.sendings.some((other) =>
          other !== sending && other.pair === sending.pair && other.holder === sending.holder &&
          (other.result === "unknown" || other.result === "none yet")
        )
      if (isSettled) one.doubt = undefined
    },
    /** Slack gives a pair to a process. */
    onIssued: (machine: Machine, pair: Pair, isLate: boolean, isAsleep: boolean): void => {
      const one = caseOfPair(pair)
      one.hands.set(pair, {
        machine,
        state: machine.isDead() ? "died" : isLate ? "lost" : "on its way",
        freezes: machine.endedFreezes(),
        storeFailed: false,
        isLate,
        isAsleep
      })
      checkLoss(one)
    },
    onDelivered: (pair: Pair): void => {
      const hand = caseOfPair(pair).hands.get(pair)
      if (hand?.state === "on its way") hand.state = "held"
    },
    /** An answer does not reach its process, or the process has given up on it: `hasArrived`, though it was there. */
    onLost: (pair: Pair, hasArrived: boolean): void => {
      const one = caseOfPair(pair)
      const hand = one.hands.get(pair)
      if (hand?.state !== "on its way") return
      hand.state = "lost"
      promise(
        "an answer that has arrived counts",
        !hasArrived,
        () => `${hand.machine.name} has pair ${pair.number} of ${one.name}, and gives up on it`
      )
      checkLoss(one)
    },

    // ---- what happens to processes

    /**
     * A process freezes. `noticedBy` is the credential whose next step is a look at the clock. Any other one may be between
     * such a look and the step after it, which it takes first when the process wakes.
     */
    onFreeze: (machine: Machine, noticedBy: string | undefined): void => {
      counts.freezes++
      for (const [name, one] of cases) if (name !== noticedBy) one.napped.add(machine)
    },
    /** A process has woken, and has finished what it was about to do. From here on it has to have looked at the clock. */
    onCaughtUp: (machine: Machine): void => {
      for (const one of cases.values()) one.napped.delete(machine)
    },
    onDeath: (machine: Machine): void => {
      counts.deaths++
      for (const one of cases.values()) {
        for (const hand of one.hands.values()) if (hand.machine === machine && isInHand(hand)) hand.state = "died"
        checkLoss(one)
      }
    },
    /** A process has ended in an orderly way, or has had time enough to store what it has. */
    onSettled: (machine: Machine): void => {
      for (const one of cases.values()) {
        for (const [pair, hand] of one.hands) {
          if (hand.machine !== machine || !isInHand(hand) || pair.from === undefined) continue
          const isOver = one.stored === undefined || pair.chain.end !== undefined || pair.from !== one.stored.pair
          const isHeld = one.lease !== undefined && one.lease.machine !== machine && storeNow() < one.lease.until
          promise(
            "what Slack has answered is never thrown away",
            isOver || hand.storeFailed || isHeld || hand.state === "on its way",
            () => `${machine.name} has dropped pair ${pair.number} of ${one.name}`
          )
          hand.state = isOver ? "replaced" : "died"
        }
        checkLoss(one)
      }
    },

    // ---- what callers are told

    onForce: (machine: Machine, name: string, generation: number | undefined): void => {
      const one = caseOf(name)
      const from = generation ?? one.stored?.generation ?? 0
      one.forced.set(machine, (one.forced.get(machine) ?? new Set()).add(from))
    },
    onRefuse: (machine: Machine, name: string, access: string): void => {
      const one = caseOf(name)
      one.refused.set(machine, (one.refused.get(machine) ?? new Set()).add(access))
    },
    onServed: (machine: Machine, name: string, access: string): void => {
      const pair = slack.byAccess(access)
      counts.served++
      promise(
        "a caller gets the token of the credential that was asked for",
        pair !== undefined && `${pair.chain.workspace} ${pair.chain.subject}` === name,
        () => `${machine.name} serves ${access} for ${name}`
      )
      if (pair === undefined) return
      const expiresAt = expiries.get(access)
      promise(
        "no expired token is handed out",
        expiresAt === undefined || Math.floor(machine.wall()) < expiresAt,
        () => `${machine.name} serves pair ${pair.number} of ${name}, which has expired`
      )
      if (!slack.isLive(pair)) counts.servedEnded++
    },
    /** A caller got no token. `version` is that of the credential when it was asked for. */
    onUnserved: (machine: Machine, name: string, tag: string, version: number): void => {
      const one = caseOf(name)
      counts.unavailable++
      if (one.version !== version) return
      const isTrueOf = (seen: { readonly isDead: boolean } | undefined) =>
        (tag === "NotInstalled" && seen === undefined) || (tag === "ReauthorizationRequired" && seen?.isDead === true)
      // A refresh under way tells those who ask meanwhile what it has heard, also if its process has slept since.
      const isKnown = ({ at, freezes, seen }: News) =>
        isTrueOf(seen) && (freezes < machine.freezes() || agenda.now() - at <= leaseMillis)
      promise(
        "a caller who gets no token is told the truth",
        tag === "TokenUnavailable" || isTrueOf(one.stored) || (one.heard.get(machine) ?? []).some(isKnown),
        () => `${machine.name} says ${tag} of ${name}`
      )
    },
    /** Counts what is still installed at the end. */
    finish: (): void => {
      for (const one of cases.values()) if (one.stored !== undefined) setStored(one, undefined)
    }
  }
}

export type Judge = ReturnType<typeof make>
