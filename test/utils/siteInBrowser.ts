/**
 * An application with an install flow and an emulated Slack, each on a port of its own and on different sites (`localhost`
 * and `127.0.0.1`), for a browser between them.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { assert } from "@effect/vitest"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as InstallRouter from "effect-slack-oauth/InstallRouter"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { createServer } from "node:http"
import type { Page } from "playwright-core"
import { address } from "../../src/internal/effect/servers.js"
import { click, heading } from "./chromium.js"

const Server = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })

/** An application with an install flow, and its Slack. They run until the scope closes. */
export const startSite = (
  options: Partial<InstallFlow.Options<void>> = {},
  emulated: SlackEmulator.Options = {}
) =>
  Effect.gen(function*() {
    const installs: Array<InstallFlow.Installed<void>> = []
    const server = yield* Layer.build(Layer.fresh(Server))
    const url = `http://localhost:${(yield* Effect.provide(address, server))?.port}`
    const apps = (emulated.apps ?? [{}]).map((app) => ({ redirectUris: [url], ...app }))
    const slack = yield* Layer.build(
      Layer.merge(SlackEmulator.layerSlackAppServed(), SlackEmulator.serve({ control: true })).pipe(
        Layer.provideMerge(SlackEmulator.layer({ ...emulated, apps })),
        Layer.provide(Layer.fresh(Server))
      )
    )
    const flow = InstallFlow.layer({
      publicUrl: url,
      botScopes: ["chat:write"],
      landing: true,
      success: "page",
      onInstalled: (installed) => Effect.sync(() => installs.push(installed)),
      ...options
    })
    yield* Layer.build(
      HttpLayerRouter.serve(
        Layer.merge(
          InstallRouter.layerRoutes,
          HttpLayerRouter.add("GET", "/", HttpServerResponse.html("<title>home</title>"))
        ),
        { disableListenLog: true, disableLogger: true }
      ).pipe(
        Layer.provide(flow),
        Layer.provide(OAuthV2.layer),
        Layer.provide([PendingInstall.layerMemory(), FetchHttpClient.layer]),
        Layer.provide(Layer.succeedContext(Context.merge(slack, server))),
        Layer.provide(Logger.remove(Logger.defaultLogger))
      )
    )
    const emulator = Context.get(slack, SlackEmulator.SlackEmulator)
    return {
      url,
      installUrl: `${url}/slack/install`,
      callbackUrl: `${url}/slack/oauth_redirect`,
      installs,
      emulator,
      tokenRequests: Effect.map(emulator.calls, (calls) => calls.length)
    }
  })

export const go = (page: Page, url: string) => Effect.promise(() => page.goto(url))

/** From "Add to Slack" to the consent page. */
export const begin = (page: Page, installUrl: string) =>
  Effect.gen(function*() {
    yield* go(page, installUrl)
    yield* click(page, "link", "Add to Slack")
    assert.include(yield* heading(page), "is requesting permission")
  })
