/**
 * Waits for the lock of a SQLite file that other processes also write to. The waits are on Effect's clock, so the event
 * loop runs on.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { uptime } from "../uptime.js"

/** Makes a part of an uninterruptible effect interruptible. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Whether a statement only reads. */
export const isRead = (statement: string): boolean => /^\s*SELECT\b/i.test(statement)

/** When callers that wait give up, by `uptime`, if they begin to wait now. */
export const deadlineAfter = (millis: number): Effect.Effect<number> => Effect.map(uptime, (now) => now + millis)

/**
 * Makes the function that repeats a statement while it finds the file locked, until the deadline. Only the pauses can be
 * interrupted. They begin with `firstPause` milliseconds, and double up to `longestPause`.
 */
export const makePersist = <E>({ firstPause, isBusy, longestPause }: {
  readonly isBusy: (error: E) => boolean
  readonly firstPause: number
  readonly longestPause: number
}) => {
  const pause = (n: number): Effect.Effect<void> => {
    const millis = Math.min(longestPause, firstPause * 2 ** n)
    return Effect.flatMap(Random.nextRange(millis / 2, millis), (millis) => Effect.sleep(millis))
  }
  const persist = <A>(
    statement: Effect.Effect<A, E>,
    until: number,
    restore: Restore,
    pauses = 0
  ): Effect.Effect<A, E> =>
    Effect.catchIf(statement, isBusy, (error) =>
      Effect.flatMap(uptime, (now) =>
        now >= until
          ? Effect.fail(error)
          : Effect.zipRight(restore(pause(pauses)), persist(statement, until, restore, pauses + 1))))
  return persist
}
