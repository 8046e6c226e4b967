import { assert, describe, it } from "@effect/vitest"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { overHttp } from "./utils/emulator.js"
import { refreshes } from "./utils/installations.js"
import { serve } from "./utils/workerd.js"

/** An answer of the application: its status and text. */
const ask = (url: string) =>
  Effect.promise(async (signal) => {
    const response = await fetch(url, { signal })
    return [response.status, await response.text()] as const
  })

describe("on Workers, in one isolate with one runtime for all requests", () => {
  it.live("concurrent requests refresh once, and a client that disconnects blocks no other request", () =>
    Effect.gen(function*() {
      const { baseUrl, clientId, clientSecret } = yield* SlackApp.SlackApp
      const url = yield* serve("isolateWorker", {
        SLACK_URL: baseUrl,
        CLIENT_ID: clientId,
        CLIENT_SECRET: Redacted.value(clientSecret as Redacted.Redacted)
      })
      const { code } = yield* SlackEmulator.authorize()
      assert.deepStrictEqual(yield* ask(`${url}/install?code=${code}`), [200, "installed"])
      const [, first] = yield* ask(`${url}/token`)

      yield* ask(`${url}/refuse`)
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("500 millis") })
      const answers = yield* Effect.all(Array.from({ length: 5 }, () => ask(`${url}/token`)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(new Set(answers.map(([status]) => status)), new Set([200]))
      const tokens = new Set(answers.map(([, token]) => token))
      assert.strictEqual(tokens.size, 1)
      assert.isFalse(tokens.has(first))
      assert.strictEqual(yield* refreshes, 1)

      yield* ask(`${url}/refuse`)
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("2 seconds") })
      yield* Effect.timeout(ask(`${url}/token`), "300 millis").pipe(Effect.ignore)
      const [status, token] = yield* Effect.timeout(ask(`${url}/token`), "15 seconds")
      assert.strictEqual(status, 200)
      assert.isFalse(tokens.has(token))
    }).pipe(Effect.scoped, Effect.provide(overHttp())))
})
