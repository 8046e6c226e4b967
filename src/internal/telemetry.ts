/**
 * What the library reports while it runs: spans, logs, and the metrics of `Telemetry`. None of it ever holds a secret.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { Method, OAuthV2Error } from "../OAuthV2Error.js"
import * as Telemetry from "../Telemetry.js"
import type { Caller } from "./effect/fibers.js"
import { type Tagged, type Update, updateAll, withTags } from "./effect/metrics.js"
import { observeInSpan } from "./effect/spans.js"
import { once } from "./once.js"

const increment = (metric: Tagged<number>): Effect.Effect<void> => updateAll((update) => update(metric, 1))

// -------------------------------------------------------------------------------------
// calls
// -------------------------------------------------------------------------------------

const callsOf = once((method: Method) => once((result: string) => withTags(Telemetry.calls, { method, result })))
const retriesOf = once((method: Method) => withTags(Telemetry.retries, { method }))
const callDurationOf = once((method: Method) => withTags(Telemetry.callDuration, { method }))

/** What a call reports while it runs, and its span. */
export interface Watch {
  readonly span: Tracer.Span
  /** To call when an attempt starts. */
  readonly attempted: () => void
  /** To run after an attempt that failed. It logs the error, at debug. */
  readonly failed: (error: OAuthV2Error) => Effect.Effect<void>
}

/** Runs a call in a span of its own, such as `OAuthV2.access`, counts it and times it. */
export const observe = <A, E extends OAuthV2Error, R>(
  method: Method,
  call: (watch: Watch, caller: Caller<R>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  observeInSpan(
    method.replace("oauth.v2", "OAuthV2"),
    { kind: "client", attributes: { "slack.method": method } },
    (span, caller) => {
      const startedAt = caller.clock.unsafeCurrentTimeMillis()
      let attempts = 0
      const effect = call({
        span,
        attempted: () => {
          attempts++
        },
        failed: (error) =>
          Effect.logDebug(error.message).pipe(
            Effect.annotateLogs("slack.method", error.method),
            Effect.withParentSpan(span)
          )
      }, caller)
      const onEnd = (exit: Exit.Exit<A, E>, update: Update) => {
        const repetitions = Math.max(0, attempts - 1)
        update(callsOf(method)(describe(span, exit, repetitions)), 1)
        update(callDurationOf(method), caller.clock.unsafeCurrentTimeMillis() - startedAt)
        if (repetitions > 0) update(retriesOf(method), repetitions)
      }
      return { effect, onEnd }
    }
  )

/** Adds to the span how the call ended, and returns it as the metrics call it. */
const describe = <A, E extends OAuthV2Error>(
  span: Tracer.Span,
  exit: Exit.Exit<A, E>,
  repetitions: number
): string => {
  span.attribute("slack.retry.count", repetitions)
  if (Exit.isSuccess(exit)) return "ok"
  const error = Cause.failureOption(exit.cause)
  if (Option.isNone(error)) return Cause.isInterrupted(exit.cause) ? "interrupted" : "defect"
  span.attribute("slack.error.code", error.value.code)
  span.attribute("error.type", error.value._tag)
  return error.value._tag
}

// -------------------------------------------------------------------------------------
// installs
// -------------------------------------------------------------------------------------

/** The two requests of an install. */
export type InstallStep = "begin" | "callback"

const installsOf = once((step: InstallStep) => once((result: string) => withTags(Telemetry.installs, { step, result })))

/** Answers a request of an install flow in a span of its own and counts it. */
export const observeInstall = <A, R>(
  step: InstallStep,
  answer: Effect.Effect<A, never, R>,
  resultOf: (answer: A) => string
): Effect.Effect<A, never, R> =>
  answer.pipe(
    Effect.tap((answered) => {
      const result = resultOf(answered)
      return Effect.zipRight(
        increment(installsOf(step)(result)),
        Effect.annotateCurrentSpan("slack.install.result", result)
      )
    }),
    Effect.withSpan(`InstallFlow.${step}`, { captureStackTrace: false })
  )

// -------------------------------------------------------------------------------------
// tokens
// -------------------------------------------------------------------------------------

const refreshesOf = once((result: string) => withTags(Telemetry.refreshes, { result }))
const exchangesOf = once((result: string) => withTags(Telemetry.exchanges, { result }))
const tokenStatesOf = once((state: string) => withTags(Telemetry.tokenStates, { state }))

/** Counts a long-lived token that a migration has processed. */
export const exchanged = (result: string): Effect.Effect<void> => increment(exchangesOf(result))

/** Counts a refresh. */
export const refreshed = (result: string): Effect.Effect<void> => increment(refreshesOf(result))

/** Sets the gauges to a count of the fleet. */
export const tokens = (counts: Readonly<Record<string, number>>): Effect.Effect<void> =>
  updateAll((update) => {
    for (const [state, count] of Object.entries(counts)) update(tokenStatesOf(state), count)
  })
