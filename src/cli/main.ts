/**
 * The command `effect-slack-oauth`.
 */
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { version } from "../internal/version.js"
import { CommandFailed } from "./CommandFailed.js"
import { emulator } from "./emulator.js"
import { importCommand } from "./import.js"
import { migrate } from "./migrate.js"

const main = Command.make("effect-slack-oauth").pipe(
  Command.withDescription(
    "Tools for Slack OAuth: a Slack emulator for the desk, moving in from other SDKs, and to rotating tokens."
  ),
  Command.withSubcommands([emulator, importCommand, migrate])
)

const run = Command.run(main, { name: "effect-slack-oauth", version })

const exitWithFailure = Effect.sync(() => {
  process.exitCode = 1
})

run(process.argv).pipe(
  Effect.catchIf(
    (error) => error instanceof CommandFailed,
    (error) => Effect.zipRight(Console.error(error.message), exitWithFailure)
  ),
  // What is wrong with the command line has been said by then.
  Effect.catchIf(ValidationError.isValidationError, () => exitWithFailure),
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain
)
