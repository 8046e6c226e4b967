/**
 * Commands with options, and how they are run.
 */
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import type * as HelpDoc from "effect/cli/HelpDoc"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

export { make, withDescription, withSubcommands } from "effect/cli/Command"

/** What the options of a command are when it runs. */
export type Given<Options extends Command.Command.Config> = Command.Command.Config.Infer<Options>

const unknown = (argument: string | undefined): string => `Received unknown argument: '${argument}'`

/**
 * What is wrong with the arguments, in the words of the command for Effect 3. It calls an option that may be left out
 * unknown too if it has no value, or if it is there again.
 */
const wordsOf = (error: CliError.NonShowHelpErrors, help: HelpDoc.HelpDoc): string => {
  const isRequired = (option: string) => help.flags.some(({ name, required }) => required && `--${name}` === option)
  switch (error._tag) {
    case "UnrecognizedOption": {
      const suggestion = error.suggestions.find(isRequired)
      return suggestion === undefined
        ? unknown(error.option)
        : `The flag '${error.option}' is not recognized. Did you mean '${suggestion}'?`
    }
    case "UnexpectedArgument":
      return unknown(error.arguments[0])
    case "MissingOption":
      return `Expected to find option: '--${error.option}'`
    case "MissingArgument":
      return `Missing argument <${error.argument}>`
    case "UnknownSubcommand": {
      const names = (help.subcommands ?? []).flatMap(({ commands }) => commands.map(({ name }) => `'${name}'`))
      return `Invalid subcommand for ${error.parent?.at(-1)} - use one of ${names.join(", ")}`
    }
    case "InvalidValue": {
      const isSwitch = help.flags.some(({ name, type }) => name === error.option && type === "boolean")
      return error.value === "" && isRequired(`--${error.option}`)
        ? `Expected a value following option: '--${error.option}'`
        : unknown(isSwitch ? error.value : `--${error.option}`)
    }
    default:
      return error.message
  }
}

/** Prints the first thing that is wrong, without the help text. Who does not want colours removes them. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Effect.forEach(event.errors.slice(0, 1), (error) => Console.error(wordsOf(error, event.helpDoc)), {
        discard: true
      })
      : Console.log(
        event._tag === "Version"
          ? event.version
          : CliOutput.defaultFormatter({ colors: true }).formatHelpDoc(event.helpDoc)
      )
}

/** Runs a command with arguments. Gives whether they were right. If not, what is wrong with them has been printed. */
export const run = <Name extends string, Input, ContextInput, E, R>(
  command: Command.Command<Name, Input, ContextInput, E, R>,
  { version }: { readonly name: Name; readonly version: string }
) => {
  const runCommand = Command.runWith(command, { version })
  return (args: ReadonlyArray<string>) =>
    Effect.as(runCommand(args), true).pipe(
      // Effect fails with it after a help text too, if nobody asked for the text.
      Effect.catchIf(CliError.isCliError, (error) =>
        Effect.succeed(error._tag === "ShowHelp" && error.errors.length === 0)),
      Effect.provideService(CliOutput.Presenter, presenter)
    )
}
