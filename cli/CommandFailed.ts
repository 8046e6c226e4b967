import * as ConfigError from "effect/ConfigError"
import * as Data from "effect/Data"

/** The exit codes of the command, beside 0. `docs/migration.md` lists them too. */
export const exitCodes = {
  failed: 1,
  /** Nothing failed, and some work is left for another run. */
  unfinished: 2,
  /** What a shell reports of a program that a signal ended: 128 and the signal's number. */
  SIGINT: 130,
  SIGTERM: 143
} as const

export const exitCodesInWords =
  "Exit codes: 0 all done; 1 something failed, and is listed; 2 nothing failed, but some tokens were skipped: run it " +
  "again; 130 stopped by Ctrl+C."

/** A command cannot go on, for a reason that the person can do something about. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly message: string
  readonly exitCode?: number | undefined
}> {}

const wordsOf = (error: ConfigError.ConfigError): string =>
  ConfigError.isAnd(error)
    ? `${wordsOf(error.left)}\n${wordsOf(error.right)}`
    : ConfigError.isInvalidData(error) || ConfigError.isMissingData(error)
    ? `${error.path.join(".")}: ${error.message}.`
    : String(error)

/** A setting of the environment is missing or wrong. */
export const settingFailed = (error: ConfigError.ConfigError): CommandFailed =>
  new CommandFailed({ message: wordsOf(error) })
