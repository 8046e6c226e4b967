/** Calls of Slack's Web API that read something, for commands that look at a live app. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { isCode } from "../src/internal/failure.js"
import { isObject, parseObject } from "../src/internal/unknown.js"
import { untraced } from "./effect/http.js"

/** The result of a call. A failure has only its code, which cannot be a secret. */
export type Result =
  | { readonly _tag: "Ok"; readonly body: Readonly<Record<string, unknown>>; readonly date: string | undefined }
  | { readonly _tag: "Refused"; readonly code: string; readonly date: string | undefined }
  /** Slack did not answer, or something else did. `problem` is the rest of a sentence. */
  | { readonly _tag: "NoAnswer"; readonly problem: string; readonly date: string | undefined }

/** The reason of a failed connection, such as `ECONNREFUSED`, from the depth of its causes. */
export const reasonOf = (error: unknown): string => {
  for (let cause = error, depth = 0; isObject(cause) && depth < 8; cause = cause["cause"], depth++) {
    const code = cause["code"]
    if (isCode(code) && /^[A-Z]/.test(code)) return code
  }
  return "no connection"
}

const read = (status: number, text: string, date: string | undefined): Result => {
  const body = parseObject(text)
  if (body?.["ok"] === true) return { _tag: "Ok", body, date }
  if (body !== undefined && isCode(body["error"])) return { _tag: "Refused", code: body["error"], date }
  const what = status >= 300 && status < 400 ? "a redirect" : "an answer that is not Slack's"
  return { _tag: "NoAnswer", problem: `gave ${what} (status ${status})`, date }
}

/** Calls a method once, without a trace header. It never fails and never repeats a call. */
export const call = (
  baseUrl: string,
  method: string,
  parameters: Readonly<Record<string, string>>,
  authorization?: { readonly bearer: Redacted.Redacted } | { readonly id: string; readonly secret: Redacted.Redacted }
): Effect.Effect<Result, never, HttpClient.HttpClient> => {
  const bare = HttpClientRequest.bodyUrlParams(HttpClientRequest.post(`${baseUrl}/api/${method}`), parameters)
  const request = authorization === undefined
    ? bare
    : "bearer" in authorization
    ? HttpClientRequest.bearerToken(bare, authorization.bearer)
    : HttpClientRequest.basicAuth(bare, authorization.id, authorization.secret)
  return untraced(HttpClient.execute(request)).pipe(
    Effect.flatMap((response) =>
      Effect.map(response.text, (text) => read(response.status, text, response.headers["date"]))
    ),
    Effect.scoped,
    Effect.timeoutFail({ duration: "15 seconds", onTimeout: () => ({ code: "ETIMEDOUT" }) }),
    Effect.catchAll((error) =>
      Effect.succeed<Result>({ _tag: "NoAnswer", problem: `did not answer (${reasonOf(error)})`, date: undefined })
    )
  )
}
