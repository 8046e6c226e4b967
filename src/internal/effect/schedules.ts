/**
 * Schedules that are made step by step, and driven by hand.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleInterval from "effect/ScheduleInterval"
import * as ScheduleIntervals from "effect/ScheduleIntervals"

/**
 * A schedule of waits. `wait` returns the milliseconds after the input that comes after `n` waits, or `undefined` to
 * end the schedule.
 */
export const waits = <In>(
  wait: (input: In, n: number) => Effect.Effect<number | undefined>
): Schedule.Schedule<Duration.Duration, In> =>
  Schedule.makeWithState(0, (now, input: In, n) =>
    Effect.map(wait(input, n), (millis) =>
      millis === undefined
        ? [n, Duration.zero, ScheduleDecision.done] as const
        : [
          n + 1,
          Duration.millis(millis),
          ScheduleDecision.continueWith(ScheduleInterval.after(now + millis))
        ] as const))

/**
 * Ends a schedule before a wait that ends more than `latest` milliseconds after `startedAt`, or the first input.
 */
export const notPast = <Out, In, R>(
  schedule: Schedule.Schedule<Out, In, R>,
  latest: number,
  startedAt?: number
): Schedule.Schedule<Out, In, R> =>
  Schedule.makeWithState(
    { inner: schedule.initial, startedAt },
    (now, input: In, state: { readonly inner: any; readonly startedAt: number | undefined }) =>
      Effect.map(schedule.step(now, input, state.inner), ([inner, out, decision]) => {
        const startedAt = state.startedAt ?? now
        const ends = ScheduleDecision.isContinue(decision) &&
          ScheduleIntervals.start(decision.intervals) > startedAt + latest
        return [{ inner, startedAt }, out, ends ? ScheduleDecision.done : decision] as const
      })
  )

/**
 * Drives a schedule, which is made and started at the first input. The function waits as the schedule says for an
 * input, and returns whether the schedule goes on.
 */
export const driver = <In>(schedule: () => Schedule.Schedule<unknown, In>): (input: In) => Effect.Effect<boolean> => {
  let started: Schedule.ScheduleDriver<unknown, In> | undefined
  return (input) =>
    Effect.flatMap(started === undefined ? Schedule.driver(schedule()) : Effect.succeed(started), (driver) => {
      started = driver
      return Effect.match(driver.next(input), { onFailure: () => false, onSuccess: () => true })
    })
}
