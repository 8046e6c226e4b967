/**
 * Servers: where one listens, the settings of what it serves, and what the spans of its requests show.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"

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

const withoutQuery = (key: string, value: unknown): unknown =>
  key === "url.full" && typeof value === "string"
    ? value.split("?")[0]
    : key === "url.query"
    ? "REDACTED"
    : value

/** The spans that take no query already. */
const changed = new WeakSet<Tracer.Span>()

/**
 * Removes the query from the span of the request. The tracer of a server writes the whole URL into it when the request has
 * ended, so the span is changed to take it without the query. The code in a query works once and expires soon, but it does
 * not belong in a trace.
 */
export const hideQuery: Effect.Effect<void> = Effect.map(Effect.option(Effect.currentParentSpan), (parent) => {
  for (
    let span = Option.getOrUndefined(parent);
    span !== undefined && span._tag === "Span";
    span = Option.getOrUndefined(span.parent)
  ) {
    if (span.kind !== "server" || changed.has(span)) continue
    changed.add(span)
    const attribute = span.attribute.bind(span)
    span.attribute = (key, value) => attribute(key, withoutQuery(key, value))
  }
})
