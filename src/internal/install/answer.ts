/**
 * Answers to the browser of an install. An answer can be sent more than once, unlike a `Response`, and can always be
 * sent: whatever an application's own page is made of was tried before.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { withDeadline } from "../deadline.js"
import type { Html } from "../html.js"

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string | ArrayBuffer | null
}

export const empty = (status: number): Answer => ({ status, headers: [], body: null })

export const redirect = (status: 302 | 303, location: string): Answer => ({
  ...empty(status),
  headers: [["location", location]]
})

export const page = (status: number, page: Html): Answer => ({
  status,
  headers: [["content-type", "text/html; charset=utf-8"]],
  body: page.markup
})

/** Responses with these statuses must not have a body, not even an empty one (Fetch standard, "null body status"). */
const withoutBody = new Set([204, 205, 304])

/** How long a body may take to arrive. */
const patience = Duration.seconds(5)

/** The server says these by itself. A response that was fetched has those of the bytes before they were decoded. */
const ofTransfer = new Set(["content-length", "transfer-encoding"])

/** Reads a copy of a response, so that the application can give the same one again. */
const read = async (response: Response): Promise<Answer> => {
  const body = await response.clone().arrayBuffer()
  const answer: Answer = {
    status: response.status,
    headers: Array.from(response.headers).filter(([name]) => !ofTransfer.has(name.toLowerCase())),
    body: withoutBody.has(response.status) ? null : body
  }
  // Throws for a status, a header name or a header value that cannot be sent.
  toResponse(answer, "", [])
  return answer
}

/** Fails if the response cannot be read or sent. */
export const fromResponse = (response: Response): Effect.Effect<Answer, unknown> =>
  withDeadline(Effect.tryPromise(() => read(response)), patience, () => "late")

/** No answer of a flow goes out without these headers. */
export const toResponse = (
  { body, headers: own, status }: Answer,
  contentSecurityPolicy: string,
  cookies: ReadonlyArray<string>
): Response => {
  const headers = new Headers({
    "content-security-policy": contentSecurityPolicy,
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY"
  })
  // One by one, since a header of the answer replaces the default, and cookies add up.
  for (const [name, value] of own) {
    if (name === "set-cookie") headers.append(name, value)
    else headers.set(name, value)
  }
  headers.set("cache-control", "no-store")
  headers.set("referrer-policy", "no-referrer")
  for (const cookie of cookies) headers.append("set-cookie", cookie)
  return new Response(body, { status, headers })
}
