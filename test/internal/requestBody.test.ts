import { assert, describe, it } from "@effect/vitest"
import { readBody } from "../../src/internal/requestBody.js"

const requestOf = (body: ReadableStream<Uint8Array>) =>
  new Request("https://app.example", { method: "POST", body, duplex: "half" } as RequestInit)

const chunk = new TextEncoder().encode("first half, ")

describe("readBody", () => {
  it("does not take a body that was cut by an abort for the whole one", async () => {
    const controller = new AbortController()
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => stream.enqueue(chunk),
      cancel: () => void (cancelled = true)
    })
    const reading = readBody(requestOf(body), 1000, controller.signal)
    await Promise.resolve()
    controller.abort()
    assert.deepStrictEqual(await reading, { _tag: "Gone" })
    assert.isTrue(cancelled)
  })

  it("reads nothing after an abort", { timeout: 1000 }, async () => {
    const request = requestOf(new ReadableStream())
    assert.deepStrictEqual(await readBody(request, 1000, AbortSignal.abort()), { _tag: "Gone" })
    assert.isFalse(request.bodyUsed)
  })

  it("stops listening to the signal when it has read the body", async () => {
    const { signal } = new AbortController()
    const listeners = new Set<unknown>()
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (type: string, listener: any) => (listeners.add(listener), add(type, listener))
    signal.removeEventListener = (type: string, listener: any) => (listeners.delete(listener), remove(type, listener))
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        stream.enqueue(chunk)
        stream.close()
      }
    })
    assert.deepStrictEqual(await readBody(requestOf(body), 1000, signal), { _tag: "Read", bytes: chunk })
    assert.strictEqual(listeners.size, 0)
  })
})
