/**
 * Reads the body of a web request, up to a size.
 */
import { concat } from "./bytes.js"

/** The body, or what is wrong with it. */
export type RequestBody =
  | { readonly _tag: "Read"; readonly bytes: Uint8Array }
  | { readonly _tag: "TooLarge" }
  /** Somebody has read it before, its connection ended, or the signal aborted. */
  | { readonly _tag: "Gone" }

/** Reads a body. It stops as soon as the body is larger than `limit` bytes, or when the signal aborts. */
export const readBody = async (request: Request, limit: number, signal: AbortSignal): Promise<RequestBody> => {
  if (request.bodyUsed) return { _tag: "Gone" }
  // The body is left alone: a server that is told to drop it closes the connection before its answer.
  if (Number(request.headers.get("content-length") ?? 0) > limit) return { _tag: "TooLarge" }
  if (request.body === null) return { _tag: "Read", bytes: new Uint8Array() }
  // An aborted signal does not fire again.
  if (signal.aborted) return { _tag: "Gone" }
  const chunks: Array<Uint8Array> = []
  let size = 0
  let stop: () => void = () => {}
  try {
    const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
    stop = () => void reader.cancel().catch(() => {})
    signal.addEventListener("abort", stop)
    while (true) {
      const { done, value } = await reader.read()
      // A body that was cut by an abort is done too.
      if (done) return signal.aborted ? { _tag: "Gone" } : { _tag: "Read", bytes: concat(chunks, size) }
      size += value.length
      // A limit that is not a number admits nothing.
      if (!(size <= limit)) {
        stop()
        return { _tag: "TooLarge" }
      }
      chunks.push(value)
    }
  } catch {
    return { _tag: "Gone" }
  } finally {
    signal.removeEventListener("abort", stop)
  }
}
