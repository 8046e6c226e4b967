/**
 * Calls to stores. A call that never answers, throws, or interrupts itself fails in time and with a typed error, in every store.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import { withDeadline } from "./deadline.js"
import { codeOf } from "./driverCode.js"
import { eachPull } from "./effect/streams.js"
import { maskTokens } from "./secrets.js"

/** The deadline of a call that only its caller waits for. */
export const standardDeadline: Duration.Duration = Duration.seconds(10)

/** The code of a call that did not answer in time. */
export const late = "DEADLINE"

/** The code of a call that died, or interrupted itself, without a code of its own. */
const unexpected = "DEFECT"

/** The messages of an error and of its causes. The stack is left out: it only adds paths. */
const messagesOf = (error: unknown, depth = 0): ReadonlyArray<string> =>
  typeof error !== "object" || error === null || depth > 8
    ? []
    : [
      ..."message" in error && typeof error.message === "string" ? [error.message] : [],
      ..."cause" in error ? messagesOf(error.cause, depth + 1) : []
    ]

/** Logs the messages of a driver's failure at debug. What looks like a secret is masked. */
export const logCause = (operation: string, error: unknown): Effect.Effect<void> =>
  Effect.suspend(() => Effect.logDebug(`${operation}: ${maskTokens(messagesOf(error).join(": ") || String(error))}`))

/**
 * Runs one call to a store, with a deadline. `toError` makes the error of a call that was late, died, or interrupted itself,
 * from a code.
 */
export const storeCall = <A, E, R, E2>(
  call: Effect.Effect<A, E, R>,
  { deadline, operation, toError }: {
    readonly operation: string
    readonly deadline: Duration.Duration
    readonly toError: (code: string) => E2
  }
): Effect.Effect<A, E | E2, R> =>
  Effect.catchAllCause(
    withDeadline(call, deadline, () => toError(late)),
    (cause) =>
      Option.match(Cause.failureOption(cause), {
        onSome: Effect.fail,
        onNone: () => {
          const defect = Cause.squash(cause)
          return Effect.zipRight(
            logCause(operation, defect),
            Effect.failSync(() => toError(codeOf(defect) ?? unexpected))
          )
        }
      })
  )

/** The same for a stream: each pull is one call, and so is its end. */
export const storeStream = <A, E, R, E2>(
  stream: Stream.Stream<A, E, R>,
  options: Parameters<typeof storeCall<A, E, R, E2>>[1]
): Stream.Stream<A, E | E2, R> =>
  eachPull<A, E, R, E2>(
    stream,
    (pull, failed) => storeCall(pull, { ...options, toError: (code) => failed(options.toError(code)) })
  )
