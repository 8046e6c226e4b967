/** The traps that are set in a life, and the outages that go on. */
import type { Agenda } from "./agenda.js"
import type { Mishap, Operation, Point, SlackFault, StoreFault } from "./plan.js"

type Of<Do extends Mishap["do"]> = Extract<Mishap, { readonly do: Do }>

type Trap = Of<"store"> | Of<"slack"> | Of<"kill"> | Of<"freeze">
type Outage = Of<"store outage"> | Of<"slack outage">

interface Armed {
  readonly trap: Trap
  skip: number
  times: number
}

export interface Mishaps {
  readonly arm: (mishap: Trap) => void
  readonly begin: (outage: Outage) => void
  /** Nothing goes wrong any more. */
  readonly clear: () => void
  /** Whether something can go wrong. */
  readonly areLeft: () => boolean
  /** What hits a process at a point. */
  readonly ofProcess: (process: number, point: Point) => Of<"kill"> | Of<"freeze"> | undefined
  readonly ofStore: (
    process: number,
    operation: Operation
  ) => { readonly how: StoreFault; readonly millis: number } | undefined
  readonly ofSlack: (process: number) => { readonly how: SlackFault; readonly millis: number } | undefined
}

export const make = (agenda: Agenda): Mishaps => {
  let traps: Array<Armed> = []
  let outages: Array<{ readonly outage: Outage; readonly until: number }> = []

  /** The first trap that is sprung. */
  const spring = <T extends Trap>(process: number, isThis: (trap: Trap) => trap is T): T | undefined => {
    for (const armed of traps) {
      const { trap } = armed
      if (!isThis(trap) || (trap.process !== undefined && trap.process !== process)) continue
      if (armed.skip-- > 0) continue
      armed.skip = 0
      armed.times--
      if (armed.times === 0) traps = traps.filter((other) => other !== armed)
      return trap
    }
    return undefined
  }

  const outageOf = <O extends Outage>(isThis: (outage: Outage) => outage is O): O | undefined => {
    if (outages.length === 0) return undefined
    outages = outages.filter(({ until }) => agenda.now() < until)
    return outages.map(({ outage }) => outage).find(isThis)
  }

  return {
    arm: (trap) => void traps.push({ trap, skip: trap.skip, times: trap.times }),
    begin: (outage) => void outages.push({ outage, until: agenda.now() + outage.millis }),
    clear: () => {
      traps = []
      outages = []
    },
    areLeft: () => traps.length > 0 || outages.length > 0,
    ofProcess: (process, point) =>
      traps.length === 0
        ? undefined
        : spring(
          process,
          (trap): trap is Of<"kill"> | Of<"freeze"> => (trap.do === "kill" || trap.do === "freeze") && trap.at === point
        ),
    ofStore: (process, operation) => {
      const outage = outageOf((outage): outage is Of<"store outage"> =>
        outage.do === "store outage" && (outage.process === undefined || outage.process === process)
      )
      if (outage !== undefined) return { how: outage.how, millis: 0 }
      return spring(process, (trap): trap is Of<"store"> => trap.do === "store" && trap.operation === operation)
    },
    ofSlack: (process) => {
      const outage = outageOf((outage): outage is Of<"slack outage"> => outage.do === "slack outage")
      return outage ?? spring(process, (trap): trap is Of<"slack"> => trap.do === "slack")
    }
  }
}
