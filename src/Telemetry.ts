/**
 * What can be watched while the library runs: metrics, which anyone may read, spans, and logs. None ever holds a secret.
 * All names stand in one table in `docs/observability.md`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { Method, OAuthV2Error } from "./OAuthV2Error.js"

// -------------------------------------------------------------------------------------
// metrics
// -------------------------------------------------------------------------------------

/**
 * Finished calls. Tags: `method`, and `result`, which is `ok`, the tag of the error, or `interrupted`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const calls = Metric.counter("slack_oauth_calls", {
  description: "Finished calls by method and result",
  incremental: true
})

/**
 * Attempts after the first. Tag: `method`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const retries = Metric.counter("slack_oauth_retries", {
  description: "Attempts after the first by method",
  incremental: true
})

/**
 * How long calls take, in milliseconds, with their repetitions and the waiting between. Tag: `method`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const callDuration = Metric.histogram(
  "slack_oauth_call_duration_ms",
  MetricBoundaries.exponential({ start: 5, factor: 2, count: 14 }),
  "Duration of calls in milliseconds by method"
)

/**
 * Answered requests of install flows. Tags: `step`, which is `begin` or `callback`, and `result`, which is `ok`, the tag
 * of the error, or `landing`, `head` or `response` where nothing was begun.
 *
 * @since 0.1.0
 * @category metrics
 */
export const installs = Metric.counter("slack_oauth_installs", {
  description: "Answered requests of install flows by step and result",
  incremental: true
})

/** Tagging a metric is work, and combinations of tags are few, so each is made once. */
const tagged = <Type, In, Out>(metric: Metric.Metric<Type, In, Out>, ...names: ReadonlyArray<string>) => {
  const made = new Map<string, Metric.Metric<Type, In, Out>>()
  return (...values: ReadonlyArray<string>): Metric.Metric<Type, In, Out> => {
    const key = values.join()
    const known = made.get(key)
    if (known !== undefined) return known
    const fresh = names.reduce((metric, name, index) => Metric.tagged(metric, name, values[index] ?? ""), metric)
    made.set(key, fresh)
    return fresh
  }
}

const callsOf = tagged(calls, "method", "result")
const retriesOf = tagged(retries, "method")
const callDurationOf = tagged(callDuration, "method")
const installsOf = tagged(installs, "step", "result")

// -------------------------------------------------------------------------------------
// watching a call
// -------------------------------------------------------------------------------------

/** `OAuthV2.access` and `OAuthV2.exchange`, as this package calls the methods. */
const spanName = (method: Method): string => method.replace("oauth.v2", "OAuthV2")

/**
 * What a call has to tell while it is watched, and the span that it is watched by.
 *
 * @since 0.1.0
 * @category models
 */
export interface Watch {
  readonly span: Tracer.Span
  /** To call when an attempt starts. */
  readonly attempted: () => void
  /** To run after an attempt that failed. It logs the error, at debug. */
  readonly failed: (error: OAuthV2Error) => Effect.Effect<void>
}

/**
 * Runs a call in a span of its own, counts it and times it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const observe = <A, E extends OAuthV2Error, R>(
  method: Method,
  call: (watch: Watch) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.useSpan(
    spanName(method),
    { kind: "client", captureStackTrace: false, attributes: { "slack.method": method } },
    (span) =>
      Effect.clockWith((clock) => {
        const startedAt = clock.unsafeCurrentTimeMillis()
        const elapsed = () => clock.unsafeCurrentTimeMillis() - startedAt
        let attempts = 0
        const watch: Watch = {
          span,
          attempted: () => {
            attempts++
          },
          failed: (error) =>
            Effect.logDebug(error.message).pipe(
              Effect.annotateLogs("slack.method", error.method),
              Effect.withParentSpan(span)
            )
        }
        return Effect.onExit(call(watch), (exit) => record(method, span, exit, elapsed, Math.max(0, attempts - 1)))
      })
  )

const record = <A, E extends OAuthV2Error>(
  method: Method,
  span: Tracer.Span,
  exit: Exit.Exit<A, E>,
  elapsed: () => number,
  repetitions: number
): Effect.Effect<void> => {
  span.attribute("slack.retry.count", repetitions)
  const error = Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()
  if (Option.isSome(error)) {
    span.attribute("slack.error.code", error.value.code)
    span.attribute("error.type", error.value._tag)
  }
  const result = Exit.isSuccess(exit)
    ? "ok"
    : Option.isSome(error)
    ? error.value._tag
    : Cause.isInterrupted(exit.cause)
    ? "interrupted"
    : "defect"
  // What `Metric.update` does, once for all.
  return Effect.map(FiberRef.get(FiberRef.currentMetricLabels), (labels) => {
    callsOf(method, result).unsafeUpdate(1, labels)
    callDurationOf(method).unsafeUpdate(elapsed(), labels)
    if (repetitions > 0) retriesOf(method).unsafeUpdate(repetitions, labels)
  })
}

// -------------------------------------------------------------------------------------
// watching an install
// -------------------------------------------------------------------------------------

/**
 * The two requests of an install.
 *
 * @since 0.1.0
 * @category models
 */
export type InstallStep = "begin" | "callback"

/**
 * Answers a request of an install flow in a span of its own and counts it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const observeInstall = <A, R>(
  step: InstallStep,
  answer: Effect.Effect<A, never, R>,
  resultOf: (answer: A) => string
): Effect.Effect<A, never, R> =>
  answer.pipe(
    Effect.tap((answered) => {
      const result = resultOf(answered)
      return Effect.zipRight(
        Metric.increment(installsOf(step, result)),
        Effect.annotateCurrentSpan("slack.install.result", result)
      )
    }),
    Effect.withSpan(`InstallFlow.${step}`, { captureStackTrace: false })
  )

// -------------------------------------------------------------------------------------
// watching tokens
// -------------------------------------------------------------------------------------

/**
 * Refreshes. Tag: `result`, which is `ok`, `unsaved` (Slack gave the token and the store did not take it yet), or the
 * tag of the error.
 *
 * @since 0.1.0
 * @category metrics
 */
export const refreshes = Metric.counter("slack_oauth_refreshes", {
  description: "Refreshes by result",
  incremental: true
})

/**
 * Credentials by `state`: `fresh`, `expiring`, `permanent`, `dead`, `unsaved`. Set whenever the fleet is counted.
 *
 * @since 0.1.0
 * @category metrics
 */
export const tokenStates = Metric.gauge("slack_oauth_tokens", { description: "Credentials by state" })

/**
 * Long-lived tokens that a migration came to. Tag: `result`, which is the tag of its result.
 *
 * @since 0.1.0
 * @category metrics
 */
export const exchanges = Metric.counter("slack_oauth_exchanges", {
  description: "Long-lived tokens that a migration came to, by result",
  incremental: true
})

const refreshesOf = tagged(refreshes, "result")
const exchangesOf = tagged(exchanges, "result")
const tokenStatesOf = tagged(tokenStates, "state")

/**
 * Counts a long-lived token that a migration came to.
 *
 * @since 0.1.0
 * @category combinators
 */
export const exchanged = (result: string): Effect.Effect<void> => Metric.increment(exchangesOf(result))

/**
 * Counts a refresh.
 *
 * @since 0.1.0
 * @category combinators
 */
export const refreshed = (result: string): Effect.Effect<void> => Metric.increment(refreshesOf(result))

/**
 * Sets the gauges to a count of the fleet.
 *
 * @since 0.1.0
 * @category combinators
 */
export const tokens = (counts: Readonly<Record<string, number>>): Effect.Effect<void> =>
  Effect.forEach(
    Object.entries(counts),
    ([state, count]) => Metric.set(tokenStatesOf(state), count),
    { discard: true }
  )
