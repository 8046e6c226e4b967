/** What observes programs: loggers, consoles and tracers. */
import type * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import type * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

export interface LogLine {
  readonly level: LogLevel.LogLevel
  readonly message: unknown
  readonly cause: Cause.Cause<unknown>
  readonly annotations: Readonly<Record<string, unknown>>
}

export const logger = (log: (line: LogLine) => void): Logger.Logger<unknown, void> =>
  Logger.make(({ annotations, cause, logLevel, message }) => {
    log({ level: logLevel, message, cause, annotations: Object.fromEntries(annotations) })
  })

/** `DEBUG`, `WARN` and so on. */
export const labelOf = (level: LogLevel.LogLevel): string => level.label

/** Gives a program these loggers alone. */
export const withLoggers = (
  ...loggers: readonly [Logger.Logger<unknown, void>, ...Array<Logger.Logger<unknown, void>>]
): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> =>
  Effect.provide(Logger.replace(Logger.defaultLogger, loggers.reduce((left, right) => Logger.zipLeft(left, right))))

/** Each of Effect's own loggers, which gives its lines to a function; the pretty one writes to the console. */
export const builtInLoggers = (
  write: (line: unknown) => void
): readonly [Logger.Logger<unknown, void>, ...Array<Logger.Logger<unknown, void>>] => [
  Logger.map(Logger.stringLogger, write),
  Logger.map(Logger.logfmtLogger, write),
  Logger.map(Logger.jsonLogger, write),
  Logger.map(Logger.structuredLogger, write),
  Logger.prettyLogger({ mode: "tty", colors: false })
]

/** Gives a program a console of plain functions. */
export const withConsole = (
  functions: Readonly<Record<string, (...args: ReadonlyArray<any>) => void>>
): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> =>
  // Loggers write to the functions of a console; nothing here goes by its effects.
  Effect.withConsole({ [Console.TypeId]: Console.TypeId, unsafe: functions } as unknown as Console.Console)

/** Gives the metrics of a program a tag. */
export const withMetricTag =
  (name: string, value: string) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.tagMetrics(effect, name, value)

export interface SpanObserver {
  readonly attributes: Map<string, unknown>
  readonly event?: (name: string, attributes: Readonly<Record<string, unknown>> | undefined) => void
  readonly end?: (exit: Exit.Exit<unknown, unknown>) => void
}

/** A tracer that tells of each span when it starts. */
export const tracer = (
  onSpan: (span: {
    readonly name: string
    readonly kind: Tracer.SpanKind
    readonly parent: Option.Option<Tracer.AnySpan>
  }) => SpanObserver
): Tracer.Tracer => {
  let spans = 0
  return Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const { attributes, end, event } = onSpan({ name, kind, parent })
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
        spanId: String(++spans).padStart(16, "0"),
        traceId: "0".repeat(31) + "1",
        get status() {
          return status
        },
        attribute: (key, value) => {
          attributes.set(key, value)
        },
        event: (name, _, attributes) => event?.(name, attributes),
        addLinks: () => undefined,
        end: (endTime, exit) => {
          status = { _tag: "Ended", startTime, endTime, exit }
          end?.(exit)
        }
      }
    },
    context: (f) => f()
  })
}
