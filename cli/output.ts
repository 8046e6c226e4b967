/** The output of the command. It has colours only on a terminal, and never with `NO_COLOR` (https://no-color.org). */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { stripVTControlCharacters } from "node:util"

/** Whether output to a stream has colours. */
export const hasColours = (
  stream: { readonly isTTY?: boolean | undefined },
  env: { readonly [name: string]: string | undefined }
): boolean => stream.isTTY === true && (env.NO_COLOR ?? "") === ""

const isColourful = (stream: { readonly isTTY?: boolean | undefined }) => hasColours(stream, process.env)

const plain = (args: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  args.map((arg) => typeof arg === "string" ? stripVTControlCharacters(arg) : arg)

/** A console that removes colours. `@effect/cli` always writes its help with colours. */
const console = (console: Console.Console): Console.Console => ({
  ...console,
  log: (...args) => console.log(...(isColourful(process.stdout) ? args : plain(args))),
  error: (...args) => console.error(...(isColourful(process.stderr) ? args : plain(args)))
})

/** Results go to stdout, and logs to stderr. */
export const layer: Layer.Layer<never> = Layer.merge(
  Layer.unwrapEffect(Console.consoleWith((current) => Effect.succeed(Console.setConsole(console(current))))),
  Logger.replace(Logger.defaultLogger, Logger.prettyLogger({ colors: isColourful(process.stderr), stderr: true }))
)
