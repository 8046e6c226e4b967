/**
 * A web server that installs a Slack app and shows how its tokens rotate. Run it, and open the address that it prints.
 *
 * Slack is the emulator, and its clock can be moved. If `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET` are set, it is the
 * real Slack. Then `PUBLIC_URL` has to be an https address of this server, such as a tunnel's, the app has to list
 * `/slack/oauth_redirect` below it as a redirect URL, and `SLACK_TOKEN_KEYS` has to be set.
 *
 * Installations are stored in a file in the current folder, or in `DATABASE_URL`: see database.ts.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { createServer } from "node:http"
import { app, publicUrl, settings } from "./app.js"
import { stores } from "./database.js"
import { emulatedSlack, realSlack } from "./slack.js"

const App = Layer.unwrapEffect(
  Effect.gen(function*() {
    const here = yield* publicUrl
    // Printed when the app is served, because Node's server does not answer earlier requests.
    return Layer.effectDiscard(Console.log(`Open ${here}/ in your browser. Ctrl+C stops it.`)).pipe(
      Layer.provide(HttpLayerRouter.serve(app(here), { disableListenLog: true, disableLogger: true }))
    )
  })
)

const Server = Layer.unwrapEffect(
  Effect.map(settings, ({ port }) => NodeHttpServer.layer(createServer, { port, host: "localhost" }))
)

/** Keys are optional for the emulator, because its tokens give access to nothing. */
const emulatedKeys = Layer.unwrapEffect(
  Effect.map(
    Config.option(TokenCipher.config),
    Option.match({
      onNone: () => TokenCipher.layerPlain,
      onSome: (cipher) => Layer.succeed(TokenCipher.TokenCipher, cipher)
    })
  )
)

/** The emulator and the real Slack use different files, because neither knows the tokens of the other. */
const World = Layer.unwrapEffect(
  Effect.map(
    // One of the two variables selects the real Slack. If the other one is misspelt, the configuration fails.
    Config.option(Config.orElse(Config.redacted("SLACK_CLIENT_ID"), () => Config.redacted("SLACK_CLIENT_SECRET"))),
    Option.match({
      onNone: () => Layer.provideMerge(stores("slack-emulated.db", emulatedKeys), emulatedSlack),
      onSome: () => Layer.provideMerge(stores("slack.db", TokenCipher.layerConfig), realSlack)
    })
  )
)

Layer.launch(App.pipe(
  Layer.provide(OAuthV2.layer),
  Layer.provide(FetchHttpClient.layer),
  Layer.provide(World),
  Layer.provide(Server)
)).pipe(NodeRuntime.runMain)
