/** HTTP clients that send the trace of their caller. */
import * as Effect from "effect/Effect"
import { constFalse } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"

/** Runs requests with the propagation of traces on. */
export const withPropagation: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect
  .provideService(HttpClient.TracerPropagationEnabled, true)

/** The same client, which has been told to trace each request. */
export const eager = <E, R>(
  client: Layer.Layer<HttpClient.HttpClient, E, R>
): Layer.Layer<HttpClient.HttpClient, E, R> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (http) =>
      HttpClient.makeWith(
        (request: Effect.Effect<HttpClientRequest, HttpClientError>) =>
          Effect.flatMap(request, (one) => http.execute(one)).pipe(
            Effect.provideService(HttpClient.TracerPropagationEnabled, true),
            Effect.provideService(HttpClient.TracerDisabledWhen, constFalse)
          ),
        Effect.succeed
      ))
  ).pipe(Layer.provide(client))
