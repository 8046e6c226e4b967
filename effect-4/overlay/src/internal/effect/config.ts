/**
 * Failures of settings.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

const existing = (names: ReadonlyArray<string>): Config.Config<string> =>
  Config.schema(Schema.String.annotate({ message: `Expected ${names.join(" and ")} to exist` }), names[0])

/** A setting that has to be there. */
export const string = (name: string): Config.Config<string> => existing([name])

/** A setting that is made when it is read: Effect makes its decoder with it, which takes time at the start of a program. */
export const suspend = <A>(setting: () => Config.Config<A>): Config.Config<A> =>
  Config.flatMap(Config.succeed(undefined), setting)

/** The name of the setting that has no value of its kind. */
const nameOf = ({ cause }: Config.ConfigError): ReadonlyArray<string> =>
  Schema.isSchemaError(cause) && cause.issue._tag === "Pointer" ? cause.issue.path.slice(-1).map(String) : []

/** Several settings. All that are missing are in one error; Effect's own names the first. */
export const all = <S extends Record<string, Config.Config<any>>>(
  settings: S
): Config.Config<{ [K in keyof S]: Config.Success<S[K]> }> => {
  const together = Config.all(settings) as Config.Config<{ [K in keyof S]: Config.Success<S[K]> }>
  const missing = Object.values(settings).map((setting) =>
    Config.orElse(Config.map(setting, (): ReadonlyArray<string> => []), (error) => Config.succeed(nameOf(error)))
  )
  return Config.flatMap(Config.all(missing), (found) => {
    const names = found.flat()
    return names.length < 2 ? together : Config.flatMap(existing(names), () => together)
  })
}

/** Fails as if the setting were not there, by the failures that say so: what is not there is no failure in Effect 4. */
const absences = new WeakMap<Config.ConfigError, Config.Config<unknown>>()

/** The value of a setting, or what is wrong with it. */
export const mapOrFail =
  <A, B>(f: (a: A) => Result.Result<B, Config.ConfigError>) => (setting: Config.Config<A>): Config.Config<B> =>
    Config.flatMap(setting, (value) => {
      const result = f(value)
      if (Result.isSuccess(result)) return Config.succeed(result.success)
      const absence = absences.get(result.failure) ?? Config.succeed(undefined)
      return Config.mapEffect(absence, () => Effect.fail(result.failure))
    })

/** Effect prints the name on a line of its own, after the problem. So the problem begins with it. */
const failure = (name: string, issue: SchemaIssue.Issue): Config.ConfigError =>
  new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.Pointer([name], issue)))

/** A setting or an option, by its name, that cannot be used. */
export const invalid = (name: string, problem: string): Config.ConfigError =>
  failure(name, new SchemaIssue.InvalidValue({ message: `${name}: ${problem}` }))

/** A setting that is not there. `Config.option` and `Config.withDefault` recover from this alone. */
export const missing = (name: string, problem: string): Config.ConfigError => {
  const message = `${name}: ${problem}`
  const error = failure(name, new SchemaIssue.MissingKey({ messageMissingKey: message }))
  absences.set(error, Config.schema(Schema.String.annotate({ message }), name))
  return error
}
