import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as ConfigError from "effect/ConfigError"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { constVoid, identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { type Caller, exitOf, withCaller } from "../src/internal/effect/fibers.js"
import { waits } from "../src/internal/effect/schedules.js"
import { observeInSpan } from "../src/internal/effect/spans.js"
import * as Retry from "../src/internal/retry.js"
import { table } from "./fixtures/codes.js"
import { accessResponses } from "./fixtures/tokenResponses.js"
import * as Randoms from "./utils/effect/random.js"
import { answerWhileBlocked, yieldToEventLoop } from "./utils/eventLoop.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

// -------------------------------------------------------------------------------------
// a Slack with scripted answers, and a recorded call
// -------------------------------------------------------------------------------------

type Answer = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const http = (status: number, body: string, headers: Record<string, string> = {}): Answer => (request) =>
  Effect.succeed(HttpClientResponse.fromWeb(request, new Response(body, { status, headers })))

const success = http(200, JSON.stringify(accessResponses[0]?.wire))
const code = (code: string, headers?: Record<string, string>) =>
  http(200, JSON.stringify({ ok: false, error: code }), headers)
const unavailable = http(503, JSON.stringify({ ok: false, error: "service_unavailable" }))
const limited = (retryAfter: string) => http(429, "", { "retry-after": retryAfter })
const broken = (code: string): Answer => (request) =>
  new HttpClientError.RequestError({ request, reason: "Transport", cause: Object.assign(new Error(), { code }) })
const silent: Answer = () => Effect.never
const slow = (duration: Duration.DurationInput, answer: Answer): Answer => (request) =>
  Effect.delay(answer(request), duration)

/** Gives the answers in turn, and repeats the last one. */
const slack = (answers: ReadonlyArray<Answer>) => {
  const times: Array<number> = []
  const client = HttpClient.make((request) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const answer = answers[Math.min(times.length, answers.length - 1)] ?? success
      times.push(now)
      return answer(request)
    })
  )
  const layer = OAuthV2.layer.pipe(
    Layer.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
    Layer.provide(Layer.succeed(HttpClient.HttpClient, client)),
    Layer.orDie
  )
  return { layer, times }
}

type Wrap = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const call = OAuthV2.access({ code: "test-code" })

/** The record of a call: the times of its attempts, the time of its end, and its result. */
const watch = (answers: ReadonlyArray<Answer>, options: {
  readonly policy?: Wrap
  readonly random?: number
  readonly layers?: Layer.Layer<RetryPolicy.RetryPolicy, ConfigError.ConfigError>
  readonly call?: Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.OAuthV2Error, OAuthV2.OAuthV2>
}) =>
  Effect.gen(function*() {
    const { layer, times } = slack(answers)
    const startedAt = yield* Clock.currentTimeMillis
    const fiber = yield* (options.call ?? call).pipe(
      options.policy ?? ((effect) => effect),
      Effect.provide(options.layers === undefined ? layer : Layer.provide(layer, Layer.orDie(options.layers))),
      Effect.either,
      Effect.zip(Clock.currentTimeMillis),
      Randoms.withNumbers([options.random ?? 0.5]),
      Effect.fork
    )
    yield* TestClock.adjust("2 hours")
    const [result, endedAt] = yield* Fiber.join(fiber)
    return {
      times: times.map((time) => time - startedAt),
      endedAt: endedAt - startedAt,
      tag: result._tag === "Right" ? "success" : result.left._tag as string,
      error: result._tag === "Left" ? result.left : undefined
    }
  })

const under = (policy: RetryPolicy.Policy): Wrap => RetryPolicy.provide(policy) as Wrap

const interactive = under(RetryPolicy.interactive)
const background = under(RetryPolicy.background)
const none = under(RetryPolicy.none)

const almostOne = 1 - Number.EPSILON

// -------------------------------------------------------------------------------------
// tests
// -------------------------------------------------------------------------------------

describe("RetryPolicy", () => {
  describe("which errors may be repeated", () => {
    for (const [name, , access, , remedy, outcome] of table) {
      const repeatable = access && remedy === "retry" && outcome === "rejected"
      it.effect(`${name} on a code is ${repeatable ? "" : "not "}repeated`, () =>
        Effect.gen(function*() {
          for (const policy of [interactive, background]) {
            const { tag, times } = yield* watch([code(name), success], { policy })
            assert.strictEqual(times.length, repeatable ? 2 : 1)
            assert.strictEqual(tag === "success", repeatable)
          }
        }))
    }

    const others: ReadonlyArray<readonly [name: string, answer: Answer, repeatable: boolean]> = [
      ["429 with an empty body", http(429, ""), true],
      ["429 with ratelimited", http(429, "{\"ok\":false,\"error\":\"ratelimited\"}"), true],
      ["429 with a token response", http(429, JSON.stringify(accessResponses[0]?.wire)), true],
      ["503 with HTML", http(503, "<html>Server Error</html>"), false],
      ["503 with nothing", http(503, ""), false],
      ["503 with JSON that has no code", http(503, "{\"ok\":false}"), false],
      ["503 with service_unavailable", unavailable, true],
      ["503 with internal_error", http(503, "{\"ok\":false,\"error\":\"internal_error\"}"), false],
      ["a refused connection", broken("ECONNREFUSED"), true],
      ["a name that is not found", broken("ENOTFOUND"), true],
      ["a lost answer", broken("ECONNRESET"), false],
      ["a failure of which nothing is known", broken("what?"), false],
      ["500", http(500, ""), false],
      ["502", http(502, ""), false],
      ["504", http(504, ""), false],
      ["404", http(404, ""), false],
      ["a redirect", http(302, "", { location: "https://example.com" }), false],
      ["a 200 that is no JSON", http(200, "no"), false],
      ["a code that nobody documented", code("not_yet_seen"), false],
      ["silence", silent, false]
    ]
    for (const [name, answer, repeatable] of others) {
      it.effect(`${name} is ${repeatable ? "" : "not "}repeated`, () =>
        Effect.gen(function*() {
          for (const policy of [interactive, background]) {
            const { times } = yield* watch([answer, success], { policy })
            assert.strictEqual(times.length, repeatable ? 2 : 1)
          }
        }))
    }

    it.effect("holds for every grant", () =>
      Effect.gen(function*() {
        for (
          const call of [
            OAuthV2.access({ code: "test-code" }),
            OAuthV2.access({ refreshToken: "xoxe-1-test" }),
            OAuthV2.exchange({ token: "xoxb-test" })
          ]
        ) {
          const lost = yield* watch([broken("ECONNRESET"), success], { policy: background, call })
          assert.strictEqual(lost.times.length, 1)
          const unavailableOnce = yield* watch([unavailable, success], { policy: background, call })
          assert.strictEqual(unavailableOnce.times.length, 2)
        }
      }))

    it.effect("no schedule overrides it", () =>
      Effect.gen(function*() {
        const policy = RetryPolicy.provide(Schedule.forever) as Wrap
        for (const answer of [code("internal_error"), broken("ECONNRESET"), code("invalid_code"), http(500, "")]) {
          assert.strictEqual((yield* watch([answer, success], { policy })).times.length, 1)
        }
        assert.strictEqual((yield* watch([unavailable, unavailable, success], { policy })).times.length, 3)
      }))
  })

  describe("interactive", () => {
    it.effect("waits 0.3 s, then twice as long each time, give or take a fifth", () =>
      Effect.gen(function*() {
        const times = (random: number) =>
          Effect.map(watch([unavailable], { policy: interactive, random }), ({ times }) => times)
        assert.deepStrictEqual(yield* times(0.5), [0, 300, 900, 2100, 4500])
        assert.deepStrictEqual(yield* times(0), [0, 240, 720, 1680, 3600, 7440])
        assert.deepStrictEqual(yield* times(almostOne), [0, 360, 1080, 2520, 5400])
      }))

    it.effect("fails at once when Slack asks to wait longer than the budget, and says how long", () =>
      Effect.gen(function*() {
        for (const answer of [limited("30"), code("ratelimited", { "retry-after": "30" })]) {
          const { endedAt, error, times } = yield* watch([answer, success], { policy: interactive })
          assert.deepStrictEqual(times, [0])
          assert.strictEqual(endedAt, 0)
          assert.instanceOf(error, OAuthV2Error.SlackRateLimited)
          assert.deepStrictEqual(error?.retryAfter, Duration.seconds(30))
        }
      }))

    it.effect("waits as long as a hint says, if it fits into the budget", () =>
      Effect.gen(function*() {
        const at = (random: number) =>
          Effect.map(watch([limited("4"), success], { policy: interactive, random }), ({ times }) => times)
        assert.deepStrictEqual(yield* at(0), [0, 4000])
        assert.deepStrictEqual(yield* at(almostOne), [0, 4400])
      }))

    it.effect("counts the waits before a hint against it", () =>
      Effect.gen(function*() {
        const { endedAt, tag, times } = yield* watch([limited("4"), limited("4"), limited("4")], {
          policy: interactive,
          random: 0
        })
        assert.deepStrictEqual(times, [0, 4000, 8000])
        assert.strictEqual(endedAt, 8000)
        assert.strictEqual(tag, "SlackRateLimited")
      }))

    it.effect("waits ten seconds in all for a Slack that does not answer, and sends once", () =>
      Effect.gen(function*() {
        const { endedAt, error, times } = yield* watch([silent], { policy: interactive })
        assert.deepStrictEqual(times, [0])
        assert.strictEqual(endedAt, 10_000)
        assert.deepInclude(error, { _tag: "SlackTimeoutError", outcome: "unknown" })
        const late = yield* watch([slow("3 seconds", unavailable), silent], { policy: interactive })
        assert.deepStrictEqual(late.times, [0, 3300])
        assert.strictEqual(late.endedAt, 10_000)
        assert.deepInclude(late.error, { timeout: Duration.millis(6700) })
      }))

    it.effect("ends in time, whatever happens", () =>
      Effect.gen(function*() {
        const answer = FastCheck.oneof(
          FastCheck.constantFrom(
            unavailable,
            silent,
            broken("ECONNREFUSED"),
            broken("ECONNRESET"),
            code("ratelimited")
          ),
          FastCheck.integer({ min: 0, max: 12 }).map((seconds) => limited(String(seconds))),
          FastCheck.integer({ min: 0, max: 12_000 }).map((millis) => slow(millis, unavailable))
        )
        const script = FastCheck.array(answer, { minLength: 1, maxLength: 8 })
        const random = FastCheck.double({ min: 0, max: almostOne, noNaN: true })
        for (const [answers, draw] of FastCheck.sample(FastCheck.tuple(script, random), 80)) {
          yield* yieldToEventLoop
          const { endedAt } = yield* watch(answers, { policy: interactive, random: draw })
          assert.isAtMost(endedAt, 10_000)
        }
      }))
  })

  describe("background", () => {
    it.effect("waits the 30 seconds that Slack asks for, and not less", () =>
      Effect.gen(function*() {
        const at = (answer: Answer, random: number) =>
          Effect.map(watch([answer, success], { policy: background, random }), ({ times }) => times[1] ?? 0)
        for (const answer of [limited("30"), code("ratelimited", { "retry-after": "30" })]) {
          assert.strictEqual(yield* at(answer, 0), 30_000)
          assert.strictEqual(yield* at(answer, almostOne), 33_000)
          for (const random of FastCheck.sample(FastCheck.double({ min: 0, max: almostOne, noNaN: true }), 20)) {
            const time = yield* at(answer, random)
            assert.isAtLeast(time, 30_000)
            assert.isAtMost(time, 33_000)
          }
        }
      }))

    it.effect("waits until the date that Slack names", () =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const { times } = yield* watch([limited(new Date(now + 45_000).toUTCString()), success], {
          policy: background,
          random: 0
        })
        assert.deepStrictEqual(times, [0, 45_000])
      }))

    it.effect("uses its own waits when the hint is zero, past or invalid", () =>
      Effect.gen(function*() {
        for (const header of ["0", "Thu, 01 Jan 1970 00:00:00 GMT", "soon"]) {
          assert.deepStrictEqual((yield* watch([limited(header), success], { policy: background })).times, [0, 1000])
        }
      }))

    it.effect("waits a second, then twice as long each time up to a minute, for ten minutes at most", () =>
      Effect.gen(function*() {
        const { endedAt, tag, times } = yield* watch([unavailable], { policy: background })
        assert.deepStrictEqual(times.map((time) => time / 1000), [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423])
        assert.strictEqual(tag, "SlackServiceUnavailable")
        assert.isAtMost(endedAt, 600_000)
        for (const random of [0, almostOne]) {
          const { endedAt } = yield* watch([slow("29 seconds", unavailable)], { policy: background, random })
          assert.isAtMost(endedAt, 600_000)
        }
      }))

    it.effect("fails at once when a hint exceeds the budget, and reports a day at most", () =>
      Effect.gen(function*() {
        for (const [header, told] of [["3600", Duration.hours(1)], ["99999999999", Duration.days(1)]] as const) {
          const { endedAt, error, times } = yield* watch([limited(header), success], { policy: background })
          assert.deepStrictEqual(times, [0])
          assert.strictEqual(endedAt, 0)
          assert.isTrue(error?.retryAfter !== undefined && Duration.equals(error.retryAfter, told))
        }
      }))

    it.effect("gives each attempt 30 seconds", () =>
      Effect.gen(function*() {
        const { endedAt, error } = yield* watch([unavailable, silent], { policy: background })
        assert.strictEqual(endedAt, 31_000)
        assert.deepInclude(error, { _tag: "SlackTimeoutError", timeout: Duration.seconds(30) })
      }))
  })

  it.effect("none makes one attempt of ten seconds", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* watch([unavailable, success], { policy: none })).times, [0])
      assert.deepStrictEqual((yield* watch([limited("1"), success], { policy: none })).times, [0])
      const { endedAt, tag } = yield* watch([silent], { policy: none })
      assert.deepStrictEqual([endedAt, tag], [10_000, "SlackTimeoutError"])
    }))

  describe("which policy applies", () => {
    const second = (options: Parameters<typeof watch>[1]) =>
      Effect.map(watch([unavailable, success], options), ({ times }) => times[1])

    it.effect("interactive by default", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* second({}), 300)
      }))

    it.effect("the layer's, if it was given one", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* second({ layers: RetryPolicy.layer(RetryPolicy.background) }), 1000)
      }))

    it.effect("the call's before the layer's", () =>
      Effect.gen(function*() {
        const layers = RetryPolicy.layer(RetryPolicy.background)
        assert.strictEqual(yield* second({ layers, policy: interactive }), 300)
        assert.isUndefined(yield* second({ layers, policy: none }))
      }))

    it.effect("the inner one of two around a call", () =>
      Effect.gen(function*() {
        const policy: Wrap = (effect) => background(none(effect))
        assert.isUndefined(yield* second({ policy }))
      }))
  })

  describe("as a schedule", () => {
    it.effect("composes with others, and may be any other", () =>
      Effect.gen(function*() {
        const twice = RetryPolicy.provide(Schedule.intersect(RetryPolicy.interactive, Schedule.recurs(2))) as Wrap
        assert.deepStrictEqual((yield* watch([unavailable], { policy: twice })).times, [0, 300, 900])
        const spaced = RetryPolicy.provide(Schedule.spaced("1 minute"), { budget: "5 minutes" }) as Wrap
        assert.deepStrictEqual((yield* watch([unavailable], { policy: spaced })).times.map((time) => time / 60_000), [
          0,
          1,
          2,
          3,
          4
        ])
      }))

    it.effect("stops at once at an error that must not be repeated, also when it is driven by other code", () =>
      Effect.gen(function*() {
        let attempts = 0
        const error = new OAuthV2Error.SlackInternalError({ method: "oauth.v2.access" })
        const exit = yield* Effect.suspend(() => {
          attempts++
          return Effect.fail(error)
        }).pipe(Effect.retry(RetryPolicy.background), Effect.exit)
        assert.deepStrictEqual([attempts, Exit.isFailure(exit)], [1, true])
      }))

    it.effect("keeps its budget when it is driven by other code, from the first failure on", () =>
      Effect.gen(function*() {
        let attempts = 0
        const fiber = yield* Effect.suspend(() => {
          attempts++
          return Effect.fail(new OAuthV2Error.SlackServiceUnavailable({ method: "oauth.v2.access" }))
        }).pipe(
          Effect.retry(RetryPolicy.interactive),
          Effect.exit,
          Effect.zipRight(Clock.currentTimeMillis),
          Randoms.withNumbers([0.5]),
          Effect.fork
        )
        yield* TestClock.adjust("1 hour")
        assert.isAtMost(yield* Fiber.join(fiber), 10_000)
        assert.strictEqual(attempts, 5)
      }))

    it.effect("accepts other limits, longer and shorter", () =>
      Effect.gen(function*() {
        const patient = RetryPolicy.provide(RetryPolicy.interactive, { budget: "1 minute" }) as Wrap
        assert.deepStrictEqual((yield* watch([limited("30"), success], { policy: patient, random: 0 })).times, [
          0,
          30_000
        ])
        const hasty = RetryPolicy.provide(RetryPolicy.background, { budget: "5 seconds" }) as Wrap
        assert.deepStrictEqual((yield* watch([unavailable], { policy: hasty })).times, [0, 1000, 3000])
        const short = RetryPolicy.provide(RetryPolicy.background, { attemptTimeout: "2 seconds" }) as Wrap
        assert.strictEqual((yield* watch([silent], { policy: short })).endedAt, 2000)
        const layers = RetryPolicy.layer(RetryPolicy.interactive, { attemptTimeout: "2 seconds" })
        assert.strictEqual((yield* watch([silent], { layers })).endedAt, 2000)
      }))

    it.effect("makes no attempt after its budget, even if `mayRepeat` or the wait took longer", () =>
      Effect.gen(function*() {
        const asking = (duration: Duration.DurationInput) =>
          RetryPolicy.provide(RetryPolicy.interactive, { mayRepeat: Effect.as(Effect.sleep(duration), true) }) as Wrap
        const times = (policy: Wrap) => Effect.map(watch([unavailable, success], { policy }), ({ times }) => times)
        assert.deepStrictEqual(yield* times(asking("9 seconds")), [0, 9300])
        assert.deepStrictEqual(yield* times(asking("9700 millis")), [0])
        assert.deepStrictEqual(yield* times(asking("1 minute")), [0])
        const paused = waits(() => Effect.as(Effect.sleep("1 minute"), 0))
        assert.deepStrictEqual(yield* times(RetryPolicy.provide(paused, { budget: "10 seconds" }) as Wrap), [0])
      }))

    it.effect("a plain schedule gets ten seconds an attempt and no budget", () =>
      Effect.gen(function*() {
        const policy = RetryPolicy.provide(Schedule.spaced("10 minutes")) as Wrap
        const { endedAt, times } = yield* watch([unavailable, unavailable, unavailable, silent], { policy })
        assert.deepStrictEqual(times.map((time) => time / 60_000), [0, 10, 20, 30])
        assert.strictEqual(endedAt, 30 * 60_000 + 10_000)
      }))
  })

  it.effect("a call that is interrupted while it waits makes no further attempt", () =>
    Effect.gen(function*() {
      const { layer, times } = slack([unavailable, success])
      const fiber = yield* call.pipe(background, Effect.provide(layer), Effect.fork)
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(times.length, 1)
    }))

  describe("run", () => {
    const run = <A>(attempt: Effect.Effect<A, OAuthV2Error.OAuthV2Error>) =>
      observeInSpan("run", {}, (_, caller: Caller<never>) => ({
        effect: Retry.run(RetryPolicy.defaultPolicy, attempt, {
          clock: caller.clock,
          fork: caller.fork(identity),
          onTimeout: (timeout) => new OAuthV2Error.SlackTimeoutError({ method: "oauth.v2.access", timeout }),
          onFailure: () => Effect.void
        }),
        onEnd: constVoid
      }))

    // Effect 3 only: a fiber of Effect 4 has no values that it changes
    it.scoped("changes of a FiberRef in an attempt end with the attempt", () =>
      Effect.gen(function*() {
        const ref = yield* FiberRef.make("before")
        const seen = yield* run(Effect.zipRight(FiberRef.set(ref, "inside"), FiberRef.get(ref)))
        assert.deepStrictEqual([seen, yield* FiberRef.get(ref)], ["inside", "before"])
      }))

    it.effect("does not take an attempt that interrupts itself for one that is late", () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(run(Effect.zipRight(Effect.yieldNow(), Effect.interrupt)))
        assert.isTrue(Exit.isFailure(exit) && Cause.isInterrupted(exit.cause))
      }))

    for (
      const [where, region] of Object.entries<<A, E>(call: Effect.Effect<A, E>) => Effect.Effect<A, E>>({
        "in an uninterruptible region": Effect.uninterruptible,
        "in the release of a resource": (call) =>
          Effect.flatMap(Deferred.make<Exit.Exit<any, any>>(), (done) =>
            Effect.zipRight(
              Effect.scoped(
                Effect.addFinalizer(() => Effect.flatMap(Effect.exit(call), (exit) => Deferred.succeed(done, exit)))
              ),
              Effect.flatten(Deferred.await(done))
            )),
        "after an interruption that has to wait": (call) =>
          Effect.flatMap(Deferred.make<Exit.Exit<any, any>>(), (done) =>
            Effect.gen(function*() {
              const waiting = yield* Effect.fork(Effect.onInterrupt(Effect.never, () =>
                Effect.flatMap(Effect.exit(call), (exit) =>
                  Deferred.succeed(done, exit))))
              yield* Effect.yieldNow()
              yield* Fiber.interruptFork(waiting)
              return yield* Effect.flatten(Deferred.await(done))
            }))
      })
    ) {
      it.effect(`ends an attempt at its deadline, and succeeds before it: ${where}`, () =>
        Effect.gen(function*() {
          let sent = 0
          let aborted = 0
          const sending = Effect.sync(() => sent++)
          const silent = Effect.zipRight(sending, Effect.onInterrupt(Effect.never, () => Effect.sync(() => aborted++)))
          const call = yield* Effect.fork(Effect.either(region(run(silent))))
          yield* TestClock.adjust("9 seconds")
          assert.isUndefined(exitOf(call))
          yield* TestClock.adjust("1 second")
          const exit = exitOf(call)
          assert.isTrue(exit !== undefined && Exit.isSuccess(exit) && Either.isLeft(exit.value))
          assert.deepStrictEqual([sent, aborted], [1, 1])
          assert.strictEqual(yield* region(run(Effect.as(sending, "done"))), "done")
        }))
    }

    it.effect("continues in an uninterruptible region when its caller is interrupted", () =>
      Effect.gen(function*() {
        let result: string | undefined
        const caller = yield* run(Effect.delay(Effect.succeed("done"), "5 seconds")).pipe(
          Effect.map((done) => result = done),
          Effect.uninterruptible,
          Effect.fork
        )
        yield* TestClock.adjust("1 second")
        yield* Fiber.interruptFork(caller)
        yield* TestClock.adjust("4 seconds")
        yield* Fiber.await(caller)
        assert.strictEqual(result, "done")
      }))

    const live = (attempt: Effect.Effect<string, OAuthV2Error.OAuthV2Error>) =>
      withCaller((caller: Caller<never>) =>
        Retry.run({ ...RetryPolicy.defaultPolicy, attemptTimeout: Duration.millis(50) }, attempt, {
          clock: caller.clock,
          fork: caller.fork(identity),
          onTimeout: (timeout) => new OAuthV2Error.SlackTimeoutError({ method: "oauth.v2.access", timeout }),
          onFailure: () => Effect.void
        })
      )

    it.live("ends an attempt at its deadline on the system's clock", () =>
      Effect.gen(function*() {
        let aborted = 0
        const silent = Effect.onInterrupt(Effect.never, () => Effect.sync(() => aborted++))
        assert.strictEqual((yield* Effect.flip(live(silent)))._tag, "SlackTimeoutError")
        assert.strictEqual(aborted, 1)
      }))

    it.live("reads an answer that arrived while the event loop was blocked, before its deadline fires", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* live(answerWhileBlocked), "answer")
      }))

    it.effect("logs nothing of the fiber of an attempt that fails", () =>
      Effect.gen(function*() {
        const watcher = makeWatcher()
        const defect = Effect.zipRight(Effect.yieldNow(), Effect.dieMessage("xoxb-test-secret"))
        yield* Effect.exit(run(defect)).pipe(watcher.watch)
        assert.deepStrictEqual(watcher.logs, [])
      }))

    const ends = {
      "its time is up": () => TestClock.adjust(RetryPolicy.interactive.attemptTimeout),
      "the call is interrupted": (call: Fiber.RuntimeFiber<unknown, unknown>) => Fiber.interruptFork(call)
    }
    for (const [name, end] of Object.entries(ends)) {
      it.effect(`waits for the finalizers of the attempt when ${name}`, () =>
        Effect.gen(function*() {
          const socket = yield* Deferred.make<void>()
          let closed = false
          const attempt = Effect.zipRight(Deferred.succeed(socket, undefined), Effect.never).pipe(
            Effect.onInterrupt(() => Effect.map(Effect.sleep("3 seconds"), () => closed = true))
          )
          const call = yield* run(attempt).pipe(
            Effect.onExit(() => Effect.sync(() => assert.isTrue(closed))),
            Effect.fork
          )
          yield* Deferred.await(socket)
          yield* end(call)
          yield* TestClock.adjust("3 seconds")
          const exit = yield* Fiber.await(call)
          assert.isTrue(Exit.isFailure(exit) && !Cause.isDie(exit.cause))
        }))
    }
  })

  it.effect("two processes that fail at the same time do not retry at the same time: the jitter is Effect's Random", () =>
    Effect.gen(function*() {
      const waits = (seed: string) =>
        Effect.gen(function*() {
          const { layer, times } = slack([unavailable])
          const fiber = yield* call.pipe(background, Effect.provide(layer), Effect.either, Effect.fork)
          yield* TestClock.adjust("1 hour")
          yield* Fiber.join(fiber)
          return times.map((time) => time - (times[0] ?? 0))
        }).pipe(Randoms.withSeed(seed))
      assert.deepStrictEqual(yield* waits("one"), yield* waits("one"))
      assert.notDeepEqual(yield* waits("one"), yield* waits("two"))
    }))
})
