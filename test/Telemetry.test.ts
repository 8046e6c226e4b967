import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Telemetry from "effect-slack-oauth/Telemetry"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { accessResponses } from "./fixtures/tokenResponses.js"
import * as Randoms from "./utils/effect/random.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

const answers = {
  success: () => new Response(JSON.stringify(accessResponses[0]?.wire)),
  refused: () => new Response(JSON.stringify({ ok: false, error: "invalid_code" })),
  unavailable: () => Response.json({ ok: false, error: "service_unavailable" }, { status: 503 })
}

/** Gives the answers in turn, each after a second, and repeats the last one. */
const slack = (...script: ReadonlyArray<() => Response>) => {
  let calls = 0
  const client = HttpClient.make((request) =>
    Effect.delay(
      Effect.sync(() => {
        const answer = script[Math.min(calls++, script.length - 1)] ?? answers.success
        return HttpClientResponse.fromWeb(request, answer())
      }),
      "1 second"
    )
  )
  return OAuthV2.layer.pipe(
    Layer.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
    Layer.provide(Layer.succeed(HttpClient.HttpClient, client)),
    Layer.orDie
  )
}

const access = OAuthV2.access({ code: "test-code" })
const exchange = OAuthV2.exchange({ token: "xoxb-test" })

/** Runs a call to its end, however long it waits. */
const finish = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* effect.pipe(
      RetryPolicy.provide(RetryPolicy.background),
      Randoms.withNumbers([0.5]),
      Effect.exit,
      Effect.fork
    )
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  })

const callsOf = (method: string, result: string) =>
  Effect.map(
    Metric.value(Telemetry.calls.pipe(Metric.tagged("method", method), Metric.tagged("result", result))),
    ({ count }) => count
  )

const retriesOf = (method: string) =>
  Effect.map(Metric.value(Metric.tagged(Telemetry.retries, "method", method)), ({ count }) => count)

const durationOf = (method: string) => Metric.value(Metric.tagged(Telemetry.callDuration, "method", method))

/** How much a metric grows while an effect runs: metrics are shared by the whole process. */
const growth = <R, R2>(value: Effect.Effect<number, never, R>, effect: Effect.Effect<unknown, never, R2>) =>
  Effect.gen(function*() {
    const before = yield* value
    yield* effect
    return (yield* value) - before
  })

describe("Telemetry", () => {
  describe("spans", () => {
    const spanOf = (layer: Layer.Layer<OAuthV2.OAuthV2>, call: Effect.Effect<unknown, unknown, OAuthV2.OAuthV2>) =>
      Effect.gen(function*() {
        const watcher = makeWatcher()
        yield* finish(Effect.withSpan(Effect.provide(call, layer), "outer")).pipe(watcher.watch)
        const [outer, span, ...others] = watcher.spans
        assert.strictEqual(outer?.name, "outer")
        assert.deepStrictEqual(others, [])
        if (span === undefined) throw new Error("no span")
        return span
      })

    it.effect("one per call, under the caller's, and none of the HTTP client", () =>
      Effect.gen(function*() {
        const span = yield* spanOf(slack(answers.success), access)
        assert.strictEqual(span.name, "OAuthV2.access")
        assert.strictEqual(span.kind, "client")
        const parent = Option.getOrThrow(span.parent)
        assert.strictEqual(parent._tag === "Span" && parent.name, "outer")
        assert.deepStrictEqual(Object.fromEntries(span.attributes), {
          "slack.method": "oauth.v2.access",
          "slack.retry.count": 0
        })
        assert.isTrue(span.exit && Exit.isSuccess(span.exit))
      }))

    it.effect("says what went wrong, and how often it was tried again", () =>
      Effect.gen(function*() {
        const span = yield* spanOf(slack(answers.unavailable, answers.unavailable, answers.refused), access)
        assert.deepStrictEqual(Object.fromEntries(span.attributes), {
          "slack.method": "oauth.v2.access",
          "slack.retry.count": 2,
          "slack.error.code": "invalid_code",
          "error.type": "SlackInvalidCode"
        })
        assert.isTrue(span.exit && Exit.isFailure(span.exit))
      }))

    it.effect("of an exchange has the exchange's names", () =>
      Effect.gen(function*() {
        const span = yield* spanOf(slack(answers.success), exchange)
        assert.strictEqual(span.name, "OAuthV2.exchange")
        assert.strictEqual(span.attributes.get("slack.method"), "oauth.v2.exchange")
      }))

    it.effect("of a call that was refused here says so too", () =>
      Effect.gen(function*() {
        const span = yield* spanOf(slack(answers.success), OAuthV2.access({ code: "" }))
        assert.deepStrictEqual(Object.fromEntries(span.attributes), {
          "slack.method": "oauth.v2.access",
          "slack.retry.count": 0,
          "slack.error.code": "invalid_code",
          "error.type": "SlackInvalidCode"
        })
      }))
  })

  describe("metrics", () => {
    it.effect("count calls by method and result", () =>
      Effect.gen(function*() {
        const success = slack(answers.success)
        const refused = slack(answers.refused)
        assert.strictEqual(
          yield* growth(callsOf("oauth.v2.access", "ok"), finish(Effect.provide(access, success))),
          1
        )
        assert.strictEqual(
          yield* growth(callsOf("oauth.v2.exchange", "ok"), finish(Effect.provide(exchange, success))),
          1
        )
        assert.strictEqual(
          yield* growth(callsOf("oauth.v2.access", "SlackInvalidCode"), finish(Effect.provide(access, refused))),
          1
        )
        assert.strictEqual(
          yield* growth(callsOf("oauth.v2.access", "ok"), finish(Effect.provide(access, refused))),
          0
        )
      }))

    it.effect("count a call once however often it was tried, and the further tries", () =>
      Effect.gen(function*() {
        const script = [answers.unavailable, answers.unavailable, answers.success]
        const call = () => finish(Effect.provide(access, slack(...script)))
        assert.strictEqual(yield* growth(callsOf("oauth.v2.access", "ok"), call()), 1)
        assert.strictEqual(yield* growth(retriesOf("oauth.v2.access"), call()), 2)
        assert.strictEqual(yield* growth(retriesOf("oauth.v2.exchange"), call()), 0)
      }))

    it.effect("count calls that were given up", () =>
      Effect.gen(function*() {
        const call = Effect.gen(function*() {
          const fiber = yield* Effect.fork(Effect.provide(access, slack(answers.success)))
          yield* TestClock.adjust("500 millis")
          yield* Fiber.interrupt(fiber)
        })
        assert.strictEqual(yield* growth(callsOf("oauth.v2.access", "interrupted"), call), 1)
      }))

    it.effect("count a defect of the client", () =>
      Effect.gen(function*() {
        const broken = HttpClient.make(() => Effect.dieMessage("a defect"))
        const layer = OAuthV2.layer.pipe(
          Layer.provide(SlackApp.layer({ clientId: "1.2" })),
          Layer.provide(Layer.succeed(HttpClient.HttpClient, broken)),
          Layer.orDie
        )
        const call = Effect.exit(Effect.provide(access, layer))
        assert.strictEqual(yield* growth(callsOf("oauth.v2.access", "defect"), call), 1)
        const exit = yield* call
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      }))

    it.effect("time calls in milliseconds, waits included", () =>
      Effect.gen(function*() {
        const before = yield* durationOf("oauth.v2.access")
        yield* finish(Effect.provide(access, slack(answers.unavailable, answers.success)))
        const after = yield* durationOf("oauth.v2.access")
        assert.strictEqual(after.count - before.count, 1)
        // A second for each answer, and one between them.
        assert.strictEqual(after.sum - before.sum, 3000)
      }))
  })

  describe("logs", () => {
    it.effect("are at debug level: one for each attempt that failed, with the method", () =>
      Effect.gen(function*() {
        const watcher = makeWatcher()
        yield* finish(Effect.provide(access, slack(answers.unavailable, answers.refused))).pipe(watcher.watch)
        const expected = ["service_unavailable", "invalid_code"]
        // Effect 3.19 itself logs the fiber that a deadline is raced with.
        const logs = watcher.logs.filter(({ message }) => !String(message).startsWith("Fiber terminated"))
        assert.strictEqual(logs.length, 2)
        for (const [index, { annotations, level, message }] of logs.entries()) {
          assert.strictEqual(level, LogLevel.Debug)
          assert.deepStrictEqual(annotations, { "slack.method": "oauth.v2.access" })
          assert.match(String(message), new RegExp(`^oauth\\.v2\\.access: ${expected[index]}\\. `))
        }
      }))

    it.effect("say nothing of a call that succeeds", () =>
      Effect.gen(function*() {
        const watcher = makeWatcher()
        yield* finish(Effect.provide(access, slack(answers.success))).pipe(watcher.watch)
        assert.deepStrictEqual(watcher.logs, [])
      }))
  })

  it.effect("the double is not watched: it makes no calls", () =>
    Effect.gen(function*() {
      const error = new OAuthV2Error.SlackIsBot({ method: "oauth.v2.access" })
      const call = Effect.exit(Effect.provide(access, OAuthV2.layerTest({ access: [error] })))
      assert.strictEqual(yield* growth(callsOf("oauth.v2.access", "SlackIsBot"), call), 0)
    }))
})
