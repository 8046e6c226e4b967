/** The first program of README.md, in a process of its own, against an emulated Slack on a port. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { build } from "esbuild"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import * as Path from "node:path"
import { root } from "./utils/bundle.js"
import { freePort } from "./utils/freePort.js"

const [, program = ""] = /^```ts no-run\n([^]*?)^```$/m.exec(Fs.readFileSync(Path.join(root, "README.md"), "utf8")) ??
  []

/** Runs the program on another port until the scope closes. The effect that this returns dies if the program ends. */
const start = (port: number, env: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const outfile = Path.join(root, ".tmp", "readme", `app-${port}.mjs`)
    yield* Effect.promise(() =>
      build({
        stdin: { contents: program.replaceAll("3000", String(port)), resolveDir: root, loader: "ts" },
        outfile,
        bundle: true,
        platform: "node",
        format: "esm",
        tsconfig: Path.join(root, "tsconfig.json"),
        packages: "external",
        alias: { "effect-slack-oauth": Path.join(root, "src/index.ts") },
        logLevel: "warning"
      })
    )
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [outfile], { env: { PATH: process.env.PATH, ...env } })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += String(chunk))
    return Effect.async<never>((resume) => {
      child.once("close", (code) => resume(Effect.die(new Error(`The program ended with ${code}: ${output}`))))
    })
  })

/** Follows no redirect, and waits for ten seconds at most. */
const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(10_000) })

describe("the first program of the README", () => {
  it("has at most fifteen lines", () => {
    assert.isAtMost(program.split("\n").filter((line) => line.trim() !== "").length, 15)
  })

  it.scopedLive("is installed, and answers a mention with a message", () =>
    Effect.gen(function*() {
      const port = yield* Effect.promise(freePort)
      const url = `http://localhost:${port}`
      const posted: Array<unknown> = []
      const slack = Layer.merge(SlackEmulator.serve(), SlackEmulator.layerSlackAppServed()).pipe(
        Layer.provideMerge(SlackEmulator.layer({
          apps: [{ redirectUris: [url], events: `${url}/slack/events` }],
          methods: { "chat.postMessage": ({ parameters }) => Effect.sync(() => ({ n: posted.push(parameters.text) })) }
        })),
        Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
      )
      yield* Effect.gen(function*() {
        const { baseUrl, clientId, clientSecret, signingSecret } = yield* SlackApp.SlackApp
        const ended = yield* start(port, {
          SLACK_BASE_URL: baseUrl,
          SLACK_CLIENT_ID: clientId,
          SLACK_CLIENT_SECRET: Redacted.value(clientSecret ?? Redacted.make("")),
          SLACK_SIGNING_SECRET: Redacted.value(signingSecret ?? Redacted.make("")),
          SLACK_TOKEN_KEYS: "plain"
        })
        yield* Effect.raceFirst(
          ended,
          Effect.gen(function*() {
            const begun = yield* Effect.tryPromise(() => get(`${url}/slack/install`)).pipe(
              Effect.retry(Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(200)))
            )
            const callback = yield* SlackEmulator.authorize({ url: begun.headers.get("location") ?? "" })
            const cookie = begun.headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ")
            const installed = yield* Effect.promise(() => get(callback.url, { cookie }))
            assert.strictEqual(installed.status, 303)
            const { state } = yield* SlackEmulator.send({ event: { type: "app_mention", channel: "C1", user: "U1" } })
            assert.strictEqual(state, "delivered")
            assert.deepStrictEqual(posted, ["Hello!"])
          })
        )
      }).pipe(Effect.provide(slack))
    }), 60_000)
})
