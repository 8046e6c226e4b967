/**
 * What the processes did to one credential, as the model of the refresh (`model/refresh.pml`) names its steps. A life is
 * cut into episodes: from one moment at which nobody does anything, and the stored refresh token is unused, to the next.
 */
import type { Machine } from "./machine.js"
import type { Pair } from "./slack.js"

/** The steps that can be seen, with their numbers in the model. */
export const steps = {
  readAlive: 1,
  readDead: 2,
  readAbsent: 3,
  readFails: 4,
  leaseTaken: 5,
  leaseHeld: 6,
  leaseMissing: 7,
  leaseFails: 8,
  leaseUntold: 9,
  released: 10,
  notHeld: 11,
  releaseFails: 12,
  releaseUntold: 13,
  send: 14,
  give: 15,
  refuse: 16,
  reject: 17,
  lose: 18,
  saved: 19,
  notSaved: 20,
  saveFails: 21,
  saveUntold: 22,
  marked: 23,
  notMarked: 24,
  markFails: 25,
  markUntold: 26,
  die: 27,
  installGives: 28,
  installed: 29,
  end: 30,
  removed: 31
} as const
export type Step = keyof typeof steps

/** The state between two steps, as far as a new episode may begin there. */
export interface Between {
  readonly generation: number
  /** The stored pair, if its credential is alive, and the pair is unused and the newest. */
  readonly pair: Pair | undefined
  /** Until when somebody has the lease, by the store's clock. */
  readonly leaseUntil: number
  readonly storeNow: number
}

export interface Event {
  readonly name: string
  readonly machine: Machine | undefined
  step: Step | "none"
  readonly about: number | Pair | undefined
  readonly holder: string | undefined
  readonly after: Between
  /** Whether the model does not know it: something that happened after its process had given up on it. */
  isOutside: boolean
  /** Whether its process stopped the call, because it took too long. */
  isGivenUp: boolean
}

/** What else is known of a step. */
export interface More {
  readonly holder?: string | undefined
  readonly isOutside?: boolean
  readonly isGivenUp?: boolean
}

/**
 * Adds an event to those before it. A deadline lets its caller go on, and only then stops the call that was late. So what
 * its process has done in the same instant comes after it.
 */
export const add = (events: Array<Event>, event: Event): void => {
  const isAfter = ({ after, machine }: Event) => machine === event.machine && after.storeNow === event.after.storeNow
  let place = events.length
  if (event.isGivenUp) { while (place > 0 && isAfter(events[place - 1]!)) place-- }
  events.splice(place, 0, event)
}

const isRead = ({ step }: Event) => step.startsWith("read")
const isLease = ({ step }: Event) => step.startsWith("lease")
const isSave = (step: Step) => /save/i.test(step)
const isMark = ({ step }: Event) => /mark/i.test(step)
const isRelease = ({ step }: Event) => step === "notHeld" || (step.startsWith("release") && step !== "readFails")

/** A rotation of one process: the places of its first and its last step. */
interface Rotation {
  readonly holder: string | undefined
  first: number
  last: number
}

/** Leaves out the reads of those who did nothing then, and finds the rotations. */
const rotationsOf = (events: ReadonlyArray<Event>) => {
  const kept = new Set<number>()
  const rotations: Array<Rotation> = []
  const machines = new Map<Machine, {
    rotation: Rotation | undefined
    /** A read that belongs to the rotation if the next step does. */
    read: number | undefined
    mustRead: boolean
    hasAnswer: boolean
    isRejected: boolean
    isReleased: boolean
    /** Those of its rotations that are over. One that could not store its pair at once may still do so. */
    readonly earlier: Set<string | undefined>
  }>()
  events.forEach((event, index) => {
    const { machine, step } = event
    if (machine === undefined || step === "none") {
      if (step !== "none") kept.add(index)
      return
    }
    const known = machines.get(machine) ?? {
      rotation: undefined,
      read: undefined,
      mustRead: false,
      hasAnswer: false,
      isRejected: false,
      isReleased: false,
      earlier: new Set()
    }
    machines.set(machine, known)
    // It has frozen after it went on, and before it stopped the call that was late.
    const isOfRotation = isRead(event) ? known.mustRead : isMark(event) || event.holder === known.rotation?.holder
    if (event.isGivenUp && known.isReleased && isOfRotation) event.isOutside = true
    const keep = (place: number) => {
      kept.add(place)
      if (known.rotation !== undefined) known.rotation.last = Math.max(known.rotation.last, place)
    }
    const keepRead = () => {
      if (known.read !== undefined) keep(known.read)
      known.read = undefined
    }
    if (isRead(event)) {
      known.read = known.mustRead ? undefined : index
      if (known.mustRead) keep(index)
      known.mustRead = false
      return
    }
    if (event.holder !== undefined && known.earlier.has(event.holder)) {
      if (isLease(event) || step === "released") keep(index)
      return
    }
    if (isLease(event)) {
      if (known.rotation?.holder !== event.holder) {
        known.earlier.add(known.rotation?.holder)
        known.rotation = { holder: event.holder, first: known.read ?? index, last: index }
        known.hasAnswer = false
        rotations.push(known.rotation)
        keepRead()
      }
      known.read = undefined
      known.mustRead = step === "leaseTaken" && !known.hasAnswer
    } else if (step === "die") {
      known.read = undefined
      if (known.rotation === undefined) return
    } else if (step === "give") known.hasAnswer = true
    else if (step === "lose") known.hasAnswer = false
    else if (known.isRejected && (step === "send" || isRelease(event))) keepRead()
    known.isRejected = step === "reject"
    // Two saves of one process may end with two releases. The second one changes nothing.
    if (isRelease(event) && known.isReleased && step !== "released") return
    known.isReleased = isRelease(event)
    keep(index)
  })
  return { kept, rotations }
}

/** The most processes and pairs of an episode that the model has room for. */
export const most = { processes: 4, pairs: 30 }

/** An episode in the model's numbers, a step in each line; `undefined` if the model has no room for it. */
const write = (events: ReadonlyArray<Event>, start: Between): string | undefined => {
  const places: Array<Machine> = []
  const pairs = new Map<Pair, number>([[start.pair!, 1]])
  const lines: Array<string> = []
  const placeOf = (machine: Machine): number => {
    const known = places.indexOf(machine)
    if (known >= 0) return known + 1
    const free = places.findIndex((other) => dead.has(other))
    if (free < 0) return places.push(machine)
    places[free] = machine
    return free + 1
  }
  const dead = new Set<Machine>()
  for (const { about, isOutside, machine, step } of events) {
    if (isOutside || step === "none") return undefined
    // The second save of a pair from before the episode.
    if (isSave(step) && about === start.pair) return undefined
    if (machine !== undefined && step === "die" && !places.includes(machine)) continue
    const who = machine === undefined ? 0 : placeOf(machine)
    if (machine !== undefined && step === "die") dead.add(machine)
    if (typeof about === "object" && !pairs.has(about)) {
      if (step !== "give" && step !== "installGives") return undefined
      pairs.set(about, pairs.size + 1)
    }
    const number = typeof about === "object"
      ? pairs.get(about)!
      : about === undefined || step === "readFails"
      ? 0
      : about - start.generation + 1
    lines.push(`${who} ${steps[step]} ${number}\n`)
  }
  return places.length > most.processes || pairs.size > most.pairs || lines.length > 4000 ? undefined : lines.join("")
}

/** The episodes of one credential. One that the model has no room for is `undefined`. */
export const episodesOf = (events: ReadonlyArray<Event>): ReadonlyArray<string | undefined> => {
  const { kept, rotations } = rotationsOf(events)
  /** How many rotations are under way after each event. */
  const underWay = Array.from({ length: events.length + 1 }, () => 0)
  for (const { first, last } of rotations) {
    underWay[first]!++
    underWay[last]!--
  }
  const episodes: Array<string | undefined> = []
  let start: Between | undefined
  let current: Array<Event> = []
  let open = 0
  events.forEach((event, index) => {
    open += underWay[index]!
    if (kept.has(index) || event.isOutside) current.push(event)
    const { after } = event
    const next = events[index + 1]
    const isQuiet = open === 0 && after.pair !== undefined &&
      (next === undefined || after.leaseUntil <= next.after.storeNow)
    if (!isQuiet) return
    if (start !== undefined && current.some(({ step }) => step === "send")) episodes.push(write(current, start))
    start = after
    current = []
  })
  return episodes
}
