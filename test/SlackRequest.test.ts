import { assert, describe, it } from "@effect/vitest"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackRequest from "effect-slack-oauth/SlackRequest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { inspect } from "node:util"
import { documented } from "./fixtures/signedRequest.js"
import { refusals, requestOf } from "./stress/requestRounds.js"
import { yieldToEventLoop } from "./utils/eventLoop.js"

const { signingSecret: secret, timestamp } = documented

const signedAt = Number(timestamp) * 1000

const app = (signingSecret?: string) => SlackApp.layer({ clientId: "1.2", signingSecret })

/** The result for a request: the text of its body, or the reason of its refusal. */
const outcome = (
  request: Request,
  options: SlackRequest.Options & { readonly secret?: string | undefined } = { secret }
): Effect.Effect<unknown, unknown> =>
  SlackRequest.verify(request, options).pipe(
    Effect.map((body) => new TextDecoder().decode(body)),
    Effect.catchAll(({ part, reason }) => Effect.succeed({ reason, ...part === undefined ? undefined : { part } })),
    Effect.provide(app(options.secret))
  )

const signed = (body: string, more: { readonly secret?: string; readonly timestamp?: string } = {}) =>
  Effect.promise(() => requestOf({ secret, timestamp, body, ...more }))

/** A request with headers of a valid signature for an empty body, and this one. */
const withBody = (body: BodyInit) =>
  Effect.map(
    signed(""),
    ({ headers }) =>
      new Request("https://app.example", { method: "POST", headers, body, duplex: "half" } as RequestInit)
  )

const atSigning = TestClock.setTime(signedAt)

describe("verify", () => {
  it.effect("accepts the request that Slack documents, and returns its raw body", () =>
    Effect.gen(function*() {
      yield* atSigning
      const request = yield* Effect.promise(() => requestOf({ ...documented, secret }))
      assert.strictEqual(request.headers.get("x-slack-signature"), documented.signature)
      assert.strictEqual(yield* outcome(request), documented.body)
    }))

  it.effect("signs bytes, not text", () =>
    Effect.gen(function*() {
      yield* atSigning
      assert.strictEqual(yield* outcome(yield* signed("{\"text\":\"Grüße 👋\"}\r\n ")), "{\"text\":\"Grüße 👋\"}\r\n ")
      assert.strictEqual(yield* outcome(yield* signed("")), "")
    }))

  it.effect("accepts a request for five minutes, by a clock that is early or late", () =>
    Effect.gen(function*() {
      for (const [seconds, expected] of [[-301, "stale"], [-300, "ok"], [300, "ok"], [301, "stale"]] as const) {
        yield* TestClock.setTime(signedAt + seconds * 1000)
        const found = yield* outcome(yield* signed("ok"))
        assert.deepStrictEqual(found, expected === "ok" ? "ok" : { reason: "stale" })
      }
    }))

  it.effect("accepts several secrets while one replaces another", () =>
    Effect.gen(function*() {
      yield* atSigning
      for (const former of ["former", "next"]) {
        assert.strictEqual(yield* outcome(yield* signed("ok", { secret: former }), { secret: "next,former" }), "ok")
        const signingSecrets = ["next", Redacted.make("former")]
        assert.strictEqual(yield* outcome(yield* signed("ok", { secret: former }), { signingSecrets }), "ok")
      }
      assert.deepStrictEqual(yield* outcome(yield* signed("ok"), { secret: "next,former" }), { reason: "forged" })
      // The options replace the app's secret.
      assert.deepStrictEqual(yield* outcome(yield* signed("ok"), { secret, signingSecrets: ["x"] }), {
        reason: "forged"
      })
    }))

  it.effect("accepts nothing without a secret, or with an empty one", () =>
    Effect.gen(function*() {
      yield* atSigning
      const request = yield* signed("ok", { secret: " " })
      const missing = { reason: "missing", part: "signing secret" }
      assert.deepStrictEqual(yield* outcome(request, { secret: undefined }), missing)
      assert.deepStrictEqual(yield* outcome(request, { secret, signingSecrets: [] }), missing)
      assert.deepStrictEqual(yield* outcome(request, { secret, signingSecrets: ["", " ", ","] }), missing)
    }))

  it.effect("names the header that is missing", () =>
    Effect.gen(function*() {
      yield* atSigning
      for (const part of ["x-slack-signature", "x-slack-request-timestamp"]) {
        const request = yield* signed("ok")
        request.headers.delete(part)
        assert.deepStrictEqual(yield* outcome(request), { reason: "missing", part })
      }
    }))

  it.effect("does not read the body of a request without a signature", () =>
    Effect.gen(function*() {
      yield* atSigning
      const request = new Request("https://app.example", { method: "POST", body: "x" })
      yield* outcome(request)
      assert.isFalse(request.bodyUsed)
    }))

  it.effect("reads no more of a large body than the limit", () =>
    Effect.gen(function*() {
      yield* atSigning
      let pulled = 0
      let cancelled = false
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          pulled++
          controller.enqueue(new Uint8Array(1024))
        },
        cancel: () => {
          cancelled = true
        }
      })
      assert.deepStrictEqual(yield* outcome(yield* withBody(endless), { secret, maxBytes: 10_000 }), {
        reason: "tooLarge"
      })
      assert.isBelow(pulled, 20)
      assert.isTrue(cancelled)

      const exact = yield* signed("x".repeat(100))
      assert.strictEqual(yield* outcome(exact.clone(), { secret, maxBytes: 100 }), "x".repeat(100))
      assert.deepStrictEqual(yield* outcome(exact.clone(), { secret, maxBytes: 99 }), { reason: "tooLarge" })
      assert.deepStrictEqual(yield* outcome(exact.clone(), { secret, maxBytes: Number.NaN }), { reason: "tooLarge" })
      exact.headers.set("content-length", "100000000")
      assert.deepStrictEqual(yield* outcome(exact), { reason: "tooLarge" })
    }))

  it.effect("refuses a body that was read before, breaks off, or never ends", () =>
    Effect.gen(function*() {
      yield* atSigning
      const missing = { reason: "missing", part: "body" }
      const used = yield* signed("ok")
      yield* Effect.promise(() => used.text())
      assert.deepStrictEqual(yield* outcome(used), missing)

      const locked = yield* signed("ok")
      locked.body?.getReader()
      assert.deepStrictEqual(yield* outcome(locked), missing)

      const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("ECONNRESET")) })
      assert.deepStrictEqual(yield* outcome(yield* withBody(broken)), missing)

      let cancelled = false
      const silent = new ReadableStream({ cancel: () => void (cancelled = true) })
      const waiting = yield* Effect.fork(outcome(yield* withBody(silent)))
      yield* yieldToEventLoop
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(waiting), missing)
      yield* yieldToEventLoop
      assert.isTrue(cancelled)
    }))

  it.effect("accepts none of many requests that are forged, stale or changed, and none is a defect", () =>
    Effect.gen(function*() {
      yield* atSigning
      const exit = yield* Effect.exit(refusals({ count: 1500, seed: 17 }))
      assert.isTrue(Exit.isSuccess(exit), Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "")
      const counts = Exit.isSuccess(exit) ? exit.value : undefined
      assert.isAbove(counts?.forged ?? 0, 500)
      assert.isAbove(counts?.stale ?? 0, 50)
      assert.isAbove(counts?.missing ?? 0, 50)
    }))
})

describe("a refusal", () => {
  it.effect("says what to do, and shows nothing of the request", () =>
    Effect.gen(function*() {
      yield* atSigning
      const request = yield* signed("canary-body", { secret: "canary-secret" })
      const error = yield* Effect.flip(Effect.provide(SlackRequest.verify(request), app("canary-other")))
      assert.include(error.message, "Basic Information")
      assert.notMatch(
        inspect(error, { depth: null, showHidden: true }) + String(error) + JSON.stringify(error),
        /canary/
      )
      const unset = yield* Effect.flip(Effect.provide(SlackRequest.verify(request), app()))
      assert.include(unset.message, "SLACK_SIGNING_SECRET")
    }))
})
