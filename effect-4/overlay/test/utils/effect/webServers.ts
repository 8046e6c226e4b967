/** Servers for web requests, which give no access to sockets. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

type App = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  unknown,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/** A server whose requests come from an address, or from none that is known. */
export const make = (remoteAddress: string | undefined) =>
  Effect.gen(function*() {
    const served = yield* Deferred.make<App>()
    return {
      layer: Layer.succeed(
        HttpServer.HttpServer,
        HttpServer.make({
          address: NetAddress.inetAddressFromInputUnsafe({ address: "0.0.0.0", port: 80 }),
          serve: (app) => Effect.asVoid(Deferred.succeed(served, app))
        })
      ),
      get: (path: string, headers: Readonly<Record<string, string>> = {}): Effect.Effect<Response> =>
        Effect.gen(function*() {
          const request = HttpServerRequest.fromWeb(new Request(`http://127.0.0.1${path}`, { headers })).modify({
            remoteAddress: Option.fromNullishOr(remoteAddress)
          })
          const response = yield* Effect.scoped(Effect.provideService(
            Effect.orDie(yield* Deferred.await(served)),
            HttpServerRequest.HttpServerRequest,
            request
          ))
          return HttpServerResponse.toWeb(response)
        })
    }
  })
