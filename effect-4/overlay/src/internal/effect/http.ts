/**
 * Requests that do not reach beyond their call, and how they fail.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { constTrue, identity } from "effect/Function"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

export interface Failure {
  /** The platform's name for what went wrong before the request left; `undefined` if the request may have left. */
  readonly early: string | undefined
  readonly cause: unknown
  readonly response: HttpClientResponse.HttpClientResponse | undefined
  /** The response, if the client failed for the status alone. */
  readonly answer: HttpClientResponse.HttpClientResponse | undefined
}

export const failureOf = ({ reason, response }: HttpClientError.HttpClientError): Failure => ({
  early: response !== undefined || reason._tag === "TransportError" ? undefined : reason._tag.replace(/Error$/, ""),
  cause: reason.cause,
  response,
  answer: reason._tag === "StatusCodeError" ? response : undefined
})

/**
 * The context of a request: its parent span, and the `RequestInit` of the application as `change` leaves it. It has no spans
 * of its own and sends no trace header. A client may have an opinion of its own on two of the three settings for that, and
 * would send the header of a span that does not exist.
 */
export const requestContext =
  (span: Tracer.Span, change: (init: RequestInit | undefined) => RequestInit) =>
  <R>({ mapUnsafe }: Context.Context<R>): Context.Context<R> =>
    Context.makeUnsafe(
      new Map(mapUnsafe)
        .set(Tracer.ParentSpan.key, span)
        .set(Tracer.DisablePropagation.key, true)
        .set(References.TracerEnabled.key, false)
        .set(HttpClient.TracerDisabledWhen.key, constTrue)
        .set(FetchHttpClient.RequestInit.key, change(mapUnsafe.get(FetchHttpClient.RequestInit.key)))
    )

/** Runs a request without spans of its own. Here `requestContext` has seen to it. */
export const untraced: <A, E, R>(request: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = identity
