/** One life of a fleet, from its installs to the time when the dust has settled. */
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Programs from "../utils/effect/programs.js"
import * as Agenda from "./agenda.js"
import * as Dice from "./dice.js"
import * as Judge from "./judge.js"
import * as Machine from "./machine.js"
import * as Mishaps from "./mishaps.js"
import { day, hour, minute, type Mishap, nameOf, type Plan, type Storm } from "./plan.js"
import * as Process from "./process.js"
import * as Slack from "./slack.js"
import * as Trace from "./trace.js"

/** One line of a log. */
export interface Line {
  readonly at: number
  readonly text: string
}

export interface Life {
  readonly log: ReadonlyArray<Line>
  readonly counts: Judge.Counts
  /** The first promise that was broken. */
  readonly violation: Judge.Violation | undefined
  /** What was done to each credential, for the model. */
  readonly episodes: ReadonlyArray<string | undefined>
  readonly startedAt: number
  readonly endedAt: number
}

const birth = Date.UTC(2026, 0, 1)

const memoryStore = (): InstallationStore.Service =>
  Effect.runSync(Effect.scoped(
    Effect.map(Layer.build(InstallationStore.layerMemory), Context.get(InstallationStore.InstallationStore))
  ))

/** A time as `3d 04:05:06.789` of a life. */
const timeOf = (at: number): string => {
  const millis = Math.round(at - birth)
  return `${Math.floor(millis / day)}d ${new Date(millis % day).toISOString().slice(11, 23)}`
}

export const render = (log: ReadonlyArray<Line>): string =>
  log.map(({ at, text }) => `${timeOf(at)}  ${text}\n`).join("")

/** A step that is not noted. */
const unnoted: Trace.Event = {
  name: "",
  machine: undefined,
  step: "none",
  about: undefined,
  holder: undefined,
  after: { generation: 0, pair: undefined, leaseUntil: 0, storeNow: 0 },
  isOutside: true,
  isGivenUp: false
}

/**
 * Lives a plan. With `isTraced`, what was done to each credential is noted for the model. Without `isLogged` there is no log,
 * and everything else is the same.
 */
export const live = (plan: Plan, { isLogged = true, isTraced = false } = {}): Life => {
  const agenda = Agenda.make(birth)
  const lines: Array<Line> = []
  const log = isLogged ? (text: string) => void lines.push({ at: agenda.now(), text }) : () => {}
  let violation: Judge.Violation | undefined
  const slack = Slack.make(agenda, plan.grace)
  const storeNow = () =>
    Math.floor(agenda.now() + plan.storeClock.ahead + (agenda.now() - birth) * plan.storeClock.drift / 1e6)
  const runInStore = Programs.runnerAt(Programs.clockOf({
    millis: storeNow,
    nanos: () => BigInt(storeNow()) * 1_000_000n,
    sleep: () => Effect.never
  }))
  const store = memoryStore()
  const judge = Judge.make({
    agenda,
    slack,
    storeNow,
    log,
    fail: (found) => {
      violation ??= found
      log(`BROKEN: ${found.rule} (${found.detail})`)
    }
  }, plan)
  const mishaps = Mishaps.make(agenda)
  const traces = new Map(plan.credentials.map((credential) => [nameOf(credential), [] as Array<Trace.Event>]))
  const dice = Dice.make(plan.seed, "life")
  const world: Process.World = {
    agenda,
    plan,
    slack,
    store,
    runInStore,
    judge,
    mishaps,
    latencies: Dice.make(plan.seed, "latencies"),
    isBusy: () => agenda.now() < busyUntil,
    log,
    note: (name, machine, step, about, more) => {
      if (!isTraced) return { ...unnoted }
      const { lease, stored } = judge.caseOf(name)
      const isQuiet = stored !== undefined && !stored.isDead && stored.pair.spentAt === undefined &&
        slack.works(stored.pair) && stored.pair.number === stored.pair.chain.issued
      const event: Trace.Event = {
        name,
        machine,
        step,
        about,
        holder: more?.holder,
        isOutside: more?.isOutside === true,
        isGivenUp: more?.isGivenUp === true,
        after: {
          generation: stored?.generation ?? 0,
          pair: isQuiet ? stored.pair : undefined,
          leaseUntil: lease?.until ?? 0,
          storeNow: storeNow()
        }
      }
      Trace.add(traces.get(name)!, event)
      return event
    }
  }

  const later = (millis: number, act: () => void) => void agenda.at(agenda.now() + millis, act)
  const run = (until: number) => {
    while (violation === undefined && agenda.step(until)) { /* one step */ }
  }

  // ---- the fleet

  let born = 0
  const end = birth + plan.days * day
  let busyUntil = birth
  const bear = (slot: number): Process.Process => {
    const onDeath = (machine: Machine.Machine) => {
      judge.onDeath(machine)
      for (const name of traces.keys()) world.note(name, machine, "die")
      later(dice.between(1_000, 60_000), () => {
        if (fleet[slot]!.machine === machine) fleet[slot] = bear(slot)
      })
    }
    const machine = Machine.make(`process ${++born}`, agenda, plan.clocks[slot]!, {
      log,
      onCaughtUp: judge.onCaughtUp,
      onDeath
    })
    log(`${machine.name} starts in place ${slot}`)
    return Process.make(world, slot, machine)
  }
  const fleet = plan.clocks.map((_, slot) => bear(slot))

  const subjectsOf = (workspace: string) =>
    plan.credentials.filter((credential) => credential.workspace === workspace).map(({ subject }) => subject)
  const reloads = Dice.make(plan.seed, "reloads")
  const install = (slot: number, workspace: string) => {
    log(`somebody installs the app in ${workspace}`)
    const isReloaded = agenda.now() < end && reloads.chance(0.3)
    const reloadAfter = isReloaded ? reloads.between(1000, 5 * minute) : undefined
    fleet[slot]!.install(workspace, subjectsOf(workspace), reloadAfter)
  }

  /** Slack's event reaches the store. */
  const remove = (workspace: string, eventTime: number) => {
    const removal = store.remove(Installation.workspace(Slack.appId, workspace), {
      installedBefore: DateTime.unsafeMake(Math.floor(eventTime))
    })
    const result = runInStore(removal)
    if (result._tag === "Success" && result.value) {
      log(`${workspace} is removed from the store`)
      for (const subject of subjectsOf(workspace)) {
        judge.onRemoved(`${workspace} ${subject}`)
        world.note(`${workspace} ${subject}`, undefined, "removed")
      }
    }
  }

  const close = (slot: number) => {
    const { machine } = fleet[slot]!
    let isDone = false
    fleet[slot]!.close(() => {
      isDone = true
      judge.onSettled(machine)
      machine.kill()
    })
    later(minute, () => {
      if (!isDone) machine.kill()
    })
  }

  // ---- storms

  const befall = (mishap: Mishap, { credential }: Storm) => {
    const { workspace } = plan.credentials[credential]!
    const after = "after" in mishap ? mishap.after : 0
    switch (mishap.do) {
      case "store":
      case "slack":
      case "kill":
      case "freeze":
        return mishaps.arm(mishap)
      case "store outage":
      case "slack outage":
        return later(after, () => {
          log(`${mishap.do}: ${mishap.how}, for ${mishap.millis} ms`)
          mishaps.begin(mishap)
        })
      case "close":
        return later(after, () => close(mishap.process))
      case "set clock":
        return later(after, () => fleet[mishap.process]!.machine.setClock(mishap.by))
      case "install":
        return later(after, () => install(mishap.process, workspace))
      case "uninstall":
      case "revoke":
        return later(after, () => {
          const at = storeNow()
          log(mishap.do === "uninstall" ? `the app is uninstalled in ${workspace}` : `Slack revokes ${workspace}`)
          slack.end(workspace, mishap.do === "uninstall" ? "uninstalled" : "revoked")
          for (const subject of subjectsOf(workspace)) world.note(`${workspace} ${subject}`, undefined, "end")
          later(mishap.eventAfter, () => remove(workspace, at))
        })
    }
  }

  const visit = ({ credential, visits }: Storm, index: number) => {
    const { do: what, interruptedAfter, process } = visits[index]!
    const one = plan.credentials[credential]!
    const visited = fleet[process]!
    if (what === "refuse") return visited.refuse(one)
    if (what === "refresh") return visited.refresh(one, () => {})
    visited.read(one, interruptedAfter, () => {})
  }

  const begin = (storm: Storm) => {
    if (agenda.now() >= end) return
    log(`a storm begins over ${nameOf(plan.credentials[storm.credential]!)}`)
    busyUntil = agenda.now() + 20 * minute
    for (const mishap of storm.mishaps) {
      if ("millis" in mishap) busyUntil = Math.max(busyUntil, agenda.now() + mishap.millis + 5 * minute)
      befall(mishap, storm)
    }
    storm.visits.forEach(({ after }, index) => later(after, () => visit(storm, index)))
  }

  for (const storm of plan.storms) {
    agenda.at(birth + storm.at, () => {
      const pair = judge.caseOf(nameOf(plan.credentials[storm.credential]!)).stored?.pair
      later(
        pair === undefined ? 0 : Math.max(0, pair.expiresAt - storm.beforeExpiry - agenda.now()),
        () => begin(storm)
      )
    })
  }

  // ---- the days

  const readSometime = (slot: number, index: number) => {
    later(-Math.log(1 - dice.next()) * plan.readEvery * hour, () => {
      fleet[slot]!.read(plan.credentials[index]!, undefined, () => {})
      readSometime(slot, index)
    })
  }
  /** Somebody needs a token in the hours around its expiry. */
  const tend = (index: number) => {
    const name = nameOf(plan.credentials[index]!)
    const expiresAt = judge.isWorking(name) ? judge.caseOf(name).stored!.pair.expiresAt : 0
    const before = dice.chance(0.1) ? -dice.between(0, 2 * hour) : dice.between(5 * minute, 83 * minute)
    later(Math.max(expiresAt - before - agenda.now(), 10 * minute), () => {
      fleet[dice.between(0, fleet.length - 1)]!.read(plan.credentials[index]!, undefined, () => {})
      later(dice.between(minute, 4 * hour), () => tend(index))
    })
  }
  plan.credentials.forEach((_, index) => tend(index))
  /** Who sees that the app does not work in a workspace installs it again. */
  const keepInstalled = (workspace: string, after: number) => {
    later(after, () => {
      const isWorking = subjectsOf(workspace).every((subject) => judge.isWorking(`${workspace} ${subject}`))
      if (!isWorking) install(dice.between(0, fleet.length - 1), workspace)
      keepInstalled(workspace, dice.between(1, 4 * hour))
    })
  }
  for (const workspace of new Set(plan.credentials.map(({ workspace }) => workspace))) {
    keepInstalled(workspace, dice.between(0, 6 * hour))
  }
  fleet.forEach((_, slot) => plan.credentials.forEach((_, index) => readSometime(slot, index)))
  run(end)

  // ---- the dust settles

  if (violation === undefined) {
    log("nothing goes wrong any more")
    mishaps.clear()
    busyUntil = birth
    for (const { machine } of fleet) machine.wake()
    run(agenda.now() + 15 * minute)
  }
  if (violation === undefined) settle({ agenda, bear, fleet, judge, plan, run, fail: (found) => (violation ??= found) })
  judge.finish()
  // Where refreshes are not shared, several rotations of one process may be under way.
  const episodes = isTraced && plan.isShared ? Array.from(traces.values()).flatMap(Trace.episodesOf) : []
  return { log: lines, counts: judge.counts, violation, episodes, startedAt: birth, endedAt: agenda.now() }
}

/** Everything is saved, and whoever asks gets a token that Slack takes. */
const settle = ({ agenda, bear, fail, fleet, judge, plan, run }: {
  readonly agenda: Agenda.Agenda
  readonly plan: Plan
  readonly judge: Judge.Judge
  readonly fleet: ReadonlyArray<Process.Process>
  readonly bear: (slot: number) => Process.Process
  readonly run: (until: number) => void
  readonly fail: (violation: Judge.Violation) => void
}): void => {
  // Without shared refreshes, nothing runs in the background: it takes a caller to save a token.
  if (!plan.isShared) {
    for (const { read } of fleet) for (const credential of plan.credentials) read(credential, undefined, () => {})
    run(agenda.now() + 5 * minute)
  }
  for (const { machine, unsaved, waiting } of fleet) {
    if (machine.isDead()) continue
    if (waiting() > 0) fail({ rule: "every caller gets an answer", detail: `${waiting()} wait for ${machine.name}` })
    unsaved((count) => {
      if (count > 0) fail({ rule: "every token is saved in the end", detail: `${machine.name} has ${count}` })
    })
    judge.onSettled(machine)
  }
  const fresh = bear(0)
  for (const credential of plan.credentials) {
    const { lost, stored } = judge.caseOf(nameOf(credential))
    if (stored === undefined || stored.isDead || stored.pair.chain.end !== undefined || lost !== undefined) continue
    const name = nameOf(credential)
    let how = "nothing"
    fresh.read(credential, undefined, () => fresh.refresh(credential, (result) => (how = result)))
    run(agenda.now() + 5 * minute)
    const after = judge.caseOf(name)
    if (how !== "Renewed" && after.lost === undefined) {
      fail({ rule: "a chain that is not lost can be refreshed", detail: `${name}: ${how}` })
    }
  }
}
