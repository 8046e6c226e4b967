/** Programs with a clock and a scheduler that somebody else drives. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Runtime from "effect/Runtime"
import * as Scheduler from "effect/Scheduler"
import { systemClock } from "../../../src/internal/effect/clock.js"

/** What a program runs on. */
export interface Driver {
  /** Milliseconds since 1970. */
  readonly millis: () => number
  /** Nanoseconds since some moment in the past, which nobody sets. */
  readonly nanos: () => bigint
  readonly sleep: (duration: Duration.Duration) => Effect.Effect<void>
  /** Takes a task, to run it later. */
  readonly schedule: (task: () => void) => void
}

export const clockOf = ({ millis, nanos, sleep }: Omit<Driver, "schedule">): Clock.Clock => ({
  [Clock.ClockTypeId]: systemClock[Clock.ClockTypeId],
  unsafeCurrentTimeMillis: millis,
  unsafeCurrentTimeNanos: nanos,
  currentTimeMillis: Effect.sync(millis),
  currentTimeNanos: Effect.sync(nanos),
  sleep
})

/** Starts a program on a driver, without logs and spans. */
export const start = (program: Effect.Effect<void>, driver: Driver): void =>
  void Effect.runFork(
    program.pipe(
      Effect.withClock(clockOf(driver)),
      Effect.withTracerEnabled(false),
      Logger.withMinimumLogLevel(LogLevel.None)
    ),
    { scheduler: Scheduler.make(driver.schedule) }
  )

/** A way to run an effect to its end, now, by a clock. */
export const runnerAt = (clock: Clock.Clock): <A, E>(effect: Effect.Effect<A, E>) => Exit.Exit<A, E> =>
  Runtime.runSyncExit(Effect.runSync(Effect.withClock(Effect.runtime<never>(), clock)))
