/**
 * Servers: where one listens, and the settings of what it serves.
 */
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"

/** The host and the port at which the server listens; `undefined` for a Unix socket. */
export const address: Effect.Effect<
  { readonly hostname: string; readonly port: number } | undefined,
  never,
  HttpServer.HttpServer
> = HttpServer.addressWith((address) => Effect.succeed(address._tag === "UnixAddress" ? undefined : address))

/** Reads bodies up to a size. */
export const withLargestBody = <A, E, R>(effect: Effect.Effect<A, E, R>, bytes: number): Effect.Effect<A, E, R> =>
  HttpIncomingMessage.withMaxBodySize(effect, Option.some(bytes)) as Effect.Effect<A, E, R>

/** Serves without a span for each request. */
export const withoutSpans: <A, E, R>(served: Layer.Layer<A, E, R>) => Layer.Layer<A, E, R> = HttpMiddleware
  .withTracerDisabledWhen(constTrue)
