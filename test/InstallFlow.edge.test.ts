import { assert, describe, it, vi } from "@effect/vitest"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { build } from "esbuild"
import * as Path from "node:path"
import * as Vm from "node:vm"
import type { makeApp } from "./utils/edgeApp.js"
import { makeBrowser, origin } from "./utils/flowInBrowser.js"

/** What Workers, Deno, Bun, browsers and Node all have. */
const webGlobals = {
  AbortController,
  AbortSignal,
  Headers,
  Request,
  Response,
  ReadableStream,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  atob,
  btoa,
  clearTimeout,
  crypto,
  queueMicrotask,
  setTimeout
}

/** One script with everything, for a host without modules. The bundler does not know Node's builtins. */
const bundle = Effect.promise(async () => {
  const { metafile, outputFiles, warnings } = await build({
    entryPoints: [Path.resolve(import.meta.dirname, "utils/edgeApp.ts")],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    platform: "browser",
    format: "iife",
    globalName: "edge",
    target: "es2022",
    logLevel: "silent"
  })
  assert.deepStrictEqual(warnings, [])
  return { text: outputFiles[0]?.text ?? "", modules: Object.keys(metafile.inputs) }
})

describe("the web handler", () => {
  it.live("runs a whole install with web globals only", () =>
    Effect.gen(function*() {
      const emulator = yield* SlackEmulator.SlackEmulator
      const asked: Array<string> = []
      const fetch = (input: string | URL, init: RequestInit) =>
        Effect.runPromise(Effect.gen(function*() {
          const url = new URL(input)
          asked.push(`${url}`)
          const outcome = yield* emulator.handle({
            method: init.method ?? "GET",
            url,
            headers: Object.fromEntries(new Headers(init.headers)),
            body: Effect.promise(() => new Response(init.body ?? null).text())
          })
          return outcome._tag === "Answered" ? new Response(outcome.body, outcome) : Response.error()
        }))

      const context = Vm.createContext({ ...webGlobals, fetch })
      assert.deepStrictEqual(
        Vm.runInContext(
          `["process", "Buffer", "require", "global", "setImmediate", "module"].filter((name) => name in globalThis)`,
          context
        ),
        []
      )
      Vm.runInContext((yield* bundle).text, context)

      const installed: Array<string> = []
      const { app } = emulator
      const { dispose, handler } = (Vm.runInContext("edge.makeApp", context) as typeof makeApp)({
        clientId: app.clientId,
        clientSecret: Redacted.value(app.clientSecret),
        cookieKey: Buffer.alloc(32, 1).toString("base64")
      }, installed)

      const browser = makeBrowser((request) => Effect.promise(() => handler(request)))
      const begun = yield* browser.begin()
      assert.match(Array.from(browser.jar.values())[0] ?? "", /\.v1\.k1\.[\w-]+$/)
      const { url } = yield* SlackEmulator.authorize({ url: begun })
      const response = yield* browser.get(url)
      assert.strictEqual(response.status, 200)
      assert.include(yield* Effect.promise(() => response.text()), "Open Slack")
      assert.deepStrictEqual(installed, [app.id])
      assert.deepStrictEqual(asked, ["https://slack.com/api/oauth.v2.access"])
      assert.strictEqual((yield* browser.get(url)).status, 200, "a reload shows the same")
      assert.strictEqual((yield* browser.get(`${origin}/slack/oauth_redirect?code=a&code=b`)).status, 400)
      assert.strictEqual((yield* browser.get(`${origin}/elsewhere`)).status, 404)
      yield* Effect.promise(dispose)
    }).pipe(Effect.provide(SlackEmulator.layer({ apps: [{ pkce: true }] }))))

  it.live("has no router in its bundle", () =>
    Effect.map(bundle, ({ modules }) => {
      assert.isAbove(modules.length, 100)
      assert.deepStrictEqual(modules.filter((module) => /router|find-my-way/i.test(module)), [])
    }))

  it("answers 503 when the layer cannot be built, and logs the reason", async () => {
    const { makeApp } = await import("./utils/edgeApp.js")
    const { handler } = makeApp({ clientId: "", clientSecret: "x", cookieKey: "x" }, [])
    const log = vi.spyOn(globalThis.console, "log").mockImplementation(() => {})
    try {
      const response = await handler(new Request(origin))
      assert.strictEqual(response.status, 503)
      assert.notMatch(await response.text(), /32 bytes|client id/)
      assert.match(log.mock.calls.join(), /The key k1 is not 32 bytes|client id is empty/)
    } finally {
      log.mockRestore()
    }
  })
})
