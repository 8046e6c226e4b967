/**
 * Where a server listens.
 */
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"

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
