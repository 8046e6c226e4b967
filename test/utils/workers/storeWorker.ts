/**
 * A process of `InstallationStoreSuite`. `STORE_URL` is its database, and `SLACK_TOKEN_KEYS` has the keys. `BALLAST` is a
 * number of megabytes that it keeps in memory besides. With `HOARD` its store has a fault: it keeps everything that it
 * streams in memory.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as InstallationStoreWorker from "effect-slack-oauth/testing/InstallationStoreWorker"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { connect } from "../databases.js"

const ballast = Array.from(
  { length: Number(process.env.BALLAST ?? 0) },
  (_, n) => Array.from({ length: 125_000 }, () => n)
)

const hoard = (store: InstallationStore.Service): InstallationStore.Service => ({
  ...store,
  stream: Stream.unwrap(Effect.map(Stream.runCollect(store.stream), Stream.fromChunk))
})

InstallationStoreWorker.main.pipe(
  Effect.updateService(
    InstallationStore.InstallationStore,
    (store) => process.env.HOARD === undefined ? store : hoard(store)
  ),
  Effect.ensuring(Effect.sync(() => ballast.length)),
  Effect.provide(SqlInstallationStore.layer),
  Effect.provide(Layer.merge(connect(process.env.STORE_URL!), TokenCipher.layerConfig)),
  NodeRuntime.runMain
)
