/**
 * The pages of the emulator, for people: what they say, and how they look on a phone and in the dark.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer, get } from "node:http"
import { browserForTests } from "./utils/chromium.js"
import * as Consent from "./utils/consentPage.js"
import { inMemory, send } from "./utils/emulator.js"
import { acquire } from "./utils/resources.js"

const withBrowser = await acquire(browserForTests)

const options: SlackEmulator.Options = {
  apps: [{ id: "A0TEA", name: "Tea & <Biscuits>" }],
  workspaces: [{ id: "T0TEA", name: "Tea Room" }]
}

describe("the pages of the emulator", () => {
  it.effect("say where Slack would open the app", () =>
    Effect.gen(function*() {
      const page = yield* send("GET", "/app_redirect?app=A0TEA&team=T0TEA")
      assert.strictEqual(page.status, 200)
      assert.include(Consent.textOf(page.text), "Tea & <Biscuits> would open here")
      assert.include(Consent.textOf(page.text), "in Tea Room")
      assert.notInclude(page.text, "<Biscuits>")
      assert.strictEqual((yield* send("GET", "/app_redirect?app=A0TEA")).status, 200)
      const stranger = yield* send("GET", "/app_redirect?app=A0NOBODY")
      assert.strictEqual(stranger.status, 404)
      assert.include(Consent.textOf(stranger.text), "app_not_found")
    }).pipe(Effect.provide(inMemory(options))))

  it.effect("say at an unknown address what the emulator has", () =>
    Effect.gen(function*() {
      const page = yield* send("GET", "/<script>alert(1)</script>")
      assert.strictEqual(page.status, 404)
      assert.include(Consent.textOf(page.text), "/oauth/v2/authorize")
      assert.notInclude(page.text, "<script")
    }).pipe(Effect.provide(inMemory(options))))

  it.effect("have an icon, and are not in the history", () =>
    Effect.gen(function*() {
      const icon = yield* send("GET", "/favicon.ico")
      assert.deepStrictEqual([icon.status, icon.headers["content-type"]], [200, "image/svg+xml"])
      assert.deepStrictEqual(yield* SlackEmulator.calls, [])
    }).pipe(Effect.provide(inMemory(options))))

  const live = SlackEmulator.serve({ control: true }).pipe(
    Layer.provideMerge(inMemory({ ...options, organizations: [{ name: "An organization with a long name" }] })),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
  )

  /** The pages that a person meets, with much text. */
  const paths = Effect.gen(function*() {
    const { code } = yield* SlackEmulator.authorize()
    yield* OAuthV2.access({ code })
    yield* SlackEmulator.inject({ fault: SlackEmulator.code("fatal_error") })
    const { clientId } = yield* SlackEmulator.app
    const scope = `incoming-webhook,${"conversations.connect:manage,admin.conversations:write,".repeat(3)}${
      "x".repeat(90)
    }`
    return [
      `/oauth/v2/authorize?${new URLSearchParams({ client_id: clientId, scope, user_scope: "search:read" })}`,
      `/oauth/v2/authorize?${new URLSearchParams({ client_id: clientId, scope, redirect_uri: "https://a.b" })}`,
      `/app_redirect?app=A0TEA&team=T0TEA`,
      `/${"nowhere".repeat(20)}`,
      "/control"
    ]
  })

  /** The lowest contrast of a text with what is behind it (WCAG 2.2, 1.4.3), and how wide the page is. */
  const look = `(() => {
    const parse = (color) => color.match(/[\\d.]+/g).map(Number)
    const light = (color) => {
      const [r, g, b] = parse(color).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const back = (element) => {
      const color = getComputedStyle(element).backgroundColor
      return parse(color)[3] === 0 && element.parentElement ? back(element.parentElement) : color
    }
    const texts = [...document.querySelectorAll("main *, footer")].filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ""))
    const contrasts = texts.map((element) => {
      const [a, b] = [light(getComputedStyle(element).color), light(back(element))].sort((a, b) => b - a)
      return (a + 0.05) / (b + 0.05)
    })
    return { contrast: Math.min(...contrasts), width: document.documentElement.scrollWidth, back: back(document.body) }
  })()`

  it.scopedLive("answer every address of a request, also one that is none", () =>
    Effect.gen(function*() {
      const { address } = yield* HttpServer.HttpServer
      const port = address._tag === "TcpAddress" ? address.port : assert.fail("no port")
      const statusOf = (path: string) =>
        Effect.async<number | undefined>((resume) => {
          get({ host: "127.0.0.1", port, path }, (response) => {
            response.resume()
            resume(Effect.succeed(response.statusCode))
          })
        })
      for (const path of ["//", "//x:y", "//example.com/oauth/v2/authorize", "http://x:99999/", "*", "/%E0%A4%A"]) {
        assert.strictEqual(yield* statusOf(path), 404, path)
      }
    }).pipe(Effect.provide(live)))

  it.scopedLive("fit a phone, in light and in dark colours", () =>
    withBrowser(({ newTab }) =>
      Effect.gen(function*() {
        const { address } = yield* HttpServer.HttpServer
        const base = address._tag === "TcpAddress" ? `http://127.0.0.1:${address.port}` : assert.fail("no port")
        const page = yield* newTab
        const complaints: Array<string> = []
        page.on("console", (message) => complaints.push(message.text()))
        yield* Effect.promise(() => page.setViewportSize({ width: 375, height: 800 }))
        for (const path of yield* paths) {
          const backs = new Set<string>()
          for (const colorScheme of ["light", "dark"] as const) {
            yield* Effect.promise(() => page.emulateMedia({ colorScheme }))
            yield* Effect.promise(() => page.goto(`${base}${path}`))
            const seen = yield* Effect.promise(() =>
              page.evaluate<{ contrast: number; width: number; back: string }>(look)
            )
            assert.isAtMost(seen.width, 375, `${path} is too wide`)
            assert.isAtLeast(seen.contrast, 4.5, `${path} in the ${colorScheme}`)
            backs.add(seen.back)
          }
          assert.strictEqual(backs.size, 2, `${path} is dark in the dark`)
        }
        const isOurs = (complaint: string) => !complaint.includes("Failed to load resource: the server responded with")
        assert.deepStrictEqual(complaints.filter(isOurs), [])
      })
    ).pipe(Effect.provide(live)))
})
