/**
 * The options of a command line, and its other arguments.
 */
import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"

export {
  map,
  optional,
  Redacted as redacted,
  String as text,
  withAlias,
  withDefault,
  withDescription,
  withFallbackConfig
} from "effect/cli/Flag"

/** Ends the parsing with a message. Effect puts its own words around those of its `filterMap`. */
const refuse = (message: string) => Effect.fail(new CliError.ValidationError({ message }))

/** A switch, which is off if it is not there. */
export const boolean = (name: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDefault(false))

/** An option as often as it is there. */
export const repeated: <A>(option: Flag.Flag<A>) => Flag.Flag<ReadonlyArray<A>> = Flag.atLeast(0)

export const filterMap =
  <A, B>(f: (value: A) => Option.Option<B>, message: string) => (option: Flag.Flag<A>): Flag.Flag<B> =>
    Flag.mapEffect(option, (value) => Option.match(f(value), { onNone: () => refuse(message), onSome: Effect.succeed }))

export const integer = (name: string): Flag.Flag<number> =>
  Flag.String(name).pipe(
    Flag.withMetavar("integer"),
    Flag.mapEffect((text) => {
      const number = text.trim() === "" ? Number.NaN : Number(text)
      return Number.isSafeInteger(number) ? Effect.succeed(number) : refuse(`'${text}' is not a integer`)
    })
  )

/** The path of a file that has to exist. */
export const file = (name: string): Flag.Flag<string> =>
  Flag.String(name).pipe(
    Flag.withMetavar("file"),
    Flag.mapEffect((path) =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const found = yield* Effect.option(files.stat(path))
        if (Option.isNone(found)) return yield* refuse(`Path '${path}' must exist`)
        if (found.value.type !== "File") return yield* refuse(`Expected path '${path}' to be a regular file`)
        return path
      })
    )
  )

/** A value without the name of an option, such as a path. */
export const argument = (name: string, description: string): Argument.Argument<string> =>
  Argument.withDescription(Argument.String(name), description)
