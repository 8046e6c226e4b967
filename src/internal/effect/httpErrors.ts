/**
 * Errors of an `HttpClient`, made and told apart.
 */
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"

/** Why a body could not be sent. */
export type SendError = HttpClientError.RequestError

/** Why a body could not be read. */
export type ReadError = HttpClientError.ResponseError

/** The request did not get an answer. */
export const unanswered = (request: HttpClientRequest.HttpClientRequest, cause: unknown) =>
  new HttpClientError.RequestError({ request, reason: "Transport", cause })

/** The body of the request cannot be encoded. */
export const notEncoded = (request: HttpClientRequest.HttpClientRequest, cause: unknown): SendError =>
  new HttpClientError.RequestError({ request, reason: "Encode", cause })

/** The body of the answer cannot be read. An error that says so already stays as it is. */
export const notRead = (response: HttpClientResponse.HttpClientResponse, cause: unknown): ReadError =>
  cause instanceof HttpClientError.ResponseError
    ? cause
    : new HttpClientError.ResponseError({ request: response.request, response, reason: "Decode", cause })

/** Whether the answer has no body, as the answer to HEAD. */
export const hasNoBody = (error: ReadError): boolean => error.reason === "EmptyBody"
