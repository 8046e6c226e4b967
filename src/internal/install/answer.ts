/**
 * The answer to a request of an install flow. It is a plain record, so it can be sent more than once, unlike a
 * `Response`. A page of the application is checked when it becomes an answer, so every answer can be sent.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { withDeadline } from "../deadline.js"
import type { Html } from "../html.js"

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: string | ArrayBuffer | null
  /** How metrics and spans call the answer: `ok`, `landing`, `head`, or the tag of an error. */
  readonly result: string
}

/** By a field of its own: the application's `begin` may give a `Response`, which is sent as it is. */
export const isAnswer = (value: Answer | Response): value is Answer => "result" in value

export const empty = (status: number): Answer => ({ status, headers: [], body: null, result: "ok" })

export const redirect = (status: 302 | 303, location: string): Answer => ({
  ...empty(status),
  headers: [["location", location]]
})

export const page = (status: number, html: Html): Answer => ({
  ...empty(status),
  headers: [["content-type", "text/html; charset=utf-8"]],
  body: html.markup
})

/** Adds a header. */
export const withHeader = (answer: Answer, name: string, value: string): Answer => ({
  ...answer,
  headers: [...answer.headers, [name, value]]
})

/** Adds `Set-Cookie` lines. */
export const withCookies = (answer: Answer, lines: ReadonlyArray<string>): Answer =>
  lines.reduce((answer, line) => withHeader(answer, "set-cookie", line), answer)

export const withResult = (answer: Answer, result: string): Answer => ({ ...answer, result })

/** Responses with these statuses must not have a body, not even an empty one (Fetch standard, "null body status"). */
const withoutBody = new Set([204, 205, 304])

/** How long a body may take to arrive. */
const bodyLimit = Duration.seconds(5)

/** The server sets these itself. In a response that was fetched they belong to the bytes before decoding. */
const ofTransfer = new Set(["content-length", "transfer-encoding"])

/** Reads a copy of a response, because the application may give the same response again. */
const read = async (response: Response): Promise<Answer> => {
  const body = await response.clone().arrayBuffer()
  const answer: Answer = {
    status: response.status,
    headers: Array.from(response.headers).filter(([name]) => !ofTransfer.has(name.toLowerCase())),
    body: withoutBody.has(response.status) ? null : body,
    result: "ok"
  }
  // Throws for a status, a header name or a header value that cannot be sent.
  toResponse(answer, "")
  return answer
}

/** Fails if the response cannot be read or sent. */
export const fromResponse = (response: Response): Effect.Effect<Answer, unknown> =>
  withDeadline(Effect.tryPromise(() => read(response)), bodyLimit, () => "late")

/** Makes the response to send. Every answer gets the security headers. */
export const toResponse = (answer: Answer, contentSecurityPolicy: string): Response => {
  const headers = new Headers({
    "content-security-policy": contentSecurityPolicy,
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY"
  })
  // One at a time: a header of the answer replaces the default, and cookies add up.
  for (const [name, value] of answer.headers) {
    if (name === "set-cookie") headers.append(name, value)
    else headers.set(name, value)
  }
  headers.set("cache-control", "no-store")
  headers.set("referrer-policy", "no-referrer")
  return new Response(answer.body, { status: answer.status, headers })
}
