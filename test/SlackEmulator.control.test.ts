/**
 * Control over HTTP, as a program in another language uses it.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer, request } from "node:http"

const Server = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })

const served = (options: SlackEmulator.Options = {}, control = true) =>
  SlackEmulator.serve({ control }).pipe(
    Layer.provideMerge(SlackEmulator.layer(options)),
    Layer.provideMerge(Server)
  )

const baseUrl = Effect.map(
  HttpServer.HttpServer,
  ({ address }) => address._tag === "TcpAddress" ? `http://127.0.0.1:${address.port}` : assert.fail("no port")
)

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  Effect.flatMap(baseUrl, (base) =>
    Effect.promise(async () => {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: { ...(body === undefined ? undefined : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? undefined : { body: JSON.stringify(body) })
      })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.startsWith("application/json") === true
      return { status: response.status, json: isJson ? JSON.parse(text) : undefined, text }
    }))

const post = (name: string, body: unknown = {}) =>
  Effect.map(send("POST", `/control/${name}`, body), ({ json, status }) => {
    assert.strictEqual(status, 200, JSON.stringify(json))
    return json
  })

const get = (name: string) => Effect.map(send("GET", `/control/${name}`), ({ json }) => json)

const api = (method: string, form: Record<string, string>) =>
  Effect.flatMap(
    baseUrl,
    (base) =>
      Effect.promise(() =>
        fetch(`${base}/api/${method}`, { method: "POST", body: new URLSearchParams(form) }).then((response) =>
          response.json()
        )
      )
  )

describe("control over HTTP", () => {
  it.live("does what the functions do", () =>
    Effect.gen(function*() {
      const [app] = yield* get("apps")
      const credentials = { client_id: app.clientId, client_secret: app.clientSecret }
      assert.strictEqual(app.signingSecret, "emulated-signing-secret-1")

      const { code, url } = yield* post("authorize", { scopes: ["chat:write"], state: "s" })
      assert.strictEqual(url, `https://example.com/?code=${code}&state=s`)
      const installed = yield* api("oauth.v2.access", { ...credentials, code })
      assert.include((yield* post("cancel")).url, "error=access_denied")

      const { token } = yield* post("legacy-tokens", { person: "U0EMULATED" })
      assert.strictEqual((yield* api("auth.test", { token })).user_id, "U0EMULATED")
      yield* post("revoke", { token })
      assert.strictEqual((yield* api("auth.test", { token })).error, "token_revoked")

      const [chain] = yield* get("chains")
      assert.deepInclude(chain, { kind: "bot", liveAccessTokens: [installed.access_token], refreshes: 0 })
      const before = Date.now()
      const { now } = yield* post("clock", { by: "13 hours" })
      assert.isAtLeast(Date.parse(now) - before, 13 * 3_600_000)
      assert.strictEqual((yield* api("auth.test", { token: installed.access_token })).error, "token_expired")
      const tooFar = yield* send("POST", "/control/clock", { by: "4000000 days" })
      assert.deepStrictEqual([tooFar.status, tooFar.json.message], [
        400,
        "The clock cannot be moved past the year 9999."
      ])
      assert.strictEqual((yield* send("POST", "/control/clock", { by: "-1 hour" })).status, 400)

      yield* post("faults", { faults: [{ type: "code", code: "fatal_error" }], methods: ["oauth.v2.access"], times: 2 })
      assert.deepStrictEqual(yield* get("faults"), [
        { fault: "fatal_error", methods: ["oauth.v2.access"], times: 2, share: 1 }
      ])
      const refresh = { ...credentials, grant_type: "refresh_token", refresh_token: installed.refresh_token }
      assert.strictEqual((yield* api("oauth.v2.access", refresh)).error, "fatal_error")
      yield* send("DELETE", "/control/faults")
      assert.deepStrictEqual(yield* get("faults"), [])
      yield* post("faults", { faults: [{ type: "code", code: "internal_error", afterStateChange: true }] })
      assert.strictEqual((yield* api("oauth.v2.access", refresh)).error, "internal_error")
      assert.isTrue((yield* api("oauth.v2.access", refresh)).ok)
      assert.deepStrictEqual((yield* get("replays")).map(({ honoured, what }: any) => [what, honoured]), [
        ["refresh token", true]
      ])

      yield* post("uninstall")
      assert.strictEqual((yield* get("chains"))[0].ended, "uninstalled")
      yield* post("deactivate", { id: "U0EMULATED" })
      yield* post("enable-pkce")
      assert.isTrue((yield* get("apps"))[0].pkce)
      assert.isAbove((yield* get("calls")).length, 5)
      assert.isAbove((yield* get("timeline")).lines.length, 10)
      yield* post("restart")
      assert.deepStrictEqual([yield* get("calls"), (yield* get("timeline")).lines], [[], []])
      assert.isFalse((yield* get("apps"))[0].pkce)
    }).pipe(Effect.provide(served()), Effect.provide(MovableClock.layer)))

  it.live("sends events, and says what came back", () => {
    const events = (request: Request) =>
      Effect.promise(async () => {
        const body = await request.json()
        return Response.json(body.challenge ?? "thank you")
      })
    return Effect.gen(function*() {
      const at = "2026-01-01T00:00:00Z"
      const sent = yield* post("events", { event: { type: "app_home_opened", user: "U1" }, id: "Ev1", at })
      assert.deepInclude(sent, { id: "Ev1", state: "delivered", type: "app_home_opened" })
      assert.deepInclude(JSON.parse(sent.body).event, { user: "U1" })
      assert.strictEqual(JSON.parse(sent.body).event_time, Date.parse(at) / 1000)
      assert.deepStrictEqual(
        (yield* get("events")).map(({ attempts, type }: any) => [type, attempts[0].answer]),
        [["url_verification", attemptedChallenge(yield* get("events"))], ["app_home_opened", "\"thank you\""]]
      )
    }).pipe(Effect.provide(served({ apps: [{ events }] })))
  })

  const attemptedChallenge = (events: ReadonlyArray<any>) => JSON.stringify(JSON.parse(events[0].body).challenge)

  it.live("refuses what it does not know, and says what to do", () =>
    Effect.gen(function*() {
      for (
        const [name, body, status, words] of [
          ["authorize", { redirectUri: "https://example.org" }, 400, "bad_redirect_uri"],
          ["uninstall", { workspace: "T0NOWHERE" }, 400, "there is no workspace T0NOWHERE"],
          ["revoke", { token: "xoxb-test" }, 400, "there is no token like this"],
          ["clock", { by: "soon" }, 400, "by has to be a duration"],
          ["clock", { by: "1 hour" }, 400, "clock that cannot be moved"],
          ["faults", { faults: [{ type: "code" }] }, 400, "The fault has no code"],
          ["faults", { faults: [{ type: "flood" }] }, 400, ""],
          ["faults", { faults: [] }, 400, "the list of faults is empty"],
          ["faults", { faults: [{ type: "serverError", status: 99_999 }] }, 400, "Take 500 to 599"],
          ["faults", { faults: [{ type: "text" }], times: 0 }, 400, "times has to be"],
          ["faults", { faults: [{ type: "text" }], share: 2 }, 400, "share has to be"],
          ["authorize", { url: "nope" }, 400, "the url is not an absolute URL"],
          ["legacy-tokens", { scopes: ["chat:write,users:read"] }, 400, "is not a scope"],
          ["events", { event: { type: "app_home_opened" }, at: "soon" }, 400, "at"],
          ["events", { event: { type: "app_home_opened" } }, 400, "set the option"],
          ["events", { event: {} }, 400, "The event has no type"],
          ["revoke", {}, 400, "Look at token"],
          ["revoke", { token: 5 }, 400, "Look at token"],
          ["revoke", "token=xoxb-test", 400, "The body is not a JSON object"],
          ["authorize", { scope: ["chat:write"] }, 400, "Look at scope"],
          ["dance", {}, 404, ""]
        ] as const
      ) {
        const answer = yield* send("POST", `/control/${name}`, body)
        assert.strictEqual(answer.status, status, `${name} ${answer.text}`)
        assert.include(answer.text, words)
        assert.match(answer.json.error, /^\w+$/)
        assert.isString(answer.json.message)
        assert.notInclude(answer.text, "xoxb-test")
      }
      const wrongMethod = yield* send("PUT", "/control/faults", {})
      assert.deepStrictEqual(wrongMethod.json, {
        error: "not_allowed",
        message: "This address takes POST and DELETE and GET."
      })
      assert.strictEqual((yield* send("POST", "/control/authorize")).status, 200, "no body means the defaults")
    }).pipe(Effect.provide(served())))

  it.live("is described by an OpenAPI document with every function", () =>
    Effect.gen(function*() {
      const { json } = yield* send("GET", "/control/openapi.json")
      assert.match(json.openapi, /^3\./)
      assert.sameMembers(
        Object.entries(json.paths).flatMap(([path, methods]) =>
          Object.keys(methods as object).map((method) => `${method} ${path.slice("/control/".length)}`)
        ),
        [
          ...[
            "authorize",
            "cancel",
            "legacy-tokens",
            "revoke",
            "uninstall",
            "deactivate",
            "enable-rotation",
            "enable-pkce"
          ]
            .map((name) => `post ${name}`),
          ...["events", "faults", "clock", "restart"].map((name) => `post ${name}`),
          "delete faults",
          ...["apps", "calls", "chains", "replays", "timeline", "events", "faults"].map((name) => `get ${name}`)
        ]
      )
      const { post } = json.paths["/control/authorize"]
      assert.include(post.description, "clicks Allow")
      assert.property(post.responses, "200")
      assert.property(post.responses, "400")
    }).pipe(Effect.provide(served())))

  it.live("is off by default", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* send("POST", "/control/legacy-tokens", {})).status, 404)
      assert.strictEqual((yield* send("GET", "/control")).status, 404)
    }).pipe(Effect.provide(served({}, false))))

  it.live("answers programs on this machine alone, and no page in a browser", () =>
    Effect.gen(function*() {
      const port = Number(new URL(yield* baseUrl).port)
      const status = (headers: Record<string, string>) =>
        Effect.async<number>((resume) => {
          request({ port, host: "127.0.0.1", path: "/control/chains", headers }, (response) => {
            response.resume()
            resume(Effect.succeed(response.statusCode ?? 0))
          }).end()
        })
      assert.strictEqual(yield* status({}), 200)
      assert.strictEqual(yield* status({ host: `localhost:${port}` }), 200)
      assert.strictEqual(yield* status({ origin: `http://127.0.0.1:${port}` }), 200)
      assert.strictEqual(yield* status({ origin: "https://example.com" }), 403)
      assert.strictEqual(yield* status({ origin: "null" }), 403)
      assert.strictEqual(yield* status({ host: "example.com" }), 403, "a name that leads here")
    }).pipe(Effect.provide(served())))

  it.live("has an overview without secrets", () =>
    Effect.gen(function*() {
      const { token } = yield* post("legacy-tokens")
      yield* api("auth.test", { token })
      yield* post("faults", { faults: [{ type: "serverError" }] })
      const { text } = yield* send("GET", "/control")
      for (const words of ["A0EMULATED", "T0EMULATED", "auth.test", "HTTP 500", "1 access, 0 refresh"]) {
        assert.include(text, words)
      }
      assert.notInclude(text, token)
      assert.notInclude(text, "<script")
    }).pipe(Effect.provide(served())))
})
