/**
 * A web server on which people add a Slack app, and on which one can watch its tokens turn over. Run it, and open the
 * one address that it prints.
 *
 * Slack is the emulator, embedded, and its clock can be moved. With `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET` set it
 * is the real one; then `PUBLIC_URL` has to be an https address that leads here (a tunnel will do), its
 * `/slack/oauth_redirect` has to be one of the app's redirect URLs, and `SLACK_TOKEN_KEYS` has to be set.
 *
 * What is kept is kept in a file here, or where `DATABASE_URL` says: see database.ts.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { createServer } from "node:http"
import { app, publicUrlAt, settings } from "./app.js"
import { stores } from "./database.js"
import { emulatedSlack, realSlack } from "./slack.js"

const App = Layer.unwrapEffect(
  Effect.gen(function*() {
    const { address } = yield* HttpServer.HttpServer
    const here = yield* publicUrlAt(address._tag === "TcpAddress" ? address.port : 0)
    // Said once it is served: Node's server leaves requests without an answer that come before there is anything to serve.
    return Layer.effectDiscard(Console.log(`Open ${here}/ in your browser. Ctrl+C stops it.`)).pipe(
      Layer.provide(HttpLayerRouter.serve(app(here), { disableListenLog: true, disableLogger: true }))
    )
  })
)

const Server = Layer.unwrapEffect(
  Effect.map(settings, ({ port }) => NodeHttpServer.layer(createServer, { port, host: "localhost" }))
)

/** Emulated tokens open nothing, so keys are optional for them. */
const emulatedKeys = Layer.unwrapEffect(
  Effect.map(
    Config.option(TokenCipher.config),
    Option.match({
      onNone: () => TokenCipher.layerPlain,
      onSome: (cipher) => Layer.succeed(TokenCipher.TokenCipher, cipher)
    })
  )
)

/** What an emulated Slack has given out is nothing to the real one, so each has a file of its own. */
const World = Layer.unwrapEffect(
  Effect.map(
    // One of the two is enough: a misspelt name is an error of the real Slack, and not the emulator.
    Config.option(Config.orElse(Config.redacted("SLACK_CLIENT_ID"), () => Config.redacted("SLACK_CLIENT_SECRET"))),
    Option.match({
      onNone: () => Layer.provideMerge(stores("slack-emulated.db", emulatedKeys), emulatedSlack),
      onSome: () => Layer.provideMerge(stores("slack.db", TokenCipher.layerConfig), realSlack)
    })
  )
)

Layer.launch(App.pipe(
  Layer.provide(OAuthV2.layer),
  Layer.provide([FetchHttpClient.layer, Server]),
  Layer.provide(World)
)).pipe(NodeRuntime.runMain)
