/**
 * Servers: where one listens, the settings of what it serves, and what the spans of its requests show.
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

/**
 * Removes the query from the span of the request. Platform's tracer writes the whole URL into it. The code in a query works
 * once and expires soon, but it does not belong in a trace.
 */
export const hideQuery: Effect.Effect<void> = Effect.map(Effect.option(Effect.currentParentSpan), (parent) => {
  for (
    let span = Option.getOrUndefined(parent);
    span !== undefined && span._tag === "Span";
    span = Option.getOrUndefined(span.parent)
  ) {
    const url = span.attributes.get("url.full")
    if (typeof url === "string") span.attribute("url.full", url.split("?")[0])
    if (span.attributes.has("url.query")) span.attribute("url.query", "REDACTED")
  }
})
