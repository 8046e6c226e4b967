/** Every page that this package shows, as people see it: on a phone, in the dark, without a mouse, without seeing it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Page } from "playwright-core"
import * as Flow from "../src/internal/install/flow.js"
import * as Pages from "../src/internal/install/pages.js"
import { problems } from "./utils/accessible.js"
import { browserForTests, click, heading } from "./utils/chromium.js"
import { acquire } from "./utils/resources.js"
import { begin, go, startSite } from "./utils/siteInBrowser.js"

const withBrowser = await acquire(browserForTests)

/** Checks the page in the tab, which has to be the one with this heading. */
const check = (page: Page, title: string) =>
  Effect.gen(function*() {
    assert.strictEqual(yield* heading(page), title)
    assert.deepStrictEqual(yield* problems(page), [], title)
  })

const show = (page: Page, html: string) => Effect.promise(() => page.setContent(html))

const site = (onInstalled: () => Effect.Effect<void, string>) =>
  startSite({ botScopes: ["chat:write", "commands"], userScopes: ["search:read"], onInstalled }, {
    apps: [{ name: "Example app", optionalScopes: ["commands"] }],
    organizations: [{ name: "Example organization" }],
    workspaces: [{ name: "Example workspace" }, { name: "Another workspace" }]
  })

describe("pages in Chromium", () => {
  it.scopedLive("of an install can be used by everybody", () =>
    withBrowser(({ newTab }) =>
      Effect.gen(function*() {
        let runs = 0
        const { installUrl, callbackUrl } = yield* site(() => ++runs === 1 ? Effect.fail("no") : Effect.void)
        const page = yield* newTab
        const complaints: Array<string> = []
        page.on("console", (message) => complaints.push(message.text()))
        yield* go(page, installUrl)
        yield* check(page, "Add to Slack")
        yield* begin(page, installUrl)
        yield* check(page, "Example app is requesting permission to access Slack")
        yield* click(page, "button", "Cancel")
        yield* check(page, "Not installed")
        yield* begin(page, installUrl)
        yield* Effect.promise(() => page.getByRole("checkbox").first().uncheck())
        yield* click(page, "button", "Allow")
        yield* check(page, "Almost there")
        yield* click(page, "link", "Try again")
        yield* check(page, "Installed")
        yield* click(page, "link", "Open Slack")
        yield* check(page, "Example app would open here")
        yield* go(page, `${callbackUrl}?code=<b>`)
        yield* check(page, "That did not work")
        assert.deepStrictEqual(complaints.filter((text) => !/status of (4|5)\d\d/.test(text)), [])

        yield* show(page, Pages.notFound().markup)
        yield* check(page, "Not found")
        yield* show(page, yield* Effect.flatMap(Flow.unavailable, (response) => Effect.promise(() => response.text())))
        yield* check(page, "Please try again")
      })
    ), 60_000)

  it.scopedLive("of the emulator can be used by everybody", () =>
    withBrowser(({ newTab }) =>
      Effect.gen(function*() {
        const { installUrl } = yield* site(() => Effect.void)
        const page = yield* newTab
        yield* begin(page, installUrl)
        const { origin } = new URL(page.url())
        yield* click(page, "button", "Allow")
        for (
          const [path, title] of [
            ["/oauth/v2/authorize?client_id=no", "Something went wrong"],
            ["/app_redirect?app=A0NONE", "Something went wrong"],
            ["/", "Nothing here"],
            ["/control/nothing", "Nothing here"],
            ["/control", "Slack emulator"]
          ] as const
        ) {
          yield* go(page, `${origin}${path}`)
          yield* check(page, title)
        }
      })
    ), 60_000)
})
