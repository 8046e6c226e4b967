/**
 * The metrics of this library. They are ordinary Effect metrics, hold no secret, and are for the process as a whole. The
 * names of the spans and logs are in the same table, in `docs/observability.md`.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"
import { histogram } from "./internal/effect/metrics.js"

/**
 * Finished calls. Tags: `method`, and `result`, which is `ok`, the tag of the error, or `interrupted`.
 *
 * @example
 * ```ts
 * import { Effect, Metric } from "effect"
 * import { Telemetry } from "effect-slack-oauth"
 *
 * const rateLimited = Telemetry.calls.pipe(
 *   Metric.tagged("method", "oauth.v2.access"),
 *   Metric.tagged("result", "SlackRateLimited")
 * )
 *
 * Effect.runPromise(Metric.value(rateLimited)).then(({ count }) => console.log(count)) // 0
 * ```
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
export const callDuration = histogram(
  "slack_oauth_call_duration_ms",
  "Duration of calls in milliseconds by method",
  { start: 5, factor: 2, count: 14 }
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

/**
 * Refreshes. Tag: `result`, which is `ok`, `unsaved` (Slack gave the token, and the store has not saved it yet), or the
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
 * Long-lived tokens that a migration has processed. Tag: `result`, which is the tag of its result.
 *
 * @since 0.1.0
 * @category metrics
 */
export const exchanges = Metric.counter("slack_oauth_exchanges", {
  description: "Long-lived tokens that a migration has processed, by result",
  incremental: true
})
