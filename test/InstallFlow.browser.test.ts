/** The flow in a real browser. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { browserForTests, click, heading } from "./utils/chromium.js"
import { answer, makeRawServer } from "./utils/rawServer.js"
import { acquire } from "./utils/resources.js"
import { begin, go, startSite } from "./utils/siteInBrowser.js"

const withBrowser = await acquire(browserForTests)

describe("in Chromium", () => {
  for (const pkce of [false, true]) {
    it.scopedLive(
      `Add to Slack, Allow, installed: ${pkce ? "with" : "without"} PKCE`,
      () =>
        withBrowser(({ newTab }) =>
          Effect.gen(function*() {
            const site = yield* startSite({}, { apps: [{ pkce }], workspaces: [{ name: "Tom & <Jerry>" }] })
            const page = yield* newTab
            const complaints: Array<string> = []
            page.on("console", (message) => complaints.push(message.text()))
            page.on("pageerror", (error) => complaints.push(error.message))
            yield* begin(page, site.installUrl)
            assert.strictEqual(page.url().includes("code_challenge="), pkce)
            yield* click(page, "button", "Allow")
            assert.strictEqual(yield* heading(page), "Installed")
            assert.include(yield* Effect.promise(() => page.getByRole("main").innerText()), "Tom & <Jerry>")
            const button = page.getByRole("link", { name: "Open Slack" })
            const color = yield* Effect.promise(() =>
              button.evaluate((element) => getComputedStyle(element).backgroundColor)
            )
            assert.strictEqual(color, "rgb(74, 21, 75)", "the policy lets the page's own style through")
            assert.strictEqual(site.installs.length, 1)
            assert.deepStrictEqual(complaints.filter((text) => !text.includes("favicon")), [])
          })
        ),
      60_000
    )
  }

  it.scopedLive(
    "Cancel shows a page from which the person can start again",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const site = yield* startSite()
          const page = yield* newTab
          yield* begin(page, site.installUrl)
          const [response] = yield* Effect.all([
            Effect.promise(() => page.waitForResponse((response) => response.url().startsWith(site.callbackUrl))),
            click(page, "button", "Cancel")
          ], { concurrency: "unbounded" })
          assert.strictEqual(response.status(), 403)
          assert.strictEqual(yield* heading(page), "Not installed")
          yield* click(page, "link", "Start again")
          yield* click(page, "link", "Add to Slack")
          yield* click(page, "button", "Allow")
          assert.strictEqual(yield* heading(page), "Installed")
          assert.strictEqual(site.installs.length, 1)
        })
      ),
    60_000
  )

  it.scopedLive("two tabs at once both succeed", () =>
    withBrowser(({ newTab }) =>
      Effect.gen(function*() {
        const site = yield* startSite()
        const [one, two] = [yield* newTab, yield* newTab]
        yield* begin(one, site.installUrl)
        yield* begin(two, site.installUrl)
        yield* Effect.all([click(one, "button", "Allow"), click(two, "button", "Allow")], { concurrency: "unbounded" })
        assert.strictEqual(yield* heading(one), "Installed")
        assert.strictEqual(yield* heading(two), "Installed")
        assert.strictEqual(site.installs.length, 2)
      })
    ), 60_000)

  it.scopedLive(
    "reload and the back button show the result again and install nothing twice",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const site = yield* startSite()
          const page = yield* newTab
          yield* begin(page, site.installUrl)
          yield* click(page, "button", "Allow")
          for (let round = 0; round < 2; round++) {
            const response = yield* Effect.promise(() => page.reload())
            assert.strictEqual(response?.status(), 200)
            assert.strictEqual(yield* heading(page), "Installed")
          }
          assert.strictEqual(yield* site.tokenRequests, 1)

          yield* Effect.promise(() => page.goBack())
          assert.include(yield* heading(page), "is requesting permission")
          yield* Effect.promise(() => page.goForward())
          assert.strictEqual(yield* heading(page), "Installed")

          yield* Effect.promise(() => page.goBack())
          yield* click(page, "button", "Allow")
          assert.strictEqual(yield* heading(page), "This link has been used")
          assert.strictEqual(yield* site.tokenRequests, 1)
          assert.strictEqual(site.installs.length, 1)
        })
      ),
    60_000
  )

  it.scopedLive("a double click is one install", () =>
    withBrowser(({ newTab }) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        const site = yield* startSite({ onInstalled: () => Deferred.await(gate) })
        const page = yield* newTab
        yield* begin(page, site.installUrl)
        const callback = () => page.waitForRequest((request) => request.url().startsWith(site.callbackUrl))
        const first = callback()
        // The click does not end before the page is loaded.
        const clicking = page.getByRole("button", { name: "Allow" }).click({ noWaitAfter: true }).catch(() => {})
        const { url } = yield* Effect.map(Effect.promise(() => first), (request) => ({ url: request.url() }))
        // A second load of the same address, while the first one is running.
        const second = callback()
        const loading = page.goto(url)
        yield* Effect.promise(() => second)
        yield* Deferred.succeed(gate, void 0)
        yield* Effect.promise(() => Promise.all([loading, clicking]))
        assert.strictEqual(yield* heading(page), "Installed")
        assert.strictEqual(yield* site.tokenRequests, 1)
      })
    ), 60_000)

  it.scopedLive(
    "an install that was started on Slack's pages is bounced once, and succeeds",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const site = yield* startSite()
          const { url } = yield* site.emulator.authorize({ scopes: ["chat:write"], redirectUri: site.callbackUrl })
          const page = yield* newTab
          yield* go(page, url)
          assert.include(yield* heading(page), "is requesting permission")
          assert.match(new URL(page.url()).searchParams.get("state") ?? "", /^[\w-]{43}$/)
          yield* click(page, "button", "Allow")
          assert.strictEqual(yield* heading(page), "Installed")
          assert.strictEqual(yield* site.tokenRequests, 1)
        })
      ),
    60_000
  )

  it.scopedLive(
    "when the application fails, Try again finishes with the same tokens",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          let runs = 0
          const site = yield* startSite({ onInstalled: () => ++runs === 1 ? Effect.fail("no") : Effect.void })
          const page = yield* newTab
          yield* begin(page, site.installUrl)
          yield* click(page, "button", "Allow")
          assert.strictEqual(yield* heading(page), "Almost there")
          yield* click(page, "link", "Try again")
          assert.strictEqual(yield* heading(page), "Installed")
          assert.strictEqual(runs, 2)
          assert.strictEqual(yield* site.tokenRequests, 1)
        })
      ),
    60_000
  )

  it.scopedLive("works with the keyboard alone", () =>
    withBrowser(({ newTab }) =>
      Effect.gen(function*() {
        const site = yield* startSite()
        const page = yield* newTab
        const press = (key: string) => Effect.promise(() => page.keyboard.press(key))
        /** Moves the focus by Tab to the element with the text, checks that the focus is visible, and presses Enter. */
        const enter = (text: string) =>
          Effect.gen(function*() {
            for (let presses = 0; presses < 20; presses++) {
              yield* press("Tab")
              const focused = yield* Effect.promise(() =>
                page.evaluate(() => {
                  const { activeElement } = document
                  return {
                    text: activeElement?.textContent?.trim(),
                    outline: activeElement === null ? "none" : getComputedStyle(activeElement).outlineStyle
                  }
                })
              )
              if (focused.text !== text) continue
              assert.notStrictEqual(focused.outline, "none", "one sees where one is")
              yield* Effect.all([Effect.promise(() => page.waitForNavigation()), press("Enter")], {
                concurrency: "unbounded"
              })
              return
            }
            assert.fail(`Tab never comes to ${text}`)
          })
        yield* go(page, site.installUrl)
        yield* enter("Add to Slack")
        yield* enter("Cancel")
        assert.strictEqual(yield* heading(page), "Not installed")
        yield* enter("Start again")
        yield* enter("Add to Slack")
        yield* enter("Allow")
        assert.strictEqual(yield* heading(page), "Installed")
      })
    ), 60_000)

  it.scopedLive(
    "a prefetch of the callback uses up neither the code nor the state",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const site = yield* startSite({ landing: false })
          const page = yield* newTab
          yield* go(page, site.installUrl)
          const { url } = yield* site.emulator.authorize({ url: page.url() })
          yield* go(page, site.url)
          const [response] = yield* Effect.all([
            Effect.promise(() => page.waitForResponse(url)),
            Effect.promise(() =>
              page.evaluate((href) => {
                const link = document.createElement("link")
                link.rel = "prefetch"
                link.href = href
                document.head.append(link)
              }, url)
            )
          ], { concurrency: "unbounded" })
          assert.strictEqual(response.status(), 425)
          assert.strictEqual(yield* site.tokenRequests, 0)
          yield* go(page, url)
          assert.strictEqual(yield* heading(page), "Installed")
        })
      ),
    60_000
  )

  it.scopedLive(
    "after a redirect the address with the code is neither in the history nor in a Referer",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const site = yield* startSite({ success: "/" })
          const page = yield* newTab
          const referers: Array<string | undefined> = []
          page.on("request", (request) => {
            if (!request.url().includes("/oauth/v2/")) referers.push(request.headers()["referer"])
          })
          yield* begin(page, site.installUrl)
          yield* click(page, "button", "Allow")
          yield* Effect.promise(() => page.waitForURL(`${site.url}/`))
          yield* Effect.promise(() => page.goBack())
          assert.notInclude(page.url(), "code=")
          assert.include(yield* heading(page), "is requesting permission")
          assert.isFalse(referers.some((referer) => referer?.includes("code=") === true))
        })
      ),
    60_000
  )

  it.scopedLive(
    "a cookie whose name begins with the byte 0xA0 does not make this browser finish somebody else's install",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const site = yield* startSite({ landing: false })
          const begun = yield* Effect.promise(() => fetch(site.installUrl, { redirect: "manual" }))
          const [cookie = ""] = begun.headers.getSetCookie()
          const { url } = yield* site.emulator.authorize({ url: begun.headers.get("location") ?? "" })

          // Another server on this host, like a subdomain. It sets the attacker's cookie under another name.
          const other = yield* makeRawServer((_, socket) => {
            const headers = { "content-type": "text/html", "set-cookie": `\u00a0${cookie}` }
            socket.write(answer({ headers, body: "<h1>set</h1>" }), "latin1")
          })
          const page = yield* newTab
          yield* go(page, other.url.replace("127.0.0.1", "localhost"))
          const sent = Effect.promise(() => page.waitForRequest(url).then((request) => request.allHeaders()))
          const [headers] = yield* Effect.all([sent, go(page, url)], { concurrency: "unbounded" })
          assert.include(headers["cookie"], cookie.split(";")[0], "the browser keeps it, and sends it back")
          assert.strictEqual(yield* heading(page), "Please start again")
          assert.strictEqual(yield* site.tokenRequests, 0)
        })
      ),
    60_000
  )
})
