import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as UrlParams from "@effect/platform/UrlParams"
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Net from "node:net"
import { version } from "../src/internal/version.js"
import { accessResponses, exchangeResponses } from "./fixtures/tokenResponses.js"
import * as Propagation from "./utils/effect/propagation.js"
import * as Randoms from "./utils/effect/random.js"
import { freePort } from "./utils/freePort.js"
import { answer, headerOf, json, makeRawServer, type RawRequest } from "./utils/rawServer.js"

const clients: ReadonlyArray<readonly [name: string, layer: Layer.Layer<HttpClient.HttpClient>]> = [
  ["FetchHttpClient", FetchHttpClient.layer],
  ["NodeHttpClient.layerUndici", NodeHttpClient.layerUndici],
  ["NodeHttpClient.layer", NodeHttpClient.layer]
]

const clientId = "1.2"
const clientSecret = "test-secret"

const confidential = (baseUrl: string) => SlackApp.layer({ clientId, clientSecret, baseUrl })
const publicClient = (baseUrl: string) => SlackApp.layer({ clientId, baseUrl })

const botResponse = accessResponses[0]?.wire
const exchanged = exchangeResponses[0]?.wire

const formOf = (request: RawRequest | undefined) =>
  Object.fromEntries(new URLSearchParams(request?.body ?? "no request"))

const basic = `Basic ${btoa(`${clientId}:${clientSecret}`)}`

/** Without repetitions, for tests about one attempt. */
const once = RetryPolicy.provide(RetryPolicy.none)

/** A server that acts on a connection after it has received something. */
const listen = (act: (socket: Net.Socket) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Net.Server>((resume) => {
      const server = Net.createServer((socket) => {
        socket.on("error", () => undefined)
        socket.once("data", () => act(socket))
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  ).pipe(Effect.map((server) => (server.address() as Net.AddressInfo).port))

const onlyRequest = (requests: ReadonlyArray<RawRequest>): RawRequest => {
  assert.strictEqual(requests.length, 1)
  const [request] = requests
  if (request === undefined) throw new Error("no request")
  return request
}

describe("OAuthV2", () => {
  for (const [name, client] of clients) {
    const slack = (app: Layer.Layer<SlackApp.SlackApp, unknown>) =>
      OAuthV2.layer.pipe(Layer.provide(app), Layer.provide(client), Layer.orDie)

    describe(`on the wire, under ${name}`, () => {
      describe("a client with a secret", () => {
        it.scopedLive("sends a code with HTTP Basic, in exactly this form", () =>
          Effect.gen(function*() {
            const server = yield* makeRawServer(json(botResponse))
            yield* OAuthV2.access({
              code: "test-code",
              redirectUri: "https://example.com/callback?a=1&b=ü",
              codeVerifier: "test-verifier"
            }).pipe(Effect.provide(slack(confidential(server.url))))

            const request = onlyRequest(server.requests)
            assert.strictEqual(request.line, "POST /api/oauth.v2.access HTTP/1.1")
            assert.strictEqual(
              request.body,
              "grant_type=authorization_code&code=test-code" +
                "&redirect_uri=https%3A%2F%2Fexample.com%2Fcallback%3Fa%3D1%26b%3D%C3%BC&code_verifier=test-verifier"
            )
            assert.deepStrictEqual(headerOf(request, "content-type"), ["application/x-www-form-urlencoded"])
            assert.deepStrictEqual(headerOf(request, "authorization"), [basic])
            assert.deepStrictEqual(headerOf(request, "user-agent"), [`effect-slack-oauth/${version}`])
            assert.deepStrictEqual(headerOf(request, "accept"), ["application/json"])
            assert.notInclude(request.raw.replace(basic, ""), clientSecret)
            assert.notInclude(request.body, "client_")
          }))

        it.scopedLive("asks for a connection of its own on Deno, which sends a POST again by itself", () =>
          Effect.gen(function*() {
            const server = yield* makeRawServer(json(botResponse))
            yield* Effect.acquireRelease(
              Effect.sync(() => Object.assign(globalThis, { Deno: {} })),
              () => Effect.sync(() => Reflect.deleteProperty(globalThis, "Deno"))
            )
            yield* OAuthV2.access({ code: "test-code" }).pipe(Effect.provide(slack(confidential(server.url))))
            assert.deepStrictEqual(headerOf(onlyRequest(server.requests), "connection"), ["close"])
          }))

        it.scopedLive("sends a refresh token with HTTP Basic", () =>
          Effect.gen(function*() {
            const server = yield* makeRawServer(json(botResponse))
            yield* OAuthV2.access({ refreshToken: Redacted.make("xoxe-1-test") }).pipe(
              Effect.provide(slack(confidential(server.url)))
            )
            const request = onlyRequest(server.requests)
            assert.strictEqual(request.line, "POST /api/oauth.v2.access HTTP/1.1")
            assert.strictEqual(request.body, "grant_type=refresh_token&refresh_token=xoxe-1-test")
            assert.deepStrictEqual(headerOf(request, "authorization"), [basic])
          }))

        it.scopedLive("exchanges with its id and secret in the body, and in no header", () =>
          Effect.gen(function*() {
            const server = yield* makeRawServer(json(exchanged))
            yield* OAuthV2.exchange({ token: "xoxb-test-legacy" }).pipe(
              Effect.provide(slack(confidential(server.url)))
            )
            const request = onlyRequest(server.requests)
            assert.strictEqual(request.line, "POST /api/oauth.v2.exchange HTTP/1.1")
            assert.strictEqual(request.body, "client_id=1.2&client_secret=test-secret&token=xoxb-test-legacy")
            assert.deepStrictEqual(headerOf(request, "content-type"), ["application/x-www-form-urlencoded"])
            assert.deepStrictEqual(headerOf(request, "authorization"), [])
            assert.deepStrictEqual(headerOf(request, "user-agent"), [`effect-slack-oauth/${version}`])
          }))
      })

      it.scopedLive("a public client sends its id in the body, and no secret", () =>
        Effect.gen(function*() {
          const server = yield* makeRawServer(json(botResponse))
          yield* Effect.all([
            OAuthV2.access({ code: "test-code", codeVerifier: Redacted.make("test-verifier") }),
            OAuthV2.access({ refreshToken: "xoxe-1-test" })
          ]).pipe(Effect.provide(slack(publicClient(server.url))))
          assert.deepStrictEqual(server.requests.map(({ body }) => body), [
            "client_id=1.2&grant_type=authorization_code&code=test-code&code_verifier=test-verifier",
            "client_id=1.2&grant_type=refresh_token&refresh_token=xoxe-1-test"
          ])
          for (const request of server.requests) assert.deepStrictEqual(headerOf(request, "authorization"), [])
        }))

      it.scopedLive("accepts additional parameters, with any grant", () =>
        Effect.gen(function*() {
          const server = yield* makeRawServer(json(botResponse))
          const extra = { assertion: Redacted.make("test.assertion"), "new param": "a b&c" }
          yield* Effect.all([
            OAuthV2.access({ code: "test-code", extra }),
            OAuthV2.access({ refreshToken: "xoxe-1-test", extra }),
            OAuthV2.access({ grantType: "urn:ietf:params:oauth:grant-type:jwt-bearer", extra }),
            OAuthV2.exchange({ token: "xoxp-test-legacy", extra })
          ]).pipe(Effect.provide(slack(confidential(server.url))))
          const sent = { assertion: "test.assertion", "new param": "a b&c" }
          assert.deepStrictEqual(server.requests.map(formOf), [
            { grant_type: "authorization_code", code: "test-code", ...sent },
            { grant_type: "refresh_token", refresh_token: "xoxe-1-test", ...sent },
            { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", ...sent },
            { client_id: clientId, client_secret: clientSecret, token: "xoxp-test-legacy", ...sent }
          ])
          assert.isTrue(server.requests.every(({ line }) => /^POST \/api\/oauth\.v2\.\w+ HTTP\/1\.1$/.test(line)))
        }))

      it.scopedLive("uses the app of the request", () =>
        Effect.gen(function*() {
          const server = yield* makeRawServer(json(botResponse))
          const other = yield* makeRawServer(json(botResponse))
          const app = Either.getOrThrow(
            SlackApp.make({ clientId: "3.4", clientSecret: "other-secret", baseUrl: `${other.url}/prefix/` })
          )
          yield* Effect.all([
            OAuthV2.access({ code: "test-code", app }),
            OAuthV2.exchange({ token: "xoxb-test-legacy", app })
          ]).pipe(Effect.provide(slack(confidential(server.url))))
          const [access, exchange] = other.requests
          assert.strictEqual(server.requests.length, 0)
          assert.strictEqual(access?.line, "POST /prefix/api/oauth.v2.access HTTP/1.1")
          assert.deepStrictEqual(access && headerOf(access, "authorization"), [`Basic ${btoa("3.4:other-secret")}`])
          assert.deepInclude(formOf(exchange), { client_id: "3.4", client_secret: "other-secret" })
        }))

      it.scopedLive("sends no trace header, also inside a span and with propagation on", () =>
        Effect.gen(function*() {
          const server = yield* makeRawServer(json(botResponse))
          const inSpan = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
            Propagation.withPropagation(Effect.withSpan(effect, "outer"))
          for (const http of [client, Propagation.eager(client)]) {
            yield* inSpan(OAuthV2.access({ code: "test-code" })).pipe(
              Effect.provide(OAuthV2.layer.pipe(Layer.provide(confidential(server.url)), Layer.provide(http)))
            )
          }
          yield* inSpan(HttpClient.post(`${server.url}/to-see-the-difference`)).pipe(Effect.provide(client))
          const traced = server.requests.map(({ headers }) =>
            headers.some(([name]) => /^(?:traceparent|tracestate|b3|x-b3-.*|baggage)$/i.test(name))
          )
          assert.deepStrictEqual(traced, [false, false, true])
        }))

      it.scopedLive("sends no bearer token that the application's client would add", () =>
        Effect.gen(function*() {
          const server = yield* makeRawServer(json(botResponse))
          const decorated = HttpClient.HttpClient.pipe(
            Effect.map(HttpClient.mapRequest((request) =>
              request.pipe(HttpClientRequest.bearerToken("test-bearer"), HttpClientRequest.setHeader("x-app", "1"))
            )),
            Layer.effect(HttpClient.HttpClient),
            Layer.provide(client)
          )
          const under = (app: Layer.Layer<SlackApp.SlackApp, unknown>) =>
            OAuthV2.layer.pipe(Layer.provide(app), Layer.provide(decorated), Layer.orDie)
          yield* OAuthV2.access({ code: "test-code" }).pipe(Effect.provide(under(confidential(server.url))))
          yield* OAuthV2.access({ code: "test-code" }).pipe(Effect.provide(under(publicClient(server.url))))
          yield* OAuthV2.exchange({ token: "xoxb-test" }).pipe(Effect.provide(under(confidential(server.url))))
          assert.deepStrictEqual(
            server.requests.map((request) =>
              headerOf(request, "authorization")
            ),
            [[basic], [], []]
          )
          assert.deepStrictEqual(server.requests.map((request) => headerOf(request, "x-app")), [["1"], ["1"], ["1"]])
        }))

      it.scopedLive("follows no redirect", () =>
        Effect.gen(function*() {
          const server = yield* makeRawServer(json(botResponse))
          for (const status of [301, 302, 303, 307, 308]) {
            for (const body of ["", JSON.stringify(botResponse), "{\"ok\":false,\"error\":\"ratelimited\"}"]) {
              server.respondWith((request, socket) => {
                const location = `${server.url}/elsewhere`
                socket.write(
                  request.line.includes("elsewhere")
                    ? answer({ body: JSON.stringify(botResponse) })
                    : answer({ status, headers: { location }, body })
                )
              })
              const before = server.requests.length
              const error = yield* OAuthV2.access({ code: "test-code" }).pipe(
                Effect.provide(slack(confidential(server.url))),
                Effect.flip
              )
              assert.deepInclude(error, { _tag: "SlackUnexpectedResponse", status, outcome: "rejected", paths: [] })
              assert.strictEqual(server.requests.length, before + 1)
            }
          }
        }))

      it.scopedLive("decodes the answer, or fails with Slack's error", () =>
        Effect.gen(function*() {
          const server = yield* makeRawServer((_, socket) => {
            socket.write(answer({
              headers: { "X-Slack-Req-Id": "test-request", "Retry-After": "7" },
              body: "{\"ok\":false,\"error\":\"invalid_code\",\"response_metadata\":{\"messages\":[\"[ERROR] no\"]}}"
            }))
          })
          const layer = slack(confidential(server.url))
          const error = yield* OAuthV2.access({ code: "test-code" }).pipe(Effect.provide(layer), Effect.flip)
          assert.instanceOf(error, OAuthV2Error.SlackInvalidCode)
          assert.deepInclude(error, { status: 200, requestId: "test-request", messages: ["[ERROR] no"] })
          server.respondWith(json(botResponse))
          const response = yield* OAuthV2.access({ code: "test-code" }).pipe(Effect.provide(layer))
          assert.deepStrictEqual(response.appId, "A0TEST")
        }))

      describe("when the connection breaks", () => {
        it.scopedLive("before the connection is made: nothing was sent", () =>
          Effect.gen(function*() {
            const port = yield* Effect.promise(freePort)
            for (const host of ["127.0.0.1", "localhost"]) {
              const error = yield* OAuthV2.access({ code: "test-code" }).pipe(
                once,
                Effect.provide(slack(confidential(`http://${host}:${port}`))),
                Effect.flip
              )
              assert.deepInclude(error, {
                _tag: "SlackTransportError",
                outcome: "rejected",
                reason: "ECONNREFUSED"
              })
              assert.isUndefined(error.status)
            }
          }))

        it.scopedLive("during the TLS handshake: nothing was sent, as far as the client can tell that", () =>
          Effect.gen(function*() {
            const plain = yield* listen((socket) =>
              socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            )
            const closing = yield* listen((socket) => socket.end())
            const outcomeAt = (port: number) =>
              OAuthV2.access({ code: "test-code" }).pipe(
                once,
                Effect.provide(slack(confidential(`https://127.0.0.1:${port}`))),
                Effect.flip,
                Effect.map(({ outcome }) => outcome)
              )
            // undici's code is the same that `https` has for a failure after sending.
            assert.strictEqual(yield* outcomeAt(plain), name === "NodeHttpClient.layerUndici" ? "unknown" : "rejected")
            assert.strictEqual(yield* outcomeAt(closing), "rejected")
          }))

        it.scopedLive("after the request was read: the outcome is unknown, and it was sent once", () =>
          Effect.gen(function*() {
            const server = yield* makeRawServer((_, socket) => socket.destroy())
            const grants: ReadonlyArray<Effect.Effect<unknown, OAuthV2Error.OAuthV2Error, OAuthV2.OAuthV2>> = [
              OAuthV2.access({ code: "test-code" }),
              OAuthV2.access({ refreshToken: "xoxe-1-test" }),
              OAuthV2.exchange({ token: "xoxb-test-legacy" })
            ]
            for (const grant of grants) {
              const before = server.requests.length
              const error = yield* grant.pipe(
                RetryPolicy.provide(RetryPolicy.background),
                Effect.provide(slack(confidential(server.url))),
                Effect.flip
              )
              assert.deepInclude(error, { _tag: "SlackTransportError", outcome: "unknown" })
              assert.isUndefined(error.status)
              assert.strictEqual(server.requests.length, before + 1)
            }
          }))

        it.scopedLive("on a kept-alive connection: also sent once", () =>
          Effect.gen(function*() {
            const server = yield* makeRawServer(json(botResponse))
            const error = yield* Effect.gen(function*() {
              yield* OAuthV2.access({ code: "test-code" })
              server.respondWith((_, socket) => socket.destroy())
              return yield* Effect.flip(OAuthV2.access({ code: "test-code-2" }))
            }).pipe(Effect.provide(slack(confidential(server.url))))
            assert.deepInclude(error, { _tag: "SlackTransportError", outcome: "unknown" })
            assert.strictEqual(server.requests.length, 2)
          }))

        it.scopedLive("in the middle of the answer: the outcome is unknown, and it was sent once", () =>
          Effect.gen(function*() {
            const whole = answer({ body: JSON.stringify(botResponse) })
            for (const cut of [whole.indexOf("\r\n\r\n") + 4, whole.length - 1]) {
              const server = yield* makeRawServer((_, socket) =>
                socket.write(whole.slice(0, cut), () => socket.destroy())
              )
              const error = yield* OAuthV2.access({ code: "test-code" }).pipe(
                Effect.provide(slack(confidential(server.url))),
                Effect.flip
              )
              assert.deepInclude(error, { _tag: "SlackTransportError", outcome: "unknown" })
              assert.strictEqual(server.requests.length, 1)
            }
          }))
      })

      // The client outlives the call, so the socket is not closed by the client's end.
      it.scopedLive("is a POST with the call's own credential, whatever a hook on the application's client does", () =>
        Effect.gen(function*() {
          const server = yield* makeRawServer(json(botResponse))
          const seen: Array<string | undefined> = []
          const hooked = Layer.effect(
            HttpClient.HttpClient,
            Effect.map(HttpClient.HttpClient, (client) =>
              HttpClient.mapRequest(client, (request) => {
                seen.push(request.headers.authorization)
                return request.pipe(
                  HttpClientRequest.setMethod("PUT"),
                  HttpClientRequest.bearerToken("test-bearer"),
                  HttpClientRequest.setHeader("x-app", "1")
                )
              }))
          ).pipe(Layer.provide(client))
          for (const app of [confidential(server.url), publicClient(server.url)]) {
            yield* OAuthV2.access({ code: "test-code" }).pipe(
              Effect.provide(OAuthV2.layer.pipe(Layer.provide(app), Layer.provide(hooked)))
            )
          }
          yield* OAuthV2.exchange({ token: "xoxb-test" }).pipe(
            Effect.provide(OAuthV2.layer.pipe(Layer.provide(confidential(server.url)), Layer.provide(hooked)))
          )
          assert.deepStrictEqual(server.requests.map(({ line }) => line.split(" ")[0]), ["POST", "POST", "POST"])
          assert.deepStrictEqual(server.requests.map((request) => headerOf(request, "authorization")), [
            [basic],
            [],
            []
          ])
          assert.deepStrictEqual(server.requests.map((request) => headerOf(request, "x-app")), [["1"], ["1"], ["1"]])
          assert.deepStrictEqual(seen, [undefined, undefined, undefined])
        }))

      describe("when the call is interrupted", () => {
        it.scopedLive("before the answer: the socket is closed", () =>
          Effect.gen(function*() {
            const server = yield* makeRawServer(() => undefined)
            const context = yield* Layer.build(slack(confidential(server.url)))
            const fiber = yield* Effect.fork(Effect.provide(OAuthV2.access({ code: "test-code" }), context))
            const request = yield* Queue.take(server.arrivals)
            yield* Fiber.interrupt(fiber)
            yield* request.closed
          }), 5000)

        it.scopedLive("in the middle of the answer: the socket is closed", () =>
          Effect.gen(function*() {
            const server = yield* makeRawServer((_, socket) => {
              socket.write(answer({ body: JSON.stringify(botResponse) }).slice(0, -1))
            })
            const answered = yield* Deferred.make<void>()
            const watched = HttpClient.HttpClient.pipe(
              Effect.map(HttpClient.tap(() => Deferred.succeed(answered, undefined))),
              Layer.effect(HttpClient.HttpClient),
              Layer.provide(client)
            )
            const context = yield* OAuthV2.layer.pipe(
              Layer.provide(confidential(server.url)),
              Layer.provide(watched),
              Layer.build
            )
            const fiber = yield* Effect.fork(Effect.provide(OAuthV2.access({ code: "test-code" }), context))
            const request = yield* Queue.take(server.arrivals)
            yield* Deferred.await(answered)
            yield* Effect.repeatN(Effect.yieldNow(), 100)
            yield* Fiber.interrupt(fiber)
            yield* request.closed
          }), 5000)

        for (
          const [where, region] of Object.entries<<A, E, R>(call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>>({
            "by its own deadline": identity,
            "by its own deadline in an uninterruptible region": Effect.uninterruptible
          })
        ) {
          it.scopedLive(
            `${where}: the socket is closed, and the outcome is unknown`,
            () =>
              Effect.gen(function*() {
                const server = yield* makeRawServer(() => undefined)
                const error = yield* OAuthV2.access({ code: "test-code" }).pipe(
                  RetryPolicy.provide(RetryPolicy.background, { attemptTimeout: "200 millis" }),
                  region,
                  Effect.provide(slack(confidential(server.url))),
                  Effect.flip
                )
                assert.deepInclude(error, { _tag: "SlackTimeoutError", outcome: "unknown" })
                yield* onlyRequest(server.requests).closed
              }),
            5000
          )
        }
      })
    })
  }

  describe("on the wire, under FetchHttpClient with a RequestInit of the application", () => {
    const init: RequestInit = {
      redirect: "follow",
      headers: { Authorization: "Bearer test-bearer", "x-app": "1" }
    }

    it.scopedLive("sends no bearer token and follows no redirect, wherever the RequestInit comes from", () =>
      Effect.gen(function*() {
        const server = yield* makeRawServer((_, socket) => {
          socket.write(answer({ status: 307, headers: { location: `${server.url}/elsewhere` } }))
        })
        const aroundTheCall = Effect.provideService(FetchHttpClient.RequestInit, init)
        const underTheClient = Layer.provide(FetchHttpClient.layer, Layer.succeed(FetchHttpClient.RequestInit, init))
        for (const app of [confidential(server.url), publicClient(server.url)]) {
          for (const client of [FetchHttpClient.layer, underTheClient]) {
            const error = yield* OAuthV2.access({ code: "test-code" }).pipe(
              client === FetchHttpClient.layer ? aroundTheCall : (effect) => effect,
              Effect.provide(OAuthV2.layer.pipe(Layer.provide(app), Layer.provide(client))),
              Effect.flip
            )
            assert.strictEqual(error._tag, "SlackUnexpectedResponse")
          }
        }
        assert.deepStrictEqual(server.requests.map((request) => headerOf(request, "authorization")), [
          [basic],
          [basic],
          [],
          []
        ])
        assert.deepStrictEqual(server.requests.map(({ line }) => line.split(" ")[1]), [
          "/api/oauth.v2.access",
          "/api/oauth.v2.access",
          "/api/oauth.v2.access",
          "/api/oauth.v2.access"
        ])
        const [around] = server.requests
        assert.deepStrictEqual(around && headerOf(around, "x-app"), ["1"])
      }))
  })

  // -------------------------------------------------------------------------------------
  // in memory
  // -------------------------------------------------------------------------------------

  type Answerer = (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<
    HttpClientResponse.HttpClientResponse,
    HttpClientError.HttpClientError
  >

  const inMemory = (answerer: Answerer, app: SlackApp.Options = { clientId, clientSecret }) =>
    OAuthV2.layer.pipe(
      Layer.provide(SlackApp.layer(app)),
      Layer.provide(Layer.succeed(HttpClient.HttpClient, HttpClient.make((request) => answerer(request)))),
      Layer.orDie
    )

  const respond = (request: HttpClientRequest.HttpClientRequest, body: unknown, status = 200) =>
    HttpClientResponse.fromWeb(request, new Response(JSON.stringify(body), { status }))

  describe("refuses what Slack would refuse, and sends nothing", () => {
    const unsendable: ReadonlyArray<
      readonly [promise: string, request: unknown, tag: string, app?: Partial<SlackApp.Options>]
    > = [
      ["an empty code", { code: "" }, "SlackInvalidCode"],
      ["an empty redacted code", { code: Redacted.make("") }, "SlackInvalidCode"],
      ["an empty verifier", { code: "test-code", codeVerifier: "" }, "SlackInvalidCodeVerifier"],
      ["an empty refresh token", { refreshToken: "" }, "SlackInvalidRefreshToken"],
      ["neither code nor refresh token", {}, "SlackInvalidArguments"],
      ["both code and refresh token", { code: "test-code", refreshToken: "xoxe-1-test" }, "SlackInvalidArguments"],
      ["a code as refresh_token", { code: "test-code", grantType: "refresh_token" }, "SlackInvalidGrantType"],
      ["a code as something else", { code: "test-code", grantType: "something" }, "SlackInvalidGrantType"],
      [
        "a refresh token as authorization_code",
        { refreshToken: "xoxe-1-test", grantType: "authorization_code" },
        "SlackInvalidGrantType"
      ],
      ["authorization_code without a code", { grantType: "authorization_code", extra: {} }, "SlackInvalidGrantType"],
      ["refresh_token without one", { grantType: "refresh_token", extra: {} }, "SlackInvalidGrantType"],
      ...["client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri", "refresh_token", "token"]
        .map((name) =>
          [`a second ${name} in extra`, { code: "test-code", extra: { [name]: "x" } }, "SlackInvalidArguments"] as const
        )
    ]
    const unsendableExchanges: typeof unsendable = [
      ["an empty token", { token: "" }, "SlackInvalidArguments"],
      ["no token", {}, "SlackInvalidArguments"],
      ["a second token in extra", { token: "xoxb-test", extra: { token: "x" } }, "SlackInvalidArguments"],
      ["a public client's exchange", { token: "xoxb-test" }, "SlackBadClientSecret", { clientSecret: undefined }]
    ]

    for (const [method, rows] of [["access", unsendable], ["exchange", unsendableExchanges]] as const) {
      for (const [promise, request, tag, app] of rows) {
        it.effect(`${method}: ${promise} is ${tag}`, () =>
          Effect.gen(function*() {
            let sent = 0
            const layer = inMemory((request) =>
              Effect.sync(() => {
                sent++
                return respond(request, botResponse)
              }), { clientId, clientSecret, ...app })
            const error = yield* Effect.flatMap(
              OAuthV2.OAuthV2,
              (service): Effect.Effect<unknown, OAuthV2Error.OAuthV2Error> => service[method](request as any)
            ).pipe(Effect.provide(layer), Effect.flip)
            assert.strictEqual(error._tag as string, tag)
            assert.isUndefined(error.status)
            assert.match(error.messages.join(), /; nothing was sent$/)
            assert.strictEqual(sent, 0)
          }))
      }
    }

    it.effect("sends parameters that agree", () =>
      Effect.gen(function*() {
        const forms: Array<Record<string, string>> = []
        const layer = inMemory((request) =>
          Effect.sync(() => {
            if (request.body._tag === "Uint8Array") {
              forms.push(Object.fromEntries(new URLSearchParams(new TextDecoder().decode(request.body.body))))
            }
            return respond(request, botResponse)
          })
        )
        yield* Effect.all([
          OAuthV2.access({ code: "test-code", grantType: "authorization_code" }),
          OAuthV2.access({ refreshToken: "xoxe-1-test", grantType: "refresh_token" })
        ]).pipe(Effect.provide(layer))
        assert.deepStrictEqual(forms.map(({ grant_type }) => grant_type), ["authorization_code", "refresh_token"])
      }))
  })

  describe("what an answer means", () => {
    it.effect("a token's lifetime counts from before the request left, of the attempt that was answered", () =>
      Effect.gen(function*() {
        let attempts = 0
        const layer = inMemory((request) =>
          Effect.suspend(() =>
            attempts++ === 0
              ? Effect.succeed(HttpClientResponse.fromWeb(
                request,
                new Response("", { status: 429, headers: { "retry-after": "5" } })
              ))
              : Effect.delay(
                Effect.succeed(respond(request, { ...botResponse, expires_in: 60, refresh_token: "xoxe-1-test" })),
                "2 seconds"
              )
          )
        )
        const fiber = yield* OAuthV2.access({ code: "test-code" }).pipe(
          RetryPolicy.provide(RetryPolicy.background),
          Randoms.withNumbers([0]),
          Effect.provide(layer),
          Effect.fork
        )
        yield* TestClock.adjust("7 seconds")
        const { bot } = yield* Fiber.join(fiber)
        const expiresAt = Option.map(Option.flatMap(bot, ({ expiry }) => expiry), ({ expiresAt }) => expiresAt)
        assert.deepStrictEqual(Option.map(expiresAt, DateTime.toEpochMillis), Option.some(5000 + 60_000))
      }))

    it.effect("a code that contains the secret that was sent is still that code", () =>
      Effect.gen(function*() {
        const layer = inMemory((request) => Effect.succeed(respond(request, { ok: false, error: "invalid_code" })))
        const error = yield* OAuthV2.access({ code: "code" }).pipe(Effect.provide(layer), Effect.flip)
        assert.instanceOf(error, OAuthV2Error.SlackInvalidCode)
      }))

    it.effect("an undocumented code is kept, but a secret in it is masked", () =>
      Effect.gen(function*() {
        const codeFor = (code: string, error: string) =>
          OAuthV2.access({ code }).pipe(
            Effect.provide(inMemory((request) => Effect.succeed(respond(request, { ok: false, error })))),
            Effect.flip,
            Effect.map((error) => [error._tag, error.code])
          )
        assert.deepStrictEqual(yield* codeFor("test-code", "not_yet_seen"), ["SlackUndocumentedError", "not_yet_seen"])
        assert.deepStrictEqual(yield* codeFor("test-code", "bad:test-code"), [
          "SlackUndocumentedError",
          "bad:<redacted>"
        ])
        assert.deepStrictEqual(yield* codeFor("test-code", "invalid_token"), [
          "SlackUndocumentedError",
          "invalid_token"
        ])
      }))

    it.effect("an undocumented code of an exchange is kept, but a secret in it is masked", () =>
      Effect.gen(function*() {
        const layer = inMemory((request) =>
          Effect.succeed(respond(request, { ok: false, error: "bad:test-assertion" }))
        )
        const error = yield* OAuthV2.exchange({ token: "xoxb-test", extra: { assertion: "test-assertion" } }).pipe(
          Effect.provide(layer),
          Effect.flip
        )
        assert.strictEqual(error.code, "bad:<redacted>")
      }))

    it.effect("is the same under a client that fails on a status", () =>
      Effect.gen(function*() {
        const strict = HttpClient.filterStatusOk(
          HttpClient.make((request) => Effect.succeed(respond(request, { ok: false, error: "invalid_code" }, 400)))
        )
        const layer = OAuthV2.layer.pipe(
          Layer.provide(SlackApp.layer({ clientId, clientSecret })),
          Layer.provide(Layer.succeed(HttpClient.HttpClient, strict))
        )
        const error = yield* OAuthV2.access({ code: "test-code" }).pipe(Effect.provide(layer), Effect.flip)
        assert.instanceOf(error, OAuthV2Error.SlackInvalidCode)
        assert.strictEqual(error.status, 400)
      }))

    const refusalOf = (response: Response) =>
      OAuthV2.access({ code: "test-code" }).pipe(
        once,
        Effect.provide(inMemory((request) => Effect.succeed(HttpClientResponse.fromWeb(request, response)))),
        Effect.flip
      )

    it.effect("a redirect is never an answer of Slack, not even one that has a code or tokens", () =>
      Effect.gen(function*() {
        for (const body of [botResponse, { ok: false, error: "invalid_code" }]) {
          for (const status of [300, 399]) {
            const error = yield* refusalOf(new Response(JSON.stringify(body), { status }))
            assert.strictEqual(error._tag, "SlackUnexpectedResponse", `${status}`)
          }
        }
      }))

    it.effect("a status that says enough needs no body", () =>
      Effect.gen(function*() {
        const cut = (status: number, headers: Record<string, string> = {}) =>
          new Response(new ReadableStream({ start: (body) => body.error(new Error("cut")) }), { status, headers })
        const limited = yield* refusalOf(cut(429, { "retry-after": "7" }))
        assert.instanceOf(limited, OAuthV2Error.SlackRateLimited)
        assert.deepStrictEqual(limited.retryAfter, Duration.seconds(7))
        assert.instanceOf(yield* refusalOf(cut(503)), OAuthV2Error.SlackServiceUnavailable)
        assert.instanceOf(yield* refusalOf(cut(500)), OAuthV2Error.SlackTransportError)
      }))

    it.effect("an unexpected answer says its content type, and the start of its request id", () =>
      Effect.gen(function*() {
        const html = yield* refusalOf(
          new Response("<html>", {
            headers: { "content-type": "text/html; charset=utf-8", "x-slack-req-id": "r".repeat(500) }
          })
        )
        assert.instanceOf(html, OAuthV2Error.SlackUnexpectedResponse)
        assert.deepStrictEqual([html.contentType, html.requestId], ["text/html", "r".repeat(200)])

        const plain = yield* refusalOf(new Response(new Uint8Array([1])))
        assert.instanceOf(plain, OAuthV2Error.SlackUnexpectedResponse)
        assert.deepStrictEqual([plain.contentType, plain.requestId], [undefined, undefined])
      }))

    it.effect("a request that the client could not make was rejected, for the client's reason", () =>
      Effect.gen(function*() {
        const layer = inMemory((request) =>
          Effect.fail(new HttpClientError.RequestError({ request, reason: "Encode" }))
        )
        const error = yield* OAuthV2.access({ code: "test-code" }).pipe(once, Effect.provide(layer), Effect.flip)
        assert.instanceOf(error, OAuthV2Error.SlackTransportError)
        assert.deepStrictEqual([error.outcome, error.reason], ["rejected", "Encode"])
      }))

    it.effect("nothing that is sent has a query", () =>
      Effect.gen(function*() {
        const urls: Array<string> = []
        const layer = inMemory((request) =>
          Effect.sync(() => {
            urls.push(request.url + UrlParams.toString(request.urlParams))
            return respond(request, botResponse)
          })
        )
        yield* Effect.all([
          OAuthV2.access({ code: "test-code", extra: { assertion: "test" } }),
          OAuthV2.exchange({ token: "xoxb-test" })
        ]).pipe(Effect.provide(layer))
        assert.deepStrictEqual(urls, [
          "https://slack.com/api/oauth.v2.access",
          "https://slack.com/api/oauth.v2.exchange"
        ])
      }))
  })

  // -------------------------------------------------------------------------------------
  // the scripted double
  // -------------------------------------------------------------------------------------

  it.effect("reads the secrets of a request when the effect runs, not when it is made", () =>
    Effect.gen(function*() {
      const service = yield* OAuthV2.OAuthV2
      let reads = 0
      const secret = () => {
        reads++
        return "xoxe-1-test-secret"
      }
      const calls = [
        service.access({
          get refreshToken() {
            return secret()
          }
        }),
        service.exchange({
          get token() {
            return secret()
          }
        })
      ]
      assert.strictEqual(calls.length, 2)
      assert.strictEqual(reads, 0)
    }).pipe(
      Effect.provide(OAuthV2.layer),
      Effect.provide(FetchHttpClient.layer),
      Effect.provide(confidential("http://127.0.0.1:1"))
    ))

  describe("layerTest", () => {
    const response = Schema.decodeSync(TokenResponse.TokenResponse)(accessResponses[0]!.model)
    const invalidCode = new OAuthV2Error.SlackInvalidCode({ method: "oauth.v2.access" })

    it.effect("gives the answers of a list, one for each call", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Effect.flip(OAuthV2.access({ code: "1" })), invalidCode)
        assert.strictEqual(yield* OAuthV2.access({ code: "2" }), response)
        assert.strictEqual(yield* OAuthV2.access({ code: "3" }), response)
      }).pipe(Effect.provide(OAuthV2.layerTest({ access: [invalidCode, response, Effect.succeed(response)] }))))

    it.effect("calls a function of the request", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* OAuthV2.access({ code: "good" }), response)
        assert.strictEqual(yield* Effect.flip(OAuthV2.access({ code: "bad" })), invalidCode)
        assert.strictEqual(yield* OAuthV2.exchange({ token: "xoxb-test" }), response)
      }).pipe(Effect.provide(OAuthV2.layerTest({
        access: (request) => request.code === "good" ? Effect.succeed(response) : invalidCode,
        exchange: () => Effect.succeed(response)
      }))))

    it.effect("a call that is not in the script is a defect with an explanation", () =>
      Effect.gen(function*() {
        const said = (exit: Exit.Exit<unknown, unknown>) =>
          Exit.isFailure(exit) ? Array.from(Cause.defects(exit.cause)).map(String).join() : "no defect"
        yield* OAuthV2.access({ code: "1" })
        assert.include(
          said(yield* Effect.exit(OAuthV2.access({ code: "2" }))),
          "OAuthV2.layerTest: call 2 of access is not in the script, which has 1"
        )
        assert.include(
          said(yield* Effect.exit(OAuthV2.exchange({ token: "xoxb-test" }))),
          "OAuthV2.layerTest: call 1 of exchange is not in the script, which has 0"
        )
      }).pipe(Effect.provide(OAuthV2.layerTest({ access: [response] }))))

    it.effect("starts the script again for each program", () => {
      const layer = OAuthV2.layerTest({ access: [response] })
      const once = OAuthV2.access({ code: "1" }).pipe(Effect.provide(layer))
      return Effect.zipRight(once, once)
    })
  })
})
