/**
 * Records the spans and logs of a program: spans as a tracer gets them, and log lines as each of Effect's loggers writes
 * them.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as Observers from "./effect/observers.js"

export interface SeenSpan {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly attributes: ReadonlyMap<string, unknown>
  readonly events: ReadonlyArray<readonly [name: string, attributes: unknown]>
  readonly exit: Exit.Exit<unknown, unknown> | undefined
}

export interface SeenLog {
  readonly level: LogLevel.LogLevel
  readonly message: unknown
  readonly annotations: Readonly<Record<string, unknown>>
}

export interface Watcher {
  readonly spans: ReadonlyArray<SeenSpan>
  readonly logs: ReadonlyArray<SeenLog>
  /** The output of the built-in loggers. */
  readonly lines: ReadonlyArray<string>
  readonly watch: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** All of it as text. */
  readonly text: () => string
}

export const makeWatcher = (): Watcher => {
  const spans: Array<SeenSpan> = []
  const logs: Array<SeenLog> = []
  const lines: Array<string> = []

  const tracer = Observers.tracer(({ kind, name, parent }) => {
    const attributes = new Map<string, unknown>()
    const events: Array<readonly [string, unknown]> = []
    const seen: { -readonly [K in keyof SeenSpan]: SeenSpan[K] } = {
      name,
      kind,
      parent,
      attributes,
      events,
      exit: undefined
    }
    spans.push(seen)
    return {
      attributes,
      event: (event, attributes) => events.push([event, attributes]),
      end: (exit) => {
        seen.exit = exit
      }
    }
  })

  const write = (line: unknown): void => {
    lines.push(typeof line === "string" ? line : inspect(line, { depth: null, showHidden: true }))
  }
  const writeAll = (...parts: ReadonlyArray<unknown>): void => parts.forEach(write)
  const silent = () => undefined
  const withConsole = Observers.withConsole({
    assert: silent,
    clear: silent,
    count: silent,
    countReset: silent,
    debug: writeAll,
    dir: writeAll,
    dirxml: writeAll,
    error: writeAll,
    group: writeAll,
    groupCollapsed: writeAll,
    groupEnd: silent,
    info: writeAll,
    log: writeAll,
    table: writeAll,
    time: silent,
    timeEnd: silent,
    timeLog: writeAll,
    trace: writeAll,
    warn: writeAll
  })

  const withLoggers = Observers.withLoggers(
    Observers.logger(({ annotations, level, message }) => {
      logs.push({ level, message, annotations })
    }),
    ...Observers.builtInLoggers(write)
  )

  return {
    spans,
    logs,
    lines,
    watch: (effect) =>
      effect.pipe(
        withLoggers,
        Logger.withMinimumLogLevel(LogLevel.All),
        Effect.withTracer(tracer),
        withConsole
      ),
    text: () =>
      [
        ...lines,
        ...spans.map(({ attributes, events, exit, name }) =>
          inspect({ name, attributes, events, exit }, { depth: null, showHidden: true }) + JSON.stringify(exit)
        )
      ].join("\n")
  }
}
