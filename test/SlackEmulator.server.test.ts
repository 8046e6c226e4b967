/**
 * The emulator as a server: what it answers to requests that no SDK sends, byte by byte.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import { connect } from "node:net"
import * as WebServers from "./utils/effect/webServers.js"

const served = (options: SlackEmulator.Options = {}) =>
  SlackEmulator.serve({ control: true }).pipe(
    Layer.provideMerge(SlackEmulator.layer(options)),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
  )

const port = Effect.map(
  HttpServer.HttpServer,
  ({ address }) => address._tag === "TcpAddress" ? address.port : assert.fail("no port")
)

const crlf = "\r\n"

/** The text of a request. */
const requestOf = (line: string, headers: ReadonlyArray<string> = [], body = "") =>
  [`${line} HTTP/1.1`, "Host: 127.0.0.1", ...headers, "", body].join(crlf)

const form = (body: string): ReadonlyArray<string> => [
  "Content-Type: application/x-www-form-urlencoded",
  `Content-Length: ${Buffer.byteLength(body)}`
]

/** Sends bytes, and returns what came back until the text is complete or the connection ends. The client sends no end. */
const exchange = (bytes: string, isComplete: (text: string) => boolean) =>
  Effect.flatMap(port, (port) =>
    Effect.async<string>((resume) => {
      let text = ""
      const socket = connect({ port, host: "127.0.0.1" })
      const end = () => {
        socket.destroy()
        resume(Effect.succeed(text))
      }
      socket.on("data", (data: Buffer) => {
        text += data.toString()
        if (isComplete(text)) end()
      })
      socket.on("close", end)
      socket.on("error", () => {})
      socket.write(bytes)
    }))

/** Sends bytes, and goes away. */
const abandon = (bytes: string) =>
  Effect.flatMap(port, (port) =>
    Effect.async<void>((resume) => {
      const socket = connect({ port, host: "127.0.0.1" })
      socket.on("close", () => resume(Effect.void))
      socket.on("error", () => {})
      socket.write(bytes, () => socket.destroy())
    }))

const status = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])

const hasStatus = (text: string) => text.includes(crlf)

describe("the emulator over HTTP", () => {
  it.live("refuses a large body at once, whether it says its length or not", () =>
    Effect.gen(function*() {
      for (const path of ["/api/auth.test", "/api/chat.postMessage", "/oauth/v2/authorize", "/control/revoke"]) {
        const length = "Content-Length: 100000000"
        const answer = yield* exchange(requestOf(`POST ${path}`, [length], "token=xoxb-test"), hasStatus)
        assert.strictEqual(status(answer), 413, path)
      }
      const chunk = `10000${crlf}${"x".repeat(0x10000)}${crlf}`
      const chunked = requestOf(
        "POST /api/auth.test",
        ["Transfer-Encoding: chunked", "Content-Type: application/x-www-form-urlencoded"],
        `${chunk.repeat(17)}0${crlf}${crlf}`
      )
      assert.strictEqual(status(yield* exchange(chunked, hasStatus)), 413)
      assert.deepStrictEqual(yield* SlackEmulator.calls, [], "nobody has read these calls")
    }).pipe(Effect.provide(served())))

  it.live("reads a body that comes in chunks", () =>
    Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ state: "☕" })
      const { clientId } = yield* SlackEmulator.app
      const body = `client_id=${clientId}&client_secret=emulated-client-secret-1&code=${code}&redirect_uri=%E2%98%95`
      const chunks = [body.slice(0, 9), body.slice(9)].map((part) => `${part.length.toString(16)}${crlf}${part}${crlf}`)
      const answer = yield* exchange(
        requestOf(
          "POST /api/oauth.v2.access",
          ["Transfer-Encoding: chunked", "Content-Type: application/x-www-form-urlencoded"],
          `${chunks.join("")}0${crlf}${crlf}`
        ),
        (text) => text.includes("}")
      )
      assert.include(answer, "bad_redirect_uri")
    }).pipe(Effect.provide(served())))

  it.live("spends no code on a method that is neither GET nor POST", () =>
    Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize()
      const { clientId } = yield* SlackEmulator.app
      const query = `client_id=${clientId}&client_secret=emulated-client-secret-1&code=${code}`
      for (const method of ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"]) {
        const answer = yield* exchange(requestOf(`${method} /api/oauth.v2.access?${query}`), hasStatus)
        assert.strictEqual(status(answer), 405, method)
        assert.include(answer.toLowerCase(), "allow: get, post")
      }
      assert.strictEqual(
        status(yield* exchange(requestOf(`HEAD /oauth/v2/authorize?${query}&scope=a`), hasStatus)),
        200
      )
      assert.strictEqual(status(yield* exchange(requestOf(`PUT /oauth/v2/authorize?${query}`), hasStatus)), 405)
      const answer = yield* exchange(requestOf(`GET /api/oauth.v2.access?${query}`), (text) => text.includes("}"))
      assert.include(answer, "\"ok\":true")
    }).pipe(Effect.provide(served())))

  it.live("answers pipelined requests in their order", () =>
    Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize()
      const body = `client_id=1000000000.1000000001&client_secret=emulated-client-secret-1&code=${code}`
      const redeem = requestOf("POST /api/oauth.v2.access", form(body), body)
      const answer = yield* exchange(
        `${redeem}${redeem}${requestOf("GET /api/auth.test")}`,
        (text) => text.includes("not_authed")
      )
      const results = Array.from(answer.matchAll(/"ok":true|"error":"(\w+)"/g), ([all, code]) => code ?? all)
      assert.deepStrictEqual(results, ["\"ok\":true", "invalid_code", "not_authed"])
    }).pipe(Effect.provide(served())))

  it.live("survives requests that are not HTTP", () =>
    Effect.gen(function*() {
      for (
        const bytes of [
          `\0\u0001\u0002${crlf}${crlf}`,
          `GET /api/auth.test${crlf}${crlf}`,
          requestOf("GET /api/%ff%00"),
          requestOf("GET http://[/"),
          requestOf("POST /api/auth.test", ["Content-Length: -1"]),
          requestOf("POST /api/auth.test", ["Content-Length: 1", "Transfer-Encoding: chunked"]),
          requestOf("POST /api/auth.test", ["Transfer-Encoding: chunked"], `zz${crlf}`),
          requestOf("GET /api/auth.test", [`Authorization: Bearer ${"x".repeat(20_000)}`]),
          requestOf("GET /api/auth.test", ["Authorization: Basic \u00ff\u00fe"]),
          requestOf("POST /api/auth.test", ["Content-Type: multipart/form-data; boundary=", "Content-Length: 1"], "x"),
          requestOf("POST /api/auth.test", ["Content-Type: application/json; charset=utf-9", "Content-Length: 2"], "{}")
        ]
      ) {
        const answer = yield* exchange(bytes, hasStatus)
        assert.isTrue(answer === "" || status(answer) < 500, `${JSON.stringify(bytes)} ${answer}`)
      }
      yield* abandon(requestOf("POST /api/auth.test", ["Content-Length: 10"], "x"))
      const answer = yield* exchange(requestOf("GET /api/auth.test"), (text) => text.includes("}"))
      assert.include(answer, "not_authed")
    }).pipe(Effect.provide(served())))

  it.effect("takes a client whose connection is gone for a stranger", () =>
    Effect.gen(function*() {
      const status = (address: string | undefined, anyone: boolean, path: string) =>
        Effect.gen(function*() {
          const server = yield* WebServers.make(address)
          yield* Effect.fork(Layer.launch(
            Layer.provide(SlackEmulator.serve({ anyone, control: true }), server.layer)
          ))
          return (yield* server.get(path, { host: "127.0.0.1" })).status
        })
      assert.strictEqual(yield* status(undefined, true, "/api/auth.test"), 200)
      assert.strictEqual(yield* status(undefined, false, "/api/auth.test"), 403)
      assert.strictEqual(yield* status("127.0.0.1", true, "/control/chains"), 200)
      assert.strictEqual(yield* status(undefined, true, "/control/chains"), 403)
    }).pipe(Effect.provide(SlackEmulator.layer())))
})
