/** A whole app for Cloudflare Workers, as docs/deploy.md has it. */
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackOAuth from "effect-slack-oauth/SlackOAuth"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

type Env = Readonly<Record<string, string>>

const makeApp = (env: Env) =>
  SlackOAuth.webHandler(
    SlackOAuth.layer({
      publicUrl: env["PUBLIC_URL"] ?? "",
      botScopes: ["app_mentions:read", "chat:write"],
      store: InstallationStore.layerMemory,
      pendingInstalls: PendingInstall.layerSealedCookieConfig,
      events: { acknowledgeAfter: Infinity },
      tokens: { sharedRefresh: false },
      sweep: false,
      onEvent: ({ channel, place, type }) =>
        type === "app_mention" ? SlackOAuth.call(place, "chat.postMessage", { channel, text: "Hello!" }) : Effect.void
    }).pipe(Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env))))))
  )

let app: ReturnType<typeof makeApp> | undefined

export default {
  fetch: (request: Request, env: Env, context: { waitUntil(promise: Promise<unknown>): void }): Promise<Response> => {
    app ??= makeApp(env)
    const answer = app.handler(request)
    context.waitUntil(answer)
    return answer
  }
}
