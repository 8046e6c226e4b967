/**
 * Rounds in which many processes use the same tokens: all at once, and with some of them killed. `npm test` runs small
 * ones, `npm run stress` large ones. Each round asserts what must hold, and returns what it counted.
 */
import * as Installation from "effect-slack-oauth/Installation"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import assert from "node:assert/strict"
import {
  brokenBots,
  chainsByWorkspace,
  storedBots,
  type TokenRequest,
  withProcesses,
  type WorkerProcess
} from "../utils/processes.js"
import type { Task } from "../utils/workers/tokenWorker.js"

// -------------------------------------------------------------------------------------
// all at once
// -------------------------------------------------------------------------------------

/** The same installation, with tokens that have expired. */
const withExpiredTokens = (installation: Installation.Installation): Installation.Installation => {
  const longAgo = DateTime.unsafeMake(Date.now() - 13 * 3_600_000)
  const justNow = DateTime.unsafeMake(Date.now() - 1000)
  const expired = ({ token }: Installation.Credential): Installation.Token => ({
    ...token,
    expiry: Option.map(
      token.expiry,
      ({ refreshToken }) => new TokenResponse.Expiry({ refreshToken, expiresAt: justNow })
    )
  })
  return Installation.withCredentials(
    installation,
    installation.credentials.map((credential) =>
      Installation.atGeneration(
        Installation.change(
          credential,
          Installation.Change.Renewed({ issuedAt: longAgo, token: expired(credential) })
        ),
        0
      )
    )
  )
}

/** Every process has many fibers that read every token, and all tokens have expired. */
export const allAtOnce = (options: {
  readonly database: string
  readonly processes: number
  readonly fibers: number
  readonly credentials: number
}) =>
  withProcesses(
    { database: options.database, workspaces: options.credentials, installed: withExpiredTokens },
    ({ installations, startAll }) =>
      Effect.gen(function*() {
        const workers = yield* startAll(options.processes, { _tag: "Read", fibers: options.fibers })
        const startedAt = performance.now()
        for (const worker of workers) yield* worker.go
        const results = yield* Effect.forEach(workers, ({ result }) => result, { concurrency: "unbounded" })
        const milliseconds = Math.round(performance.now() - startedAt)

        const refreshes = (yield* SlackEmulator.calls).filter(({ grantType }) => grantType === "refresh_token").length
        const reads = results.reduce((sum, result) => sum + result.reads, 0)
        const errors = results.flatMap((result) => result.errors)
        assert.deepEqual(errors, [])
        assert.equal(reads, options.processes * options.fibers * options.credentials)
        assert.equal(refreshes, options.credentials)
        const given = new Set(results.flatMap((result) => result.tokens.flatMap(([, tokens]: any) => tokens)))
        const expired = installations.map(({ bot }) => Redacted.value(Option.getOrThrow(bot).token.accessToken))
        for (const token of expired) assert.ok(!given.has(token), "no expired token is returned")
        const stored = (yield* storedBots).map(({ credential }) => Redacted.value(credential.token.accessToken))
        assert.deepEqual(new Set(stored), given)
        return {
          processes: options.processes,
          fibers: options.fibers,
          credentials: options.credentials,
          reads,
          refreshes,
          errors: errors.length,
          milliseconds
        }
      })
  )

// -------------------------------------------------------------------------------------
// kill -9
// -------------------------------------------------------------------------------------

const leaseMillis = 3000

const faults = [
  [SlackEmulator.cutAfterStateChange, 0.05],
  [SlackEmulator.cutInBody, 0.02],
  [SlackEmulator.rateLimited(), 0.03],
  [SlackEmulator.serverError(502), 0.03],
  [SlackEmulator.delay("300 millis"), 0.1]
] as const

/**
 * The grace rule: nobody sends a grant again that it has an answer to, or that another process may be waiting for. A
 * sender begins in the first half of its lease, and the next owner after the end of it.
 */
const judge = (requests: ReadonlyArray<TokenRequest>) => {
  const counts = { sent: requests.length, again: 0, afterLostReply: 0, afterRefusal: 0, afterLease: 0 }
  const last = new Map<string, TokenRequest>()
  for (const request of requests) {
    const before = last.get(request.grant)
    last.set(request.grant, request)
    if (before === undefined) continue
    counts.again++
    const gap = request.at - before.at
    assert.ok(!request.hadAnswer, `${request.process} sent again what it had an answer to`)
    if (gap >= 0.95 * leaseMillis / 2) counts.afterLease++
    else if (before.status === 429) counts.afterRefusal++
    else if (before.process === request.process) counts.afterLostReply++
    else assert.fail(`${request.process} sent again, after ${gap} ms, what ${before.process} had sent`)
  }
  return counts
}

/**
 * Processes refresh short-lived tokens while Slack and the store have faults, and are killed in the middle of a refresh,
 * again and again.
 */
export const kills = (options: {
  readonly database: string
  readonly rounds: number
  readonly processes: number
  readonly credentials: number
}) =>
  withProcesses({
    database: options.database,
    workspaces: options.credentials,
    // On a slow machine answers may be late for a while. Late answers are not what is tested here.
    slack: { accessTokenLifetime: "4 seconds", refreshGracePeriod: "10 minutes" }
  }, ({ requests, start, startAll }) =>
    Effect.gen(function*() {
      for (const [fault, share] of faults) {
        yield* SlackEmulator.inject({ method: "oauth.v2.access", fault, share })
      }
      const startedAt = performance.now()
      const churn: Task = { _tag: "Churn", fibers: 5, leaseMillis }
      const workers = new Map<string, WorkerProcess>()
      const starting: Array<Fiber.Fiber<unknown>> = []
      const add = (worker: WorkerProcess) => workers.set(worker.name, worker)
      for (const worker of yield* startAll(options.processes, churn)) add(worker)

      // In each round some process is killed a short time after it has sent a request.
      for (let round = 0; round < options.rounds; round++) {
        const next = requests.next(({ process }) => workers.has(process))
        for (let skip = Math.floor(Math.random() * 3); skip > 0; skip--) yield* next
        const worker = workers.get((yield* next).process)!
        yield* Effect.sleep(Math.random() * 60)
        workers.delete(worker.name)
        yield* worker.kill
        starting.push(yield* Effect.forkScoped(Effect.map(start(churn), add)))
      }
      yield* Fiber.joinAll(starting)
      yield* Effect.forEach(workers.values(), ({ kill }) => kill)
      const milliseconds = Math.round(performance.now() - startedAt)

      // Afterwards each chain can be refreshed, and the store has what Slack takes.
      yield* SlackEmulator.clearFaults
      const sent = requests.all.slice()
      yield* Effect.sleep(leaseMillis)
      assert.deepEqual(yield* brokenBots(leaseMillis), [])

      const counts = judge(sent)
      const replays = yield* SlackEmulator.replays
      const refused = replays.filter(({ honoured }) => !honoured).length
      assert.equal(refused, 0)
      const refreshes = (yield* SlackEmulator.calls)
        .filter(({ grantType, result }) => grantType === "refresh_token" && result === "ok").length
      return {
        kills: options.rounds,
        refreshes,
        ...counts,
        replaysInGrace: replays.length,
        replaysRefused: refused,
        chainsLost: 0,
        milliseconds
      }
    }))

// -------------------------------------------------------------------------------------
// a migration that is killed
// -------------------------------------------------------------------------------------

/** The most requests in a minute. */
const mostInAMinute = (requests: ReadonlyArray<TokenRequest>): number => {
  const times = requests.map(({ at }) => at)
  let most = 0
  for (let from = 0, to = 0; from < times.length; from++) {
    while (to < times.length && times[to]! < times[from]! + 60_000) to++
    most = Math.max(most, to - from)
  }
  return most
}

/** A migration is killed in the middle, and run again. */
export const killedMigration = (options: {
  readonly database: string
  readonly credentials: number
  readonly ratePerMinute: number
  readonly leaseMillis: number
}) =>
  withProcesses({
    database: options.database,
    workspaces: options.credentials,
    slack: { apps: [{ rotation: false }] }
  }, ({ requests, start }) =>
    Effect.gen(function*() {
      yield* SlackEmulator.enableRotation()
      const { leaseMillis, ratePerMinute } = options
      const migrate: Task = { _tag: "Migrate", ratePerMinute, leaseMillis }

      const startedAt = performance.now()
      const first = yield* start(migrate)
      while (requests.all.length < Math.floor(options.credentials / 2)) yield* requests.next()
      yield* first.kill
      const before = (yield* storedBots).filter(({ credential }) => Option.isSome(credential.token.expiry)).length
      // The leases of the killed process have to end.
      yield* Effect.sleep(leaseMillis + 1000)
      const report = yield* Effect.flatMap(start(migrate), ({ result }) => result)
      const milliseconds = Math.round(performance.now() - startedAt)

      const calls = (yield* SlackEmulator.calls).filter(({ method }) => method === "oauth.v2.exchange")
      const exchanged = calls.filter(({ result }) => result === "ok").length
      assert.equal(exchanged, options.credentials, "each token is exchanged once")
      assert.equal(report.exchanged + report.alreadyExchanged + before, options.credentials)
      assert.equal(report.failed + report.dead + report.skipped, 0)
      assert.ok(report.alreadyExchanged <= 16, "no more are in doubt than were under way")

      const chains = yield* chainsByWorkspace
      for (const { credential, team } of yield* storedBots) {
        const token = Redacted.value(credential.token.accessToken)
        assert.ok(
          chains.get(team)!.liveAccessTokens.some((other) => Redacted.value(other) === token),
          `${team}: Slack does not take what is stored`
        )
      }
      const most = mostInAMinute(requests.all)
      assert.ok(most <= ratePerMinute, `${most} calls in a minute`)
      return {
        credentials: options.credentials,
        exchangedBeforeTheKill: before,
        exchangedAfter: report.exchanged,
        leftAsTheyAre: report.alreadyExchanged,
        lost: 0,
        mostInAMinute: most,
        budget: ratePerMinute,
        milliseconds
      }
    }))
