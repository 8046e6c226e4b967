/**
 * Failures of settings.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** The value of a setting, or what is wrong with it. */
export const mapOrFail = <A, B>(f: (a: A) => Result.Result<B, Config.ConfigError>) =>
  Config.mapEffect((a: A) => Effect.fromResult(f(a)))

/** A setting or an option, by its name, that cannot be used. */
export const invalid = (name: string, problem: string): Config.ConfigError =>
  new Config.ConfigError(
    new Schema.SchemaError(new SchemaIssue.Pointer([name], new SchemaIssue.InvalidValue({ message: problem })))
  )

/** A setting that is not there. `Config.option` and `Config.withDefault` recover from this alone. */
export const missing = (name: string, problem: string): Config.ConfigError =>
  new Config.ConfigError(
    new Schema.SchemaError(new SchemaIssue.Pointer([name], new SchemaIssue.MissingKey({ messageMissingKey: problem })))
  )
