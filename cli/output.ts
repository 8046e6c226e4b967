/** The output of the command. It has colours only on a terminal, and never with `NO_COLOR` (https://no-color.org). */
import * as Layer from "effect/Layer"
import { stripVTControlCharacters } from "node:util"
import { logs, printer } from "./effect/printing.js"

/** Whether output to a stream has colours. */
export const hasColours = (
  stream: { readonly isTTY?: boolean | undefined },
  env: { readonly [name: string]: string | undefined }
): boolean => stream.isTTY === true && (env.NO_COLOR ?? "") === ""

const isColourful = (stream: { readonly isTTY?: boolean | undefined }) => hasColours(stream, process.env)

const plain = (args: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  args.map((arg) => typeof arg === "string" ? stripVTControlCharacters(arg) : arg)

/** Results go to stdout, and logs to stderr. A help text always has colours, which are removed here. */
export const layer: Layer.Layer<never> = Layer.merge(
  printer({
    log: (...args) => console.log(...(isColourful(process.stdout) ? args : plain(args))),
    error: (...args) => console.error(...(isColourful(process.stderr) ? args : plain(args)))
  }),
  logs({ colors: isColourful(process.stderr) })
)
