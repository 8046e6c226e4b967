/**
 * Settings that are missing or wrong.
 */
import * as ConfigError from "effect/ConfigError"

export { isConfigError } from "effect/ConfigError"

export interface Problem {
  readonly name: string
  /** A sentence without its full stop. */
  readonly what: string
}

export const problemsOf = (error: ConfigError.ConfigError): ReadonlyArray<Problem> =>
  ConfigError.isAnd(error)
    ? [...problemsOf(error.left), ...problemsOf(error.right)]
    : ConfigError.isInvalidData(error) || ConfigError.isMissingData(error)
    ? [{ name: error.path.join("."), what: error.message }]
    : [{ name: "The settings cannot be read", what: String(error) }]
