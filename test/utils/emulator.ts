/**
 * Our own client with the emulator, in memory and over HTTP.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"

const client = Layer.provideMerge(OAuthV2.layer, RetryPolicy.layer(RetryPolicy.none))

/** The emulator in memory. */
export const inMemory = (options?: SlackEmulator.Options) =>
  client.pipe(
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer(options))
  )

/** The emulator on a free port, through `fetch`. */
export const overHttp = (options?: SlackEmulator.Options) =>
  client.pipe(
    Layer.provideMerge(
      Layer.mergeAll(FetchHttpClient.layer, SlackEmulator.layerSlackAppServed(), SlackEmulator.serve())
    ),
    Layer.provideMerge(SlackEmulator.layer(options)),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
  )

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly json: any
}

/** Sends a request unchanged, and does not follow redirects. */
export const send = (
  method: "GET" | "POST",
  path: string,
  body?: Readonly<Record<string, string>> | { readonly type: string; readonly text: string },
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<Answer, never, HttpClient.HttpClient | SlackApp.SlackApp> =>
  Effect.gen(function*() {
    const { baseUrl } = yield* SlackApp.SlackApp
    const isRaw = (u: typeof body): u is { readonly type: string; readonly text: string } =>
      u !== undefined && "type" in u && "text" in u
    const httpBody = body === undefined
      ? undefined
      : isRaw(body)
      ? HttpBody.text(body.text, body.type)
      : HttpBody.text(new URLSearchParams(body).toString(), "application/x-www-form-urlencoded")
    const response = yield* HttpClient.execute(
      HttpClientRequest.make(method)(`${baseUrl}${path}`, {
        headers,
        ...(httpBody === undefined ? undefined : { body: httpBody })
      })
    ).pipe(Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }))
    const text = yield* response.text
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: response.headers["content-type"]?.startsWith("application/json") ? JSON.parse(text) : undefined
    }
  }).pipe(Effect.orDie)

/** Calls a method of the API with a form. */
export const call = (
  method: string,
  form: Readonly<Record<string, string>>,
  headers?: Readonly<Record<string, string>>
) => Effect.map(send("POST", `/api/${method}`, form, headers), ({ json }) => json)

/** The answer of auth.test for a token. */
export const authTest = (token: Redacted.Redacted) =>
  call("auth.test", {}, { authorization: `Bearer ${Redacted.value(token)}` })

/** The code of the error that an effect fails with. */
export const codeOf = <A, E extends { readonly code: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ code }): string => code)
