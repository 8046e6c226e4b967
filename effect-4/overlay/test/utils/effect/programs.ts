/** Programs with a clock and a scheduler that somebody else drives. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"

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
  currentTimeMillisUnsafe: millis,
  currentTimeNanosUnsafe: nanos,
  monotonicTimeNanosUnsafe: nanos,
  currentTimeMillis: Effect.sync(millis),
  currentTimeNanos: Effect.sync(nanos),
  monotonicTimeNanos: Effect.sync(nanos),
  sleep
})

const byBudget = new Scheduler.MixedScheduler()

const schedulerOf = (schedule: Driver["schedule"]): Scheduler.Scheduler => {
  const dispatcher = { scheduleTask: schedule, flush: () => {} }
  return {
    executionMode: "async",
    shouldYield: (fiber) => byBudget.shouldYield(fiber),
    makeDispatcher: () => dispatcher
  }
}

/** Starts a program on a driver, without logs and spans. */
export const start = (program: Effect.Effect<void>, driver: Driver): void =>
  void Effect.runFork(
    program.pipe(
      Effect.provideService(Clock.Clock, clockOf(driver)),
      Effect.provideService(References.TracerEnabled, false),
      Effect.provideService(References.MinimumLogLevel, "None")
    ),
    { scheduler: schedulerOf(driver.schedule) }
  )

/** A way to run an effect to its end, now, by a clock. */
export const runnerAt = (clock: Clock.Clock): <A, E>(effect: Effect.Effect<A, E>) => Exit.Exit<A, E> =>
  Effect.runSyncExitWith(Context.make(Clock.Clock, clock))
