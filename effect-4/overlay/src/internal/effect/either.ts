/**
 * Gives an `Either` the type of an `Effect`.
 */
export { fromResult as toEffect } from "effect/Effect"
