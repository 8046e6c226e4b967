/**
 * Faults: the ways in which a call to `SlackEmulator` can fail on demand. `SlackEmulator` exports all of them, and
 * `SlackEmulator.inject` chooses the calls.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Faults from "../internal/emulator/faults.js"

/**
 * A way in which a call can fail.
 *
 * @since 0.1.0
 * @category faults
 */
export type Fault = Faults.Fault

/**
 * Slack answers with an error code and does nothing.
 *
 * @since 0.1.0
 * @category faults
 */
export const code = (
  code: string,
  details: {
    readonly messages?: ReadonlyArray<string> | undefined
    readonly needed?: ReadonlyArray<string> | undefined
    readonly provided?: ReadonlyArray<string> | undefined
  } = {}
): Fault => ({
  _tag: "Code",
  code,
  messages: details.messages ?? [],
  needed: details.needed,
  provided: details.provided
})

/**
 * HTTP 429, with or without `Retry-After`, which is rounded up to whole seconds.
 *
 * @since 0.1.0
 * @category faults
 */
export const rateLimited = (
  options: { readonly retryAfter?: Duration.DurationInput | undefined } = {}
): Fault => ({
  _tag: "RateLimited",
  retryAfter: options.retryAfter === undefined ? undefined : Math.ceil(Duration.toSeconds(options.retryAfter))
})

/**
 * A status from 500 on with an HTML page, as Slack's load balancers send it.
 *
 * @since 0.1.0
 * @category faults
 */
export const serverError = (status = 500): Fault => ({ _tag: "ServerError", status })

/**
 * HTTP 200 with text that is not JSON.
 *
 * @since 0.1.0
 * @category faults
 */
export const text = (body = "something went wrong"): Fault => ({ _tag: "Text", body })

/**
 * The answer is late. The call has the same result as without the delay.
 *
 * @since 0.1.0
 * @category faults
 */
export const delay = (duration: Duration.DurationInput): Fault => ({
  _tag: "Delay",
  millis: Duration.toMillis(duration)
})

/**
 * The connection breaks before Slack reads the request. Slack does nothing.
 *
 * @since 0.1.0
 * @category faults
 */
export const cutBeforeReading: Fault = { _tag: "CutBeforeReading" }

/**
 * The connection breaks after Slack has done what was asked and before it answers: the lost reply.
 *
 * @since 0.1.0
 * @category faults
 */
export const cutAfterStateChange: Fault = { _tag: "CutAfterStateChange" }

/**
 * The connection breaks in the middle of the answer's body.
 *
 * @since 0.1.0
 * @category faults
 */
export const cutInBody: Fault = { _tag: "CutInBody" }

/**
 * Delays another fault until the state has changed, such as an `internal_error` after a refresh that has rotated the tokens.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SlackEmulator } from "effect-slack-oauth/testing"
 *
 * // The next refresh succeeds at Slack, and its answer says that Slack failed.
 * const program = SlackEmulator.inject({
 *   method: "oauth.v2.access",
 *   fault: SlackEmulator.afterStateChange(SlackEmulator.code("internal_error"))
 * })
 *
 * Effect.runPromise(Effect.provide(program, SlackEmulator.layer()))
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const afterStateChange = (fault: Fault): Fault => ({ _tag: "AfterStateChange", fault })

/**
 * Several faults in one call, such as a delay and then a cut. If two of them give an answer, the later one is sent.
 *
 * @since 0.1.0
 * @category faults
 */
export const all = (...faults: ReadonlyArray<Fault>): Fault => ({ _tag: "All", faults })
