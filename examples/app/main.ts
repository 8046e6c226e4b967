/** Serves the app on http://localhost:3000, with a database file. The settings come from the environment. */
import { HttpLayerRouter } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { SlackOAuth } from "effect-slack-oauth"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import { createServer } from "node:http"
import { options, routes } from "./app.js"

const App = SlackOAuth.layer({
  ...options,
  publicUrl: process.env["PUBLIC_URL"] ?? "http://localhost:3000",
  store: Layer.provide(SqlInstallationStore.layer, Libsql.layer({ url: "file:slack.db" }))
})

const Server = NodeHttpServer.layer(createServer, { port: 3000 })

NodeRuntime.runMain(Layer.launch(Layer.provide(HttpLayerRouter.serve(routes), [App, Server])))
