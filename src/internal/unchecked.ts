import type * as Schema from "effect/Schema"

/**
 * The option of a constructor that does not validate its arguments. It is for values whose types are checked, where
 * validation takes most of the time.
 */
export const unchecked: Schema.MakeOptions = { disableValidation: true }
