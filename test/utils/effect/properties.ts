/** Properties of effects and of functions, with `fast-check`. */
import { it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import type * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import type * as Schema from "effect/Schema"

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
): void => it.effect.prop(name, [arbitrary], ([value]) => property(value as A), options)

/** Values that a schema describes. */
export const of = <A, I>(schema: Schema.Schema<A, I>): FastCheck.Arbitrary<A> => Arbitrary.make(schema)
