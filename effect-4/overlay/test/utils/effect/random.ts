/** Random numbers that are known. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** The given numbers, from 0 to 1, in turn. */
export const withNumbers = (
  numbers: readonly [number, ...Array<number>]
): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> => {
  let n = 0
  const next = () => numbers[n++ % numbers.length] ?? 0
  return Effect.provideService(Random.Random, {
    nextDoubleUnsafe: next,
    nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER)
  })
}

/** The numbers of a seed: the same each time. */
export const withSeed = (seed: unknown): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> =>
  Random.withSeed(String(seed))
