/**
 * Routes of platform's routers whose handlers take a web request and return a web response.
 */
import * as Cookies from "@effect/platform/Cookies"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** Leaves out what `Headers` refuses, such as the pseudo-headers of HTTP/2 (`:path`). No handler needs these. */
const toHeaders = (fields: Readonly<Record<string, string>>): Headers => {
  const headers = new Headers()
  for (const [name, value] of Object.entries(fields)) {
    try {
      headers.set(name, value)
    } catch {
      continue
    }
  }
  return headers
}

/** The request without its body as a web request at the given address. Its `Host` header is not used. */
export const toWebRequest = (request: HttpServerRequest.HttpServerRequest, url: string): Request => {
  if (request.source instanceof Request) return request.source
  const question = request.url.indexOf("?")
  return new Request(question < 0 ? url : url + request.url.slice(question), {
    method: request.method,
    headers: toHeaders(request.headers)
  })
}

/** The same with its body, which is not read before the handler reads it. */
export const toWebRequestWithBody = (request: HttpServerRequest.HttpServerRequest, url: string): Request => {
  const withoutBody = toWebRequest(request, url)
  return request.source instanceof Request || request.method === "GET" || request.method === "HEAD"
    ? withoutBody
    // Node demands `duplex` for a stream, and the types of the DOM do not know it.
    : new Request(withoutBody, { body: Stream.toReadableStream(request.stream), duplex: "half" } as RequestInit)
}

/** Like `HttpServerResponse.fromWeb`, which the oldest supported version of platform does not have. */
export const fromWebResponse = (response: Response): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.tryPromise(() => response.arrayBuffer()).pipe(
    Effect.map((buffer) => {
      const headers = new Headers(response.headers)
      headers.delete("set-cookie")
      const empty = HttpServerResponse.empty({
        status: response.status,
        headers: Object.fromEntries(headers),
        cookies: Cookies.fromSetCookie(response.headers.getSetCookie())
      })
      return buffer.byteLength === 0
        ? empty
        : HttpServerResponse.setBody(
          empty,
          HttpBody.uint8Array(new Uint8Array(buffer), headers.get("content-type") ?? undefined)
        )
    }),
    // Only a response of the application can be unreadable: this package makes all others.
    Effect.catchAllCause(() => Effect.succeed(HttpServerResponse.empty({ status: 500 })))
  )

/** The handler of a route, for a function over web requests. Requests get the given address. */
export const toRoute = (url: string, handle: (request: Request) => Effect.Effect<Response>) =>
  Effect.flatMap(
    HttpServerRequest.HttpServerRequest,
    (request) => Effect.flatMap(handle(toWebRequestWithBody(request, url)), fromWebResponse)
  )
