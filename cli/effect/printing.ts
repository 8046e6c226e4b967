/**
 * Where a command prints.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

export interface Printer {
  readonly log: (...args: ReadonlyArray<unknown>) => void
  readonly error: (...args: ReadonlyArray<unknown>) => void
}

/** Lets `Console.log` and `Console.error` print somewhere else. */
export const printer = ({ error, log }: Printer): Layer.Layer<never> =>
  Layer.unwrapEffect(Console.consoleWith((console) =>
    Effect.succeed(Console.setConsole({
      ...console,
      log: (...args) => Effect.sync(() => log(...args)),
      error: (...args) => Effect.sync(() => error(...args))
    }))
  ))

/** Logs for people, on stderr. */
export const logs = (options: { readonly colors: boolean }): Layer.Layer<never> =>
  Logger.replace(Logger.defaultLogger, Logger.prettyLogger({ ...options, stderr: true }))
