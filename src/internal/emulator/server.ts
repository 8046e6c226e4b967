/** The emulator as an app of an `HttpServer`. */
import type * as HttpServer from "@effect/platform/HttpServer"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Outcome, Request } from "../../testing/SlackEmulatorModel.js"
import { concat } from "../bytes.js"
import { address, withLargestBody } from "../effect/servers.js"
import { isLoopback } from "../loopback.js"
import { parseUrl } from "../parseUrl.js"
import type { Control } from "./control.js"
import type * as Wire from "./wire.js"

/** A URL at which clients on this machine reach the server. A server on all addresses also has the loopback address. */
export const url: Effect.Effect<string, never, HttpServer.HttpServer> = Effect.map(address, (address) => {
  if (address === undefined) {
    throw new Error("SlackEmulator: the server listens on a Unix socket. Give it a port instead.")
  }
  const { hostname, port } = address
  const host = hostname === "0.0.0.0" || hostname === "::" ? "127.0.0.1" : hostname
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`
})

/**
 * Breaks the connection of a request, and returns whether it could. `@effect/platform` has no function for it, so this
 * uses the socket of Node's request. `destroySoon` sends what has been written before.
 */
const cutConnection = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<boolean> =>
  Effect.sync(() => {
    const { socket } = request.source as {
      readonly socket?: { readonly destroySoon?: () => void; readonly destroy?: () => void }
    }
    if (socket?.destroySoon !== undefined) socket.destroySoon()
    else if (socket?.destroy !== undefined) socket.destroy()
    else return false
    return true
  })

/** An answer that breaks off. */
const brokenOff = (
  request: HttpServerRequest.HttpServerRequest,
  start: Uint8Array,
  options: HttpServerResponse.Options
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(
    Stream.concat(Stream.make(start), Stream.execute(Effect.zipRight(cutConnection(request), Effect.interrupt))),
    options
  )

const write = ({ body, headers, status }: Wire.Response) => HttpServerResponse.text(body, { status, headers })

const respond = (
  request: HttpServerRequest.HttpServerRequest,
  outcome: Outcome
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  if (outcome._tag === "Cut") {
    // Without access to the socket, an answer that breaks off before its first byte comes closest.
    return Effect.map(
      cutConnection(request),
      (done) => done ? HttpServerResponse.empty() : brokenOff(request, new Uint8Array(), {})
    )
  }
  const { body, cutInBody, headers, status } = outcome
  if (!cutInBody) return Effect.succeed(write(outcome))
  const bytes = new TextEncoder().encode(body)
  return Effect.succeed(
    brokenOff(request, bytes.slice(0, Math.floor(bytes.length / 2)), {
      status,
      headers: { ...headers, "content-length": String(bytes.length) }
    })
  )
}

const forbidden = (text: string) => HttpServerResponse.text(text, { status: 403 })

/** Who may ask, and where the server listens. */
export interface Access {
  /** Whether clients on other machines are answered. */
  readonly anyone: boolean
  /** Whether the server listens on a Unix socket, which only this machine can reach. */
  readonly unixSocket: boolean
}

/** Whether the client is on this machine. A connection that is gone has no address, and can have come from anywhere. */
const isFromHere = (
  { remoteAddress }: HttpServerRequest.HttpServerRequest,
  { unixSocket }: Access
): boolean => Option.match(remoteAddress, { onNone: () => unixSocket, onSome: isLoopback })

/**
 * Whether a program on this machine may have sent a request to the control API. A page in a browser may not: its requests
 * have an origin, or reach this address under the name of another host.
 */
const mayControl = (request: HttpServerRequest.HttpServerRequest, access: Access): boolean => {
  const { host = "", origin } = request.headers
  return isFromHere(request, access) && isLoopback(parseUrl(`http://${host}`)?.hostname ?? "") &&
    (origin === undefined || origin === `http://${host}`)
}

/** The address of a request. A path that begins with two slashes names no host; a target that is no address is unknown. */
const targetOf = (target: string): URL => {
  const base = "http://emulator"
  return parseUrl(target.startsWith("/") ? `${base}${target}` : target, base) ?? new URL("/unknown", base)
}

// -------------------------------------------------------------------------------------
// bodies
// -------------------------------------------------------------------------------------

/** In bytes. No method needs as much. */
const largestBody = 1_048_576

const tooLarge = HttpServerResponse.text(`The body is larger than ${largestBody} bytes`, { status: 413 })

/**
 * Reads a body that comes in chunks, without its length. One that is too large is read to its end and forgotten, because a
 * server that stops reading closes the connection before it answers.
 */
const readToEnd = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<string, HttpServerError.RequestError | "too large"> => {
  const start: { readonly size: number; readonly chunks: ReadonlyArray<Uint8Array> } = { size: 0, chunks: [] }
  return Effect.flatMap(
    Stream.runFold(request.stream, start, ({ chunks, size }, bytes) => ({
      size: size + bytes.length,
      chunks: size + bytes.length > largestBody ? [] : [...chunks, bytes]
    })),
    ({ chunks, size }) =>
      size > largestBody ? Effect.fail("too large") : Effect.succeed(new TextDecoder().decode(concat(chunks, size)))
  )
}

/** The body of a request whose `Content-Length`, if it has one, is not too large. */
const bodyOf = (request: HttpServerRequest.HttpServerRequest) =>
  request.headers["transfer-encoding"] === undefined
    ? withLargestBody(request.text, largestBody)
    : readToEnd(request)

/** Refuses a request whose body turned out to be too large. */
const orTooLarge = <E, R>(
  response: Effect.Effect<HttpServerResponse.HttpServerResponse, E | "too large", R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
  Effect.catchAll(response, (error) => error === "too large" ? Effect.succeed(tooLarge) : Effect.fail(error as E))

// -------------------------------------------------------------------------------------
// the app
// -------------------------------------------------------------------------------------

/** Unless `anyone` is true, the app answers only clients on this machine. The control API never answers others. */
export const app = (
  handle: <E, R>(request: Request<E, R>) => Effect.Effect<Outcome, E, R>,
  { control, ...access }: Access & { readonly control: Control | undefined }
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  HttpServerError.RequestError,
  HttpServerRequest.HttpServerRequest | Scope.Scope
> =>
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { headers, method } = request
    if (!access.anyone && !isFromHere(request, access)) {
      return forbidden("The emulator answers only clients on this machine")
    }
    if (Number(headers["content-length"] ?? 0) > largestBody) return tooLarge
    const url = targetOf(request.url)
    if (control !== undefined && /^\/control(\/|$)/.test(url.pathname)) {
      if (!mayControl(request, access)) return forbidden("The control API answers only programs on this machine")
      const { pathname: path } = url
      return yield* orTooLarge(Effect.map(control.answer({ method, path, body: bodyOf(request) }), write))
    }
    const outcome = handle({ method, url, headers, body: bodyOf(request) })
    return yield* orTooLarge(Effect.flatMap(outcome, (outcome) => respond(request, outcome)))
  })
