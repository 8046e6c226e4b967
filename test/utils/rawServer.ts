/**
 * An HTTP server on loopback that keeps the bytes of every request, and answers with bytes. So a test sees what is really sent.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"

export interface RawRequest {
  /** Such as `POST /api/oauth.v2.access HTTP/1.1`. */
  readonly line: string
  /** In their original order and case. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: string
  /** The whole request, as it arrived. */
  readonly raw: string
  /** Ends when the client's side of the connection is gone. */
  readonly closed: Effect.Effect<void>
}

/** Answers a request, on the socket it came from. */
export type Respond = (request: RawRequest, socket: Net.Socket) => void

export interface RawServer {
  readonly url: string
  readonly requests: ReadonlyArray<RawRequest>
  /** The requests, in the order of their arrival. */
  readonly arrivals: Queue.Dequeue<RawRequest>
  readonly respondWith: (respond: Respond) => void
}

export const headerOf = (request: RawRequest, name: string): ReadonlyArray<string> =>
  request.headers.filter(([header]) => header.toLowerCase() === name).map(([, value]) => value)

/** A whole answer. */
export const answer = (options: {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}): string => {
  const body = options.body ?? ""
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    ...options.headers
  }
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("")
  return `HTTP/1.1 ${options.status ?? 200} Test\r\n${head}\r\n${body}`
}

export const json = (value: unknown): Respond => (_, socket) => {
  socket.write(answer({ body: JSON.stringify(value) }))
}

const read = (bytes: Buffer): Omit<RawRequest, "closed"> | undefined => {
  const text = bytes.toString("latin1")
  const end = text.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const [line = "", ...rest] = text.slice(0, end).split("\r\n")
  const headers = rest.map((header) => {
    const colon = header.indexOf(":")
    return [header.slice(0, colon), header.slice(colon + 1).trim()] as const
  })
  const length = Number(headers.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? "0")
  const size = end + 4 + length
  return bytes.length < size ? undefined : {
    line,
    headers,
    body: bytes.toString("utf8", end + 4, size),
    raw: bytes.toString("utf8", 0, size)
  }
}

export const makeRawServer = (respond: Respond): Effect.Effect<RawServer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const requests: Array<RawRequest> = []
    const sockets = new Set<Net.Socket>()
    const arrivals = yield* Queue.unbounded<RawRequest>()
    let current = respond

    const server = Net.createServer({ noDelay: true }, (socket) => {
      sockets.add(socket)
      const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()))
      let bytes = Buffer.alloc(0)
      socket.on("error", () => undefined)
      socket.on("close", () => sockets.delete(socket))
      socket.on("data", (chunk) => {
        bytes = Buffer.concat([bytes, chunk])
        for (let request = read(bytes); request !== undefined; request = read(bytes)) {
          bytes = bytes.subarray(Buffer.byteLength(request.raw))
          const arrived: RawRequest = { ...request, closed: Effect.promise(() => gone) }
          requests.push(arrived)
          Queue.unsafeOffer(arrivals, arrived)
          current(arrived, socket)
        }
      })
    })

    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          for (const socket of sockets) socket.destroy()
        })
    )
    const { port } = server.address() as Net.AddressInfo
    return {
      url: `http://127.0.0.1:${port}`,
      requests,
      arrivals,
      respondWith: (respond) => {
        current = respond
      }
    }
  })
