/**
 * A process of `InstallationStoreSuite`. `STORE_URL` is its database, and `SLACK_TOKEN_KEYS` has the keys. `BALLAST` is a
 * number of megabytes that it holds beside the store.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as InstallationStoreWorker from "effect-slack-oauth/testing/InstallationStoreWorker"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { connect } from "../databases.js"

const ballast = Array.from(
  { length: Number(process.env.BALLAST ?? 0) },
  (_, n) => Array.from({ length: 125_000 }, () => n)
)

InstallationStoreWorker.main.pipe(
  Effect.ensuring(Effect.sync(() => ballast.length)),
  Effect.provide(SqlInstallationStore.layer),
  Effect.provide(Layer.merge(connect(process.env.STORE_URL!), TokenCipher.layerConfig)),
  NodeRuntime.runMain
)
