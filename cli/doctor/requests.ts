/** Requests to the app's own server. They follow no redirect, repeat nothing and end in time. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { sign, signatureHeader, timestampHeader, version } from "../../src/internal/signature.js"
import { reasonOf } from "../slack.js"
import type { Reply } from "./server.js"

const longest = 65_536

/** Sends one request. A failure is an answer too. */
export const send = (url: string, init: RequestInit = {}): Effect.Effect<Reply> =>
  Effect.merge(Effect.tryPromise({
    try: async (signal): Promise<Reply> => {
      const response = await fetch(url, {
        ...init,
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)])
      })
      const body = (await response.text()).slice(0, longest)
      return {
        _tag: "Reply",
        status: response.status,
        headers: Object.fromEntries(response.headers),
        cookies: response.headers.getSetCookie(),
        body
      }
    },
    catch: (error): Reply => ({
      _tag: "NoReply",
      code: error instanceof DOMException && error.name === "TimeoutError" ? "ETIMEDOUT" : reasonOf(error)
    })
  }))

const json = { "content-type": "application/json" }

/** An event that nobody has signed. */
export const sendUnsigned = (url: string): Effect.Effect<Reply> =>
  send(url, { method: "POST", headers: json, body: "{}" })

/** Slack's challenge, signed as Slack would sign it. It changes nothing. */
export const sendChallenge = (url: string, secret: string, challenge: string): Effect.Effect<Reply> =>
  Effect.gen(function*() {
    const timestamp = String(Math.floor((yield* Clock.currentTimeMillis) / 1000))
    const body = JSON.stringify({ type: "url_verification", challenge })
    const signature = yield* Effect.promise(() => sign(secret, timestamp, new TextEncoder().encode(body)))
    return yield* send(url, {
      method: "POST",
      headers: { ...json, [timestampHeader]: timestamp, [signatureHeader]: `${version}=${signature}` },
      body
    })
  })
