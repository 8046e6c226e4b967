/**
 * Sweeps a fleet, installed in one minute, through 24 hours of a test clock: a pass every minute, and every ten minutes
 * one in 97 tokens is read, which must be valid then. Prints what it counted.
 */
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenSweep from "effect-slack-oauth/TokenSweep"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { strict as assert } from "node:assert"
import { makeFleet } from "../../test/utils/fleet.js"

export interface Swept {
  readonly size: number
  readonly installSeconds: number
  readonly sweepSeconds: number
  readonly longestPassSeconds: number
  readonly reads: number
  readonly refreshes: number
  readonly refused: number
  /** Refreshes in each hour. */
  readonly perHour: ReadonlyArray<number>
  /** Bytes of heap per installation after a garbage collection, with the records of the simple Slack. */
  readonly bytesPerInstallation: number
  readonly peakMegabytes: number
}

const hours = 24
const { size } = JSON.parse(process.argv[2]!) as { readonly size: number }

const heap = () => {
  globalThis.gc!()
  return process.memoryUsage().heapUsed
}

const fleet = makeFleet()

const program = Effect.gen(function*() {
  const before = heap()
  const startedAt = performance.now()
  const keys = yield* fleet.install(size)
  const installedAt = performance.now()

  const sweep = yield* TokenSweep.make({ ratePerMinute: Math.max(600, size / 400) })
  let longest = 0
  let reads = 0
  for (let minute = 0; minute < hours * 60; minute++) {
    const passAt = performance.now()
    yield* sweep.pass
    longest = Math.max(longest, performance.now() - passAt)
    if (minute % 10 === 0) {
      const now = yield* Clock.currentTimeMillis
      for (let index = (minute / 10) % 97; index < keys.length; index += 97) {
        const token = yield* TokenManager.botToken(keys[index]!)
        if (!fleet.accepts(token, now)) throw new Error(`An expired token was served in minute ${minute}`)
        reads++
      }
    }
    yield* TestClock.adjust("1 minute")
  }
  const sweptAt = performance.now()

  const perHour = Array.from({ length: hours }, () => 0)
  for (const [minute, count] of fleet.perMinute) {
    const hour = Math.floor(minute / 60)
    if (hour < hours) perHour[hour]! += count
  }
  const swept: Swept = {
    size,
    installSeconds: (installedAt - startedAt) / 1000,
    sweepSeconds: (sweptAt - installedAt) / 1000,
    longestPassSeconds: longest / 1000,
    reads,
    refreshes: fleet.refreshes(),
    refused: fleet.refused(),
    perHour,
    bytesPerInstallation: (heap() - before) / size,
    peakMegabytes: process.resourceUsage().maxRSS / 1024
  }
  assert.equal(swept.refused, 0, "no refresh token was sent twice")
  assert.ok(swept.refreshes >= 2 * size, "everyone was refreshed twice in a day")
  console.log(JSON.stringify(swept))
})

await Effect.runPromise(program.pipe(
  Effect.provide(TokenManager.layer()),
  Effect.provide(Layer.merge(InstallationStore.layerMemory, fleet.layer)),
  Effect.provide(TestContext.TestContext),
  // A fleet that was installed in one minute is behind for a while when its first tokens expire.
  Logger.withMinimumLogLevel(LogLevel.Error)
))
