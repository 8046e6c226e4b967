/**
 * Requests to addresses that get to know nothing of this program.
 */
import * as Effect from "effect/Effect"

/** Sends requests without a span of their own, and without a trace header. */
export const untraced: <A, E, R>(requests: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.withTracerEnabled(
  false
)
