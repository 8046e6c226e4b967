/** The command `effect-slack-oauth` with its subcommands, as an effect that gives the exit code. */
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { version } from "../src/internal/version.js"
import { CommandFailed, exitCodes } from "./CommandFailed.js"
import { doctor } from "./doctor.js"
import { emulator } from "./emulator.js"
import { importCommand } from "./import.js"
import { manifest } from "./manifest.js"
import { migrateTokens } from "./migrateTokens.js"
import { reencrypt } from "./reencrypt.js"

const main = Command.make("effect-slack-oauth").pipe(
  Command.withDescription(
    "Tools for Slack OAuth: find out what is wrong, make the manifest of an app, emulate Slack, import installations of " +
      "other SDKs, exchange long-lived tokens, change the keys of a store."
  ),
  Command.withSubcommands([doctor, manifest, emulator, importCommand, migrateTokens, reencrypt])
)

const runMain = Command.run(main, { name: "effect-slack-oauth", version })

/** Runs a command line: `process.argv`, or two words of any kind and the arguments. */
export const run = (argv: ReadonlyArray<string>) =>
  Effect.as(runMain(argv), 0).pipe(
    Effect.catchIf(
      (error) => error instanceof CommandFailed,
      (error) => Effect.as(Console.error(error.message), error.exitCode ?? exitCodes.failed)
    ),
    // The command line is wrong, and the error has been printed.
    Effect.catchIf(ValidationError.isValidationError, () => Effect.succeed(exitCodes.failed))
  )
