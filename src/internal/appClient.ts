/**
 * What all calls for one app have in common, made once: its credentials in the form that they are sent in, and its
 * requests without their bodies.
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import type * as Effect from "effect/Effect"
import type * as SlackApp from "../SlackApp.js"
import type { Method } from "./codes.js"
import { basicAuthorization, contentType } from "./form.js"
import { once } from "./once.js"
import type { Client, Form } from "./request.js"
import { reveal } from "./reveal.js"
import { connectionHeader } from "./transport.js"
import { version } from "./version.js"

export interface AppClient extends Client {
  /** Sends a form to a method. */
  readonly post: (
    method: Method,
    prepared: Form
  ) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
}

/**
 * The client of an application may change requests, such as by a bearer token for its other calls. Slack gets a POST,
 * with the credential of the call and no other. The credential is added last, so nothing of the application sees it.
 */
const guarded = (client: HttpClient.HttpClient, authorization: string | undefined): HttpClient.HttpClient =>
  HttpClient.mapRequest(
    client,
    authorization === undefined
      ? ({ body, headers, url, urlParams }) =>
        HttpClientRequest.post(url, { urlParams, headers: Headers.remove(headers, "authorization"), body })
      : (request) =>
        HttpClientRequest.setHeader(HttpClientRequest.setMethod(request, "POST"), "authorization", authorization)
  )

/**
 * The `RequestInit` of a request. `fetch` takes one of the application too; but a redirect, which would carry the
 * secrets elsewhere, is not followed, and an `authorization` header, which may be a bearer token for other calls, is
 * left out.
 */
export const requestInit = ({ headers, ...init }: RequestInit = {}): RequestInit => ({
  ...init,
  ...(headers && { headers: Headers.remove(Headers.fromInput(headers), "authorization") }),
  redirect: "manual"
})

const makeAppClient = (client: HttpClient.HttpClient, app: SlackApp.Service): AppClient => {
  const { baseUrl, clientId } = app
  const clientSecret = reveal(app.clientSecret)
  const authorization = clientSecret && basicAuthorization(clientId, clientSecret)
  const clients = { basic: guarded(client, authorization), body: guarded(client, undefined) }
  const requestTo = once((method: Method) =>
    HttpClientRequest.post(`${baseUrl}/api/${method}`, {
      headers: {
        accept: "application/json",
        "user-agent": `effect-slack-oauth/${version}`,
        ...connectionHeader()
      }
    })
  )
  return {
    clientId,
    clientSecret,
    authorization,
    post: (method, { credentials, form }) =>
      clients[credentials].execute(HttpClientRequest.setBody(requestTo(method), HttpBody.text(form, contentType)))
  }
}

/** The clients of apps, each made at its first call. */
export const appClients = (client: HttpClient.HttpClient): (app: SlackApp.Service) => AppClient => {
  const made = new WeakMap<SlackApp.Service, AppClient>()
  return (app) => {
    const appClient = made.get(app) ?? makeAppClient(client, app)
    made.set(app, appClient)
    return appClient
  }
}
