/** The command `effect-slack-oauth` with its subcommands, as an effect that gives the exit code. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { version } from "../src/internal/version.js"
import { CommandFailed, exitCodes } from "./CommandFailed.js"
import { doctor } from "./doctor.js"
import * as Command from "./effect/command.js"
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

/** Runs the command with arguments. */
export const run = (args: ReadonlyArray<string>) =>
  Effect.map(runMain(args), (isRight) => isRight ? 0 : exitCodes.failed).pipe(
    Effect.catchIf(
      (error) => error instanceof CommandFailed,
      (error) => Effect.as(Console.error(error.message), error.exitCode ?? exitCodes.failed)
    )
  )
