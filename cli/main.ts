/**
 * The command `effect-slack-oauth`.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { run } from "./command.js"
import { exitCodes } from "./CommandFailed.js"
import * as Output from "./output.js"

let stopped: number = exitCodes.SIGINT
process.once("SIGTERM", () => {
  stopped = exitCodes.SIGTERM
})

run(process.argv.slice(2)).pipe(
  Effect.tapErrorCause((cause) => Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logError(cause)),
  Effect.provide(Layer.merge(NodeContext.layer, Output.layer)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, end) =>
      end(
        Exit.isSuccess(exit)
          ? Number(exit.value)
          : Cause.isInterruptedOnly(exit.cause)
          ? stopped
          : exitCodes.failed
      )
  })
)
