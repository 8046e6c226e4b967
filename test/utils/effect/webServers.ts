/** Servers for web requests, which give no access to sockets. */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A server whose requests come from an address, or from none that is known. */
export const make = (remoteAddress: string | undefined) =>
  Effect.gen(function*() {
    const served = yield* Deferred.make<HttpApp.Default<unknown>>()
    return {
      layer: Layer.succeed(
        HttpServer.HttpServer,
        HttpServer.make({
          address: { _tag: "TcpAddress", hostname: "0.0.0.0", port: 80 },
          serve: (app) => Effect.asVoid(Deferred.succeed(served, app))
        })
      ),
      get: (path: string, headers: Readonly<Record<string, string>> = {}): Effect.Effect<Response> =>
        Effect.gen(function*() {
          const request = HttpServerRequest.fromWeb(new Request(`http://127.0.0.1${path}`, { headers })).modify(
            remoteAddress === undefined ? {} : { remoteAddress }
          )
          const response = yield* Effect.scoped(Effect.provideService(
            Effect.orDie(yield* Deferred.await(served)),
            HttpServerRequest.HttpServerRequest,
            request
          ))
          return HttpServerResponse.toWeb(response)
        })
    }
  })
