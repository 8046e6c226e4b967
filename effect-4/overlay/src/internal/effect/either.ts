/**
 * A result that is known already, used as an effect.
 */
export { fromResult as toEffect } from "effect/Effect"
