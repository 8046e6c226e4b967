/**
 * Events that the emulator delivers: to a function, and to an address over HTTP.
 */
import { assert, describe, it } from "@effect/vitest"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackRequest from "effect-slack-oauth/SlackRequest"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { untilAsleep } from "./utils/effect/asleep.js"
import { call, inMemory } from "./utils/emulator.js"
import { receiveEvents } from "./utils/eventReceiver.js"
import { redeem } from "./utils/installations.js"

interface Heard {
  readonly headers: Headers
  readonly body: any
  readonly request: Request
}

/** An event address that returns challenges, and gives each event the next answer; 200 when there is none left. */
const makeApp = (answers: ReadonlyArray<(heard: Heard) => Response | Promise<Response>> = []) => {
  const heard: Array<Heard> = []
  const left = [...answers]
  const events = async (request: Request): Promise<Response> => {
    const copy = request.clone()
    const one = { headers: request.headers, body: await request.json(), request: copy }
    if (one.body.type === "url_verification") return Response.json({ challenge: one.body.challenge })
    heard.push(one)
    return await (left.shift() ?? (() => new Response()))(one)
  }
  return { events, heard }
}

const status = (status: number, headers: Record<string, string> = {}) => () => new Response("", { status, headers })

const botTokenOf = ({ bot }: Effect.Effect.Success<ReturnType<typeof redeem>>) =>
  Redacted.value(Option.getOrThrow(bot).accessToken)

/** Lets fibers and promises run until the condition holds. The clock does not move. */
const until = (condition: Effect.Effect<boolean, never, SlackEmulator.SlackEmulator>) =>
  Effect.gen(function*() {
    for (let turns = 0; turns < 20_000; turns++) {
      if (yield* condition) return
      yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
    }
    assert.fail(yield* SlackEmulator.timeline)
  })

const untilHeard = (app: ReturnType<typeof makeApp>, count: number) =>
  until(Effect.sync(() => app.heard.length === count))

/** Waits until the last event has so many attempts, and its delivery sleeps until the next. */
const untilTried = (count: number) =>
  Effect.zipRight(
    until(Effect.map(SlackEmulator.events, (events) => events.at(-1)?.attempts.length === count)),
    untilAsleep
  )

const live = (app: ReturnType<typeof makeApp>, options: SlackEmulator.Options = {}) =>
  inMemory({ ...options, apps: [{ ...options.apps?.[0], events: app.events }] })

describe("events of SlackEmulator", () => {
  it.effect("are signed, and come after a url_verification", () => {
    const app = makeApp()
    return Effect.gen(function*() {
      yield* TestClock.adjust("365 days")
      const { state } = yield* SlackEmulator.send({ event: { type: "app_home_opened", user: "U0EMULATED" } })
      assert.strictEqual(state, "delivered")
      const [heard] = app.heard
      assert.strictEqual(app.heard.length, 1)
      assert.deepStrictEqual(heard?.body, {
        token: "emulated-verification-token",
        team_id: "T0EMULATED",
        api_app_id: "A0EMULATED",
        event: { type: "app_home_opened", user: "U0EMULATED" },
        type: "event_callback",
        event_id: heard?.body.event_id,
        event_time: 365 * 86_400
      })
      assert.match(heard?.body.event_id, /^Ev[0-9A-Z]+$/)
      const verified = yield* SlackRequest.verify(heard?.request ?? assert.fail("nothing came"))
      assert.deepStrictEqual(JSON.parse(new TextDecoder().decode(verified)), heard?.body)
      assert.deepStrictEqual(
        (yield* SlackEmulator.events).map(({ attempts, state, type }) => [type, state, attempts[0]?.status]),
        [["url_verification", "delivered", 200], ["app_home_opened", "delivered", 200]]
      )
    }).pipe(Effect.provide(live(app)))
  })

  it.effect("tell of an uninstall, by a person or by the app, once", () => {
    const app = makeApp()
    return Effect.gen(function*() {
      const installed = yield* redeem({ scopes: ["chat:write"], userScopes: ["search:read"] })
      const botUserId = Option.getOrThrow(Option.getOrThrow(installed.bot).botUserId)
      yield* SlackEmulator.uninstall()
      const expected = [
        { type: "tokens_revoked", tokens: { oauth: ["U0EMULATED"], bot: [botUserId] } },
        { type: "app_uninstalled" }
      ]
      assert.sameDeepMembers(app.heard.map(({ body }) => body.event), expected)
      yield* SlackEmulator.uninstall()
      assert.strictEqual(app.heard.length, 2)

      const token = botTokenOf(yield* redeem({ scopes: ["chat:write"], userScopes: ["search:read"] }))
      const { clientId, clientSecret } = yield* SlackEmulator.app
      const credentials = { client_id: clientId, client_secret: Redacted.value(clientSecret) }
      assert.deepStrictEqual(yield* call("apps.uninstall", { token, ...credentials }), { ok: true })
      yield* untilHeard(app, 4)
      assert.sameDeepMembers(app.heard.slice(2).map(({ body }) => body.event), expected)
    }).pipe(Effect.provide(live(app)))
  })

  it.effect("name the organization, or the organization of the workspace", () => {
    const app = makeApp()
    return Effect.gen(function*() {
      yield* redeem({ workspace: "T0EAST" })
      yield* SlackEmulator.uninstall({ workspace: "T0EAST" })
      assert.deepInclude(app.heard[0]?.body, { team_id: "T0EAST", enterprise_id: "E0ORG" })
      yield* redeem({ organization: "E0ORG" })
      yield* SlackEmulator.uninstall({ organization: "E0ORG" })
      assert.deepInclude(app.heard[2]?.body, { team_id: "E0ORG", enterprise_id: "E0ORG", is_enterprise_install: true })
    }).pipe(
      Effect.provide(
        live(app, { organizations: [{ id: "E0ORG" }], workspaces: [{ id: "T0EAST", organization: "E0ORG" }] })
      )
    )
  })

  it.effect("tell of a revocation when the owner has no other token", () => {
    const app = makeApp()
    return Effect.gen(function*() {
      const revoked = () => app.heard.map(({ body }) => body.event.tokens)
      yield* SlackEmulator.revoke(yield* SlackEmulator.issueLegacyToken({ person: "U0EMULATED" }))
      assert.deepStrictEqual(revoked(), [{ oauth: ["U0EMULATED"], bot: [] }])

      const installed = yield* redeem()
      const bot = Option.getOrThrow(installed.bot)
      yield* SlackEmulator.revoke(bot.accessToken)
      assert.strictEqual(app.heard.length, 1, "the refresh token still works")
      yield* SlackEmulator.revoke(Option.getOrThrow(Option.getOrThrow(bot.expiry).refreshToken))
      assert.deepStrictEqual(revoked()[1], { oauth: [], bot: [Option.getOrThrow(bot.botUserId)] })

      const again = botTokenOf(yield* redeem())
      yield* call("auth.revoke", { token: again, test: "1" })
      assert.strictEqual(app.heard.length, 2)
    }).pipe(Effect.provide(live(app)))
  })

  it.effect("are repeated at once, after a minute and after five, and say why", () => {
    const app = makeApp([status(500), () => Promise.reject(new Error("reset")), () => new Promise(() => undefined)])
    return Effect.gen(function*() {
      yield* SlackEmulator.send({ event: { type: "app_home_opened" } })
      yield* untilTried(2)
      const retries = () =>
        app.heard.map(({ headers }) => [headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason")])
      assert.deepStrictEqual(retries(), [[null, null], ["1", "http_error"]])
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(app.heard.length, 2)
      yield* TestClock.adjust("1 second")
      yield* untilHeard(app, 3)
      assert.deepStrictEqual(retries()[2], ["2", "connection_failed"])
      yield* TestClock.adjust("3 seconds")
      yield* untilTried(3)
      yield* TestClock.adjust("5 minutes")
      yield* until(Effect.map(SlackEmulator.events, (events) => events.at(-1)?.state === "delivered"))
      assert.deepStrictEqual(retries()[3], ["3", "http_timeout"])
      const delivery = (yield* SlackEmulator.events).at(-1)
      assert.strictEqual(delivery?.state, "delivered")
      assert.deepStrictEqual(
        delivery?.attempts.map(({ problem, status }) => [problem, status]),
        [["http_error", 500], ["connection_failed", undefined], ["http_timeout", undefined], [undefined, 200]]
      )
      assert.match(yield* SlackEmulator.timeline, /event app_home_opened Ev\w+ for A0EMULATED, retry 3 -> HTTP 200/)
      const signatures = new Set(app.heard.map(({ headers }) => headers.get("x-slack-signature")))
      assert.strictEqual(signatures.size, 3, "each is signed again, and the first two are of the same second")
    }).pipe(Effect.provide(live(app)))
  })

  it.effect("are not repeated if the app says so", () => {
    const app = makeApp([status(503, { "x-slack-no-retry": "1" })])
    return Effect.gen(function*() {
      assert.strictEqual((yield* SlackEmulator.send({ event: { type: "app_home_opened" } })).state, "failed")
      assert.strictEqual(app.heard.length, 1)
    }).pipe(Effect.provide(live(app)))
  })

  it.effect("are not sent to an address that does not return the challenge, and the next event tries again", () => {
    const heard: Array<string> = []
    const answers = ["no", "yes"]
    const events = (request: Request) =>
      Effect.promise(async () => {
        const body = await request.json()
        heard.push(body.type)
        return new Response(answers.shift() === "no" ? "hello" : body.challenge)
      })
    return Effect.gen(function*() {
      assert.strictEqual((yield* SlackEmulator.send({ event: { type: "app_home_opened" } })).state, "failed")
      assert.deepStrictEqual(heard, ["url_verification"])
      assert.strictEqual((yield* SlackEmulator.send({ event: { type: "app_home_opened" } })).state, "delivered")
      assert.deepStrictEqual(heard, ["url_verification", "url_verification", "event_callback"])
    }).pipe(Effect.provide(inMemory({ apps: [{ events }] })))
  })

  it.effect("that come together wait for one challenge", () => {
    const heard: Array<string> = []
    const events = (request: Request) =>
      Effect.promise(async () => {
        heard.push((await request.json()).type)
        return new Response("no")
      })
    return Effect.gen(function*() {
      yield* redeem()
      yield* SlackEmulator.uninstall()
      assert.deepStrictEqual(heard, ["url_verification"])
      assert.deepStrictEqual((yield* SlackEmulator.events).map(({ state, type }) => [type, state]), [
        ["url_verification", "failed"],
        ["tokens_revoked", "failed"],
        ["app_uninstalled", "failed"]
      ])
    }).pipe(Effect.provide(inMemory({ apps: [{ events }] })))
  })

  it.effect("end with a restart: nobody waits for them, and the app is told", () => {
    const app = makeApp([() => new Promise<Response>(() => {})])
    return Effect.gen(function*() {
      const sent = yield* Effect.fork(SlackEmulator.send({ event: { type: "app_home_opened" } }))
      yield* untilHeard(app, 1)
      yield* SlackEmulator.restart
      assert.strictEqual((yield* Fiber.join(sent)).attempts.length, 0)
      assert.isTrue(app.heard[0]?.request.signal.aborted)
      assert.deepStrictEqual(yield* SlackEmulator.events, [])
    }).pipe(Effect.provide(live(app)))
  })

  it.effect("can be sent twice and late, as Slack may do", () => {
    const app = makeApp()
    return Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      const at = DateTime.unsafeMake(60_000)
      for (const _ of [1, 2]) yield* SlackEmulator.send({ event: { type: "app_uninstalled" }, id: "Ev1", at })
      assert.deepStrictEqual(app.heard.map(({ body }) => [body.event_id, body.event_time]), [["Ev1", 60], ["Ev1", 60]])
    }).pipe(Effect.provide(live(app)))
  })

  it.effect("go nowhere if the app has no address, and to send one is a defect that says so", () =>
    Effect.gen(function*() {
      yield* redeem()
      yield* SlackEmulator.uninstall()
      assert.deepStrictEqual(yield* SlackEmulator.events, [])
      const exit = yield* Effect.exit(SlackEmulator.send({ event: { type: "app_home_opened" } }))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "set the option \"events\" of the app")
    }).pipe(Effect.provide(inMemory())))

  it.live("go to an address over HTTP", () =>
    Effect.gen(function*() {
      const app = yield* Effect.promise(receiveEvents)
      const sent = yield* SlackEmulator.send({ event: { type: "app_home_opened" } }).pipe(
        Effect.provide(SlackEmulator.layer({ apps: [{ events: app.url }] })),
        Effect.ensuring(Effect.sync(app.close))
      )
      assert.strictEqual(sent.state, "delivered")
      assert.deepStrictEqual(app.types, ["url_verification", "app_home_opened"])
      const gone = yield* Effect.provide(
        Effect.zipRight(SlackEmulator.send({ event: { type: "app_home_opened" } }), SlackEmulator.events),
        SlackEmulator.layer({ apps: [{ events: app.url }] })
      )
      assert.deepStrictEqual(gone.map(({ attempts, type }) => [type, attempts[0]?.problem]), [
        ["url_verification", "connection_failed"],
        ["app_home_opened", undefined]
      ])
    }))

  it.effect("are checked with the signing secret that layerSlackApp gives to the app", () =>
    Effect.gen(function*() {
      const app = yield* SlackApp.SlackApp
      assert.deepStrictEqual(app.signingSecret, (yield* SlackEmulator.app).signingSecret)
      assert.strictEqual(app.appId, "A0EMULATED")
    }).pipe(Effect.provide(inMemory())))
})
