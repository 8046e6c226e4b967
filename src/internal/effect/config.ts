/**
 * Failures of settings.
 */
import * as ConfigError from "effect/ConfigError"

export { all, mapOrFail, string, suspend } from "effect/Config"

/** A setting or an option, by its name, that cannot be used. */
export const invalid = (name: string, problem: string): ConfigError.ConfigError =>
  ConfigError.InvalidData([name], problem)

/** A setting that is not there. `Config.option` and `Config.withDefault` recover from this alone. */
export const missing = (name: string, problem: string): ConfigError.ConfigError =>
  ConfigError.MissingData([name], problem)
