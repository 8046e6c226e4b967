/** Requests that Slack did not sign, or not now, or not in this form: none may be accepted, and none may be a defect. */
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackRequest from "effect-slack-oauth/SlackRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { sign } from "../../src/internal/signature.js"

/** A request in parts. */
export interface Parts {
  readonly secret: string
  readonly timestamp: string
  readonly body: string
  readonly signature?: string
}

/** A request of Slack with these parts; they are signed unless they have a signature. */
export const requestOf = async ({ body, secret, signature, timestamp }: Parts): Promise<Request> => {
  const headers = new Headers()
  const signed = signature ?? `v0=${await sign(secret, timestamp, new TextEncoder().encode(body))}`
  if (signed !== "") headers.set("x-slack-signature", signed)
  if (timestamp !== "") headers.set("x-slack-request-timestamp", timestamp)
  return new Request("https://app.example/slack/events", { method: "POST", headers, body })
}

/** Random numbers from a seed (mulberry32). */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

const secret = "8f742231b10e8888abcd99yyyzzz85a5"

/** Changes of a valid request. The signature stays, unless the change signs the request anew. */
const changes = (below: (limit: number) => number) => {
  const pick = <A>(values: ReadonlyArray<A>): A => values[below(values.length)] as A
  const digit = () => below(16).toString(16)
  const replaceAt = (text: string, at: number, by: string) => text.slice(0, at) + by + text.slice(at + 1)
  const otherThan = (text: string, make: () => string): string => {
    const made = make()
    return made === text ? otherThan(text, make) : made
  }
  const changed: ReadonlyArray<(parts: Required<Parts>) => Parts> = [
    // forged
    (parts) => ({ ...parts, body: replaceAt(parts.body, below(parts.body.length), "\u0001") }),
    (parts) => ({ ...parts, body: parts.body.slice(0, below(parts.body.length)) }),
    (parts) => ({ ...parts, body: parts.body + pick([" ", "\n", "\u0000", "&a=b", "}"]) }),
    (parts) => ({ ...parts, timestamp: String(Number(parts.timestamp) + pick([-1, 1]) * (1 + below(200))) }),
    (parts) => ({ ...parts, timestamp: `0${parts.timestamp}` }),
    (parts) => ({
      ...parts,
      signature: otherThan(parts.signature, () => replaceAt(parts.signature, 3 + below(64), digit()))
    }),
    (parts) => ({ ...parts, signature: pick(["v1=", "V0=", "v0:", "", "sha256="]) + parts.signature.slice(3) }),
    (parts) => ({ ...parts, signature: parts.signature.slice(0, 3 + below(64)) }),
    (parts) => ({ ...parts, signature: otherThan(parts.signature, () => parts.signature.toUpperCase()) }),
    (parts) => ({ ...parts, signature: `${parts.signature}, ${parts.signature}` }),
    (parts) => ({ ...parts, signature: `v0=${Array.from({ length: 64 }, digit).join("")}` }),
    ({ body, timestamp }) => ({ secret: pick([`${secret} `, secret.slice(1), "undefined", " "]), timestamp, body }),
    // What is signed is the same text, cut in another place.
    ({ body, secret, signature, timestamp }) => {
      const cut = body.indexOf(":")
      return { secret, signature, timestamp: `${timestamp}:${body.slice(0, cut)}`, body: body.slice(cut + 1) }
    },
    // stale
    ({ body, secret, timestamp }) => ({
      secret,
      body,
      timestamp: String(Math.max(0, Number(timestamp) + pick([-1, 1]) * (301 + below(10_000_000))))
    }),
    ({ body, secret }) => ({
      secret,
      body,
      timestamp: pick(["0", "NaN", "Infinity", "-1", "1e9", "0x5b47", "1531420618.0", "999999999999", "9".repeat(400)])
    }),
    // missing
    (parts) => ({ ...parts, signature: "" }),
    (parts) => ({ ...parts, timestamp: "" })
  ]
  return (parts: Required<Parts>) => pick(changed)(parts)
}

/** Verifies `count` requests. The counts are by reason. An accepted request fails, and a defect dies. */
export const refusals = ({ count, seed }: { readonly count: number; readonly seed: number }) =>
  Effect.gen(function*() {
    const next = random(seed)
    const below = (limit: number) => Math.floor(next() * limit)
    const change = changes(below)
    const counts = { missing: 0, stale: 0, forged: 0, tooLarge: 0 }
    for (let n = 0; n < count; n++) {
      const timestamp = String(Math.floor((yield* Clock.currentTimeMillis) / 1000))
      const body = JSON.stringify({ type: "event_callback", event_id: `Ev${n}`, text: "é".repeat(below(20)) })
      const { request, sent } = yield* Effect.promise(async () => {
        const signature = `v0=${await sign(secret, timestamp, new TextEncoder().encode(body))}`
        const sent = change({ secret, timestamp, body, signature })
        return { request: await requestOf(sent), sent }
      })
      const verified = yield* Effect.either(SlackRequest.verify(request))
      if (Either.isRight(verified)) return yield* Effect.fail({ accepted: sent, seed, n })
      counts[verified.left.reason]++
    }
    return counts
  }).pipe(Effect.provide(SlackApp.layer({ clientId: "1.2", signingSecret: `former-secret,${secret}` })))
