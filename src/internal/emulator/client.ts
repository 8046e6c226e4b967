/** The emulator as an `HttpClient`, in memory. */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Outcome, Request } from "../../testing/SlackEmulatorModel.js"
import { notEncoded, type SendError, unanswered } from "../effect/httpErrors.js"

/** The error that a client gets from a broken socket. */
const connectionReset = () =>
  Object.assign(new Error("the connection was cut"), { code: "ECONNRESET", syscall: "read" })

const bodyText = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<string, SendError> => {
  const { body } = request
  const failed = (cause: unknown) => notEncoded(request, cause)
  switch (body._tag) {
    case "Empty":
      return Effect.succeed("")
    case "Uint8Array":
      return Effect.sync(() => new TextDecoder().decode(body.body))
    case "Raw":
    case "FormData":
      return Effect.tryPromise({
        try: () => new Response((body._tag === "Raw" ? body.body : body.formData) as BodyInit).text(),
        catch: failed
      })
    case "Stream":
      return Stream.mkString(Stream.decodeText(Stream.mapError(body.stream, failed)))
  }
}

/** The first half of a body, and then an error. */
const brokenBody = (body: string): ReadableStream<Uint8Array> => {
  const bytes = new TextEncoder().encode(body)
  const chunks = [bytes.slice(0, Math.floor(bytes.length / 2))]
  return new ReadableStream({
    pull: (controller) => {
      const chunk = chunks.shift()
      if (chunk === undefined) controller.error(connectionReset())
      else controller.enqueue(chunk)
    }
  })
}

export const make = (
  handle: <E, R>(request: Request<E, R>) => Effect.Effect<Outcome, E, R>
): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.flatMap(
      handle({ method: request.method, url, headers: request.headers, body: bodyText(request) }),
      (outcome) =>
        outcome._tag === "Cut"
          ? Effect.fail(unanswered(request, connectionReset()))
          : Effect.succeed(
            HttpClientResponse.fromWeb(
              request,
              new Response(outcome.cutInBody ? brokenBody(outcome.body) : outcome.body, outcome)
            )
          )
    )
  )
