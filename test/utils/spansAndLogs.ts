/**
 * Records the spans and logs of a program: spans as a tracer gets them, and log lines as each of Effect's loggers writes
 * them.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"

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

  const tracer = Tracer.make({
    span(name, parent, context, links, startTime, kind) {
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
      let status: Tracer.SpanStatus = { _tag: "Started", startTime }
      return {
        _tag: "Span",
        name,
        kind,
        parent,
        context,
        links,
        attributes,
        sampled: true,
        spanId: String(spans.length).padStart(16, "0"),
        traceId: "0".repeat(31) + "1",
        get status() {
          return status
        },
        attribute: (key, value) => {
          attributes.set(key, value)
        },
        event: (event, _, attributes) => {
          events.push([event, attributes])
        },
        addLinks: () => undefined,
        end: (endTime, exit) => {
          status = { _tag: "Ended", startTime, endTime, exit }
          seen.exit = exit
        }
      }
    },
    context: (f) => f()
  })

  const write = (line: unknown): void => {
    lines.push(typeof line === "string" ? line : inspect(line, { depth: null, showHidden: true }))
  }
  const writeAll = (...parts: ReadonlyArray<unknown>): void => parts.forEach(write)
  const silent = () => undefined
  const unsafe = {
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
  }
  // The pretty logger writes to the console of the fiber; nothing here goes by the effects of a `Console`.
  const console = { [Console.TypeId]: Console.TypeId, unsafe } as unknown as Console.Console

  const all = [
    Logger.make(({ annotations, logLevel, message }) => {
      logs.push({ level: logLevel, message, annotations: Object.fromEntries(annotations) })
    }),
    Logger.map(Logger.stringLogger, write),
    Logger.map(Logger.logfmtLogger, write),
    Logger.map(Logger.jsonLogger, write),
    Logger.map(Logger.structuredLogger, write),
    Logger.prettyLogger({ mode: "tty", colors: false })
  ].reduce((left, right) => Logger.zipLeft(left as Logger.Logger<unknown, void>, right))

  return {
    spans,
    logs,
    lines,
    watch: (effect) =>
      effect.pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, all)),
        Logger.withMinimumLogLevel(LogLevel.All),
        Effect.withTracer(tracer),
        Effect.withConsole(console)
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
