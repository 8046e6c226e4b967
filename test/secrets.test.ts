/**
 * The canary test: known secrets are in every input, and no output may show one of them.
 */
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
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { inspect } from "node:util"
import { table } from "./fixtures/codes.js"
import * as Texts from "./utils/effect/texts.js"
import { yieldToEventLoop } from "./utils/eventLoop.js"
import { makeWatcher, type Watcher } from "./utils/spansAndLogs.js"

// -------------------------------------------------------------------------------------
// the secrets
// -------------------------------------------------------------------------------------

const clientId = "1.2"

/** The secrets of the caller. Most contain characters that an encoding changes. */
const sent = {
  clientSecret: "canary/client+secret",
  code: "canary code=&ü",
  codeVerifier: "canary.verifier-1",
  refreshToken: "xoxe-1-test-canary/refresh",
  legacyToken: "xoxp-test-canary+legacy",
  extra: "canary_assertion"
}

/** The secrets that Slack gives. */
const given = {
  botToken: "xoxe.xoxb-1-test-canary-bot",
  botRefreshToken: "xoxe-1-test-canary-bot",
  userToken: "xoxp-test-canary-user",
  webhook: "https://hooks.slack.com/services/T0TEST/B0TEST/canary"
}

const basic = btoa([clientId, sent.clientSecret].map(encodeURIComponent).join(":"))

/** All forms in which a secret could appear. The plain ones contain the word `canary`. */
const isLeak = (text: string): boolean =>
  /canary/i.test(text) || text.includes(basic) || text.includes(encodeURIComponent(basic))

/** The secrets of one call: those that it sends, and those that Slack gives. */
type Secrets = ReadonlyArray<string>

/** A text that contains every secret, plain and as URLs, forms and headers encode it. */
const echo = (secrets: Secrets): string =>
  secrets.map((secret) =>
    `${secret} ${encodeURIComponent(secret)} ${new URLSearchParams({ q: secret })} Bearer ${secret}`
  ).join(" | ")

const tokens = {
  ok: true,
  app_id: "A0TEST",
  team: { id: "T0TEST", name: "Test Works" },
  access_token: given.botToken,
  token_type: "bot",
  scope: "chat:write",
  expires_in: 43200,
  refresh_token: given.botRefreshToken,
  authed_user: { id: "U0CLICK", access_token: given.userToken },
  incoming_webhook: {
    url: given.webhook,
    channel: "#test",
    configuration_url: "https://test-works.slack.com/services/B0TEST"
  }
}

// -------------------------------------------------------------------------------------
// outputs
// -------------------------------------------------------------------------------------

/** Every text that can be reached by the own properties of a value, enumerable or not. */
const textsIn = (value: unknown, seen = new Set<unknown>()): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  if (typeof value !== "object" || value === null || seen.has(value)) return []
  seen.add(value)
  return Reflect.ownKeys(value).flatMap((key) => [
    String(key),
    ...textsIn(Reflect.getOwnPropertyDescriptor(value, key)?.value, seen)
  ])
}

/** Like `JSON.stringify`, with the times of a span, which are big integers, as text. */
const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_, inner) => typeof inner === "bigint" ? String(inner) : inner) ?? ""

/** The usual ways to make a text from a value. */
const waysToSay = (value: unknown): ReadonlyArray<string> => [
  String(value),
  jsonOf(value),
  inspect(value, { depth: null, showHidden: true, getters: true }),
  ...Texts.ofValue(value),
  ...(value instanceof Error ? [value.message, value.stack ?? ""] : []),
  ...textsIn(value)
]

const waysToSayExit = (exit: Exit.Exit<unknown, unknown>): ReadonlyArray<string> =>
  Exit.isSuccess(exit) ? waysToSay(exit.value).concat(waysToSay(exit)) : [
    String(exit),
    jsonOf(exit),
    inspect(exit, { depth: null, showHidden: true }),
    ...Array.from(Cause.failures(exit.cause)).flatMap(waysToSay),
    ...Texts.ofCause(exit.cause),
    ...Cause.prettyErrors(exit.cause).flatMap(({ message, stack }) => [message, stack ?? ""])
  ]

/** Logs the result of a call, as a careless application does. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.tap((value) => Effect.logInfo("done", value)),
    Effect.tapError((error) => Effect.logError(error)),
    Effect.tapErrorCause((cause) => Effect.annotateLogs(Effect.logFatal("failed", cause), "cause", cause))
  )

interface Grant {
  readonly call: Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.OAuthV2Error, OAuthV2.OAuthV2>
  readonly secrets: Secrets
}

const always = [sent.clientSecret, ...Object.values(given)]

const grants: ReadonlyArray<Grant> = [
  {
    call: OAuthV2.access({
      code: sent.code,
      redirectUri: "https://example.com/callback",
      codeVerifier: Redacted.make(sent.codeVerifier),
      extra: { assertion: sent.extra }
    }),
    secrets: [...always, basic, sent.code, sent.codeVerifier, sent.extra]
  },
  {
    call: OAuthV2.access({ refreshToken: sent.refreshToken, extra: { assertion: Redacted.make(sent.extra) } }),
    secrets: [...always, basic, sent.refreshToken, sent.extra]
  },
  {
    call: OAuthV2.exchange({ token: sent.legacyToken }),
    secrets: [...always, sent.legacyToken]
  }
]

/** An error as an RPC or a queue transports it. */
const carry: (error: unknown) => unknown = Schema.encodeUnknownSync(
  Schema.Union(OAuthV2Error.AccessError, OAuthV2Error.ExchangeError)
)

/** Makes a call with every kind of grant, and reads every output. */
const listen = (slack: (secrets: Secrets) => HttpClient.HttpClient, options: {
  readonly watcher?: Watcher
  readonly policy?: RetryPolicy.Policy
  readonly grants?: ReadonlyArray<Grant>
  readonly expect?: (exit: Exit.Exit<TokenResponse.TokenResponse, OAuthV2Error.OAuthV2Error>) => void
} = {}) =>
  Effect.gen(function*() {
    for (const { call, secrets } of options.grants ?? grants) {
      const layer = OAuthV2.layer.pipe(
        Layer.provide(SlackApp.layer({ clientId, clientSecret: sent.clientSecret })),
        Layer.provide(Layer.succeed(HttpClient.HttpClient, slack(secrets))),
        Layer.orDie
      )
      const watcher = options.watcher ?? makeWatcher()
      const exit = yield* call.pipe(
        RetryPolicy.provide(options.policy ?? RetryPolicy.none),
        logged,
        Effect.withSpan("outer"),
        Effect.provide(layer),
        watcher.watch,
        Effect.exit
      )
      options.expect?.(exit)
      assert.isAbove(watcher.lines.length, 0)
      assert.strictEqual(watcher.spans.length, 2)
      const carried = Exit.isFailure(exit)
        ? Array.from(Cause.failures(exit.cause)).map((error) => JSON.stringify(carry(error)))
        : []
      const said = [watcher.text(), ...waysToSayExit(exit), ...carried]
      const leak = said.find(isLeak)
      if (leak !== undefined) {
        const at = Math.max(0, leak.search(/canary/i) - 300)
        assert.fail(`a secret got out: ${leak.slice(at, at + 600)}`)
      }
    }
  })

/** A Slack that always gives one answer, with headers that repeat the request as far as headers can. */
const answering = (body: (secrets: Secrets) => string, status = 200) => (secrets: Secrets) => {
  const text = body(secrets)
  const said = encodeURIComponent(secrets.at(-1) ?? "")
  const headers = {
    "content-type": `text/${secrets.includes(sent.codeVerifier) ? sent.codeVerifier : "plain"}; boundary=${said}`,
    "x-slack-req-id": `${"-".repeat(190)}${said}`,
    "retry-after": said,
    "set-cookie": `session=${said}`,
    "x-oauth-scopes": said,
    ...(status >= 300 && status < 400 ? { location: `https://example.com/?code=${said}` } : {})
  }
  return HttpClient.make((request) =>
    Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(text, { status, headers })))
  )
}

// -------------------------------------------------------------------------------------
// tests
// -------------------------------------------------------------------------------------

describe("secrets", () => {
  it("are found if they leak: the canary test can fail", () => {
    for (const secret of [...Object.values(sent), ...Object.values(given), basic]) {
      assert.isTrue(isLeak(`before ${secret} after`))
      assert.isTrue(isLeak(encodeURIComponent(secret)))
      for (const value of [{ deep: [{ secret }] }, new Error(secret), Object.assign(new Error(), { cause: secret })]) {
        assert.isTrue(waysToSay(value).some(isLeak))
        assert.isTrue(waysToSayExit(Exit.fail(value)).some(isLeak))
      }
    }
  })

  it.effect("are found if they leak into logs and spans", () =>
    Effect.gen(function*() {
      for (
        const careless of [
          Effect.logTrace(sent.code),
          Effect.annotateLogs(Effect.logDebug("x"), "code", sent.code),
          Effect.annotateCurrentSpan("code", sent.code),
          Effect.fail(sent.code)
        ]
      ) {
        const watcher = makeWatcher()
        yield* careless.pipe(Effect.withSpan("span"), Effect.exit, watcher.watch)
        assert.isTrue(isLeak(watcher.text()))
      }
      const watcher = makeWatcher()
      yield* Effect.logInfo(sent.code).pipe(watcher.watch)
      assert.strictEqual(watcher.lines.filter(isLeak).length >= 5, true, "every logger is heard")
    }))

  it.effect("are in no output of a call that succeeds", () =>
    listen(answering(() => JSON.stringify(tokens)), {
      expect: (exit) => assert.isTrue(Exit.isSuccess(exit))
    }))

  const statuses = [200, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503, 504]

  const json = (make: (echo: string) => unknown) => (secrets: Secrets) => JSON.stringify(make(echo(secrets)))

  const failures: ReadonlyArray<readonly [name: string, bodies: ReadonlyArray<(secrets: Secrets) => string>]> = [
    [
      "every code, with words that repeat them",
      [...table.map(([code]) => code), "not_yet_seen"].map((error) =>
        json((echo) => ({
          ...tokens,
          ok: false,
          error,
          needed: echo,
          provided: echo,
          warning: echo,
          response_metadata: { messages: [echo, "-".repeat(495) + echo], warnings: [echo] }
        }))
      )
    ],
    [
      "codes that repeat them",
      [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((index) => [
        (secrets) => JSON.stringify({ ok: false, error: secrets[index % secrets.length] }),
        (secrets) => JSON.stringify({ ok: false, error: `bad:${secrets[index % secrets.length]}` })
      ])
    ],
    ["bodies of no known shape", [
      () => "",
      echo,
      (secrets) => `<html><body>${echo(secrets)}</body></html>`,
      () => JSON.stringify(tokens).slice(0, -1),
      json((echo) => [tokens, echo]),
      json((echo) => echo),
      json((echo) => ({ ok: true, [echo]: echo })),
      json((echo) => ({ ok: false, error: { canary: echo } })),
      json((echo) => ({ ok: echo, error: echo }))
    ]],
    [
      "token responses with a fault",
      [
        { access_token: [given.botToken], authed_user: { access_token: [given.userToken] } },
        { ok: given.botToken }
      ].map((fault) => () => JSON.stringify({ ...tokens, ...fault }))
    ],
    [
      "token responses with a fault that may not matter",
      [
        { team: null },
        { app_id: [given.botToken] },
        { access_token: [given.botToken] },
        { refresh_token: { canary: given.botRefreshToken } },
        { expires_in: given.botRefreshToken },
        { team: { id: { canary: given.userToken } } },
        { scope: [given.userToken] },
        { authed_user: given.userToken },
        { authed_user: { id: 1, access_token: given.userToken } },
        { incoming_webhook: given.webhook },
        { incoming_webhook: { ...tokens.incoming_webhook, channel: [given.webhook] } },
        { response_metadata: { warnings: [{ canary: given.webhook }] } }
      ].map((fault) => () => JSON.stringify({ ...tokens, ...fault }))
    ]
  ]

  for (const [name, bodies] of failures) {
    it.effect(`are in no output at any status: ${name}`, () =>
      Effect.gen(function*() {
        for (const [row, status] of statuses.entries()) {
          for (const [column, body] of bodies.entries()) {
            yield* yieldToEventLoop
            // One grant after the other: the message of a failure does not depend on the grant.
            const turn = (row + column) % grants.length
            yield* listen(answering(body, status), {
              grants: grants.slice(turn, turn + 1),
              expect: (exit) =>
                assert.isTrue(
                  Exit.isFailure(exit)
                    ? Cause.isFailure(exit.cause)
                    : status === 200 && name.endsWith("may not matter")
                )
            })
          }
        }
      }), 60_000)
  }

  it.effect("are in no output when there is no answer, whatever the platform's error contains", () =>
    Effect.gen(function*() {
      const causes: ReadonlyArray<(echo: string, secrets: Secrets) => unknown> = [
        () => undefined,
        (echo) => echo,
        (echo) => new Error(echo),
        (echo) => Object.assign(new Error(echo), { code: "ECONNRESET", cause: new Error(echo) }),
        (echo) => Object.assign(new Error(echo), { code: "ECONNREFUSED", address: echo }),
        (_, secrets) => Object.assign(new Error(), { code: secrets.at(-1) }),
        (echo) => ({ errors: [new Error(echo)] })
      ]
      for (const cause of causes) {
        const failing = (
          make: (fields: { cause: unknown; description: string }) => (
            request: HttpClientRequest.HttpClientRequest
          ) => HttpClientError.HttpClientError
        ) =>
        (secrets: Secrets) => {
          const said = echo(secrets)
          return HttpClient.make(make({ cause: cause(said, secrets), description: said }))
        }
        yield* listen(
          failing((fields) => (request) =>
            new HttpClientError.RequestError({ request, reason: "Transport", ...fields })
          )
        )
        yield* listen(
          failing((fields) => (request) => new HttpClientError.RequestError({ request, reason: "Encode", ...fields }))
        )
        yield* listen(failing((fields) => (request) =>
          new HttpClientError.ResponseError({
            request,
            response: HttpClientResponse.fromWeb(request, new Response(fields.description)),
            reason: "Decode",
            ...fields
          })
        ))
      }
    }))

  it.effect("are in no output when Slack does not answer, and when the call is interrupted", () =>
    Effect.gen(function*() {
      const silent = () => HttpClient.make(() => Effect.never)
      const timedOut = yield* Effect.fork(listen(silent, {
        expect: (exit) => assert.isTrue(Exit.isFailure(exit) && Cause.isFailure(exit.cause))
      }))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(timedOut)

      const watcher = makeWatcher()
      const fiber = yield* Effect.fork(listen(silent, { watcher }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      assert.strictEqual(watcher.spans.length, 2)
      assert.isFalse([watcher.text(), ...waysToSayExit(exit)].some(isLeak))
    }))

  it.effect("are in no output of a repeated call", () =>
    Effect.gen(function*() {
      const unavailable = answering(json((echo) => ({
        ok: false,
        error: "service_unavailable",
        response_metadata: { messages: [echo] }
      })))
      const fiber = yield* Effect.fork(listen(unavailable, { policy: RetryPolicy.background }))
      yield* TestClock.adjust("2 hours")
      yield* Fiber.join(fiber)
    }))

  it.effect("are in no output of a request that is refused here", () =>
    Effect.gen(function*() {
      const layer = OAuthV2.layer.pipe(
        Layer.provide(SlackApp.layer({ clientId, clientSecret: sent.clientSecret })),
        Layer.provide(Layer.succeed(HttpClient.HttpClient, answering(() => "")([])))
      )
      const { clientSecret: client_secret, code, codeVerifier, legacyToken: token, refreshToken } = sent
      for (
        const request of [
          { code, refreshToken },
          { code, codeVerifier, grantType: sent.extra },
          { refreshToken, grantType: code },
          { code, extra: { client_secret } },
          { code: "", codeVerifier, extra: { assertion: sent.extra } }
        ]
      ) {
        const watcher = makeWatcher()
        const exit = yield* OAuthV2.access(request as any).pipe(
          logged,
          Effect.withSpan("outer"),
          Effect.provide(layer),
          watcher.watch,
          Effect.exit
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.isFalse([watcher.text(), ...waysToSayExit(exit)].some(isLeak))
      }
      const exit = yield* OAuthV2.exchange({ token, extra: { token } }).pipe(Effect.provide(layer), Effect.exit)
      assert.isFalse(waysToSayExit(exit).some(isLeak))
    }))

  it.effect("are in no metric", () =>
    Effect.gen(function*() {
      const snapshot = yield* Metric.snapshot
      const said = [...waysToSay(snapshot), jsonOf(snapshot)]
      assert.isTrue(said.some((text) => text.includes("slack_oauth_calls")))
      assert.isFalse(said.some(isLeak))
    }))
})
