/**
 * Slack's two OAuth V2 methods as Effects. `oauth.v2.access` exchanges an authorization code or a refresh token for
 * tokens. `oauth.v2.exchange` exchanges a long-lived token for a rotating pair.
 *
 * A call is one HTTP request. It is repeated only if Slack certainly did not act on it (see `RetryPolicy`). Its result
 * is a `TokenResponse` or a tagged error (see `OAuthV2Error`). No secret gets into a URL, a log or a span.
 *
 * @see https://docs.slack.dev/reference/methods/oauth.v2.access
 * @see https://docs.slack.dev/authentication/using-token-rotation
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import { type AppClient, appClients, requestInit } from "./internal/appClient.js"
import { toEffect } from "./internal/effect/either.js"
import { type Failure, failureOf, requestContext, untraced } from "./internal/effect/http.js"
import { mediaType, readFailure } from "./internal/failure.js"
import * as Request from "./internal/request.js"
import * as Retry from "./internal/retry.js"
import { parseRetryAfter } from "./internal/retryAfter.js"
import { conceal, reveal } from "./internal/reveal.js"
import { makeScrubber } from "./internal/secrets.js"
import * as Telemetry from "./internal/telemetry.js"
import { classify } from "./internal/transport.js"
import { parseObject } from "./internal/unknown.js"
import * as OAuthV2Error from "./OAuthV2Error.js"
import * as RetryPolicy from "./RetryPolicy.js"
import * as SlackApp from "./SlackApp.js"
import * as TokenResponse from "./TokenResponse.js"

// -------------------------------------------------------------------------------------
// requests
// -------------------------------------------------------------------------------------

/**
 * A secret, plain or wrapped.
 *
 * @since 0.1.0
 * @category models
 */
export type Secret = string | Redacted.Redacted

/**
 * The options of every request.
 *
 * @since 0.1.0
 * @category options
 */
export interface RequestOptions {
  /** The app of this request, for a process with several apps. The default is the {@link SlackApp} of the layer. */
  readonly app?: SlackApp.Service | undefined
  /** Parameters without a field of their own. They are sent in the body and treated as secrets. */
  readonly extra?: Readonly<Record<string, Secret>> | undefined
}

/**
 * The app and the target of a token, such as a stored `Installation`.
 *
 * @since 0.1.0
 * @category models
 */
export interface KnownInstallation {
  readonly appId: string
  readonly target: TokenResponse.Workspace | TokenResponse.Organization
}

/**
 * An authorization code (RFC 6749 §4.1.3), as Slack appends it to the redirect URI. It works once, for ten minutes.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthorizationCodeGrant extends RequestOptions {
  readonly code: Secret
  /** The redirect URI of the authorize step, if that had one. */
  readonly redirectUri?: string | undefined
  /** The PKCE verifier (RFC 7636 §4.1) of the challenge in the authorize step. */
  readonly codeVerifier?: Secret | undefined
  readonly grantType?: "authorization_code" | undefined
  readonly refreshToken?: undefined
}

/**
 * A refresh token (RFC 6749 §6). It works once, and the answer has the next one. If the answer has none, this one stays
 * valid and is in the result.
 *
 * @since 0.1.0
 * @category models
 */
export interface RefreshTokenGrant extends RequestOptions {
  readonly refreshToken: Secret
  /**
   * The installation of the token, for an answer that does not say it. Without it, such an answer has the app id of the
   * {@link SlackApp}, or an empty one, and the target `TokenResponse.unnamed`.
   */
  readonly installation?: KnownInstallation | undefined
  readonly grantType?: "refresh_token" | undefined
  readonly code?: undefined
  readonly redirectUri?: undefined
  readonly codeVerifier?: undefined
}

/**
 * Any other grant (RFC 6749 §4.5) that Slack accepts: its type, and its parameters in `extra`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExtensionGrant extends RequestOptions {
  readonly grantType: string
  readonly extra: Readonly<Record<string, Secret>>
  /** As in {@link RefreshTokenGrant}. */
  readonly installation?: KnownInstallation | undefined
  readonly code?: undefined
  readonly redirectUri?: undefined
  readonly codeVerifier?: undefined
  readonly refreshToken?: undefined
}

/**
 * A request of `oauth.v2.access`.
 *
 * @since 0.1.0
 * @category models
 */
export type AccessRequest = AuthorizationCodeGrant | RefreshTokenGrant | ExtensionGrant

/**
 * A request of `oauth.v2.exchange`: the long-lived `xoxb-` or `xoxp-` token. It can be exchanged once, and not back.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExchangeRequest extends RequestOptions {
  readonly token: Secret
  /** As in {@link RefreshTokenGrant}. */
  readonly installation?: KnownInstallation | undefined
}

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * Slack's two OAuth V2 methods.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly access: (
    request: AccessRequest
  ) => Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.AccessError>
  readonly exchange: (
    request: ExchangeRequest
  ) => Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.ExchangeError>
}

/**
 * Slack's two OAuth V2 methods.
 *
 * @since 0.1.0
 * @category tags
 */
export class OAuthV2 extends Context.Tag("effect-slack-oauth/OAuthV2")<OAuthV2, Service>() {}

/**
 * `oauth.v2.access`: exchanges an authorization code or a refresh token for tokens.
 *
 * A request that Slack could only refuse is not sent, such as one with an empty code. It fails with the error that
 * Slack would give, without a `status`.
 *
 * @see https://docs.slack.dev/reference/methods/oauth.v2.access
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { OAuthV2 } from "effect-slack-oauth"
 *
 * const program = OAuthV2.access({ code: "from-the-callback", redirectUri: "https://example.com/slack/callback"
 * }).pipe(
 *   Effect.map((response) => response.target),
 *   Effect.catchTag("SlackInvalidCode", () => Effect.succeed("send the person through install again"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category methods
 */
export const access = (
  request: AccessRequest
): Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.AccessError, OAuthV2> =>
  Effect.flatMap(OAuthV2, (service) => service.access(request))

/**
 * `oauth.v2.exchange`: exchanges a long-lived token for one that rotates. Store the answer: the old token cannot be
 * exchanged again, and stops working after the first refresh.
 *
 * @see https://docs.slack.dev/authentication/using-token-rotation
 * @since 0.1.0
 * @category methods
 */
export const exchange = (
  request: ExchangeRequest
): Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.ExchangeError, OAuthV2> =>
  Effect.flatMap(OAuthV2, (service) => service.exchange(request))

// -------------------------------------------------------------------------------------
// layers
// -------------------------------------------------------------------------------------

/**
 * Makes the service from the `HttpClient`, the `SlackApp` and, if there is one, the `RetryPolicy` in the context.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Service, never, HttpClient.HttpClient | SlackApp.SlackApp> = Effect.gen(function*() {
  const environment: Environment = {
    clientOf: appClients(yield* HttpClient.HttpClient),
    app: yield* SlackApp.SlackApp,
    policy: Option.getOrElse(yield* Effect.serviceOption(RetryPolicy.RetryPolicy), () => RetryPolicy.defaultPolicy)
  }
  return {
    access: (request) =>
      Effect.suspend(() => {
        const grant = {
          code: reveal(request.code),
          redirectUri: request.redirectUri,
          codeVerifier: reveal(request.codeVerifier),
          refreshToken: reveal(request.refreshToken),
          grantType: request.grantType,
          extra: revealAll(request.extra)
        }
        return call(
          environment,
          "oauth.v2.access",
          request,
          () => [grant.code, grant.codeVerifier, grant.refreshToken, ...Object.values(grant.extra)],
          (client) => Request.access(client, grant)
        )
      }),
    exchange: (request) =>
      Effect.suspend(() => {
        const legacy = { token: reveal(request.token), extra: revealAll(request.extra) }
        return call(
          environment,
          "oauth.v2.exchange",
          request,
          () => [legacy.token, ...Object.values(legacy.extra)],
          (client) => Request.exchange(client, legacy)
        )
      })
  }
})

/**
 * The service, from an `HttpClient` and a `SlackApp`. It uses `RetryPolicy.interactive`, unless a
 * `RetryPolicy.layer(…)` is provided too.
 *
 * @example
 * ```ts
 * import { FetchHttpClient } from "@effect/platform"
 * import { Layer } from "effect"
 * import { OAuthV2, SlackApp } from "effect-slack-oauth"
 *
 * const SlackLive = OAuthV2.layer.pipe(
 *   Layer.provide(SlackApp.layerConfig),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<OAuthV2, never, HttpClient.HttpClient | SlackApp.SlackApp> = Layer.effect(OAuthV2, make)

/**
 * What a method of {@link layerTest} does: a function of the request, or a list of answers, one for each call. An
 * answer is a response, an error, or another effect.
 *
 * @since 0.1.0
 * @category testing
 */
export type Script<Request, E> =
  | ((request: Request) => Effect.Effect<TokenResponse.TokenResponse, E>)
  | ReadonlyArray<TokenResponse.TokenResponse | Effect.Effect<TokenResponse.TokenResponse, E>>

/**
 * A test double with scripted answers. It needs no HTTP client and no app. A call that is not in the script dies with a
 * message that says so.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { OAuthV2, OAuthV2Error } from "effect-slack-oauth"
 *
 * const program = OAuthV2.access({ code: "a-code" }).pipe(
 *   Effect.catchTag("SlackInvalidCode", () => Effect.succeed("again, please")),
 *   Effect.provide(OAuthV2.layerTest({
 *     access: [new OAuthV2Error.SlackInvalidCode({ method: "oauth.v2.access" })]
 *   }))
 * )
 *
 * Effect.runPromise(program).then(console.log) // "again, please"
 * ```
 *
 * @since 0.1.0
 * @category testing
 */
export const layerTest = (scripts: {
  readonly access?: Script<AccessRequest, OAuthV2Error.AccessError> | undefined
  readonly exchange?: Script<ExchangeRequest, OAuthV2Error.ExchangeError> | undefined
}): Layer.Layer<OAuthV2> =>
  Layer.effect(
    OAuthV2,
    Effect.map(
      Effect.all([play("access", scripts.access), play("exchange", scripts.exchange)]),
      ([access, exchange]) => ({ access, exchange })
    )
  )

const play = <Request, E>(name: string, script: Script<Request, E> = []) =>
  Effect.map(
    Ref.make(0),
    (calls) => (request: Request): Effect.Effect<TokenResponse.TokenResponse, E> =>
      typeof script === "function"
        ? script(request)
        : Effect.flatMap(Ref.getAndUpdate(calls, (n) => n + 1), (n) => {
          const answer = script[n]
          return answer === undefined
            ? Effect.dieMessage(
              `OAuthV2.layerTest: call ${n + 1} of ${name} is not in the script, which has ${script.length}`
            )
            : Effect.isEffect(answer)
            ? answer
            : Effect.succeed(answer)
        })
  )

// -------------------------------------------------------------------------------------
// a call
// -------------------------------------------------------------------------------------

/** What the layer gives to every call. */
interface Environment {
  readonly clientOf: (app: SlackApp.Service) => AppClient
  readonly app: SlackApp.Service
  readonly policy: RetryPolicy.Service
}

/** What {@link call} needs of a request. */
interface AnyRequest extends RequestOptions {
  readonly code?: Secret | undefined
  readonly refreshToken?: Secret | undefined
  readonly installation?: KnownInstallation | undefined
}

/** Makes a call: prepares the request, and attempts it under the retry policy, in a span. */
const call = <M extends OAuthV2Error.Method>(
  environment: Environment,
  method: M,
  request: AnyRequest,
  secrets: () => ReadonlyArray<string | undefined>,
  prepare: (client: Request.Client) => Request.Prepared
): Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.ErrorOf<M>> =>
  Telemetry.observe(method, (watch, { clock, context, fork }) => {
    const policy = Option.getOrElse(Context.getOption(context, RetryPolicy.RetryPolicy), () => environment.policy)
    const app = request.app ?? environment.app
    const client = environment.clientOf(app)
    const prepared = prepare(client)
    const scrub = makeScrubber(() => [
      client.clientSecret,
      client.authorization?.slice("Basic ".length),
      ...secrets()
    ])
    if (!prepared.ok) {
      return Effect.fail(OAuthV2Error.fromCode(prepared.code, { method, messages: [scrub(prepared.reason)] }))
    }
    const send = () => client.post(method, prepared)
    const known = knownOf(app, request)
    return Retry.run(policy, attempt({ method, send, scrub, known }, clock, watch.attempted), {
      clock,
      fork: fork(requestContext(watch.span, requestInit)),
      onTimeout: (timeout) => new OAuthV2Error.SlackTimeoutError({ method, timeout }) as OAuthV2Error.ErrorOf<M>,
      onFailure: watch.failed
    })
  })

const revealAll = (secrets: Readonly<Record<string, Secret>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, reveal(secret)]))

/**
 * The answer to an install has to name the target. The other grants have an installation, named by the caller or not.
 */
const knownOf = (app: SlackApp.Service, { code, installation, refreshToken }: AnyRequest): TokenResponse.Known =>
  code === undefined
    ? {
      appId: installation?.appId ?? app.appId ?? "",
      target: installation?.target ?? TokenResponse.unnamed,
      refreshToken: conceal(refreshToken)
    }
    : { appId: app.appId }

// -------------------------------------------------------------------------------------
// an attempt
// -------------------------------------------------------------------------------------

/** What all attempts of a call have in common. */
interface Call<M extends OAuthV2Error.Method> {
  readonly method: M
  readonly send: () => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
  /** Masks the secrets of this call in a text. */
  readonly scrub: (text: string) => string
  /** What an answer may leave out. */
  readonly known: TokenResponse.Known
}

/** Sends the request once, and judges the answer. */
const attempt = <M extends OAuthV2Error.Method>(
  call: Call<M>,
  clock: Clock.Clock,
  attempted: () => void
): Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.ErrorOf<M>> =>
  Effect.suspend(() => {
    attempted()
    const requestedAt = DateTime.unsafeMake(clock.unsafeCurrentTimeMillis())
    const lost = (error: HttpClientError.HttpClientError) => Effect.fail(transportError(call, failureOf(error)))
    const answered = (response: HttpClientResponse.HttpClientResponse) =>
      Effect.matchEffect(readBody(response), {
        onFailure: lost,
        onSuccess: (text) => judge(call, response, text, requestedAt, clock.unsafeCurrentTimeMillis())
      })
    return Effect.matchEffect(untraced(call.send()), {
      onFailure: (error) => {
        const { answer } = failureOf(error)
        // A client may fail because of a status. Then there is an answer too.
        return answer ? answered(answer) : lost(error)
      },
      onSuccess: answered
    })
  })

/** Reads the body. HTTP 429 and 503 say enough without it, so there a lost body does not matter. */
const readBody = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<string, HttpClientError.HttpClientError> =>
  response.status === 429 || response.status === 503
    ? Effect.orElseSucceed(response.text, () => "")
    : response.text

/** The error of an attempt without an answer. */
const transportError = <M extends OAuthV2Error.Method>(
  { method, scrub }: Call<M>,
  { cause, early, response }: Failure
): OAuthV2Error.ErrorOf<M> => {
  const { reason, sent } = early === undefined ? classify(cause) : { reason: early, sent: false }
  return new OAuthV2Error.SlackTransportError({
    method,
    outcome: sent || response !== undefined ? "unknown" : "rejected",
    ...present({ reason: reason && scrub(reason), status: response?.status })
  }) as OAuthV2Error.ErrorOf<M>
}

// -------------------------------------------------------------------------------------
// what an answer means
// -------------------------------------------------------------------------------------

/** Decides what an answer means, from its status and its body. This is the only place that does. */
const judge = <M extends OAuthV2Error.Method>(
  call: Call<M>,
  response: HttpClientResponse.HttpClientResponse,
  text: string,
  requestedAt: DateTime.Utc,
  now: number
): Effect.Effect<TokenResponse.TokenResponse, OAuthV2Error.ErrorOf<M>> => {
  const { status } = response
  const body = parseObject(text)
  const refused = (paths: ReadonlyArray<string>) =>
    refusalOf(call, response, body ?? {}, paths, now) as OAuthV2Error.ErrorOf<M>
  if (body && body.ok !== false && status < 300) {
    return Effect.mapError(toEffect(TokenResponse.fromBody(body, requestedAt, call.known)), refused)
  }
  return Effect.fail(refused(body?.ok === false && !isRedirect(status) ? ["error"] : []))
}

/** The error of an answer without tokens: from its status, its body, and the paths that did not fit. */
const refusalOf = <M extends OAuthV2Error.Method>(
  { method, scrub }: Call<M>,
  { headers, status }: HttpClientResponse.HttpClientResponse,
  body: Readonly<Record<string, unknown>>,
  paths: ReadonlyArray<string>,
  now: number
): OAuthV2Error.OAuthV2Error => {
  const { code, ...said } = readFailure(body, scrub)
  const retryAfter = parseRetryAfter(headers["retry-after"], now)
  const details = {
    method,
    status,
    ...present({
      ...said,
      requestId: headers["x-slack-req-id"] && scrub(headers["x-slack-req-id"]).slice(0, 200),
      retryAfter: retryAfter === undefined ? undefined : Duration.millis(retryAfter)
    })
  }

  if (status === 429) return OAuthV2Error.fromCode("ratelimited", details)
  if (code !== undefined && !isRedirect(status)) {
    const error = OAuthV2Error.fromCode(code, details)
    // A documented code is no secret, even if it contains one.
    return error._tag === "SlackUndocumentedError" ? OAuthV2Error.fromCode(scrub(code), details) : error
  }
  return status === 503
    // A proxy answers this too, if its connection to Slack ended after the request was sent.
    ? new OAuthV2Error.SlackServiceUnavailable({ ...details, outcome: "unknown" })
    : new OAuthV2Error.SlackUnexpectedResponse({
      ...details,
      contentType: mediaType(scrub(headers["content-type"] ?? "")),
      paths
    })
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400

/** The fields that are not undefined. */
const present = <A extends object>(fields: A): { readonly [K in keyof A]?: Exclude<A[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as A
