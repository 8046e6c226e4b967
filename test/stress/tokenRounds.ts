/**
 * Rounds with many processes and one emulator, which is served over HTTP here: the same ones in `npm test`, small, and
 * in `npm run stress`, large. Each returns what it counted; what must hold is asserted inside.
 */
import * as Installation from "effect-slack-oauth/Installation"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import assert from "node:assert/strict"
import {
  brokenBots,
  bundledWorker,
  chainOf,
  installAll,
  type Sending,
  serving,
  settingsFor,
  start,
  storedBots,
  storeOf,
  teamsOf,
  type Worker
} from "../utils/processes.js"
import type { Task } from "../utils/workers/tokenWorker.js"

// -------------------------------------------------------------------------------------
// all at once
// -------------------------------------------------------------------------------------

/** Every process has many fibers that read every token, and all tokens have run out. */
export const allAtOnce = (options: {
  readonly database: string
  readonly processes: number
  readonly fibers: number
  readonly credentials: number
}) => {
  const teams = teamsOf(options.credentials)
  return Effect.gen(function*() {
    const worker = yield* bundledWorker
    const longAgo = DateTime.unsafeMake(Date.now() - 13 * 3_600_000)
    const justNow = DateTime.unsafeMake(Date.now() - 1000)
    const expired = (yield* installAll(teams, (installation) =>
      Installation.withCredentials(
        installation,
        installation.credentials.map((credential) =>
          Installation.atGeneration(
            Installation.change(
              credential,
              Installation.Change.Renewed({
                issuedAt: longAgo,
                token: {
                  ...credential.token,
                  expiry: Option.map(
                    credential.token.expiry,
                    ({ refreshToken }) => new TokenResponse.Expiry({ refreshToken, expiresAt: justNow })
                  )
                }
              })
            ),
            0
          )
        )
      ))).map(({ bot }) => Redacted.value(Option.getOrThrow(bot).token.accessToken))
    const settings = yield* settingsFor(options.database, teams)
    const workers = Array.from(
      { length: options.processes },
      (_, index) => start(worker, settings(`reader ${index}`), { _tag: "Read", fibers: options.fibers })
    )
    yield* Effect.promise(() => Promise.all(workers.map(({ ready }) => ready)))
    const startedAt = performance.now()
    for (const worker of workers) worker.go()
    const results = yield* Effect.promise(() => Promise.all(workers.map(({ result }) => result)))
    const milliseconds = Math.round(performance.now() - startedAt)

    const refreshes = (yield* SlackEmulator.calls).filter(({ grantType }) => grantType === "refresh_token").length
    const reads = results.reduce((sum, result) => sum + result.reads, 0)
    const errors = results.flatMap((result) => result.errors)
    assert.deepEqual(errors, [])
    assert.equal(reads, options.processes * options.fibers * options.credentials)
    assert.equal(refreshes, options.credentials)
    const given = new Set(results.flatMap((result) => result.tokens.flatMap(([, tokens]: any) => tokens)))
    for (const token of expired) assert.ok(!given.has(token), "a token that had run out was handed out")
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
  }).pipe(
    Effect.provide(storeOf(options.database)),
    Effect.provide(serving({ workspaces: teams.map((id) => ({ id })) }))
  )
}

// -------------------------------------------------------------------------------------
// kill -9
// -------------------------------------------------------------------------------------

/**
 * Processes refresh short-lived tokens while Slack and the store have faults, and are killed in the middle of a refresh,
 * again and again.
 */
export const kills = (options: {
  readonly database: string
  readonly rounds: number
  readonly processes: number
  readonly credentials: number
}) => {
  const leaseMillis = 3000
  const teams = teamsOf(options.credentials)
  const sendings: Array<Sending> = []
  let onSending: (sending: Sending) => void = () => {}
  return Effect.gen(function*() {
    const worker = yield* bundledWorker
    yield* installAll(teams)
    const settings = yield* settingsFor(options.database, teams)
    for (
      const [fault, share] of [
        [SlackEmulator.cutAfterStateChange, 0.05],
        [SlackEmulator.cutInBody, 0.02],
        [SlackEmulator.rateLimited(), 0.03],
        [SlackEmulator.serverError(502), 0.03],
        [SlackEmulator.delay("300 millis"), 0.1]
      ] as const
    ) yield* SlackEmulator.inject({ method: "oauth.v2.access", fault, share })

    const startedAt = performance.now()
    const workers = new Map<string, Worker>()
    let number = 0
    const add = () => {
      const name = `process ${number++}`
      workers.set(name, start(worker, settings(name), { _tag: "Churn", fibers: 5, leaseMillis }))
    }
    for (let index = 0; index < options.processes; index++) add()

    // Each round: some while after some sending of some process, the process is gone.
    for (let round = 0; round < options.rounds; round++) {
      yield* Effect.promise(() =>
        new Promise<void>((resolve) => {
          const skip = Math.floor(Math.random() * 3)
          let seen = 0
          onSending = (sending) => {
            const worker = workers.get(sending.process)
            if (worker === undefined || seen++ < skip) return
            onSending = () => {}
            setTimeout(() => {
              workers.delete(sending.process)
              worker.child.kill("SIGKILL")
              add()
              resolve()
            }, Math.random() * 60)
          }
        })
      )
    }
    for (const worker of workers.values()) worker.child.kill("SIGKILL")
    yield* Effect.promise(() => Promise.all(Array.from(workers.values(), ({ result }) => result)))
    const milliseconds = Math.round(performance.now() - startedAt)

    // When the dust has settled, each chain can be refreshed, and the store has what Slack takes.
    yield* SlackEmulator.clearFaults
    const settled = sendings.length
    yield* Effect.sleep(leaseMillis)
    assert.deepEqual(yield* brokenBots(leaseMillis), [])

    // The grace rule: nobody sends again what it has an answer to, or what another may be waiting for: a sender begins in
    // the first half of its lease, and the next owner after the end of it.
    const counts = { sent: settled, again: 0, afterLostReply: 0, afterRefusal: 0, afterLease: 0 }
    const last = new Map<string, Sending>()
    for (const sending of sendings.slice(0, settled)) {
      const before = last.get(sending.grant)
      last.set(sending.grant, sending)
      if (before === undefined) continue
      counts.again++
      const gap = sending.at - before.at
      assert.ok(!sending.hadAnswer, `${sending.process} sent again what it had an answer to`)
      if (gap >= 0.95 * leaseMillis / 2) counts.afterLease++
      else if (before.status === 429) counts.afterRefusal++
      else if (before.process === sending.process) counts.afterLostReply++
      else assert.fail(`${sending.process} sent again, after ${gap} ms, what ${before.process} had sent`)
    }
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
  }).pipe(
    Effect.scoped,
    Effect.provide(storeOf(options.database)),
    Effect.provide(
      // On a starved machine no answer may come in time for a while; what is looked for here is what kills do.
      serving({
        workspaces: teams.map((id) => ({ id })),
        accessTokenLifetime: "4 seconds",
        refreshGracePeriod: "10 minutes"
      }, (sending) => {
        sendings.push(sending)
        onSending(sending)
      })
    )
  )
}

// -------------------------------------------------------------------------------------
// a migration that is killed
// -------------------------------------------------------------------------------------

/** A migration is killed in the middle, and run again. */
export const killedMigration = (options: {
  readonly database: string
  readonly credentials: number
  readonly ratePerMinute: number
  readonly leaseMillis: number
}) => {
  const teams = teamsOf(options.credentials)
  const sendings: Array<Sending> = []
  let onSending = () => {}
  return Effect.gen(function*() {
    const worker = yield* bundledWorker
    yield* installAll(teams)
    yield* SlackEmulator.enableRotation()
    const settings = yield* settingsFor(options.database, teams)
    const task: Task = {
      _tag: "Migrate",
      ratePerMinute: options.ratePerMinute,
      leaseMillis: options.leaseMillis
    }

    const startedAt = performance.now()
    const first = start(worker, settings("first"), task)
    yield* Effect.promise(() =>
      new Promise<void>((resolve) => {
        onSending = () => {
          if (sendings.length === Math.floor(options.credentials / 2)) {
            first.child.kill("SIGKILL")
            resolve()
          }
        }
      })
    )
    yield* Effect.promise(() => first.result)
    const before = (yield* storedBots).filter(({ credential }) => Option.isSome(credential.token.expiry)).length
    // What was in doubt has its lease to run out.
    yield* Effect.sleep(options.leaseMillis + 1000)
    const report = yield* Effect.promise(() => start(worker, settings("second"), task).result)
    const milliseconds = Math.round(performance.now() - startedAt)

    const calls = (yield* SlackEmulator.calls).filter(({ method }) => method === "oauth.v2.exchange")
    const exchanged = calls.filter(({ result }) => result === "ok").length
    assert.equal(exchanged, options.credentials, "each token is exchanged once")
    assert.equal(report.exchanged + report.alreadyExchanged + before, options.credentials)
    assert.equal(report.failed + report.dead + report.skipped, 0)
    assert.ok(report.alreadyExchanged <= 16, "no more are in doubt than were under way")

    const chains = yield* chainOf
    const bots = yield* storedBots
    for (const { credential, team } of bots) {
      const token = Redacted.value(credential.token.accessToken)
      assert.ok(
        chains.get(team)!.liveAccessTokens.some((other) => Redacted.value(other) === token),
        `${team}: Slack does not take what is stored`
      )
    }
    const times = sendings.map(({ at }) => at)
    let most = 0
    for (let from = 0, to = 0; from < times.length; from++) {
      while (to < times.length && times[to]! < times[from]! + 60_000) to++
      most = Math.max(most, to - from)
    }
    assert.ok(most <= options.ratePerMinute, `${most} calls in a minute`)
    return {
      credentials: options.credentials,
      exchangedBeforeTheKill: before,
      exchangedAfter: report.exchanged,
      leftAsTheyAre: report.alreadyExchanged,
      lost: 0,
      mostInAMinute: most,
      budget: options.ratePerMinute,
      milliseconds
    }
  }).pipe(
    Effect.provide(storeOf(options.database)),
    Effect.provide(
      serving({ apps: [{ rotation: false }], workspaces: teams.map((id) => ({ id })) }, (sending) => {
        sendings.push(sending)
        onSending()
      })
    )
  )
}
