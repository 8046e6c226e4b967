/**
 * Effect's test clock, which waits for what is asynchronous in reality, such as cryptography. Effect 3's clock does so;
 * Effect 4's runs on at once. `vitest.config.ts` gives this module to the tests.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"

export type { TestClock } from "effect/testing/TestClock"

export const { layer, make, testClockWith, withLive } = TestClock

const turn = Effect.promise(() =>
  crypto.subtle.digest("SHA-256", new Uint8Array(1)).then(() => new Promise((resolve) => setImmediate(resolve)))
)

/** Lets run what can run. */
export const settle = Effect.forEach(Array.from({ length: 10 }), () => turn, { discard: true })

export const adjust = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.andThen(settle, Effect.andThen(TestClock.adjust(duration), settle))

export const setTime = (timestamp: number): Effect.Effect<void> =>
  Effect.andThen(settle, Effect.andThen(TestClock.setTime(timestamp), settle))
