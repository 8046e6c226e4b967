/** The stores that the suite runs on, each over storage of its own. */
import { Command, KeyValueStore } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { InstallationStore, TokenCipher } from "effect-slack-oauth"
import type { Processes } from "effect-slack-oauth/InstallationStoreSuite"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import { build } from "esbuild"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { connect, temporaryFolder } from "./databases.js"

/** `SLACK_TOKEN_KEYS` for the tests. */
export const testKeys = `test:${Buffer.alloc(32, 7).toString("base64")}`

export const cipher = TokenCipher.layer({
  current: { id: "test", key: Redacted.make(testKeys.slice("test:".length)) }
})

export const files = Layer.unwrapScoped(
  Effect.map(temporaryFolder, (folder) =>
    InstallationStore.layerKeyValueStore.pipe(
      Layer.provide(KeyValueStore.layerFileSystem(Path.join(folder, "store"))),
      Layer.provide(NodeContext.layer),
      Layer.provide(cipher)
    ))
)

export const sql = (url: string) =>
  SqlInstallationStore.layer.pipe(Layer.provide(connect(url, { maxConnections: 10 })), Layer.provide(cipher))

const root = Path.resolve(import.meta.dirname, "../..")

/** The other processes' script as one file of JavaScript, which starts much faster than through tsx. */
const bundledWorker = Effect.acquireRelease(
  Effect.promise(async () => {
    const outfile = Path.join(root, ".tmp", "workers", `store-${process.pid}.mjs`)
    await build({
      entryPoints: [Path.join(root, "test/utils/storeWorker.ts")],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      packages: "external",
      logLevel: "error",
      plugins: [{
        name: "this-package",
        setup({ onResolve }) {
          onResolve({ filter: /^effect-slack-oauth(\/|$)/ }, ({ path }) => ({
            path: Path.join(root, "src", `${path.slice("effect-slack-oauth/".length) || "index"}.ts`)
          }))
        }
      }]
    })
    return outfile
  }),
  (outfile) => Effect.sync(() => Fs.rmSync(outfile, { force: true }))
)

/** Other processes on the same database. */
export const processes = (url: string) =>
  Effect.map(bundledWorker, (worker): Pick<Processes, "command" | "executor"> => ({
    command: Command.make(process.execPath, worker).pipe(
      Command.workingDirectory(root),
      Command.env({ STORE_URL: url, SLACK_TOKEN_KEYS: testKeys })
    ),
    executor: NodeContext.layer
  }))
