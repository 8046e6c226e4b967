import { FetchHttpClient } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Redacted, Stream } from "effect"
import { Installation, InstallationStore, OAuthV2, SlackApp, SlackEmulator, TokenCipher } from "effect-slack-oauth"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import { execFile, spawn } from "node:child_process"
import { createServer } from "node:http"
import { promisify } from "node:util"
import { beforeAll } from "vitest"
import { libsqlUrl } from "./utils/databases.js"
import { authTest } from "./utils/emulator.js"

const run = promisify(execFile)

const file = ".tmp/cli-migrate/main.js"

const size = 30

const slack = OAuthV2.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(FetchHttpClient.layer, SlackEmulator.layerSlackAppServed(), SlackEmulator.serve())),
  Layer.provideMerge(
    SlackEmulator.layer({
      apps: [{ rotation: false }],
      workspaces: Array.from({ length: size }, (_, index) => ({ id: `T0LEGACY${index}` }))
    })
  ),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const withStore = (url: string) =>
  Effect.provide(
    SqlInstallationStore.layer.pipe(
      Layer.provide(Libsql.layer({ url: url as `file:${string}` })),
      Layer.provide(TokenCipher.layerPlain)
    )
  )

const setting = (url: string) =>
  Effect.gen(function*() {
    const { baseUrl, clientId, clientSecret } = yield* SlackApp.SlackApp
    return {
      PATH: process.env.PATH,
      NO_COLOR: "1",
      DATABASE_URL: url,
      SLACK_BASE_URL: baseUrl,
      SLACK_CLIENT_ID: clientId,
      SLACK_CLIENT_SECRET: Redacted.value(clientSecret!),
      SLACK_TOKEN_KEYS: "plain"
    }
  })

const command = (env: NodeJS.ProcessEnv, ...args: ReadonlyArray<string>) =>
  Effect.promise(() =>
    run(process.execPath, [file, "migrate", ...args], { env, timeout: 30_000 }).then(
      ({ stderr, stdout }) => ({ code: 0, stderr, stdout }),
      ({ code, stderr, stdout }) => ({ code, stderr, stdout })
    )
  )

const legacy = Effect.gen(function*() {
  for (let index = 0; index < size; index++) {
    const { code } = yield* SlackEmulator.authorize({ workspace: `T0LEGACY${index}` })
    const response = yield* OAuthV2.access({ code })
    yield* InstallationStore.save(Installation.fromTokenResponse(response, yield* DateTime.now))
  }
  yield* SlackEmulator.enableRotation()
})

const exchanges = Effect.map(
  SlackEmulator.calls,
  (calls) => calls.filter(({ method }) => method === "oauth.v2.exchange").length
)

const rotating = Effect.gen(function*() {
  const store = yield* InstallationStore.InstallationStore
  const bots = Array.from(yield* Stream.runCollect(store.stream), ({ bot }) => Option.getOrThrow(bot))
  for (const { token } of bots) assert.propertyVal(yield* authTest(token.accessToken), "ok", true)
  return bots.filter(({ token }) => Option.isSome(token.expiry)).length
})

describe("the command migrate", () => {
  beforeAll(() => run(process.execPath, ["scripts/bundle-cli.mjs", file]))

  it.scopedLive("looks, is stopped in the middle, and goes on where it was", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      yield* withStore(url)(legacy)
      const env = yield* setting(url)

      const looked = yield* command(env, "--dry-run")
      assert.strictEqual(looked.code, 0, looked.stderr)
      assert.include(looked.stdout, `${size} long-lived tokens would be exchanged`)
      assert.strictEqual(yield* exchanges, 0)

      // Ten a second, and a Ctrl+C after the tenth.
      const child = spawn(process.execPath, [file, "migrate", "--rate", "600"], { env })
      let output = ""
      child.stdout.on("data", (data) => output += String(data))
      const ended = new Promise((resolve) => child.once("close", resolve))
      while ((yield* exchanges) < 10) yield* Effect.sleep("10 millis")
      child.kill("SIGINT")
      yield* Effect.promise(() => ended)
      assert.include(output, "Run it again")
      const before = yield* exchanges
      assert.isBelow(before, size)
      assert.strictEqual(yield* withStore(url)(rotating), before)

      const finished = yield* command(env, "--rate", "6000")
      assert.strictEqual(finished.code, 0, finished.stderr + finished.stdout)
      assert.include(finished.stdout, `${size - before} exchanged`)
      assert.strictEqual(yield* withStore(url)(rotating), size)
      assert.strictEqual(yield* exchanges, size)
      assert.deepStrictEqual(yield* SlackEmulator.replays, [])
    }).pipe(Effect.provide(slack)), 60_000)

  it.scopedLive("says what is wrong with its settings", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const { code, stderr } = yield* command({ PATH: process.env.PATH, NO_COLOR: "1", DATABASE_URL: url })
      assert.strictEqual(code, 1)
      assert.include(stderr, "SLACK_CLIENT_ID")
    }))
})
