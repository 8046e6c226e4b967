/**
 * Processes.
 */
import * as Effect from "effect/Effect"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

export interface Process {
  readonly stdout: Stream.Stream<Uint8Array, PlatformError.PlatformError>
  readonly stderr: Stream.Stream<Uint8Array, PlatformError.PlatformError>
  /** Fails if the process was killed. */
  readonly exitCode: Effect.Effect<number, PlatformError.PlatformError>
  /** Kills the process with a signal that it cannot catch. */
  readonly kill: Effect.Effect<void, PlatformError.PlatformError>
}

/** Starts a process with variables added to its environment. It is killed when the scope closes. */
export const start = (
  command: ChildProcess.Command,
  environment: Readonly<Record<string, string>>
): Effect.Effect<Process, PlatformError.PlatformError, ChildProcessSpawner.ChildProcessSpawner | Scope.Scope> =>
  Effect.map(ChildProcess.setEnv(command, environment), ({ exitCode, kill, stderr, stdout }) => ({
    exitCode,
    stderr,
    stdout,
    kill: kill({ killSignal: "SIGKILL" })
  }))
