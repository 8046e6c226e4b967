/** Properties of effects and of functions, with `fast-check`. */
import { it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import * as FastCheck from "fast-check"

export interface Limits {
  readonly numRuns: number
  /** For one value, in milliseconds. */
  readonly timeout?: number
}

/** A test of an effect, with a clock of its own for each value. */
export const effect = <A>(
  name: string,
  arbitrary: FastCheck.Arbitrary<A>,
  property: (value: A) => Effect.Effect<void, unknown>,
  options: { readonly fastCheck?: Limits; readonly timeout?: number } = {}
): void =>
  // oxlint-disable-next-line vitest/expect-expect -- the property asserts
  it(name, { timeout: options.timeout ?? 60_000 }, () =>
    FastCheck.assert(
      FastCheck.asyncProperty(arbitrary, (value) =>
        Effect.runPromise(Effect.provide(property(value), TestClock.layer()))),
      options.fastCheck
    ))

/** Values that a schema describes. */
export const of = <A, I>(schema: Schema.Codec<A, I>): FastCheck.Arbitrary<A> => {
  const values = Arbitrary.schema(schema)
  return FastCheck.integer().map((seed) => Effect.runSync(Arbitrary.sampleEffect(values, { count: 1, seed }))[0] as A)
}
