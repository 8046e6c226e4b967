import { assert, describe, it } from "@effect/vitest"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { overHttp } from "./utils/emulator.js"
import { serve } from "./utils/workerd.js"

describe("a whole app on Workers", () => {
  it.live("is installed, answers each mention once, and refuses an event that Slack did not sign", () => {
    const posted: Array<unknown> = []
    let worker = ""
    const events = (request: Request) =>
      Effect.promise(async () =>
        fetch(`${worker}/slack/events`, { method: "POST", headers: request.headers, body: await request.text() })
      )
    return Effect.gen(function*() {
      const { baseUrl, clientId, clientSecret, signingSecret } = yield* SlackApp.SlackApp
      const secretOf = (secret: typeof clientSecret | typeof signingSecret) =>
        Redacted.value(secret as Redacted.Redacted)
      worker = yield* serve("appWorker", {
        PUBLIC_URL: "http://localhost:3000",
        SLACK_BASE_URL: baseUrl,
        SLACK_CLIENT_ID: clientId,
        SLACK_CLIENT_SECRET: secretOf(clientSecret),
        SLACK_SIGNING_SECRET: secretOf(signingSecret),
        SLACK_TOKEN_KEYS: "plain",
        SLACK_COOKIE_KEYS: `test:${Buffer.alloc(32, 1).toString("base64")}`
      }, { quiet: true })
      const ask = (path: string, init: RequestInit = {}) =>
        Effect.promise(() => fetch(`${worker}${path}`, { redirect: "manual", ...init }))

      const begun = yield* ask("/slack/install")
      const [cookie = ""] = begun.headers.getSetCookie()
      const { url } = yield* SlackEmulator.authorize({ url: begun.headers.get("location") ?? "" })
      const { pathname, search } = new URL(url)
      // Workers ends a second load of the callback, because it waits for the I/O of the first. A third shows the result.
      yield* SlackEmulator.inject({ method: "oauth.v2.access", fault: SlackEmulator.delay("500 millis") })
      const load = Effect.map(
        ask(`${pathname}${search}`, { headers: { cookie: cookie.split(";")[0] ?? "" } }),
        ({ status }) => status
      )
      assert.include(yield* Effect.all([load, load], { concurrency: "unbounded" }), 303)
      assert.strictEqual(yield* load, 303)

      const { state } = yield* SlackEmulator.send({ event: { type: "app_mention", channel: "C1" } })
      assert.deepStrictEqual([state, posted], ["delivered", ["Hello!"]])

      // Slack sends an event again while it is handled. Workers ends that request, because it waits for the I/O of the first.
      yield* SlackEmulator.inject({ method: "chat.postMessage", fault: SlackEmulator.delay("500 millis") })
      const again = SlackEmulator.send({ event: { type: "app_mention", channel: "C1" }, id: "Ev0AGAIN" })
      const [first] = yield* Effect.all([again, again], { concurrency: "unbounded" })
      const last = yield* again
      assert.deepStrictEqual([first.state, last.state, posted], ["delivered", "delivered", ["Hello!", "Hello!"]])

      assert.strictEqual((yield* ask("/slack/events", { method: "POST", body: "{}" })).status, 401)
      assert.strictEqual((yield* ask("/nothing")).status, 404)
    }).pipe(
      Effect.scoped,
      Effect.provide(overHttp({
        apps: [{ events }],
        methods: {
          "chat.postMessage": ({ parameters }) => Effect.sync(() => ({ n: posted.push(parameters["text"]) }))
        }
      }))
    )
  })
})
