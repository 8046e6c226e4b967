/**
 * Rounds in which something does not answer for a while: a database whose network is silent, a process that is paused, a
 * file that another program has locked. Each round asserts what must hold, and returns what it counted.
 */
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import assert from "node:assert/strict"
import { holdLock } from "../utils/lockHolder.js"
import { brokenBots, type Requests, type TokenRequest, withProcesses, type WorkerProcess } from "../utils/processes.js"
import { makeSilentProxy, type Recovery, type Silence } from "../utils/silentProxy.js"
import type { Options as AskOptions, Settled } from "../utils/workers/askTask.js"
import type { Task } from "../utils/workers/tokenWorker.js"

const leaseMillis = 3000

/** Much longer than any call may take: a call waits for a lease at most twice. */
const longestWait = 5 * leaseMillis

const slack: SlackEmulator.Options = { accessTokenLifetime: 2 * leaseMillis, refreshGracePeriod: "10 minutes" }

const asking: AskOptions = { fibers: 4, leaseMillis, installs: false }

const ask = (options: AskOptions = asking): Task => ({ _tag: "Ask", options })

const tellAll = (workers: ReadonlyArray<WorkerProcess>, command: string) =>
  Effect.forEach(workers, ({ tell }) => tell(command), { concurrency: "unbounded" })

/** Stops the workers, and adds up their reports. */
const settle = (workers: ReadonlyArray<WorkerProcess>) =>
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

/** Waits until a process sends something, or for one lease. */
const nextOf = (requests: Requests, { name }: WorkerProcess) =>
  Effect.timeoutOption(requests.next(({ process }) => process === name), leaseMillis)

interface Pause {
  readonly process: string
  readonly from: number
  readonly to: number
}

/**
 * The grace rule: nobody sends a grant again that it has an answer to, or that another process may be waiting for. A
 * sender begins in the first half of its lease, and the next owner after the end of it.
 */
const judge = (sendings: ReadonlyArray<TokenRequest>, pauses: ReadonlyArray<Pause> = []) => {
  const counts = { again: 0, afterLease: 0, afterLostReply: 0, asleepBeforeSending: 0 }
  const wrong: Array<string> = []
  const lostReplies = new Set<string>()
  /** Whether the sender was paused between its last look at the clock and the arrival. That cannot be avoided. */
  const slept = ({ arrivedAt, at, process }: TokenRequest) =>
    pauses.some((pause) => pause.process === process && pause.from <= arrivedAt && pause.to >= at - 500)
  const last = new Map<string, TokenRequest>()
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

/** The end of all rounds: asserts what must hold, and returns the counts. */
const conclude = (
  sendings: ReadonlyArray<TokenRequest>,
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
 * more, just when the process has sent a refresh. Then all of them are silent at once, and then while they close.
 */
export const silences = (options: {
  readonly database: string
  readonly processes: number
  readonly credentials: number
  readonly silences: number
}) =>
  withProcesses(
    { database: options.database, workspaces: options.credentials, slack },
    ({ requests, start }) =>
      Effect.gen(function*() {
        // So a process has not committed yet when its network falls silent.
        yield* SlackEmulator.inject({ method: "oauth.v2.access", share: 1, fault: SlackEmulator.delay("50 millis") })
        const startedAt = performance.now()
        const members = yield* Effect.forEach(
          Array.from({ length: options.processes }).keys(),
          (index) =>
            Effect.gen(function*() {
              const url = new URL(options.database)
              const proxy = yield* makeSilentProxy({ host: url.hostname, port: Number(url.port || 5432) })
              url.hostname = "127.0.0.1"
              url.port = String(proxy.port)
              return { index, proxy, worker: yield* start(ask(), { database: String(url) }) }
            }),
          { concurrency: "unbounded" }
        )
        const workers = members.map(({ worker }) => worker)
        yield* tellAll(workers, "all")
        for (const worker of workers) yield* worker.go
        yield* Effect.sleep(1000)

        // The first process has a sound network. The second has none for longer than any call may take.
        let silences = 0
        const silence = ({ proxy, worker }: typeof members[number], how: Silence, millis: number, recovery: Recovery) =>
          Effect.gen(function*() {
            yield* nextOf(requests, worker)
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

        // Refreshes are running when the network falls silent and the managers close.
        silences += members.length
        yield* Effect.forEach(members, ({ proxy, worker }) =>
          Effect.gen(function*() {
            const sent = yield* Effect.fork(nextOf(requests, worker))
            yield* worker.tell("refresh")
            yield* sent
            proxy.fallSilent("both")
          }), { concurrency: "unbounded", discard: true })
        const closed = yield* tellAll(workers, "close")
        for (const { proxy } of members) proxy.recover("reset")

        const longestClose = Math.max(...closed.map((millis) => millis === "never" ? Infinity : millis))
        const counts = yield* conclude(requests.all, settled, {
          problems: longestClose < 2 * leaseMillis
            ? []
            : [`closing took ${longestClose} ms, with a lease of ${leaseMillis} ms`]
        })
        return { silences, ...counts, longestClose, milliseconds: Math.round(performance.now() - startedAt) }
      })
  )

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
}) =>
  withProcesses({
    database: options.database,
    workspaces: options.credentials,
    slack: { ...slack, refreshGracePeriod: options.graceMillis }
  }, ({ requests, startAll }) =>
    Effect.gen(function*() {
      // So an answer is often on its way when its process is paused.
      yield* SlackEmulator.inject({
        method: "oauth.v2.access",
        share: 1,
        fault: SlackEmulator.all(
          SlackEmulator.delay("50 millis"),
          SlackEmulator.afterStateChange(SlackEmulator.delay("100 millis"))
        )
      })
      const startedAt = performance.now()
      const workers = yield* startAll(options.processes, ask())
      yield* tellAll(workers, "all")
      for (const worker of workers) yield* worker.go
      yield* Effect.sleep(500)

      const paused: Array<Pause> = []
      yield* Effect.forEach(workers.slice(0, -1), (worker, index) =>
        Effect.gen(function*() {
          for (let round = 0; round < options.pauses; round++) {
            yield* nextOf(requests, worker)
            yield* Effect.sleep(Math.random() * 250)
            const from = Date.now()
            yield* worker.pause
            yield* Effect.sleep(leaseMillis * options.leases[(index + round) % options.leases.length]!)
            yield* worker.resume
            paused.push({ process: worker.name, from, to: Date.now() })
            yield* Effect.sleep(500)
          }
        }), { concurrency: "unbounded", discard: true })
      const settled = yield* settle(workers)
      yield* tellAll(workers, "close")

      yield* SlackEmulator.clearFaults
      const counts = yield* conclude(requests.all, settled, {
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
    }))

// -------------------------------------------------------------------------------------
// a file that another program has locked
// -------------------------------------------------------------------------------------

/** Another program has the write lock of a libsql file, again and again, for longer than any statement waits for it. */
export const foreignLocks = (options: {
  readonly database: string
  readonly processes: number
  readonly credentials: number
  readonly locks: number
}) =>
  withProcesses(
    { database: options.database, workspaces: options.credentials, slack },
    ({ requests, startAll }) =>
      Effect.gen(function*() {
        const busyTimeout = 4000
        const startedAt = performance.now()
        const workers = yield* startAll(options.processes, ask({ ...asking, installs: true, busyTimeout }))
        for (const worker of workers) yield* worker.go
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

        const counts = yield* conclude(requests.all, settled, {
          problems: settled.longestGap < 0.75 * busyTimeout
            ? []
            : [`the event loop stood still for ${settled.longestGap} ms`]
        })
        return { locks: options.locks, ...counts, milliseconds: Math.round(performance.now() - startedAt) }
      })
  )
