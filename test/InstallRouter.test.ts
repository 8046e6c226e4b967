import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { assert, describe, it } from "@effect/vitest"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as InstallRouter from "effect-slack-oauth/InstallRouter"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { createServer, request as httpRequest } from "node:http"
import { address } from "../src/internal/effect/servers.js"
import * as Observers from "./utils/effect/observers.js"
import { makeBrowser, origin, world } from "./utils/flowInBrowser.js"

const installs: Array<string> = []

const flow = InstallFlow.layer({
  publicUrl: `${origin}/behind/a/proxy`,
  botScopes: ["chat:write"],
  success: "page",
  onInstalled: ({ response }) => Effect.sync(() => installs.push(response.appId))
})

const Server = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })

// Effect 3 only
const withHttpRouter = Layer.unwrapEffect(
  Effect.map(InstallRouter.httpRouter, (router) =>
    HttpRouter.empty.pipe(
      HttpRouter.get("/", HttpServerResponse.text("home")),
      HttpRouter.concat(router),
      HttpServer.serve((app) => Effect.withSpan(app, "the application"))
    ))
)

const withLayerRouter = HttpLayerRouter.serve(
  Layer.mergeAll(
    InstallRouter.layerRoutes,
    HttpLayerRouter.add("GET", "/", HttpServerResponse.text("home"))
  ),
  { disableListenLog: true }
)

const strange = InstallFlow.layer({
  publicUrl: `${origin}/api/http:80`,
  installPath: "/los/häkchen",
  callbackPath: "/zurück:1/(x)",
  botScopes: ["chat:write"],
  withoutState: "reject",
  onInstalled: () => Effect.void
})

/** Each way to serve a flow, as a function from a path to the status of its answer. */
const servings = Effect.gen(function*() {
  const flow = yield* InstallFlow.InstallFlow
  // Effect 3 only
  const router = HttpApp.toWebHandler(yield* HttpRouter.toHttpApp(InstallRouter.toHttpRouter(flow)))
  const layerRouter = HttpLayerRouter.toWebHandler(
    Layer.provide(InstallRouter.layerRoutes, Layer.succeed(InstallFlow.InstallFlow, flow)),
    { disableLogger: true }
  )
  yield* Effect.addFinalizer(() => Effect.promise(layerRouter.dispose))
  const statusOf = (handler: (request: Request) => Promise<Response>) => (path: string) =>
    Effect.map(Effect.promise(() => handler(new Request(`http://10.0.0.1:8080${path}`))), ({ status }) => status)
  return {
    "the web handler": (path: string) =>
      Effect.map(flow.handle(new Request(`http://10.0.0.1:8080${path}`)), ({ status }) => status),
    // Effect 3 only
    HttpRouter: statusOf(router),
    HttpLayerRouter: statusOf((request) => layerRouter.handler(request))
  }
})

describe("the web handler, HttpRouter and HttpLayerRouter", () => {
  const install = "/los/h%C3%A4kchen"
  const callback = "/zur%C3%BCck:1/(x)"
  const found = (path: string, status: number) =>
    [
      path,
      `${path}/`,
      `${path}?code=a&code=b`,
      `${path}/?code=a&code=b`,
      path.toLowerCase(),
      path.toUpperCase(),
      path.replaceAll("/", "//"),
      path.replace("z", "%7A").replace("l", "%6c"),
      decodeURI(path),
      `${path};jsessionid=1`,
      `/api/http:80${path}`,
      `/api/http:80${path}/`,
      `/API/HTTP:80${path}`
    ].map((path) => [path, status] as const)

  const notFound = [
    "/",
    "/los",
    `${install}x`,
    `${install}/x`,
    `${install}%2F`,
    `${install}%`,
    `${install}%FF`,
    "/los/h%E4kchen",
    "/los/h%25C3%25A4kchen",
    "/zur%C3%BCck/1/(x)",
    "/zur%C3%BCckx/(x)",
    "/zur%C3%BCck:2/(x)",
    "/zur%C3%BCck:1/x",
    `/api${callback}`,
    `/api/https${callback}`,
    `/api/http:80/api/http:80${callback}`
  ].map((path) => [path, 404] as const)

  it.scoped("serve the same addresses, with the path of the public URL and without it, and no others", () =>
    Effect.gen(function*() {
      const wrong: Array<string> = []
      // An install begins with 302; a callback without a code, or with two, is a 400.
      for (const [path, status] of [...found(install, 302), ...found(callback, 400), ...notFound]) {
        for (const [name, statusOf] of Object.entries(yield* servings)) {
          const actual = yield* statusOf(path)
          if (actual !== status) wrong.push(`${name} answers ${path} with ${actual} instead of ${status}`)
        }
      }
      assert.deepStrictEqual(wrong, [])
    }).pipe(Effect.provide(Layer.provideMerge(strange, world()))))
})

/** A request through a proxy: another host, another scheme, no prefix. */
const site = Effect.map(address, (address) => (request: Request) => {
  const port = address?.port
  const { pathname, search } = new URL(request.url)
  return Effect.async<Response>((resume) => {
    httpRequest({
      host: "127.0.0.1",
      port,
      method: request.method,
      path: pathname.replace("/behind/a/proxy", "") + search,
      headers: { ...Object.fromEntries(request.headers), host: "evil.test", "x-forwarded-host": "evil.test" }
    }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
        const headers = new Headers()
        for (let at = 0; at < response.rawHeaders.length; at += 2) {
          headers.append(response.rawHeaders[at] ?? "", response.rawHeaders[at + 1] ?? "")
        }
        const body = Buffer.concat(chunks)
        resume(
          Effect.succeed(new Response(body.length === 0 ? null : body, { status: response.statusCode ?? 0, headers }))
        )
      })
    }).end()
  })
})

const servers = [
  // Effect 3 only: Effect 4 has one router
  ["HttpRouter", withHttpRouter],
  ["HttpLayerRouter", withLayerRouter]
] as const

for (const [name, routes] of servers) {
  const Live = routes.pipe(
    Layer.provide(flow),
    Layer.provideMerge(world()),
    Layer.provideMerge(Server)
  )

  describe(name, () => {
    it.effect("serves the flow beside other routes, at the configured address and not at that of the Host header", () =>
      Effect.gen(function*() {
        installs.length = 0
        const browser = makeBrowser(yield* site)
        assert.strictEqual(
          yield* Effect.flatMap(browser.get(`${origin}/`), (home) => Effect.promise(() => home.text())),
          "home"
        )
        const begun = yield* browser.begin("/slack/install")
        assert.strictEqual(
          new URL(begun).searchParams.get("redirect_uri"),
          "https://example.com/behind/a/proxy/slack/oauth_redirect"
        )
        const { url } = yield* SlackEmulator.authorize({ url: begun })
        const head = yield* browser.get(url, { method: "HEAD" })
        assert.strictEqual(head.status, 200)
        const response = yield* browser.get(url)
        assert.strictEqual(response.status, 200)
        assert.include(yield* Effect.promise(() => response.text()), "Open Slack")
        assert.strictEqual(response.headers.get("referrer-policy"), "no-referrer")
        assert.strictEqual(response.headers.get("content-type"), "text/html; charset=utf-8")
        assert.strictEqual(installs.length, 1)
        const failed = yield* browser.get(`${origin}/slack/oauth_redirect?code=x&code=y`)
        assert.strictEqual(failed.status, 400)
      }).pipe(Effect.provide(Live)))

    it.effect("keeps code and state out of request logs and spans", () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const spans: Array<
          { readonly name: string; readonly attributes: Map<string, unknown>; readonly hasParent: boolean }
        > = []
        const logger = Observers.logger(({ annotations, message }) => {
          lines.push(`${String(message)} ${Object.entries(annotations).join(" ")}`)
        })
        const tracer = Observers.tracer(({ name, parent }) => {
          const span = { name, attributes: new Map<string, unknown>(), hasParent: Option.isSome(parent) }
          spans.push(span)
          return span
        })
        const url = yield* Effect.gen(function*() {
          const browser = makeBrowser(yield* site)
          const { url } = yield* SlackEmulator.authorize({ url: yield* browser.begin("/slack/install") })
          yield* browser.get(url)
          yield* browser.get(`${origin}/`)
          return url
        }).pipe(
          Effect.provide(Live),
          Observers.withLoggers(logger),
          Logger.withMinimumLogLevel(LogLevel.All),
          Effect.withTracer(tracer)
        )
        const { searchParams } = new URL(url)
        const attributes = spans.map((span) => `${span.name} ${JSON.stringify(Array.from(span.attributes))}`).join("\n")
        for (const secret of ["code", "state"].map((name) => searchParams.get(name) ?? "")) {
          assert.isAbove(secret.length, 10)
          assert.notInclude(lines.join("\n"), secret)
          // The answer of `begin` has the state in its Location header, which the server's span records.
          const callbacks = attributes.split("\n").filter((line) => !line.includes("/oauth/v2/authorize"))
          assert.notInclude(callbacks.join("\n"), secret)
        }
        assert.include(attributes, "/slack/oauth_redirect")
        assert.isTrue(spans.some(({ hasParent, name }) => name === "InstallFlow.callback" && hasParent))
      }))
  })
}
