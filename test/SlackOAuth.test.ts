import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SlackOAuth from "effect-slack-oauth/SlackOAuth"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as SlackOAuthTest from "effect-slack-oauth/testing/SlackOAuthTest"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { requestOf } from "./stress/requestRounds.js"
import { yieldToEventLoop } from "./utils/eventLoop.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

/** What the app has posted: channel and text. */
const makeChat = () => {
  const posted: Array<string> = []
  const methods: Readonly<Record<string, SlackEmulator.MethodHandler>> = {
    "chat.postMessage": {
      scopes: ["chat:write"],
      answer: ({ parameters }) =>
        Effect.sync(() => {
          posted.push(`${parameters.channel} ${parameters.text}`)
          return { ts: "1.2", blocks: parameters.blocks }
        })
    },
    "chat.update": { answer: { ok: false, error: "channel_not_found" } },
    "chat.delete": { answer: { ok: false, error: "xoxb-1-CANARY" } },
    "chat.unfurl": { answer: { ok: false, error: "not a code: CANARY" } }
  }
  return { posted, methods }
}

const mention = SlackEmulator.send({ event: { type: "app_mention", channel: "C1", user: "U1", text: "hi" } })

const greeter = (methods: Readonly<Record<string, SlackEmulator.MethodHandler>>) =>
  SlackOAuthTest.layer({
    botScopes: ["app_mentions:read", "chat:write"],
    slack: { methods },
    onEvent: ({ channel, place, type }) =>
      type === "app_mention" ? SlackOAuth.call(place, "chat.postMessage", { channel, text: "Hello!" }) : Effect.void
  })

describe("an app in one layer", () => {
  it.effect("is installed, answers a mention, keeps its token fresh, and answers nothing after an uninstall", () => {
    const { methods, posted } = makeChat()
    return Effect.gen(function*() {
      const { text, watch } = makeWatcher()
      yield* watch(Effect.gen(function*() {
        const installed = yield* SlackOAuthTest.install()
        assert.strictEqual(installed.status, 303)
        assert.strictEqual((yield* mention).state, "delivered")
        assert.deepStrictEqual(posted, ["C1 Hello!"])

        yield* MovableClock.move("13 hours")
        assert.strictEqual((yield* mention).state, "delivered")
        assert.strictEqual(posted.length, 2)

        yield* SlackEmulator.uninstall()
        const { attempts } = yield* mention
        assert.strictEqual(posted.length, 2)
        assert.isAbove(attempts.length, 0)
      }))
      const calls = yield* SlackEmulator.calls
      assert.isAbove(calls.filter(({ method }) => method === "oauth.v2.access").length, 1)
      assert.notMatch(text(), /xox[bep]/)
    }).pipe(Effect.provide(greeter(methods)))
  })

  it.effect("tells the application of an install that is stored", () => {
    const seen: Array<unknown> = []
    return Effect.zipRight(SlackOAuthTest.install(), Effect.sync(() => assert.deepStrictEqual(seen, [true]))).pipe(
      Effect.provide(SlackOAuthTest.layer({
        botScopes: ["chat:write"],
        sweep: false,
        onInstalled: ({ response }) =>
          Effect.map(
            InstallationStore.find({
              appId: response.appId,
              teamId: response.target._tag === "Workspace" ? response.target.team.id : undefined
            }),
            (found) => seen.push(found._tag === "Some")
          )
      }))
    )
  })

  it.effect("serves its addresses on platform's router, with the path of the public URL and without it", () => {
    const { methods } = makeChat()
    return Effect.gen(function*() {
      const app = yield* SlackOAuth.SlackOAuth
      const { dispose, handler } = HttpLayerRouter.toWebHandler(
        Layer.provide(SlackOAuth.routes, Layer.succeed(SlackOAuth.SlackOAuth, app)),
        { disableLogger: true }
      )
      const statusOf = (method: string, path: string) =>
        Effect.map(
          Effect.promise(() => handler(new Request(`http://localhost:3000${path}`, { method }))),
          ({ status }) => status
        )
      for (const prefix of ["", "/bot"]) {
        assert.strictEqual(yield* statusOf("GET", `${prefix}/slack/install`), 302)
        assert.strictEqual(yield* statusOf("GET", `${prefix}/slack/oauth_redirect`), 400)
        assert.strictEqual(yield* statusOf("POST", `${prefix}/slack/events`), 401)
        const events = new Request(`http://localhost:3000${prefix}/slack/events/`, { method: "POST" })
        assert.strictEqual((yield* app.handle(events)).status, 401)
      }
      assert.strictEqual(yield* statusOf("GET", "/other"), 404)
      yield* Effect.promise(dispose)
    }).pipe(Effect.provide(SlackOAuthTest.layer({
      publicUrl: "http://localhost:3000/bot",
      botScopes: ["chat:write"],
      slack: { methods }
    })))
  })

  it.live("is a web handler for other servers", () =>
    Effect.gen(function*() {
      const secret = "test-signing-secret"
      const settings = ConfigProvider.fromMap(
        new Map([
          ["SLACK_CLIENT_ID", "123456.7890"],
          ["SLACK_CLIENT_SECRET", "test-client-secret"],
          ["SLACK_SIGNING_SECRET", secret],
          ["SLACK_TOKEN_KEYS", "plain"]
        ])
      )
      const { dispose, handler } = SlackOAuth.webHandler(
        SlackOAuth.layer({
          publicUrl: "https://example.com",
          botScopes: ["chat:write"],
          store: InstallationStore.layerMemory
        }).pipe(Layer.provide(Layer.setConfigProvider(settings)))
      )
      const send = (request: Request) => Effect.promise(() => handler(request))
      const begun = yield* send(new Request("https://example.com/slack/install"))
      assert.include(begun.headers.get("location") ?? "", "https://slack.com/oauth/v2/authorize")
      const challenge = yield* Effect.promise(() =>
        requestOf({
          secret,
          timestamp: String(Math.floor(Date.now() / 1000)),
          body: JSON.stringify({ type: "url_verification", challenge: "c" })
        })
      )
      const answer = yield* send(new Request("https://example.com/slack/events", challenge))
      assert.strictEqual(yield* Effect.promise(() => answer.text()), "c")
      yield* Effect.promise(dispose)
    }))
})

describe("settings", () => {
  const problems = (
    settings: Readonly<Record<string, string>>,
    options: Partial<SlackOAuth.Options> = {}
  ) =>
    SlackOAuth.layer({
      publicUrl: "https://example.com",
      botScopes: ["chat:write"],
      store: InstallationStore.layerMemory,
      ...options
    }).pipe(
      Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(settings))))),
      Layer.build,
      Effect.scoped,
      Effect.flip,
      Effect.map((error) => error.message)
    )

  it.effect("that are missing or wrong are all named at once", () =>
    Effect.gen(function*() {
      const nothing = yield* problems({}, { publicUrl: "example.com", eventsPath: "events" as "/" })
      for (
        const name of [
          "SLACK_CLIENT_ID",
          "SLACK_CLIENT_SECRET",
          "SLACK_SIGNING_SECRET",
          "SLACK_TOKEN_KEYS",
          "publicUrl",
          "eventsPath"
        ]
      ) {
        assert.include(nothing, name)
      }
      for (const eventsPath of ["/slack/install", "/app/Slack/oauth_redirect/"] as const) {
        const taken = yield* problems({}, { publicUrl: "https://example.com/app", eventsPath })
        assert.include(taken, `eventsPath cannot be used: ${eventsPath} is also a path of the install`)
      }
      const parts = yield* problems({}, { tokens: { window: "0 seconds" }, sweep: { window: "0 seconds" } })
      assert.include(parts, "SLACK_CLIENT_ID")
      for (const part of ["tokens", "sweep"]) {
        assert.match(parts, new RegExp(`${part}: .*window has to be more than zero`))
      }
      const withoutApp = yield* problems({ SLACK_SIGNING_SECRET: "CANARY" }, { events: { acknowledgeAfter: -1 } })
      assert.include(withoutApp, "acknowledgeAfter")
      assert.notMatch(withoutApp, /SLACK_SIGNING_SECRET|CANARY/)
      const some = yield* problems({
        SLACK_CLIENT_ID: "123456.7890",
        SLACK_CLIENT_SECRET: "CANARY",
        SLACK_TOKEN_KEYS: "k:CANARY"
      }, { botScopes: [] })
      assert.include(some, "SLACK_SIGNING_SECRET")
      assert.include(some, "The key k is not 32 bytes")
      assert.include(some, "scope")
      assert.notInclude(some, "CANARY")
    }))
})

describe("call", () => {
  it.effect("returns Slack's answer, or fails with Slack's code", () => {
    const { methods } = makeChat()
    return Effect.gen(function*() {
      const [app] = yield* SlackEmulator.apps
      const place = { teamId: "T0EMULATED" }
      yield* SlackOAuthTest.install()
      const answer = yield* SlackOAuth.call(place, "chat.postMessage", {
        channel: "C1",
        text: "x",
        blocks: [{ type: "divider" }],
        thread_ts: undefined
      })
      assert.deepInclude(answer, { ok: true, ts: "1.2", blocks: JSON.stringify([{ type: "divider" }]) })
      const code = (method: string) =>
        Effect.map(
          Effect.flip(SlackOAuth.call({ ...place, appId: app?.id }, method)),
          (error) => error._tag === "SlackCallError" ? error.code : error._tag
        )
      assert.strictEqual(yield* code("chat.update"), "channel_not_found")
      assert.strictEqual(yield* code("no.such"), "unknown_method")
      assert.strictEqual(yield* code("chat.delete"), "bad_answer", "a code that looks like a token is not repeated")
      assert.strictEqual(yield* code("chat.unfurl"), "bad_answer")
      yield* SlackEmulator.inject({ method: "chat.postMessage", fault: SlackEmulator.rateLimited({ retryAfter: 7 }) })
      assert.strictEqual(yield* code("chat.postMessage"), "ratelimited")
      yield* SlackEmulator.inject({
        method: "chat.postMessage",
        fault: SlackEmulator.rateLimited({ retryAfter: "7 seconds" })
      })
      const limited = yield* Effect.flip(SlackOAuth.call({ ...place, appId: app?.id }, "chat.postMessage"))
      const retryAfter = limited._tag === "SlackCallError" ? limited.retryAfter : undefined
      assert.strictEqual(Duration.toSeconds(retryAfter ?? Duration.zero), 7)
      assert.strictEqual(
        (yield* Effect.flip(SlackOAuth.call({ teamId: "T0OTHER" }, "chat.postMessage")))._tag,
        "NotInstalled"
      )
    }).pipe(Effect.provide(SlackOAuthTest.layer({ botScopes: ["chat:write"], slack: { methods } })))
  })
})

describe("a call that Slack does not answer", () => {
  it.effect("fails after 30 seconds, even if the client cannot be interrupted", () =>
    Effect.gen(function*() {
      yield* SlackOAuthTest.install()
      const silent = HttpClient.make(() => Effect.uninterruptible(Effect.never))
      const call = yield* SlackOAuth.call({ teamId: "T0EMULATED" }, "chat.postMessage").pipe(
        Effect.provideService(HttpClient.HttpClient, silent),
        Effect.flip,
        Effect.fork
      )
      for (let seconds = 0; seconds <= 40; seconds += 10) {
        yield* yieldToEventLoop
        yield* MovableClock.move("10 seconds")
      }
      const error = yield* Fiber.join(call)
      assert.strictEqual(error._tag === "SlackCallError" ? error.code : error._tag, "no_answer")
    }).pipe(Effect.provide(SlackOAuthTest.layer({ botScopes: ["chat:write"], sweep: false }))))
})

describe("metadata", () => {
  it.effect("that `begin` gives are told to the application, and stored with the installation by their Schema", () => {
    const Customer = Schema.Struct({ customer: Schema.NumberFromString })
    const told: Array<number> = []
    return Effect.gen(function*() {
      const [app] = yield* SlackEmulator.apps
      yield* SlackOAuthTest.install()
      const place = { appId: app?.id, teamId: "T0EMULATED" }
      const stored = () =>
        Effect.map(
          InstallationStore.find(place),
          (found) => Installation.metadataOf(Option.getOrThrow(found), Customer)
        )
      assert.deepStrictEqual(told, [7])
      assert.deepStrictEqual(yield* stored(), Either.right(Option.some({ customer: 7 })))
      yield* MovableClock.move("13 hours")
      yield* TokenManager.botTokenFor(place)
      assert.deepStrictEqual(yield* stored(), Either.right(Option.some({ customer: 7 })), "a refresh keeps it")
    }).pipe(Effect.provide(SlackOAuthTest.layer({
      botScopes: ["chat:write"],
      install: { metadata: Customer, begin: () => Effect.succeed({ metadata: { customer: 7 } }) },
      onInstalled: ({ metadata }) => Effect.sync(() => told.push(metadata.customer))
    })))
  })
})
