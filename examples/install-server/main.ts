/**
 * A web server with a whole Slack app: it is installed, answers mentions, and shows how its tokens rotate. Run it, and open
 * the address that it prints.
 *
 * Slack is the emulator, and its clock can be moved. If `SLACK_CLIENT_ID` or `SLACK_CLIENT_SECRET` is set, it is the real
 * Slack: `docs/slack-app.md` says how to make the app there. Then `SLACK_SIGNING_SECRET` and `SLACK_TOKEN_KEYS` have to be
 * set too, and `PUBLIC_URL` to an https address of this server, such as a tunnel's.
 *
 * Installations are stored in a file in the current folder, or in `DATABASE_URL` (`file:slack.db` or `postgres://…`).
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SlackOAuth from "effect-slack-oauth/SlackOAuth"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"
import { options, routes } from "./app.js"
import * as Journal from "./journal.js"
import { emulated, real, Slack } from "./slack.js"

const isFile = (url: string): url is `file:${string}` => url.startsWith("file:")

const connect = (url: string) =>
  isFile(url) ? Libsql.layer({ url }) : PgClient.layer({ url: Redacted.make(url), connectTimeout: "10 seconds" })

const app = (here: string) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const slack = yield* Slack
    const url = yield* Config.withDefault(Config.string("DATABASE_URL"), `file:${slack.file}`)
    // The URL of a Postgres has its password.
    const name = isFile(url) ? url.slice("file:".length) : `Postgres at ${new URL(url).host}`
    yield* Console.log(`Installations are stored in ${name}. Set DATABASE_URL for another database.`)
    const oauth = SlackOAuth.layer({
      ...options,
      publicUrl: here,
      app: slack.app,
      cipher: slack.cipher,
      store: Layer.provide(SqlInstallationStore.layer, connect(url))
    })
    // Printed when the app is served, because Node's server does not answer earlier requests.
    return Layer.effectDiscard(Console.log(`Open ${here}/ in your browser. Ctrl+C stops it.`)).pipe(
      Layer.provide(HttpLayerRouter.serve(routes(here), { disableListenLog: true, disableLogger: true })),
      Layer.provide(oauth)
    )
  }))

/** One of the two variables selects the real Slack. If the other one is misspelt, the configuration fails. */
const slackAt = (here: string) =>
  Layer.unwrapEffect(Effect.map(
    Config.option(Config.orElse(Config.redacted("SLACK_CLIENT_ID"), () => Config.redacted("SLACK_CLIENT_SECRET"))),
    Option.match({ onNone: () => emulated(here), onSome: () => real })
  ))

/** Behind a tunnel or a proxy, `PUBLIC_URL` is the address that browsers use. */
const Example = Layer.unwrapEffect(Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  const publicUrl = yield* Config.option(Config.string("PUBLIC_URL"))
  const here = Option.getOrElse(publicUrl, () => `http://localhost:${address._tag === "TcpAddress" ? address.port : 0}`)
    .replace(/\/+$/, "")
  return Layer.provide(app(here), slackAt(here))
}))

const Server = Layer.unwrapEffect(Effect.map(
  Config.withDefault(Config.integer("PORT"), 3000),
  (port) => NodeHttpServer.layer(createServer, { port, host: "localhost" })
))

Layer.launch(Example.pipe(Layer.provide(Journal.layer), Layer.provide(Server))).pipe(NodeRuntime.runMain)
