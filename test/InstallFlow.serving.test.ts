/** Serving a flow: responses as pages, HTTP/2, and a layer that cannot be built. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as InstallRouter from "effect-slack-oauth/InstallRouter"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as TestClock from "effect/TestClock"
import * as Http from "node:http"
import * as Http2 from "node:http2"
import { address } from "../src/internal/effect/servers.js"
import { allowed, counted, installed, makeBrowser, origin, world } from "./utils/flowInBrowser.js"

const text = (response: Response) => Effect.promise(() => response.text())

/** The answer to a whole install. */
const install = (options: Partial<InstallFlow.Options<void>>) =>
  Effect.gen(function*() {
    const { flow } = yield* counted(options)
    return yield* installed(flow)
  })

// -------------------------------------------------------------------------------------

describe("a response as a page", () => {
  it.scoped("works for every install, although a response can be read only once", () =>
    Effect.gen(function*() {
      const { flow, installs } = yield* counted({
        success: new Response("<p>Welcome</p>", { headers: { "content-type": "text/html" } })
      })
      for (let time = 1; time <= 3; time++) {
        const response = yield* installed(flow)
        assert.strictEqual(yield* text(response), "<p>Welcome</p>")
        assert.strictEqual(response.headers.get("content-type"), "text/html")
        assert.strictEqual(installs.length, time)
      }
    }).pipe(Effect.provide(world())))

  it.scoped("works for every request: as the page of a failure, as the landing page, and from begin", () =>
    Effect.gen(function*() {
      const failed = new Response("failed", { status: 418 })
      const landing = new Response("landing")
      const login = new Response("log in first", { status: 401 })
      const pages = yield* counted({ landing: true, pages: { failed: () => failed, landing: () => landing } })
      const begin = yield* InstallFlow.make({
        publicUrl: origin,
        botScopes: ["chat:write"],
        begin: () => Effect.succeed(login),
        onInstalled: () => Effect.void
      })
      for (let time = 0; time < 3; time++) {
        assert.strictEqual(yield* text(yield* pages.browser.get(`${origin}/slack/oauth_redirect`)), "failed")
        assert.strictEqual(yield* text(yield* pages.browser.get(`${origin}/slack/install`)), "landing")
        assert.strictEqual(yield* text(yield* begin.handle(new Request(`${origin}/slack/install`))), "log in first")
      }
    }).pipe(Effect.provide(world())))

  it.scoped("may have a status without a body", () =>
    Effect.gen(function*() {
      for (const status of [204, 205, 304]) {
        const response = yield* install({ success: () => new Response(null, { status }) })
        assert.strictEqual(response.status, status)
        assert.strictEqual(yield* text(response), "")
        assert.strictEqual(response.headers.get("cache-control"), "no-store")
      }
    }).pipe(Effect.provide(world())))

  it.scoped("has the length of its body, whatever its content-length says", () =>
    Effect.gen(function*() {
      const response = yield* install({ success: new Response("all of it", { headers: { "content-length": "3" } }) })
      assert.isNull(response.headers.get("content-length"))
      assert.strictEqual(yield* text(response), "all of it")
    }).pipe(Effect.provide(world())))

  it.scoped("that cannot be sent is replaced by the built-in page", () =>
    Effect.gen(function*() {
      const spent = new Response("spent")
      yield* text(spent)
      const foreign = (fields: object) =>
        ({
          status: 200,
          headers: new Headers(),
          arrayBuffer: () => Promise.resolve(new ArrayBuffer(0)),
          clone() {
            return this
          },
          ...fields
        }) as unknown as Response
      const pages: Record<string, InstallFlow.Page> = {
        "a network error": Response.error(),
        "a body that was read": spent,
        "a body that fails": new Response(new ReadableStream({ pull: (controller) => controller.error("canary") })),
        "a status below 200": foreign({ status: 101 }),
        "a status above 599": foreign({ status: 600 }),
        "a header name with a space": foreign({ headers: [["a b", "x"]] }),
        "a header value with a line end": foreign({ headers: [["a", "x\r\ny"]] }),
        "a header value beyond one byte": foreign({ headers: [["a", "\u{1f600}"]] }),
        "headers that are no list": foreign({ headers: null }),
        "no page": { status: 200, headers: [] } as unknown as InstallFlow.Page
      }
      for (const [name, page] of Object.entries(pages)) {
        const installed = yield* install({ success: () => page })
        assert.strictEqual(installed.status, 200, name)
        assert.include(yield* text(installed), "Open Slack", name)
        const replaced = yield* install({ success: "page", pages: { installed: () => page } })
        assert.include(yield* text(replaced), "Open Slack", name)
        const { browser } = yield* counted({ pages: { failed: () => page } })
        const failed = yield* browser.get(`${origin}/slack/oauth_redirect`)
        assert.strictEqual(failed.status, 400, name)
        assert.include(yield* text(failed), "<!doctype html>", name)
      }
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None), Effect.provide(world())))

  it.scoped("that never ends is replaced by the built-in page after five seconds", () =>
    Effect.gen(function*() {
      const asked = yield* Deferred.make<void>()
      const { browser } = yield* counted({
        success: () => {
          Deferred.unsafeDone(asked, Effect.void)
          return new Response(new ReadableStream())
        }
      })
      const url = yield* allowed(browser)
      const response = yield* Effect.fork(browser.get(url))
      yield* Deferred.await(asked)
      yield* TestClock.adjust("5 seconds")
      assert.include(yield* text(yield* Fiber.join(response)), "Open Slack")
      assert.strictEqual((yield* browser.get(url)).status, 200, "and a reload shows the same")
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None), Effect.provide(world())))
})

// -------------------------------------------------------------------------------------

const bytes = new Uint8Array([0, 255, 128, 13, 10])

const routes = HttpLayerRouter.serve(InstallRouter.layerRoutes, { disableListenLog: true }).pipe(
  Layer.provide(InstallFlow.layer({
    publicUrl: origin,
    botScopes: ["chat:write"],
    success: () => new Response(bytes, { headers: { "content-type": "application/octet-stream" } }),
    onInstalled: () => Effect.void
  })),
  Layer.provideMerge(world())
)

const port = Effect.map(address, (address) => address?.port ?? 0)

describe("over HTTP/2", () => {
  const Live = Layer.provideMerge(
    routes,
    NodeHttpServer.layer(() => Http2.createServer() as unknown as Http.Server, { port: 0, host: "127.0.0.1" })
  )

  /** What a browser sends: each cookie in a header field of its own (RFC 9113 §8.2.3). */
  const site = (session: Http2.ClientHttp2Session) => (request: Request) =>
    Effect.promise(() =>
      new Promise<Response>((resolve, reject) => {
        const { pathname, search } = new URL(request.url)
        const stream = session.request({
          ":method": request.method,
          ":path": pathname + search,
          cookie: request.headers.get("cookie")?.split("; ") ?? []
        })
        stream.on("error", reject).on("response", (fields) => {
          const headers = new Headers()
          for (const [name, value] of Object.entries(fields)) {
            if (name.startsWith(":")) continue
            for (const each of Array.isArray(value) ? value : [value]) headers.append(name, String(each))
          }
          const chunks: Array<Buffer> = []
          stream.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
            const body = Buffer.concat(chunks)
            resolve(new Response(body.length === 0 ? null : body, { status: Number(fields[":status"]), headers }))
          })
        }).end()
      })
    )

  it.effect("a whole install works, and a page of bytes arrives unchanged", () =>
    Effect.gen(function*() {
      const session = yield* Effect.acquireRelease(
        Effect.map(port, (port) => Http2.connect(`http://127.0.0.1:${port}`)),
        (session) => Effect.sync(() => session.destroy())
      )
      const browser = makeBrowser(site(session))
      yield* browser.begin()
      const response = yield* browser.get(yield* allowed(browser))
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(new Uint8Array(yield* Effect.promise(() => response.arrayBuffer())), bytes)
      assert.strictEqual((yield* browser.get(`${origin}/slack/oauth_redirect`)).status, 400)
      // The connection is closed before the server, which waits for it.
    }).pipe(Effect.scoped, Effect.provide(Live)))
})

// -------------------------------------------------------------------------------------

describe("the web handler", () => {
  const flow = InstallFlow.layer({ publicUrl: origin, botScopes: ["chat:write"], onInstalled: () => Effect.void }).pipe(
    Layer.provide(PendingInstall.layerMemory()),
    Layer.provide(OAuthV2.layerTest({})),
    Layer.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" }))
  )

  /** A flow over a resource that fails `failures` times, with a record of its uses. */
  const flaky = (failures: number, failure: Effect.Effect<never, string>) => {
    const seen = { acquired: 0, built: 0, released: 0 }
    const first = Layer.scopedDiscard(Effect.acquireRelease(
      Effect.sync(() => {
        seen.acquired++
      }),
      () =>
        Effect.sync(() => {
          seen.released++
        })
    ))
    const second = Layer.effectDiscard(
      Effect.suspend(() => seen.acquired <= failures ? failure : Effect.sync(() => void seen.built++))
    )
    const layer = flow.pipe(
      Layer.provide(second),
      Layer.provide(first),
      Layer.provide(Logger.remove(Logger.defaultLogger))
    )
    return { seen, layer }
  }

  const begin = () => new Request(`${origin}/slack/install`)

  // The reason why a layer cannot be built is logged by the default logger: its own does not exist yet.
  beforeEach(() => {
    vi.spyOn(globalThis.console, "log").mockImplementation(() => {})
  })
  // Test files share a process, so a test that hangs must not leave its timers to the next file.
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  it("answers 503 when its layer cannot be built, and builds it again for the next request", async () => {
    for (const failure of [Effect.fail("the database is down"), Effect.die(new Error("a bug"))]) {
      const { layer, seen } = flaky(2, failure)
      const { dispose, handler } = InstallFlow.toWebHandler(layer)
      for (const time of [1, 2]) {
        const response = await handler(begin())
        assert.strictEqual(response.status, 503)
        assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/)
        assert.strictEqual(response.headers.get("cache-control"), "no-store")
        assert.notInclude(await response.text(), "database")
        assert.deepStrictEqual(seen, { acquired: time, built: 0, released: time })
      }
      assert.strictEqual((await handler(begin())).status, 302)
      assert.strictEqual((await handler(begin())).status, 302)
      assert.deepStrictEqual(seen, { acquired: 3, built: 1, released: 2 })
      await dispose()
      assert.strictEqual(seen.released, 3)
    }
  })

  it("builds its layer once for concurrent requests, also if that fails", async () => {
    const { layer, seen } = flaky(1, Effect.zipRight(Effect.yieldNow(), Effect.fail("no")))
    const { dispose, handler } = InstallFlow.toWebHandler(layer)
    const both = async () => (await Promise.all([handler(begin()), handler(begin())])).map(({ status }) => status)
    assert.deepStrictEqual(await both(), [503, 503])
    assert.strictEqual(seen.acquired, 1)
    assert.deepStrictEqual(await both(), [302, 302])
    assert.strictEqual(seen.acquired, 2)
    await dispose()
  })

  it("gives up a build after 30 seconds, and builds again for the next request", async () => {
    const { layer, seen } = flaky(1, Effect.never)
    const { dispose, handler } = InstallFlow.toWebHandler(layer)
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] })
    const waiting = handler(begin())
    await vi.advanceTimersByTimeAsync(31_000)
    assert.strictEqual((await waiting).status, 503)
    vi.useRealTimers()
    assert.strictEqual(seen.released, 1)
    assert.strictEqual((await handler(begin())).status, 302)
    await dispose()
  })

  it("builds nothing after dispose", async () => {
    for (const used of [true, false]) {
      const { layer, seen } = flaky(0, Effect.fail("no"))
      const { dispose, handler } = InstallFlow.toWebHandler(layer)
      if (used) await handler(begin())
      await dispose()
      await dispose()
      assert.strictEqual((await handler(begin())).status, 503)
      assert.deepStrictEqual(seen.acquired, used ? 1 : 0)
      assert.deepStrictEqual(seen.released, seen.acquired)
    }
  })
})
