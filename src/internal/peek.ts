/**
 * Reads the start of a response's body. The response that is returned still has the whole body, and every way to read it.
 */
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { concat } from "./bytes.js"
import { hasNoBody, notRead, type ReadError } from "./effect/httpErrors.js"

/** A response, and its whole body if that is small. */
export interface Peeked {
  readonly body: Uint8Array | undefined
  readonly response: HttpClientResponse.HttpClientResponse
}

type Reader = ReadableStreamDefaultReader<Uint8Array>

/** A body that nobody reads to its end would keep its connection open. Some runtimes have no such registry. */
const abandoned = "FinalizationRegistry" in globalThis
  ? new FinalizationRegistry<Reader>((reader) => void reader.cancel().catch(() => {}))
  : undefined

/** The chunks that were read, and then the rest of the reader. */
const continued = (chunks: ReadonlyArray<Uint8Array>, reader: Reader): ReadableStream<Uint8Array> => {
  const known = chunks.values()
  const stream = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = known.next()
      const { done, value } = next.done === true ? await reader.read() : next
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason)
  }, { highWaterMark: 0 })
  abandoned?.register(stream, reader)
  return stream
}

/** The same response, with another source for its body. */
const withBody = (
  response: HttpClientResponse.HttpClientResponse,
  body: () => BodyInit
): HttpClientResponse.HttpClientResponse => {
  const headers = { "content-type": response.headers["content-type"] ?? "" }
  const source = () => HttpClientResponse.fromWeb(response.request, new Response(body(), { headers }))
  return Object.create(response, {
    stream: { get: () => source().stream },
    text: { get: () => source().text },
    json: { get: () => source().json },
    arrayBuffer: { get: () => source().arrayBuffer },
    formData: { get: () => source().formData },
    urlParamsBody: { get: () => source().urlParamsBody }
  })
}

/** Reads the body up to `limit` bytes. A longer body is not buffered: the response streams it. */
export const peek = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Peeked, ReadError> =>
  Effect.flatMap(Stream.toReadableStreamEffect(response.stream), (stream) => {
    const reader = stream.getReader()
    const chunks: Array<Uint8Array> = []
    let size = 0
    const read = Effect.tryPromise({
      try: () => reader.read(),
      catch: (cause) => notRead(response, cause)
    })
    const go: Effect.Effect<Peeked, ReadError> = Effect.flatMap(read, ({ done, value }) => {
      if (done) {
        const bytes = concat(chunks, size)
        return Effect.succeed({ body: bytes, response: withBody(response, () => bytes) })
      }
      chunks.push(value)
      size += value.length
      if (size <= limit) return go
      const rest = continued(chunks, reader)
      return Effect.succeed({ body: undefined, response: withBody(response, () => rest) })
    })
    return go.pipe(
      Effect.catchIf(hasNoBody, () => Effect.succeed({ body: undefined, response })),
      Effect.onInterrupt(() => Effect.promise(() => reader.cancel()))
    )
  })
