/**
 * Servers: where one listens, and the settings of what it serves.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"

/** The host and the port at which the server listens; `undefined` for a Unix socket. */
export const address: Effect.Effect<
  { readonly hostname: string; readonly port: number } | undefined,
  never,
  HttpServer.HttpServer
> = Effect.map(
  HttpServer.HttpServer,
  ({ address }) =>
    address._tag === "UnixPathAddress" ? undefined : { hostname: String(address.address), port: address.port }
)

/** Reads bodies up to a size. */
export const withLargestBody = <A, E, R>(effect: Effect.Effect<A, E, R>, bytes: number): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bytes))

/** Serves without a span for each request. */
export const withoutSpans = <A, E, R>(served: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.provide(served, Layer.succeed(HttpMiddleware.TracerDisabledWhen, constTrue))
