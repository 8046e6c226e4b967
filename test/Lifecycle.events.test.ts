/** The event address: a request of Slack, and its answer. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Lifecycle from "effect-slack-oauth/Lifecycle"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { createServer } from "node:http"
import * as Servers from "../src/internal/effect/servers.js"
import { botToken, install, userToken } from "../src/internal/storeSuite/fixtures.js"
import { requestOf } from "./stress/requestRounds.js"
import { yieldToEventLoop } from "./utils/eventLoop.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

const appId = "A0TEST"
const secret = "0123456789abcdef0123456789abcdef"
const now = 1_800_000_000

const App = SlackApp.layer({ clientId: "1.2", signingSecret: secret })

const event = (id: string, more: object = {}, envelope: object = {}) => ({
  token: "verification-token",
  type: "event_callback",
  api_app_id: appId,
  team_id: "T1",
  authorizations: [{
    enterprise_id: null,
    team_id: "T1",
    user_id: "U0BOT",
    is_bot: true,
    is_enterprise_install: false
  }],
  event: { type: "app_mention", user: "U1", channel: "C1", text: "<@U0BOT> hi", ts: "1.2", ...more },
  event_id: id,
  event_time: now,
  ...envelope
})

const uninstalled = (id: string, seconds: number) => event(id, { type: "app_uninstalled" }, { event_time: seconds })

const requestFor = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const text = typeof body === "string" ? body : JSON.stringify(body)
    const request = await requestOf({ secret, timestamp: String(now), body: text })
    for (const [name, value] of Object.entries(headers)) request.headers.set(name, value)
    return request
  })

const send = <R = never>(body: unknown, options?: Lifecycle.EventOptions<R>) =>
  Effect.flatMap(requestFor(body), (request) => Lifecycle.handleRequest(request, options))

const statusOf = <E, R>(response: Effect.Effect<Response, E, R>) => Effect.map(response, ({ status }) => status)

/** Waits until signatures that were begun before are made, then moves the clock. */
const pass = (duration: Parameters<typeof TestClock.adjust>[0]) =>
  Effect.zipRight(
    Effect.forEach(Array.from({ length: 20 }), () => Effect.zipRight(requestFor(""), yieldToEventLoop), {
      discard: true
    }),
    TestClock.adjust(duration)
  )

const test = <E>(
  name: string,
  run: () => Effect.Effect<void, E, InstallationStore.InstallationStore | SlackApp.SlackApp | Scope.Scope>
) =>
  it.scoped(name, () =>
    Effect.zipRight(TestClock.setTime(now * 1000), run()).pipe(
      Effect.provide(Layer.merge(App, InstallationStore.layerMemory))
    ))

describe("the event address", () => {
  test("answers 405 to anything but a POST, and 401 to a request that Slack did not sign", () =>
    Effect.gen(function*() {
      const get = yield* Lifecycle.handleRequest(new Request("https://app.example/slack/events"))
      assert.deepStrictEqual([get.status, get.headers.get("allow")], [405, "POST"])
      const unsigned = new Request("https://app.example", { method: "POST", body: JSON.stringify(event("Ev1")) })
      assert.strictEqual(yield* statusOf(Lifecycle.handleRequest(unsigned)), 401)
      const forged = yield* requestFor(event("Ev1"), { "x-slack-signature": `v0=${"0".repeat(64)}` })
      assert.strictEqual(yield* statusOf(Lifecycle.handleRequest(forged)), 401)
      const large = yield* requestFor(event("Ev1"))
      assert.strictEqual(yield* statusOf(Lifecycle.handleRequest(large, { maxBytes: 10 })), 413)
      assert.strictEqual(
        yield* statusOf(Lifecycle.handleRequest(yield* requestFor(event("Ev1")), { signingSecrets: ["x"] })),
        401
      )
    }))

  test("returns the challenge of Slack's test", () =>
    Effect.gen(function*() {
      const response = yield* send({ type: "url_verification", token: "t", challenge: "3eZ<b>" })
      assert.strictEqual(response.status, 200)
      assert.strictEqual(yield* Effect.promise(() => response.text()), "3eZ<b>")
      assert.include(response.headers.get("content-type") ?? "", "text/plain")
      assert.strictEqual(response.headers.get("x-content-type-options"), "nosniff")
    }))

  test("answers 400 to a body that is not a JSON object, and asks Slack not to repeat it", () =>
    Effect.gen(function*() {
      for (const body of ["payload=%7B%7D", "[]", "null", "1", "{", ""]) {
        const response = yield* send(body)
        assert.deepStrictEqual([response.status, response.headers.get("x-slack-no-retry")], [400, "1"])
      }
    }))

  test("answers 200 to what nobody handles", () =>
    Effect.gen(function*() {
      for (const body of [event("Ev1"), {}, { type: "app_rate_limited", team_id: "T1" }, { type: "event_callback" }]) {
        assert.strictEqual(yield* statusOf(send(body)), 200)
      }
    }))

  test("gives an event to the application, with its place", () =>
    Effect.gen(function*() {
      const events: Array<Lifecycle.Event> = []
      const onEvent = (event: Lifecycle.Event) => Effect.sync(() => events.push(event))
      yield* send(event("Ev1"), { onEvent })
      const inOrganization = { team_id: "T7", enterprise_id: "E1", is_enterprise_install: true }
      yield* send(event("Ev2", { text: 7, channel: { id: "C9" } }, { authorizations: [inOrganization] }), { onEvent })
      yield* send(event("Ev3", {}, { authorizations: [], enterprise_id: "E2" }), { onEvent })
      const [first, second, third] = events
      const { channel, id, place, text, threadTs, ts, type, user } = first as Lifecycle.Event
      assert.deepStrictEqual({ channel, id, place, text, threadTs, ts, type, user }, {
        type: "app_mention",
        id: "Ev1",
        channel: "C1",
        user: "U1",
        text: "<@U0BOT> hi",
        ts: "1.2",
        threadTs: undefined,
        place: { appId, teamId: "T1", enterpriseId: undefined, isEnterpriseInstall: false }
      })
      assert.deepStrictEqual(second?.place, { appId, teamId: "T7", enterpriseId: "E1", isEnterpriseInstall: true })
      assert.deepStrictEqual([second?.text, second?.channel, second?.event.channel], [undefined, undefined, {
        id: "C9"
      }])
      assert.deepStrictEqual(third?.place, { appId, teamId: "T1", enterpriseId: "E2", isEnterpriseInstall: false })
    }))

  test("applies Slack's own events to the store, and does not give them to the application", () =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      const { key } = yield* store.save(
        install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      )
      const onEvent = () => Effect.die("not for the application")
      const revoked = event("Ev1", { type: "tokens_revoked", tokens: { oauth: ["U1"] } })
      assert.strictEqual(yield* statusOf(send(revoked, { onEvent })), 200)
      assert.deepStrictEqual(
        Option.map(yield* store.get(key), ({ credentials }) => credentials.length),
        Option.some(1)
      )
      assert.strictEqual(yield* statusOf(send(uninstalled("Ev2", now), { onEvent })), 200)
      assert.isTrue(Option.isNone(yield* store.get(key)))
      // A form that is not known cannot be applied later either.
      assert.strictEqual(yield* statusOf(send(event("Ev3", { type: "tokens_revoked", tokens: 7 }), { onEvent })), 200)
    }))

  test("answers 503 when the store fails or is late, and applies the repetition", () =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      let calls = 0
      const failing: InstallationStore.Service = {
        ...store,
        remove: (...args) => {
          calls++
          return calls === 1
            ? new InstallationStore.InstallationStoreError({ operation: "remove", reason: "unavailable" })
            : calls === 2
            ? Effect.delay(store.remove(...args), "8 seconds")
            : store.remove(...args)
        }
      }
      const sent = statusOf(send(uninstalled("Ev1", now))).pipe(
        Effect.provideService(InstallationStore.InstallationStore, failing)
      )
      assert.strictEqual(yield* sent, 503)
      const late = yield* Effect.fork(sent)
      yield* pass("3 seconds")
      assert.strictEqual(yield* Fiber.join(late), 503)
      // The first one still runs. Its repetition waits for it, and does not run again.
      const repeated = yield* Effect.fork(sent)
      yield* pass("2 seconds")
      yield* pass("4 seconds")
      assert.deepStrictEqual([yield* Fiber.join(repeated), yield* sent], [503, 200])
      assert.isTrue(Option.isNone(yield* store.get(key)))
      assert.strictEqual(calls, 2)
    }))
})

describe("the application's handler", () => {
  class Greeting extends Context.Tag("test/Greeting")<Greeting, string>() {}

  test("has its services, and a scope that closes after it", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const onEvent = () =>
        Effect.gen(function*() {
          yield* Effect.addFinalizer(() => Effect.sync(() => log.push("closed")))
          log.push(yield* Greeting)
        })
      yield* Effect.provideService(send(event("Ev1"), { onEvent }), Greeting, "hello")
      assert.deepStrictEqual(log, ["hello", "closed"])
    }))

  test("is acknowledged after 2.5 seconds, and finishes after that", () =>
    Effect.gen(function*() {
      let ended = 0
      const onEvent = () => Effect.delay(Effect.sync(() => ended++), "1 minute")
      const first = yield* Effect.fork(send(event("Ev1"), { onEvent }))
      yield* pass("2499 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(first)))
      yield* pass("1 millis")
      assert.strictEqual((yield* Fiber.join(first)).status, 200)
      assert.strictEqual(ended, 0)
      yield* pass("1 minute")
      assert.strictEqual(ended, 1)
    }))

  test("may be acknowledged at once, or not before its end", () =>
    Effect.gen(function*() {
      const onEvent = () => Effect.sleep("1 minute")
      assert.strictEqual(yield* statusOf(send(event("Ev1"), { onEvent, acknowledgeAfter: 0 })), 200)
      const patient = yield* Effect.fork(send(event("Ev2"), { onEvent, acknowledgeAfter: Infinity }))
      yield* pass("1 second")
      yield* Fiber.interrupt(patient)
      const last = yield* Effect.fork(statusOf(send(event("Ev3"), { onEvent, acknowledgeAfter: Infinity })))
      yield* pass("59 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(last)))
      yield* pass("1 second")
      assert.strictEqual(yield* Fiber.join(last), 200)
    }))

  test("continues when the request is interrupted", () =>
    Effect.gen(function*() {
      let ended = false
      const onEvent = () => Effect.delay(Effect.sync(() => ended = true), "1 second")
      const request = yield* Effect.fork(send(event("Ev1"), { onEvent }))
      yield* pass("500 millis")
      yield* Fiber.interrupt(request)
      yield* pass("500 millis")
      assert.isTrue(ended)
    }))

  test("that fails gets the event again, and a failure shows no secret in the log", () =>
    Effect.gen(function*() {
      let calls = 0
      const onEvent = () =>
        Effect.suspend(() => {
          calls++
          return calls === 1
            ? Effect.fail("refused: xoxb-test-canary https://hooks.slack.com/services/T/B/canary")
            : calls === 2
            ? Effect.die(secret)
            : Effect.void
        })
      const { logs, text, watch } = makeWatcher()
      const statuses = yield* watch(
        Effect.all(Array.from({ length: 4 }, () => statusOf(send(event("Ev1"), { onEvent }))))
      )
      assert.deepStrictEqual(statuses, [500, 500, 200, 200])
      assert.strictEqual(calls, 3)
      assert.strictEqual(logs.filter(({ message }) => String(message).startsWith("onEvent failed")).length, 2)
      assert.notMatch(text(), /canary|0123456789abcdef/)
    }))

  test("that never ends is given up after five minutes", () =>
    Effect.gen(function*() {
      let interrupted = false
      const onEvent = () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted = true))
      const first = yield* Effect.fork(send(event("Ev1"), { onEvent }))
      yield* pass("3 seconds")
      assert.strictEqual((yield* Fiber.join(first)).status, 200)
      yield* pass("5 minutes")
      yield* pass("1 second")
      assert.isTrue(interrupted)
    }))
})

describe("an event that comes again", () => {
  test("is not handled again for ten minutes", () =>
    Effect.gen(function*() {
      const seen: Array<string | undefined> = []
      const onEvent = ({ id, place }: Lifecycle.Event) => Effect.sync(() => seen.push(`${place.appId} ${id}`))
      // Requests stay fresh for five minutes: the clock moves, and their time too.
      const at = (seconds: number, body: unknown) =>
        Effect.zipRight(
          TestClock.setTime((now + seconds) * 1000),
          Effect.promise(() => requestOf({ secret, timestamp: String(now + seconds), body: JSON.stringify(body) }))
        ).pipe(Effect.flatMap((request) => Lifecycle.handleRequest(request, { onEvent })), statusOf)
      for (const seconds of [0, 1, 60, 360, 599]) assert.strictEqual(yield* at(seconds, event("Ev1")), 200)
      yield* at(599, event("Ev2"))
      yield* at(599, event("Ev1", {}, { api_app_id: "A0OTHER" }))
      assert.deepStrictEqual(seen, ["A0TEST Ev1", "A0TEST Ev2", "A0OTHER Ev1"])
      yield* at(601, event("Ev1"))
      assert.strictEqual(seen.length, 4)
    }))

  test("while it is handled waits for the same end", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      let calls = 0
      const onEvent = () => Effect.zipRight(Effect.sync(() => calls++), Deferred.await(gate))
      const sent = statusOf(send(event("Ev1"), { onEvent }))
      const all = yield* Effect.fork(Effect.all([sent, sent, sent], { concurrency: "unbounded" }))
      yield* pass("1 second")
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(all), [200, 200, 200])
      assert.strictEqual(calls, 1)
    }))

  test("without an id is handled each time", () =>
    Effect.gen(function*() {
      let calls = 0
      const onEvent = () => Effect.sync(() => calls++)
      yield* send(event("Ev1", {}, { event_id: undefined }), { onEvent })
      yield* send(event("Ev1", {}, { event_id: undefined }), { onEvent })
      assert.strictEqual(calls, 2)
    }))
})

describe("the number of an attempt", () => {
  test("is that of Slack's header, or 0 if the header is absent or is not a number", () =>
    Effect.gen(function*() {
      const attempts: Array<number> = []
      const onEvent = ({ attempt }: Lifecycle.Event) => Effect.sync(() => attempts.push(attempt))
      const headers: ReadonlyArray<Record<string, string>> = [
        {},
        ...["2", "", "x", "-1", "1.5"].map((number) => ({
          "x-slack-retry-num": number
        }))
      ]
      for (const [index, each] of headers.entries()) {
        yield* Lifecycle.handleRequest(yield* requestFor(event(`Ev${index}`), each), { onEvent })
      }
      assert.deepStrictEqual(attempts, [0, 2, 0, 0, 0, 0])
    }))
})

describe("an address that closes", () => {
  test("answers 503 to an event whose body arrives later, and does not run it", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const scope = yield* Scope.make()
      const { handleRequest } = yield* Effect.provideService(
        Lifecycle.make({ onEvent: ({ type }) => Effect.sync(() => seen.push(type)) }),
        Scope.Scope,
        scope
      )
      const { body, headers } = yield* requestFor(event("Ev1"))
      let arrive = (): void => {}
      const arrival = new Promise<void>((resolve) => {
        arrive = resolve
      })
      const late = body!.pipeThrough(
        new TransformStream({ transform: (chunk, out) => arrival.then(() => out.enqueue(chunk)) })
      )
      const init = { method: "POST", headers, body: late, duplex: "half" } as RequestInit
      const answer = yield* Effect.fork(handleRequest(new Request("https://app.example", init)))
      yield* yieldToEventLoop
      yield* Scope.close(scope, Exit.void)
      arrive()
      assert.deepStrictEqual([(yield* Fiber.join(answer)).status, seen], [503, []])
    }))
})

describe("webHandler", () => {
  const layer = Layer.merge(App, InstallationStore.layerMemory)

  it.live("answers requests, and waits for events that run before it closes", () =>
    Effect.gen(function*() {
      let ended = 0
      const gate = yield* Deferred.make<void>()
      const { dispose, handler } = Lifecycle.webHandler(layer, {
        acknowledgeAfter: 0,
        onEvent: () => Effect.map(Deferred.await(gate), () => ended++)
      })
      const request = () =>
        Effect.promise(async () => {
          const timestamp = String(Math.floor(Date.now() / 1000))
          return handler(await requestOf({ secret, timestamp, body: JSON.stringify(event("Ev1")) }))
        })
      assert.deepStrictEqual([(yield* request()).status, (yield* request()).status, ended], [200, 200, 0])
      const closing = dispose()
      yield* yieldToEventLoop
      assert.strictEqual(ended, 0)
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.promise(() => closing)
      assert.strictEqual(ended, 1)
      assert.strictEqual((yield* request()).status, 503)
    }))

  it.live("answers 503 while the app has no signing secret", () =>
    Effect.gen(function*() {
      const App = SlackApp.layer({ clientId: "1.2" })
      const { dispose, handler } = Lifecycle.webHandler(Layer.merge(App, InstallationStore.layerMemory))
      const response = yield* Effect.promise(() => handler(new Request("https://app.example", { method: "POST" })))
      assert.strictEqual(response.status, 503)
      yield* Effect.promise(dispose)
    }))
})

describe("layerRoutes", () => {
  it.live("serves the address on platform's router", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const routes = Lifecycle.layerRoutes({
        path: "/hooks/slack",
        onEvent: ({ text }) => Effect.sync(() => seen.push(text ?? ""))
      }).pipe(Layer.provide([App, InstallationStore.layerMemory]))
      const { dispose, handler } = HttpLayerRouter.toWebHandler(routes, { disableLogger: true })
      const send = (path: string, headers: object = {}) =>
        Effect.promise(async () => {
          const timestamp = String(Math.floor(Date.now() / 1000))
          const { body, headers: signed } = await requestOf({
            secret,
            timestamp,
            body: JSON.stringify(event("Ev1", { text: "grüß dich" }))
          })
          const all = { ...Object.fromEntries(signed), ...headers }
          return handler(
            new Request(
              `https://app.example${path}`,
              { method: "POST", headers: all, body, duplex: "half" } as RequestInit
            )
          )
        })
      assert.strictEqual((yield* send("/hooks/slack")).status, 200)
      assert.strictEqual((yield* send("/hooks/slack", { "x-slack-signature": "v0=1" })).status, 401)
      assert.strictEqual((yield* send("/slack/events")).status, 404)
      assert.deepStrictEqual(seen, ["grüß dich"])
      yield* Effect.promise(dispose)
    }))

  it.scopedLive("reads a body from the socket of a server, and no more of it than the limit", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const routes = Lifecycle.layerRoutes({
        maxBytes: 100_000,
        onEvent: ({ text }) => Effect.sync(() => seen.push(text ?? ""))
      }).pipe(Layer.provide([App, InstallationStore.layerMemory]))
      const server = Layer.provideMerge(
        HttpLayerRouter.serve(routes, { disableLogger: true, disableListenLog: true }),
        NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })
      )
      const address = Option.fromNullable(yield* Effect.provide(Servers.address, yield* Layer.build(server)))
      const url = `http://127.0.0.1:${Option.getOrThrow(address).port}/slack/events`
      const send = (text: string) =>
        Effect.promise(async () => {
          const timestamp = String(Math.floor(Date.now() / 1000))
          const body = JSON.stringify(event(`Ev${text.length}`, { text }))
          const request = await requestOf({ secret, timestamp, body })
          // The server closes at once if no connection is kept alive.
          request.headers.set("connection", "close")
          return fetch(url, { method: "POST", headers: request.headers, body })
        })
      assert.strictEqual((yield* send("grüß dich")).status, 200)
      assert.strictEqual((yield* send("x".repeat(90_000))).status, 200)
      assert.strictEqual((yield* send("x".repeat(200_000))).status, 413)
      assert.deepStrictEqual(seen.map(({ length }) => length), [9, 90_000])
    }))

  it.effect("does not start without a signing secret, or with an option that cannot be used", () =>
    Effect.gen(function*() {
      const problem = (options: Lifecycle.RouteOptions, app = App) =>
        Effect.flip(Effect.scoped(Layer.build(
          Lifecycle.layerRoutes(options).pipe(
            Layer.provide([app, InstallationStore.layerMemory, HttpLayerRouter.layer])
          )
        )))
      assert.include(String(yield* problem({}, SlackApp.layer({ clientId: "1.2" }))), "SLACK_SIGNING_SECRET")
      assert.include(String(yield* problem({ path: "events" as "/" })), "slash")
      assert.include(String(yield* problem({ acknowledgeAfter: -1 })), "acknowledgeAfter")
      assert.include(String(yield* problem({ duplicateWindow: "soon" as "1 second" })), "duplicateWindow")
    }))
})
