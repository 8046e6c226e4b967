/**
 * Where a command prints.
 */
import * as Console from "effect/Console"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

export interface Printer {
  readonly log: (...args: ReadonlyArray<unknown>) => void
  readonly error: (...args: ReadonlyArray<unknown>) => void
}

/** Lets `Console.log` and `Console.error` print somewhere else. */
export const printer = ({ error, log }: Printer): Layer.Layer<never> =>
  Layer.succeed(Console.Console, { ...globalThis.console, log, error })

/** Logs for people, on stderr. */
export const logs = (options: { readonly colors: boolean }): Layer.Layer<never> =>
  Layer.merge(Logger.layer([Logger.consolePretty(options)]), Layer.succeed(Logger.LogToStderr, true))
