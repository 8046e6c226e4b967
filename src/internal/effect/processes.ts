/**
 * Processes.
 */
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as Error from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

export interface Process {
  readonly stdout: Stream.Stream<Uint8Array, Error.PlatformError>
  readonly stderr: Stream.Stream<Uint8Array, Error.PlatformError>
  /** Fails if the process was killed. */
  readonly exitCode: Effect.Effect<number, Error.PlatformError>
  /** Kills the process with a signal that it cannot catch. */
  readonly kill: Effect.Effect<void, Error.PlatformError>
}

/** Starts a process with variables added to its environment. It is killed when the scope closes. */
export const start = (
  command: Command.Command,
  environment: Readonly<Record<string, string>>
): Effect.Effect<Process, Error.PlatformError, CommandExecutor.CommandExecutor | Scope.Scope> =>
  Effect.map(Command.start(Command.env(command, environment)), ({ exitCode, kill, stderr, stdout }) => ({
    exitCode,
    stderr,
    stdout,
    kill: kill("SIGKILL")
  }))
