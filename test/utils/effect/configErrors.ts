/** What is wrong with a setting. */
import * as ConfigError from "effect/ConfigError"

/** The path of a setting that cannot be used. */
export const invalidPath = (error: unknown): ReadonlyArray<string> | undefined =>
  ConfigError.isConfigError(error) && error._op === "InvalidData" ? error.path : undefined

/** The path of a setting that is not there. */
export const missingPath = (error: unknown): ReadonlyArray<string> | undefined =>
  ConfigError.isConfigError(error) && error._op === "MissingData" ? error.path : undefined
