/**
 * Where a server listens.
 */
import * as HttpServer from "@effect/platform/HttpServer"
import * as Effect from "effect/Effect"

/** The host and the port at which the server listens; `undefined` for a Unix socket. */
export const address: Effect.Effect<
  { readonly hostname: string; readonly port: number } | undefined,
  never,
  HttpServer.HttpServer
> = HttpServer.addressWith((address) => Effect.succeed(address._tag === "UnixAddress" ? undefined : address))
