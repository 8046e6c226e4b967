/**
 * The options of a command line, and its other arguments.
 */
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"

export {
  boolean,
  filterMap,
  integer,
  map,
  optional,
  redacted,
  repeated,
  text,
  withAlias,
  withDefault,
  withDescription,
  withFallbackConfig
} from "@effect/cli/Options"

/** The path of a file that has to exist. */
export const file = (name: string): Options.Options<string> => Options.file(name, { exists: "yes" })

/** A value without the name of an option, such as a path. */
export const argument = (name: string, description: string): Args.Args<string> =>
  Args.withDescription(Args.text({ name }), description)
