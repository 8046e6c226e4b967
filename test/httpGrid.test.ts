/**
 * Every status with every body and every `Retry-After`: each combination has one documented result.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import type * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { documentedFor, methods, table } from "./fixtures/codes.js"
import { accessResponses } from "./fixtures/tokenResponses.js"
import { yieldToEventLoop } from "./utils/eventLoop.js"
import { answer, makeRawServer } from "./utils/rawServer.js"

// -------------------------------------------------------------------------------------
// the three sides of the grid
// -------------------------------------------------------------------------------------

const statuses = [200, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503, 504]

interface Body {
  readonly name: string
  readonly kind: "tokens" | "code" | "other"
  readonly code?: string
  readonly contentType: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The paths at which a 200 with this body does not fit. An install needs more fields than an exchange. */
  readonly paths?: Readonly<Record<OAuthV2Error.Method, ReadonlyArray<string>>>
}

const encoder = new TextEncoder()

const jsonBody = (body: Omit<Body, "bytes" | "contentType">, value: unknown): Body => ({
  ...body,
  contentType: "application/json; charset=utf-8",
  bytes: encoder.encode(JSON.stringify(value))
})

const other = (name: string, contentType: string, text: string): Body => ({
  name,
  kind: "other",
  contentType,
  bytes: encoder.encode(text)
})

const tokens = accessResponses[0]?.wire

const bodies: ReadonlyArray<Body> = [
  jsonBody({ name: "a token response", kind: "tokens" }, tokens),
  ...[...table.map(([code]) => code), "not_yet_seen"].map((code) =>
    jsonBody({ name: `ok:false ${code}`, kind: "code", code }, { ok: false, error: code })
  ),
  other("nothing", "text/plain", ""),
  other("HTML", "text/html; charset=utf-8", "<!DOCTYPE html><html><body>Server Error</body></html>"),
  other("half a JSON text", "application/json", JSON.stringify(tokens).slice(0, -1)),
  other("a JSON array", "application/json", "[{\"ok\":true}]"),
  other("a JSON string", "application/json", "\"ratelimited\""),
  other("a JSON null", "application/json", "null"),
  jsonBody({
    name: "ok:true and no tokens",
    kind: "other",
    paths: { "oauth.v2.access": ["app_id"], "oauth.v2.exchange": ["access_token"] }
  }, { ok: true }),
  jsonBody({
    name: "ok:false and no code",
    kind: "other",
    paths: { "oauth.v2.access": ["error"], "oauth.v2.exchange": ["error"] }
  }, { ok: false }),
  other("10 MB of text", "text/plain", "too much ".repeat(10 * 1024 * 1024 / 9))
]

const now = Date.UTC(2026, 0, 2, 3, 4, 5)
const httpDate = (offset: number) => new Date(now + offset).toUTCString()

interface Hint {
  readonly header: string | undefined
  readonly millis: number | undefined
}

const hints: ReadonlyArray<Hint> = [
  { header: undefined, millis: undefined },
  { header: "0", millis: 0 },
  { header: "30", millis: 30_000 },
  { header: httpDate(90_000), millis: 90_000 },
  { header: httpDate(-90_000), millis: 0 },
  { header: "as soon as you like", millis: undefined },
  { header: "99999999999999999999", millis: 86_400_000 }
]

// -------------------------------------------------------------------------------------
// the documented result
// -------------------------------------------------------------------------------------

interface Cell {
  readonly method: OAuthV2Error.Method
  readonly status: number
  readonly body: Body
}

interface Outcome {
  readonly tag: string
  readonly remedy?: string
  readonly outcome?: string
  readonly paths?: ReadonlyArray<string>
}

const documented = ({ body, method }: Cell) => table.find((row) => row[0] === body.code && documentedFor(row, method))

const unexpected = (remedy: string, outcome: string) => ({ body, method, status }: Cell): Outcome => ({
  tag: "SlackUnexpectedResponse",
  remedy,
  outcome,
  paths: status === 200 || (status >= 400 && body.name === "ok:false and no code") ? body.paths?.[method] ?? [] : []
})

/** The first rule that applies counts. */
const rules: ReadonlyArray<readonly [applies: (cell: Cell) => boolean, then: (cell: Cell) => Outcome]> = [
  [({ status }) => status === 429, () => ({ tag: "SlackRateLimited", remedy: "retry", outcome: "rejected" })],
  [({ body, status }) => status === 200 && body.kind === "tokens", () => ({ tag: "success" })],
  [({ status }) => status >= 300 && status < 400, unexpected("report", "rejected")],
  [(cell) => documented(cell) !== undefined, (cell) => {
    const [, tag, , , remedy, outcome] = documented(cell) ?? table[0]!
    return { tag, remedy, outcome }
  }],
  [({ body }) => body.kind === "code", () => ({
    tag: "SlackUndocumentedError",
    remedy: "report",
    outcome: "unknown"
  })],
  [({ status }) => status === 503, () => ({
    tag: "SlackServiceUnavailable",
    remedy: "retry",
    outcome: "unknown"
  })],
  [({ status }) => status >= 500, unexpected("retry", "unknown")],
  [({ status }) => status >= 400, unexpected("report", "rejected")],
  [() => true, unexpected("report", "unknown")]
]

const stated = (cell: Cell, hint: Hint) => {
  const outcome = rules.find(([applies]) => applies(cell))![1](cell)
  return outcome.tag === "success"
    ? outcome
    : { ...outcome, method: cell.method, status: cell.status, code: codeOf(cell, outcome), retryAfter: hint.millis }
}

const codeOf = ({ body }: Cell, { tag }: Outcome): string | undefined =>
  ({
    SlackRateLimited: "ratelimited",
    SlackServiceUnavailable: "service_unavailable",
    SlackUnexpectedResponse: "unexpected_response"
  })[tag] ?? body.code

const seen = (exit: Exit.Exit<TokenResponse.TokenResponse, OAuthV2Error.OAuthV2Error>) => {
  if (Exit.isSuccess(exit)) return { tag: "success" }
  const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
  if (error === undefined) return { tag: "no plain failure", cause: Cause.pretty(exit.cause) }
  return {
    tag: error._tag as string,
    remedy: error.remedy as string,
    outcome: error.outcome as string,
    ...(error._tag === "SlackUnexpectedResponse" ? { paths: error.paths } : undefined),
    method: error.method,
    status: error.status,
    code: error.code as string,
    retryAfter: error.retryAfter === undefined ? undefined : Duration.toMillis(error.retryAfter)
  }
}

// -------------------------------------------------------------------------------------
// tests
// -------------------------------------------------------------------------------------

const call = (
  method: OAuthV2Error.Method
): Effect.Effect<Exit.Exit<TokenResponse.TokenResponse, OAuthV2Error.OAuthV2Error>, never, OAuthV2.OAuthV2> => {
  const grants = {
    "oauth.v2.access": OAuthV2.access({ code: "test-code" }),
    "oauth.v2.exchange": OAuthV2.exchange({ token: "xoxb-test-legacy" })
  }
  const grant: Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.OAuthV2Error, OAuthV2.OAuthV2> = grants[method]
  return Effect.exit(RetryPolicy.provide(RetryPolicy.none)(grant))
}

const headersOf = (body: Body, hint: Hint): Record<string, string> => ({
  "content-type": body.contentType,
  ...(hint.header === undefined ? undefined : { "retry-after": hint.header })
})

describe("the HTTP grid", () => {
  describe("in memory", () => {
    for (const status of statuses) {
      it.effect(`${status}: every body with every Retry-After`, () =>
        Effect.gen(function*() {
          yield* TestClock.setTime(now)
          let answer = new Response()
          const service = yield* OAuthV2.make.pipe(
            Effect.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
            Effect.provideService(
              HttpClient.HttpClient,
              HttpClient.make((request) => Effect.sync(() => HttpClientResponse.fromWeb(request, answer)))
            )
          )
          let cells = 0
          for (const method of methods) {
            for (const body of bodies) {
              yield* yieldToEventLoop
              const text = new TextDecoder().decode(body.bytes)
              for (const hint of hints) {
                answer = new Response(null, { status, headers: headersOf(body, hint) })
                // The body of ten megabytes is read once, and not for every combination, because that would be slow.
                answer.text = () => Promise.resolve(text)
                answer.arrayBuffer = () => Promise.resolve(body.bytes.buffer)
                const outcome = yield* call(method).pipe(Effect.provideService(OAuthV2.OAuthV2, service))
                assert.deepStrictEqual<unknown>(
                  seen(outcome),
                  stated({ method, status, body }, hint),
                  `${method}, ${status}, ${body.name}, Retry-After: ${hint.header}`
                )
                cells++
              }
            }
          }
          assert.strictEqual(cells, 2 * 60 * 7)
        }))
    }
  })

  describe("over a socket", () => {
    const bodiesOverSocket = bodies.filter(({ name }) => !name.startsWith("ok:false") || name.endsWith("invalid_auth"))
    const clients = [
      ["FetchHttpClient", FetchHttpClient.layer],
      ["NodeHttpClient.layerUndici", NodeHttpClient.layerUndici],
      ["NodeHttpClient.layer", NodeHttpClient.layer]
    ] as const
    for (const [name, client] of clients) {
      it.scopedLive(`${name}: every status, with a body of each kind`, () =>
        Effect.gen(function*() {
          const hint: Hint = { header: "30", millis: 30_000 }
          const server = yield* makeRawServer(() => undefined)
          const context = yield* OAuthV2.layer.pipe(
            Layer.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret", baseUrl: server.url })),
            Layer.provide(client),
            Layer.build
          )
          for (const status of statuses) {
            for (const body of bodiesOverSocket) {
              yield* yieldToEventLoop
              if (body.bytes.length > 1_000_000 && status !== 200 && status !== 503) continue
              server.respondWith((_, socket) => {
                const headers = { ...headersOf(body, hint), "content-length": String(body.bytes.length) }
                socket.write(answer({ status, headers }))
                socket.write(body.bytes)
              })
              const outcome = yield* Effect.provide(call("oauth.v2.access"), context)
              assert.deepStrictEqual<unknown>(
                seen(outcome),
                stated({ method: "oauth.v2.access", status, body }, hint),
                `${status}, ${body.name}`
              )
            }
          }
        }))
    }
  })
})
