/**
 * Proves that a request comes from Slack, by its signature: events, interactions and slash commands.
 *
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { withDeadline } from "./internal/deadline.js"
import { constantTimeEqual } from "./internal/random.js"
import { readBody } from "./internal/requestBody.js"
import { sign, signatureHeader, signingSecretsOf, timestampHeader, version } from "./internal/signature.js"
import * as SlackApp from "./SlackApp.js"

// -------------------------------------------------------------------------------------
// errors
// -------------------------------------------------------------------------------------

const explanations = {
  missing: "Requests from Slack have both headers of a signature and a body that nobody has read before.",
  stale:
    "Its time is more than five minutes from the time of this machine. If this happens to Slack's own requests, correct the clock of this machine.",
  forged:
    "Its signature was not made with the signing secret. If this happens to Slack's own requests, copy the signing secret from the app's Basic Information page again, and pass the raw body.",
  tooLarge: "Its body is larger than `maxBytes`."
} as const

/**
 * The request is not accepted.
 *
 * - `missing`: a header of the signature, the body, or the app's signing secret is missing; `part` says which
 * - `stale`: the timestamp is more than five minutes from Effect's clock
 * - `forged`: the signature was not made with a signing secret of the app, or the timestamp is not a number
 * - `tooLarge`: the body is larger than the limit
 *
 * The error has nothing of the request's content.
 *
 * @since 0.1.0
 * @category errors
 */
export class SlackRequestRefused extends Schema.TaggedError<SlackRequestRefused>()("SlackRequestRefused", {
  reason: Schema.Literal("missing", "stale", "forged", "tooLarge"),
  /** What is missing. */
  part: Schema.optional(Schema.String)
}) {
  override get message(): string {
    const explanation = this.part === signingSecret
      ? "Set SLACK_SIGNING_SECRET, or give `SlackApp` a `signingSecret`: it is on the app's Basic Information page."
      : explanations[this.reason]
    return `The request is not accepted: ${this.reason}${
      this.part === undefined ? "" : ` (${this.part})`
    }. ${explanation}`
  }
}

const signingSecret = "signing secret"

const refuse = (
  reason: SlackRequestRefused["reason"],
  part?: string
): Effect.Effect<never, SlackRequestRefused> =>
  Effect.fail(new SlackRequestRefused({ reason, ...part === undefined ? undefined : { part } }))

// -------------------------------------------------------------------------------------
// verifying
// -------------------------------------------------------------------------------------

/**
 * The options of {@link verify}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The secrets that a request may be signed with. By default, those of the `SlackApp` in the context. */
  readonly signingSecrets?: ReadonlyArray<string | Redacted.Redacted> | undefined
  /** The largest body that is read, in bytes; 1,048,576 by default. */
  readonly maxBytes?: number | undefined
}

const standardMaxBytes = 1024 * 1024

/** How far the timestamp may be from Effect's clock, in milliseconds. */
const tolerance = 5 * 60 * 1000

/** How long a body may take to arrive. */
const bodyDeadline = Duration.seconds(10)

/** Tries every secret, so that the duration does not show which one is right. */
const isSigned = async (
  secrets: ReadonlyArray<string>,
  { signature, timestamp }: { readonly signature: string; readonly timestamp: string },
  body: Uint8Array
): Promise<boolean> => {
  const signatures = await Promise.all(secrets.map((secret) => sign(secret, timestamp, body)))
  return signatures.filter((made) => constantTimeEqual(`${version}=${made}`, signature)).length > 0
}

/**
 * Verifies that a request comes from Slack, and returns its raw body. Decode the body only after that.
 *
 * While one signing secret replaces another, the app may have both: `SLACK_SIGNING_SECRET=new,old`. The signatures are
 * compared in constant time. The timestamp may be five minutes from Effect's clock, earlier or later, so a recorded
 * request works for a short time only. Headers are checked before the body is read.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SlackApp, SlackRequest } from "effect-slack-oauth"
 *
 * const command = (request: Request) =>
 *   SlackRequest.verify(request).pipe(
 *     Effect.map((body) => new URLSearchParams(new TextDecoder().decode(body)).get("command")),
 *     Effect.map((name) => new Response(`You said ${name}`)),
 *     Effect.catchTag("SlackRequestRefused", () => Effect.succeed(new Response(null, { status: 401 })))
 *   )
 *
 * const App = SlackApp.layer({ clientId: "123456.7890", signingSecret: "not-a-real-secret" })
 *
 * Effect.runPromise(Effect.provide(command(new Request("https://example.com", { method: "POST" })), App)).then(
 *   ({ status }) => console.log(status) // 401
 * )
 * ```
 *
 * @since 0.1.0
 * @category verifying
 */
export const verify = (
  request: Request,
  options: Options = {}
): Effect.Effect<Uint8Array, SlackRequestRefused, SlackApp.SlackApp> =>
  Effect.gen(function*() {
    const secrets = signingSecretsOf(options.signingSecrets, yield* SlackApp.SlackApp)
    if (secrets.length === 0) return yield* refuse("missing", signingSecret)

    const signature = request.headers.get(signatureHeader)
    const timestamp = request.headers.get(timestampHeader)
    if (!signature) return yield* refuse("missing", signatureHeader)
    if (!timestamp) return yield* refuse("missing", timestampHeader)
    if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[\da-f]{64}$/.test(signature)) return yield* refuse("forged")
    const now = yield* Clock.currentTimeMillis
    if (Math.abs(now - Number(timestamp) * 1000) > tolerance) return yield* refuse("stale")

    const limit = options.maxBytes ?? standardMaxBytes
    const body = yield* Effect.catchAll(
      withDeadline(
        Effect.promise((signal) => readBody(request, limit, signal)),
        bodyDeadline,
        () => "late" as const
      ),
      () => refuse("missing", "body")
    )
    if (body._tag === "TooLarge") return yield* refuse("tooLarge")
    if (body._tag === "Gone") return yield* refuse("missing", "body")
    return (yield* Effect.promise(() => isSigned(secrets, { signature, timestamp }, body.bytes)))
      ? body.bytes
      : yield* refuse("forged")
  })
