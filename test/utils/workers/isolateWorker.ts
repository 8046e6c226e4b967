/**
 * An application for Cloudflare Workers, which workerd runs: one runtime for all requests of the isolate, in a variable of
 * the module.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"

interface Env {
  readonly SLACK_URL: string
  readonly CLIENT_ID: string
  readonly CLIENT_SECRET: string
}

const makeRuntime = ({ CLIENT_ID, CLIENT_SECRET, SLACK_URL }: Env) =>
  ManagedRuntime.make(
    TokenManager.layer({ sharedRefresh: false, leaseDuration: "3 seconds" }).pipe(
      Layer.provideMerge(InstallationStore.layerMemory),
      Layer.provideMerge(OAuthV2.layer),
      Layer.provide([
        SlackApp.layer({ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, baseUrl: SLACK_URL }),
        FetchHttpClient.layer
      ])
    )
  )

let runtime: ReturnType<typeof makeRuntime> | undefined

/** `/install?code=…` stores an installation, `/refuse` says that Slack refused its token, `/token` asks for one. */
const answer = (url: URL) =>
  Effect.gen(function*() {
    const key = Installation.workspace("A0EMULATED", "T0EMULATED")
    switch (url.pathname) {
      case "/install": {
        const at = yield* DateTime.now
        const response = yield* OAuthV2.access({ code: url.searchParams.get("code") ?? "" })
        yield* InstallationStore.save(Installation.fromTokenResponse(response, at))
        return "installed"
      }
      case "/refuse": {
        yield* TokenManager.invalidate(Installation.botKey(key), yield* TokenManager.botToken(key))
        return "refused"
      }
      default:
        return Redacted.value(yield* TokenManager.botToken(key))
    }
  })

export default {
  fetch: (request: Request, env: Env): Promise<Response> => {
    runtime ??= makeRuntime(env)
    return runtime.runPromise(Effect.map(answer(new URL(request.url)), (text) => new Response(text)))
  }
}
