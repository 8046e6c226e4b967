/**
 * An application for an edge host: the web handler, with pending installs in a sealed cookie. Tests bundle it, and run it
 * where only web globals exist.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export interface Settings {
  readonly clientId: string
  readonly clientSecret: string
  readonly cookieKey: string
}

export const makeApp = ({ clientId, clientSecret, cookieKey }: Settings, installed: Array<string>) =>
  InstallFlow.toWebHandler(
    InstallFlow.layer({
      publicUrl: "https://example.com",
      botScopes: ["chat:write"],
      pkce: true,
      success: "page",
      onInstalled: ({ response }) => Effect.sync(() => installed.push(response.appId))
    }).pipe(
      Layer.provide(PendingInstall.layerSealedCookie([{ id: "k1", key: cookieKey }])),
      Layer.provide(OAuthV2.layer),
      Layer.provide([SlackApp.layer({ clientId, clientSecret }), FetchHttpClient.layer])
    )
  )
