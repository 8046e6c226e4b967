/**
 * The option of a constructor that does not validate its arguments. It is for values whose types are checked, where
 * validation takes most of the time.
 */
export const unchecked = { disableValidation: true } as const
