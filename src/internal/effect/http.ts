/**
 * Requests that do not reach beyond their call, and how they fail.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Tracer from "effect/Tracer"

export interface Failure {
  /** The platform's name for what went wrong before the request left; `undefined` if the request may have left. */
  readonly early: string | undefined
  readonly cause: unknown
  readonly response: HttpClientResponse.HttpClientResponse | undefined
  /** The response, if the client failed for the status alone. */
  readonly answer: HttpClientResponse.HttpClientResponse | undefined
}

export const failureOf = (error: HttpClientError.HttpClientError): Failure => {
  const { cause, reason } = error
  const response = error._tag === "ResponseError" ? error.response : undefined
  return {
    early: response !== undefined || reason === "Transport" ? undefined : reason,
    cause,
    response,
    answer: reason === "StatusCode" ? response : undefined
  }
}

/** The context of a request: its parent span, and the `RequestInit` of the application as `change` leaves it. */
export const requestContext =
  (span: Tracer.Span, change: (init: RequestInit | undefined) => RequestInit) =>
  <R>({ unsafeMap }: Context.Context<R>): Context.Context<R> => {
    const { key } = FetchHttpClient.RequestInit
    // One copy of the services: `Context.add` makes one each time.
    return Context.unsafeMake(new Map(unsafeMap).set(Tracer.ParentSpan.key, span).set(key, change(unsafeMap.get(key))))
  }

/** Runs a request without spans of its own, and without a trace header. The fiber has to be the request's own. */
export const untraced = <A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.zipRight(FiberRef.set(FiberRef.currentTracerEnabled, false), request)
