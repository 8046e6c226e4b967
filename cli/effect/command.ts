/**
 * Commands with options, and how they are run.
 */
import type * as CliApp from "@effect/cli/CliApp"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Effect from "effect/Effect"

export { make, withDescription, withSubcommands } from "@effect/cli/Command"

/** What the options of a command are when it runs. */
export type Given<Options extends Command.Command.Config> = Command.Command.ParseConfig<Options>

/** Runs a command with arguments. Gives whether they were right. If not, what is wrong with them has been printed. */
export const run = <Name extends string, R, E, A>(
  command: Command.Command<Name, R, E, A>,
  options: { readonly name: Name; readonly version: string }
) => {
  const runCommand = Command.run(command, options)
  return (
    args: ReadonlyArray<string>
  ): Effect.Effect<boolean, Exclude<E, ValidationError.ValidationError>, R | CliApp.CliApp.Environment> =>
    Effect.as(runCommand(["node", options.name, ...args]), true).pipe(
      Effect.catchIf(ValidationError.isValidationError, () => Effect.succeed(false))
    )
}
