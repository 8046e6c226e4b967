/**
 * A client that adds fresh tokens to its requests.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Installation from "../Installation.js"
import type { Service, TokenError, TokenManager } from "../TokenManager.js"
import { refusalOf } from "./refusal.js"

/** The same client with a token for each request. If Slack refuses the token, the request is repeated once with another. */
export const withTokens = <E, R>(
  manager: Effect.Effect<Service, never, TokenManager>,
  whose: Installation.InstallationKey | Installation.CredentialKey | Installation.Place,
  client: HttpClient.HttpClient.With<E, R>
): HttpClient.HttpClient.With<E | TokenError | HttpClientError.ResponseError, R | TokenManager> => {
  const credentialOf = (service: Service): Effect.Effect<Installation.CredentialKey, TokenError> => {
    if (whose instanceof Installation.CredentialKey) return Effect.succeed(whose)
    return "_tag" in whose ? Effect.succeed(Installation.botKey(whose)) : service.credentialFor(whose)
  }
  const send = (request: HttpClientRequest.HttpClientRequest, repeat: boolean): Effect.Effect<
    HttpClientResponse.HttpClientResponse,
    E | TokenError | HttpClientError.ResponseError,
    R | TokenManager
  > =>
    Effect.gen(function*() {
      const service = yield* manager
      const credential = yield* credentialOf(service)
      const token = yield* service.token(credential)
      const answer = yield* client.execute(HttpClientRequest.bearerToken(request, token))
      const { code, response } = yield* refusalOf(answer)
      if (code === undefined) return response
      yield* service.invalidate(credential, token, code)
      return repeat && request.body._tag !== "Stream" ? yield* send(request, false) : response
    })
  return HttpClient.makeWith<never, never, E | TokenError | HttpClientError.ResponseError, R | TokenManager>(
    (request) => Effect.flatMap(request, (request) => send(request, true)),
    Effect.succeed
  )
}
