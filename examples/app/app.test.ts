/** The tests of the app, against an emulated Slack in memory. */
import { HttpServerRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { MovableClock, SlackEmulator, SlackOAuthTest } from "effect-slack-oauth/testing"
import { options, post } from "./app.js"

const posted: Array<unknown> = []

const Test = SlackOAuthTest.layer({
  ...options,
  slack: {
    methods: { "chat.postMessage": ({ parameters }) => Effect.sync(() => ({ n: posted.push(parameters["text"]) })) }
  }
})

const mention = SlackEmulator.send({ event: { type: "app_mention", channel: "C1", user: "U1" } })

const sendPost = (body: object) => {
  const request = new Request("http://localhost:3000/post", { method: "POST", body: JSON.stringify(body) })
  return Effect.provideService(post, HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(request))
}

describe("the app", () => {
  it.effect("answers mentions until it is uninstalled, and posts where it is installed", () =>
    Effect.gen(function*() {
      yield* SlackOAuthTest.install()
      yield* mention
      yield* MovableClock.move("13 hours")
      const sent = yield* sendPost({ team: "T0EMULATED", channel: "C1", text: "Good morning" })
      assert.deepStrictEqual([sent.status, posted], [200, ["Hi <@U1>!", "Good morning"]])

      yield* SlackEmulator.uninstall()
      assert.strictEqual((yield* sendPost({ team: "T0EMULATED", channel: "C1", text: "x" })).status, 404)
      assert.strictEqual((yield* sendPost({ team: 7 })).status, 400)
    }).pipe(Effect.provide(Test)))
})
