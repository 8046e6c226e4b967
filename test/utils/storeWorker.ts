/** One of the other processes of the suite: `STORE_URL` says which database, `SLACK_TOKEN_KEYS` how it is encrypted. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import * as InstallationStoreWorker from "effect-slack-oauth/InstallationStoreWorker"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import { connect } from "./databases.js"

InstallationStoreWorker.main.pipe(
  Effect.provide(SqlInstallationStore.layer),
  Effect.provide(Layer.merge(connect(process.env.STORE_URL!), TokenCipher.layerConfig)),
  NodeRuntime.runMain
)
