/**
 * Errors of an `HttpClient`, made and told apart.
 */
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"

/** Why a body could not be sent. */
export type SendError = HttpClientError.HttpClientError

/** Why a body could not be read. */
export type ReadError = HttpClientError.HttpClientError

/** The request did not get an answer. */
export const unanswered = (request: HttpClientRequest.HttpClientRequest, cause: unknown) =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })

/** The body of the request cannot be encoded. */
export const notEncoded = (request: HttpClientRequest.HttpClientRequest, cause: unknown): SendError =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.EncodeError({ request, cause }) })

/** The body of the answer cannot be read. An error that says so already stays as it is. */
export const notRead = (response: HttpClientResponse.HttpClientResponse, cause: unknown): ReadError =>
  HttpClientError.isHttpClientError(cause)
    ? cause
    : new HttpClientError.HttpClientError({
      reason: new HttpClientError.DecodeError({ request: response.request, response, cause })
    })

/** Whether the answer has no body, as the answer to HEAD. */
export const hasNoBody = ({ reason }: ReadError): boolean => reason._tag === "EmptyBodyError"
