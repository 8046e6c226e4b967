/**
 * Effect's test clock, which waits for what is asynchronous in reality, such as cryptography: before it moves, and after
 * each sleep that ends. Effect 3's clock does so; Effect 4's runs on at once, so a process would sleep for hours while it
 * awaits an answer. `vitest.config.ts` gives this module to the tests.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import { TestClock } from "effect/testing"

export type { TestClock } from "effect/testing/TestClock"

export const { layer, make, testClockWith, withLive } = TestClock

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) {
    await crypto.subtle.digest("SHA-256", new Uint8Array(1))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Lets run what can run. */
export const settle = Effect.promise(turns)

/** The clock yields after each sleep that it ends. A fiber with this scheduler goes on only when all others have run. */
const last: Scheduler.Scheduler = {
  executionMode: "async",
  shouldYield: () => false,
  makeDispatcher: () => ({ scheduleTask: (task) => void turns().then(task), flush: () => {} })
}

const move = (moving: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.andThen(Effect.provideService(moving, Scheduler.Scheduler, last), settle)

export const adjust = (duration: Duration.Input): Effect.Effect<void> => move(TestClock.adjust(duration))

export const setTime = (timestamp: number): Effect.Effect<void> => move(TestClock.setTime(timestamp))
