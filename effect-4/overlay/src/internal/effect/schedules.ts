/**
 * Schedules that are made step by step, and driven by hand.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/**
 * A schedule of waits. `wait` returns the milliseconds after the input that comes after `n` waits, or `undefined` to end
 * the schedule.
 */
export const waits = <In>(
  wait: (input: In, n: number) => Effect.Effect<number | undefined>
): Schedule.Schedule<Duration.Duration, In> =>
  Schedule.fromStep(Effect.sync(() => {
    let n = 0
    return (_now: number, input: In) =>
      Effect.flatMap(wait(input, n), (millis) => {
        if (millis === undefined) return Cause.done(Duration.zero)
        n++
        const delay = Duration.millis(millis)
        return Effect.succeed<[Duration.Duration, Duration.Duration]>([delay, delay])
      })
  }))

/** Ends a schedule before a wait that goes on for more than `latest` milliseconds after `startedAt`, or the first input. */
export const notPast = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>,
  latest: number,
  startedAt?: number
): Schedule.Schedule<Out, In, E, R> =>
  Schedule.fromStep(Effect.map(Schedule.toStep(schedule), (step) => {
    let from = startedAt
    return (now: number, input: In) => {
      const start = from ??= now
      return Effect.flatMap(step(now, input), ([out, delay]) =>
        now + Duration.toMillis(delay) > start + latest
          ? Cause.done(out)
          : Effect.succeed<[Out, Duration.Duration]>([out, delay]))
    }
  }))

/**
 * Drives a schedule, which is made and started at the first input. The function waits as the schedule says for an input,
 * and returns whether the schedule goes on.
 */
export const driver = <In>(schedule: () => Schedule.Schedule<unknown, In>): (input: In) => Effect.Effect<boolean> => {
  let started: Effect.Success<ReturnType<typeof Schedule.toStep<unknown, In, never, never>>> | undefined
  return (input) =>
    Effect.flatMap(started === undefined ? Schedule.toStep(schedule()) : Effect.succeed(started), (step) => {
      started = step
      return Effect.clockWith((clock) =>
        Effect.matchEffect(step(clock.currentTimeMillisUnsafe(), input), {
          onFailure: () => Effect.succeed(false),
          onSuccess: ([, delay]) => Effect.as(clock.sleep(delay), true)
        })
      )
    })
}
