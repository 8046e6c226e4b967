/** Counts the sleeps of a program. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Clocks from "../../src/internal/effect/clocks.js"

export interface CountedSleeps {
  /** How many fibers sleep now. */
  readonly count: Effect.Effect<number>
  /** Runs an effect on the clock that counts, which is otherwise the clock of the caller. */
  readonly counted: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const countedSleeps: Effect.Effect<CountedSleeps> = Effect.map(Effect.clock, (base) => {
  let sleeping = 0
  const clock: Clock.Clock = Object.assign(
    // With what a test clock has besides.
    Object.create(base),
    Clocks.make({
      base,
      millis: () => base.unsafeCurrentTimeMillis(),
      nanos: () => base.unsafeCurrentTimeNanos(),
      sleep: (duration) =>
        Effect.acquireUseRelease(
          Effect.sync(() => sleeping++),
          () => base.sleep(duration),
          () => Effect.sync(() => sleeping--)
        )
    })
  )
  return {
    count: Effect.sync(() => sleeping),
    counted: (effect) => Effect.withClock(effect, clock)
  }
})
