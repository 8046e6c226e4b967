/**
 * A web server on which people add a Slack app. Run it, and open the one address that it prints.
 *
 * Slack is the emulator, embedded, on a port of its own. With `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET` set it is the
 * real one; then `PUBLIC_URL` has to be an https address that leads here (a tunnel will do), and its
 * `/slack/oauth_redirect` has to stand among the app's redirect URLs.
 */
import { FetchHttpClient, HttpLayerRouter, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, Option } from "effect"
import { InstallationStore, OAuthV2, PendingInstall, SlackApp, SlackEmulator } from "effect-slack-oauth"
import { createServer } from "node:http"
import { flow, routes, settings } from "./app.js"

const EmulatedSlack = Layer.merge(SlackEmulator.layerSlackAppServed(), SlackEmulator.serve()).pipe(
  Layer.provide(SlackEmulator.layer({ apps: [{ name: "A Slack app" }], workspaces: [{ name: "Example workspace" }] })),
  Layer.provide(NodeHttpServer.layer(createServer, { host: "localhost", port: 0 }))
)

/** The real one, when the environment says which app it is. */
const Slack = Layer.unwrapEffect(
  Effect.map(
    Config.option(Config.string("SLACK_CLIENT_ID")),
    Option.match({ onNone: () => EmulatedSlack, onSome: () => SlackApp.layerConfig })
  )
)

/** Here is where a store that survives a restart would come in. */
const Stores = Layer.merge(InstallationStore.layerMemory, PendingInstall.layerMemory())

const App = Layer.unwrapEffect(
  Effect.gen(function*() {
    const { publicUrl } = yield* settings
    const { address } = yield* HttpServer.HttpServer
    const here = Option.getOrElse(
      publicUrl,
      () => `http://localhost:${address._tag === "TcpAddress" ? address.port : 0}`
    )
    return HttpLayerRouter.serve(routes, { disableListenLog: true, disableLogger: true }).pipe(
      Layer.provide(flow(here)),
      Layer.merge(Layer.effectDiscard(Console.log(`Open ${here}/ in your browser. Ctrl+C stops it.`)))
    )
  })
)

const Server = Layer.unwrapEffect(
  Effect.map(settings, ({ port }) => NodeHttpServer.layer(createServer, { port, host: "localhost" }))
)

Layer.launch(App.pipe(
  Layer.provide(OAuthV2.layer),
  Layer.provide([Slack, FetchHttpClient.layer, Stores]),
  Layer.provide(Server)
)).pipe(NodeRuntime.runMain)
