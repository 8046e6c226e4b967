/**
 * Requests that do not reach beyond their call, and how they fail.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

export interface Failure {
  /** The platform's name for what went wrong before the request left; `undefined` if the request may have left. */
  readonly early: string | undefined
  readonly cause: unknown
  readonly response: HttpClientResponse.HttpClientResponse | undefined
  /** Whether the client failed for the status alone. */
  readonly isStatus: boolean
}

export const failureOf = (error: HttpClientError.HttpClientError): Failure =>
  error._tag === "ResponseError"
    ? { early: undefined, cause: error.cause, response: error.response, isStatus: error.reason === "StatusCode" }
    : {
      early: error.reason === "Transport" ? undefined : error.reason,
      cause: error.cause,
      response: undefined,
      isStatus: false
    }

/** The context of a request: its parent span, and the `RequestInit` of the application as `change` leaves it. */
export const requestContext =
  (span: Tracer.Span, change: (init: RequestInit | undefined) => RequestInit) =>
  <R>(context: Context.Context<R>): Context.Context<R> =>
    context.pipe(
      Context.add(Tracer.ParentSpan, span),
      Context.add(
        FetchHttpClient.RequestInit,
        change(Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit)))
      )
    )

/** Runs a request without spans of its own, and without a trace header. The fiber has to be the request's own. */
export const untraced = <A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.zipRight(FiberRef.set(FiberRef.currentTracerEnabled, false), request)
