import { assert, describe, it } from "@effect/vitest"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { build } from "esbuild"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
// @ts-expect-error It has no types: this is the path of its binary.
import workerd from "workerd"
import { temporaryFolder } from "./utils/databases.js"
import { overHttp } from "./utils/emulator.js"
import { refreshes } from "./utils/installations.js"

/** What workerd is to run, where it may connect to, and where it listens. */
const configOf = (env: Readonly<Record<string, string>>) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
      globalOutbound = "network",
      bindings = [${Object.entries(env).map(([name, text]) => `(name = "${name}", text = "${text}")`).join(", ")}]
    )),
    (name = "network", network = (allow = ["private", "public"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);`

/** Serves the application in workerd, and returns its address. */
const serve = (env: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    yield* Effect.promise(() =>
      build({
        entryPoints: [Path.resolve(import.meta.dirname, "utils/workers/isolateWorker.ts")],
        outfile: Path.join(folder, "worker.js"),
        bundle: true,
        platform: "browser",
        format: "esm",
        target: "es2022"
      })
    )
    const config = Path.join(folder, "config.capnp")
    Fs.writeFileSync(config, configOf(env))
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(workerd, ["serve", config, "--control-fd=3"], { stdio: ["ignore", "inherit", "inherit", "pipe"] })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const port = yield* Effect.async<number>((resume) => {
      child.stdio[3]?.on("data", (data: Buffer) => {
        const [, port] = /"port":(\d+)/.exec(data.toString()) ?? []
        if (port !== undefined) resume(Effect.succeed(Number(port)))
      })
    })
    return `http://127.0.0.1:${port}`
  })

/** An answer of the application: its status and text. */
const ask = (url: string) =>
  Effect.promise(async (signal) => {
    const response = await fetch(url, { signal })
    return [response.status, await response.text()] as const
  })

describe("on Workers, in one isolate with one runtime for all requests", () => {
  it.live("concurrent requests refresh once, and a client that disconnects blocks no other request", () =>
    Effect.gen(function*() {
      const { baseUrl, clientId, clientSecret } = yield* SlackApp.SlackApp
      const url = yield* serve({
        SLACK_URL: baseUrl,
        CLIENT_ID: clientId,
        CLIENT_SECRET: Redacted.value(clientSecret as Redacted.Redacted)
      })
      const { code } = yield* SlackEmulator.authorize()
      assert.deepStrictEqual(yield* ask(`${url}/install?code=${code}`), [200, "installed"])
      const [, first] = yield* ask(`${url}/token`)

      yield* ask(`${url}/refuse`)
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("500 millis") })
      const answers = yield* Effect.all(Array.from({ length: 5 }, () => ask(`${url}/token`)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(new Set(answers.map(([status]) => status)), new Set([200]))
      const tokens = new Set(answers.map(([, token]) => token))
      assert.strictEqual(tokens.size, 1)
      assert.isFalse(tokens.has(first))
      assert.strictEqual(yield* refreshes, 1)

      yield* ask(`${url}/refuse`)
      yield* SlackEmulator.inject({ fault: SlackEmulator.delay("2 seconds") })
      yield* Effect.timeout(ask(`${url}/token`), "300 millis").pipe(Effect.ignore)
      const [status, token] = yield* Effect.timeout(ask(`${url}/token`), "15 seconds")
      assert.strictEqual(status, 200)
      assert.isFalse(tokens.has(token))
    }).pipe(Effect.scoped, Effect.provide(overHttp())))
})
