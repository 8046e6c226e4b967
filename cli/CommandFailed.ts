/** How a command fails, and its exit codes. */
import type * as ConfigError from "effect/ConfigError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { isConfigError, problemsOf } from "./effect/settings.js"

/** The exit codes of the command besides 0. `docs/migration.md` and `docs/slack-app.md` list them too. */
export const exitCodes = {
  failed: 1,
  /** Nothing failed, and another run has to do the rest. */
  unfinished: 2,
  /** The command found something that is wrong, or that differs. */
  found: 3,
  /** As in a shell: 128 plus the number of the signal that ended the program. */
  SIGINT: 130,
  SIGTERM: 143
} as const

export const exitCodesInWords =
  "Exit codes: 0 all done; 1 something failed, and is listed; 2 some tokens were skipped, run it again; 130 stopped by " +
  "Ctrl+C."

/** A command ends because of a problem that the user can fix. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly message: string
  readonly exitCode?: number | undefined
}> {}

/** An environment variable is missing or wrong. */
export const settingFailed = (error: ConfigError.ConfigError): CommandFailed =>
  new CommandFailed({ message: problemsOf(error).map(({ name, what }) => `${name}: ${what}.`).join("\n") })

/** Turns missing and wrong settings into a failure of the command. */
export const orSettingFailed = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, ConfigError.ConfigError> | CommandFailed, R> =>
  Effect.mapError(
    effect,
    (error) => isConfigError(error) ? settingFailed(error) : error as Exclude<E, ConfigError.ConfigError>
  )
