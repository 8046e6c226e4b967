/** HTTP clients that send the trace of their caller. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Runs requests with the propagation of traces on. */
export const withPropagation: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.locally(
  HttpClient.currentTracerPropagation,
  true
)

/** The same client, which has been told to trace each request. */
export const eager = <E, R>(
  client: Layer.Layer<HttpClient.HttpClient, E, R>
): Layer.Layer<HttpClient.HttpClient, E, R> =>
  HttpClient.HttpClient.pipe(
    Effect.map(HttpClient.withTracerPropagation(true)),
    Effect.map(HttpClient.withTracerDisabledWhen(() => false)),
    Layer.effect(HttpClient.HttpClient),
    Layer.provide(client)
  )
