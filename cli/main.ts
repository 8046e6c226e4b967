/**
 * The command `effect-slack-oauth`.
 */
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { version } from "../src/internal/version.js"
import { CommandFailed, exitCodes } from "./CommandFailed.js"
import { emulator } from "./emulator.js"
import { importCommand } from "./import.js"
import { migrateTokens } from "./migrateTokens.js"
import * as Output from "./output.js"

const main = Command.make("effect-slack-oauth").pipe(
  Command.withDescription(
    "Tools for Slack OAuth: emulate Slack, import installations of other SDKs, exchange long-lived tokens."
  ),
  Command.withSubcommands([emulator, importCommand, migrateTokens])
)

const run = Command.run(main, { name: "effect-slack-oauth", version })

const exitWith = (code: number) =>
  Effect.sync(() => {
    process.exitCode = code
  })

let stopped: number = exitCodes.SIGINT
process.once("SIGTERM", () => {
  stopped = exitCodes.SIGTERM
})

run(process.argv).pipe(
  Effect.catchIf(
    (error) => error instanceof CommandFailed,
    (error) => Effect.zipRight(Console.error(error.message), exitWith(error.exitCode ?? exitCodes.failed))
  ),
  // The command line is wrong, and the error has been printed.
  Effect.catchIf(ValidationError.isValidationError, () => exitWith(exitCodes.failed)),
  Effect.tapErrorCause((cause) => Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logError(cause)),
  Effect.provide(Layer.merge(NodeContext.layer, Output.layer)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, end) =>
      end(
        Exit.isSuccess(exit)
          ? Number(process.exitCode ?? 0)
          : Cause.isInterruptedOnly(exit.cause)
          ? stopped
          : exitCodes.failed
      )
  })
)
