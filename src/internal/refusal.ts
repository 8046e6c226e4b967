/**
 * Answers of Slack's Web API that refuse the token of the request.
 */
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import { mediaType } from "./failure.js"
import { peek } from "./peek.js"
import { parseObject } from "./unknown.js"

/** The codes which mean that the token does not work any more. */
const refusals = new Set(["token_expired", "token_revoked"])

/** A refusal is smaller, in bytes. */
const longestRefusal = 8192

const canBeRefusal = ({ headers, status }: HttpClientResponse.HttpClientResponse): boolean =>
  status === 200 && mediaType(headers["content-type"]) === "application/json" &&
  !(Number(headers["content-length"]) > longestRefusal)

/** The code of a refusal. Other bodies are not parsed here. */
const codeIn = (body: Uint8Array): string | undefined => {
  const text = new TextDecoder().decode(body)
  const { error, ok } = (/"ok"\s*:\s*false/.test(text) ? parseObject(text) : undefined) ?? {}
  return ok === false && typeof error === "string" && refusals.has(error) ? error : undefined
}

/** The code of a refusal, if the response is one, and a response whose body is still to be read. */
export const refusalOf = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<
  { readonly code: string | undefined; readonly response: HttpClientResponse.HttpClientResponse },
  HttpClientError.ResponseError
> =>
  canBeRefusal(response)
    ? Effect.map(peek(response, longestRefusal), ({ body, response }) => ({
      code: body && codeIn(body),
      response
    }))
    : Effect.succeed({ code: undefined, response })
