/**
 * Gives an `Either` the type of an `Effect`.
 */
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"

/** An `Either` as an `Effect`, where the types do not say that an effect is wanted. */
export const toEffect = <A, E>(either: Either.Either<A, E>): Effect.Effect<A, E> => either
