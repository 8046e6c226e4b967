/**
 * Rounds in which nothing fails outright, and something does not answer: a database whose network is silent, a process
 * that is paused, a file that somebody else has locked. Each returns what it counted; what must hold is asserted inside.
 */
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import assert from "node:assert/strict"
import { holdLock } from "../utils/lockHolder.js"
import {
  brokenBots,
  bundledWorker,
  installAll,
  type Sending,
  serving,
  settingsFor,
  start,
  storeOf,
  teamsOf,
  type Worker
} from "../utils/processes.js"
import { makeSilentProxy, type Recovery, type Silence } from "../utils/silentProxy.js"
import type { Options as AskOptions, Settled } from "../utils/workers/askTask.js"
import type { Settings, Task } from "../utils/workers/tokenWorker.js"

const leaseMillis = 3000

/** Far more than any call may take, whatever is silent: it waits for a lease at most twice. */
const longestWait = 5 * leaseMillis

const slack = (teams: ReadonlyArray<string>): SlackEmulator.Options => ({
  workspaces: teams.map((id) => ({ id })),
  accessTokenLifetime: 2 * leaseMillis,
  refreshGracePeriod: "10 minutes"
})

const asking: AskOptions = { fibers: 4, leaseMillis, installs: false }

// -------------------------------------------------------------------------------------
// processes
// -------------------------------------------------------------------------------------

/** A worker that is ready, and gone when the scope closes. */
const running = (settings: Settings, task: Task) =>
  Effect.flatMap(bundledWorker, (script) =>
    Effect.tap(
      Effect.acquireRelease(
        Effect.sync(() => start(script, settings, task)),
        (worker) =>
          Effect.promise(() => {
            worker.child.kill("SIGKILL")
            return worker.result
          })
      ),
      ({ ready }) => Effect.promise(() => ready)
    ))

const tell = (worker: Worker, command: string) => Effect.promise(() => worker.tell(command))

const tellAll = (workers: ReadonlyArray<Worker>, command: string) =>
  Effect.forEach(workers, (worker) => tell(worker, command), { concurrency: "unbounded" })

/** Lets them stop, and looks at what they have seen. */
const settle = (workers: ReadonlyArray<Worker>) =>
  Effect.map(tellAll(workers, "settle"), (answers) => {
    const settled: ReadonlyArray<Settled> = answers
    const sum = (count: Exclude<keyof Settled, "wrong" | "dead">) => settled.reduce((sum, { [count]: n }) => sum + n, 0)
    const most = (count: "longestWait" | "longestGap") => Math.max(...settled.map(({ [count]: n }) => n))
    return {
      asks: sum("asks"),
      unavailable: sum("unavailable"),
      reauthorization: sum("reauthorization"),
      saves: sum("saves"),
      removes: sum("removes"),
      storeErrors: sum("storeErrors"),
      hanging: sum("hanging"),
      longestWait: most("longestWait"),
      longestGap: most("longestGap"),
      wrong: settled.flatMap(({ wrong }) => wrong),
      dead: settled.flatMap(({ dead }) => dead)
    }
  })

/** What Slack is sent, in the order in which it arrives. */
const makeSendings = () => {
  const all: Array<Sending> = []
  const waiting = new Map<string, () => void>()
  return {
    all,
    add: (sending: Sending) => {
      all.push(sending)
      waiting.get(sending.process)?.()
    },
    /** Waits until a process sends something. */
    next: ({ name }: Worker) =>
      Effect.timeoutOption(
        Effect.async<void>((resume) => {
          waiting.set(name, () => {
            waiting.delete(name)
            resume(Effect.void)
          })
        }),
        leaseMillis
      )
  }
}

interface Pause {
  readonly process: string
  readonly from: number
  readonly to: number
}

/**
 * The grace rule: nobody sends again what it has an answer to, or what another may be waiting for. A sender begins in
 * the first half of its lease, and the next owner after the end of it.
 */
const judge = (sendings: ReadonlyArray<Sending>, pauses: ReadonlyArray<Pause> = []) => {
  const counts = { again: 0, afterLease: 0, afterLostReply: 0, asleepBeforeSending: 0 }
  const wrong: Array<string> = []
  const lostReplies = new Set<string>()
  /** Whether the sender was paused between its last look at the clock and the arrival. That cannot be avoided. */
  const slept = ({ arrivedAt, at, process }: Sending) =>
    pauses.some((pause) => pause.process === process && pause.from <= arrivedAt && pause.to >= at - 500)
  const last = new Map<string, Sending>()
  for (const sending of sendings) {
    const before = last.get(sending.grant)
    last.set(sending.grant, sending)
    if (before === undefined) continue
    counts.again++
    const gap = sending.at - before.at
    // A sender waits for a third of its lease. On a busy machine the rest of that passes before it reads.
    const isAnswered = before.answeredAt !== undefined && before.answeredAt - before.at < leaseMillis / 6
    if (sending.hadAnswer) wrong.push(`${sending.process} sent again what it had an answer to`)
    else if (before.process === sending.process && isAnswered) {
      wrong.push(`${sending.process} sent again, after ${gap} ms, though the answer was there`)
    } else if (before.process === sending.process) {
      counts.afterLostReply++
      lostReplies.add(sending.grant)
    } else if (gap >= 0.95 * leaseMillis / 2) counts.afterLease++
    else if (slept(sending) || slept(before)) counts.asleepBeforeSending++
    else wrong.push(`${sending.process} sent again, after ${gap} ms, what ${before.process} had sent`)
  }
  return { counts, wrong, lostReplies }
}

/** What all rounds end with. */
const conclude = (
  sendings: ReadonlyArray<Sending>,
  { dead, wrong, ...settled }: Effect.Effect.Success<ReturnType<typeof settle>>,
  options: {
    readonly pauses?: ReadonlyArray<Pause>
    readonly problems?: ReadonlyArray<string>
    /** Far more than any call may take. */
    readonly longestWait?: number
    /** Whether a credential may look dead for a while: Slack has refused a token that another process has spent. */
    readonly mayLookDead?: boolean
  } = {}
) =>
  Effect.gen(function*() {
    const sent = judge(sendings.slice(), options.pauses)
    const replays = yield* SlackEmulator.replays
    const refreshes = (yield* SlackEmulator.calls)
      .filter(({ grantType, result }) => grantType === "refresh_token" && result === "ok").length
    yield* Effect.sleep(leaseMillis)
    const broken = yield* brokenBots(leaseMillis)
    // Without a grace period one lost answer is enough to lose a chain, and a busy machine loses answers.
    const lost = broken.filter(({ grant }) => !sent.lostReplies.has(grant))
    const counts = {
      refreshes,
      ...settled,
      ...sent.counts,
      replaysHonoured: replays.filter(({ honoured }) => honoured).length,
      replaysRefused: replays.filter(({ honoured }) => !honoured).length,
      chainsLost: lost.length,
      chainsLostWithAnAnswer: broken.length - lost.length
    }
    const all = [
      ...options.problems ?? [],
      ...wrong,
      ...sent.wrong,
      ...lost.map(({ problem, team }) => `${team}: ${problem}`),
      ...new Set(
        dead.filter((team) => !broken.some((other) => other.team === team)).map((team) =>
          `${team}: dead for a process, though its chain works`
        )
      )
    ]
    if (settled.reauthorization > 0 && options.mayLookDead !== true) all.push("a credential looked dead")
    if (settled.hanging > 0) all.push(`${settled.hanging} calls never end`)
    if (settled.longestWait > (options.longestWait ?? longestWait)) all.push(`a call took ${settled.longestWait} ms`)
    if (all.length > 0) assert.fail(`${all.slice(0, 20).join("\n")}\n${JSON.stringify(counts)}`)
    return counts
  })

// -------------------------------------------------------------------------------------
// a network that is silent
// -------------------------------------------------------------------------------------

const kinds: ReadonlyArray<readonly [Silence, Recovery]> = [
  ["both", "deliver"],
  ["answers", "deliver"],
  ["both", "reset"],
  ["answers", "reset"]
]

/**
 * Each process reaches Postgres through a network that falls silent again and again, for less than a lease and for
 * more, just when the process has sent a refresh; then all of them at once; then while they close.
 */
export const silences = (options: {
  readonly database: string
  readonly processes: number
  readonly credentials: number
  readonly silences: number
}) => {
  const teams = teamsOf(options.credentials)
  const sendings = makeSendings()
  return Effect.gen(function*() {
    yield* installAll(teams)
    // A process has not committed yet when its network falls silent.
    yield* SlackEmulator.inject({ method: "oauth.v2.access", share: 1, fault: SlackEmulator.delay("50 millis") })
    const settings = yield* settingsFor(options.database, teams)
    const startedAt = performance.now()
    const members = yield* Effect.forEach(
      Array.from({ length: options.processes }).keys(),
      (index) =>
        Effect.gen(function*() {
          const url = new URL(options.database)
          const proxy = yield* makeSilentProxy({ host: url.hostname, port: Number(url.port || 5432) })
          url.hostname = "127.0.0.1"
          url.port = String(proxy.port)
          const worker = yield* running(
            { ...settings(`process ${index}`), database: String(url) },
            { _tag: "Ask", options: asking }
          )
          return { index, proxy, worker }
        }),
      { concurrency: "unbounded" }
    )
    const workers = members.map(({ worker }) => worker)
    yield* tellAll(workers, "all")
    for (const worker of workers) worker.go()
    yield* Effect.sleep(1000)

    // One process has a sound network, and one has none for longer than anybody may wait.
    let silences = 0
    const silence = ({ proxy, worker }: typeof members[number], how: Silence, millis: number, recovery: Recovery) =>
      Effect.gen(function*() {
        yield* sendings.next(worker)
        silences++
        proxy.fallSilent(how)
        yield* Effect.sleep(millis)
        proxy.recover(recovery)
      })
    const [, long, ...others] = members
    yield* Effect.all([
      silence(long!, "both", 1.2 * longestWait, "reset"),
      ...others.map((member) =>
        Effect.gen(function*() {
          for (let round = 0; round < options.silences; round++) {
            const [how, recovery] = kinds[(member.index + round) % kinds.length]!
            yield* silence(member, how, leaseMillis * (round % 2 === 0 ? 1.4 : 0.5), recovery)
            yield* Effect.sleep(500)
          }
        })
      )
    ], { concurrency: "unbounded", discard: true })

    silences += members.length
    for (const { proxy } of members) proxy.fallSilent("both")
    yield* Effect.sleep(2 * leaseMillis)
    for (const { index, proxy } of members) proxy.recover(index % 2 === 0 ? "deliver" : "reset")
    const settled = yield* settle(workers)

    // Refreshes are under way when the network is gone and the managers close.
    silences += members.length
    yield* Effect.forEach(members, ({ proxy, worker }) =>
      Effect.gen(function*() {
        const sent = yield* Effect.fork(sendings.next(worker))
        yield* tell(worker, "refresh")
        yield* sent
        proxy.fallSilent("both")
      }), { concurrency: "unbounded", discard: true })
    const closed = yield* tellAll(workers, "close")
    for (const { proxy } of members) proxy.recover("reset")

    const longestClose = Math.max(...closed.map((millis) => millis === "never" ? Infinity : millis))
    const counts = yield* conclude(sendings.all, settled, {
      problems: longestClose < 2 * leaseMillis
        ? []
        : [`closing took ${longestClose} ms, with a lease of ${leaseMillis} ms`]
    })
    return { silences, ...counts, longestClose, milliseconds: Math.round(performance.now() - startedAt) }
  }).pipe(
    Effect.scoped,
    Effect.provide(storeOf(options.database)),
    Effect.provide(serving(slack(teams), sendings.add))
  )
}

// -------------------------------------------------------------------------------------
// processes that are paused
// -------------------------------------------------------------------------------------

/** Processes are paused in the middle of refreshes, as when a laptop sleeps or a virtual machine moves. */
export const pauses = (options: {
  readonly database: string
  readonly processes: number
  readonly credentials: number
  /** For each process but one. */
  readonly pauses: number
  /** How long the pauses are, in leases, one after the other. */
  readonly leases: ReadonlyArray<number>
  readonly graceMillis: number
}) => {
  const teams = teamsOf(options.credentials)
  const sendings = makeSendings()
  return Effect.gen(function*() {
    yield* installAll(teams)
    // An answer is often under way when its process is paused.
    yield* SlackEmulator.inject({
      method: "oauth.v2.access",
      share: 1,
      fault: SlackEmulator.all(
        SlackEmulator.delay("50 millis"),
        SlackEmulator.afterStateChange(SlackEmulator.delay("100 millis"))
      )
    })
    const settings = yield* settingsFor(options.database, teams)
    const startedAt = performance.now()
    const workers = yield* Effect.forEach(
      Array.from({ length: options.processes }).keys(),
      (index) => running(settings(`process ${index}`), { _tag: "Ask", options: asking }),
      { concurrency: "unbounded" }
    )
    yield* tellAll(workers, "all")
    for (const worker of workers) worker.go()
    yield* Effect.sleep(500)

    const paused: Array<Pause> = []
    yield* Effect.forEach(workers.slice(0, -1), (worker, index) =>
      Effect.gen(function*() {
        for (let round = 0; round < options.pauses; round++) {
          yield* sendings.next(worker)
          yield* Effect.sleep(Math.random() * 250)
          const from = Date.now()
          worker.child.kill("SIGSTOP")
          yield* Effect.sleep(leaseMillis * options.leases[(index + round) % options.leases.length]!)
          worker.child.kill("SIGCONT")
          paused.push({ process: worker.name, from, to: Date.now() })
          yield* Effect.sleep(500)
        }
      }), { concurrency: "unbounded", discard: true })
    const settled = yield* settle(workers)
    yield* tellAll(workers, "close")

    yield* SlackEmulator.clearFaults
    const counts = yield* conclude(sendings.all, settled, {
      pauses: paused,
      // A process that is paused waits that much longer.
      longestWait: longestWait + options.pauses * leaseMillis * Math.max(...options.leases),
      mayLookDead: options.graceMillis < leaseMillis
    })
    return {
      pauses: paused.length,
      grace: options.graceMillis,
      ...counts,
      milliseconds: Math.round(performance.now() - startedAt)
    }
  }).pipe(
    Effect.scoped,
    Effect.provide(storeOf(options.database)),
    Effect.provide(serving({ ...slack(teams), refreshGracePeriod: options.graceMillis }, sendings.add))
  )
}

// -------------------------------------------------------------------------------------
// a file that somebody else has locked
// -------------------------------------------------------------------------------------

/** Another process has the write lock of a libsql file, again and again, for longer than anybody waits for it. */
export const foreignLocks = (options: {
  readonly database: string
  readonly processes: number
  readonly credentials: number
  readonly locks: number
}) => {
  const busyTimeout = 4000
  const teams = teamsOf(options.credentials)
  const sendings = makeSendings()
  return Effect.gen(function*() {
    yield* installAll(teams)
    const settings = yield* settingsFor(options.database, teams)
    const startedAt = performance.now()
    const workers = yield* Effect.forEach(
      Array.from({ length: options.processes }).keys(),
      (index) =>
        running(settings(`process ${index}`), { _tag: "Ask", options: { ...asking, installs: true, busyTimeout } }),
      { concurrency: "unbounded" }
    )
    for (const worker of workers) worker.go()
    yield* Effect.sleep(1500)
    for (let lock = 0; lock < options.locks; lock++) {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* holdLock(options.database)
        // Now they also ask for credentials that they have never read.
        if (lock === 0) yield* tellAll(workers, "all")
        yield* Effect.sleep(busyTimeout + 1000)
      }))
      yield* Effect.sleep(1000)
    }
    const settled = yield* settle(workers)
    yield* tellAll(workers, "close")

    const counts = yield* conclude(sendings.all, settled, {
      problems: settled.longestGap < 0.75 * busyTimeout
        ? []
        : [`the event loop stood still for ${settled.longestGap} ms`]
    })
    return { locks: options.locks, ...counts, milliseconds: Math.round(performance.now() - startedAt) }
  }).pipe(
    Effect.scoped,
    Effect.provide(storeOf(options.database)),
    Effect.provide(serving(slack(teams), sendings.add))
  )
}
