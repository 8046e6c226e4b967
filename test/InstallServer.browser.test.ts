/**
 * `npm run example` as a person sees it: the program in a process of its own, and Chromium.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import type { Page } from "playwright-core"
import { inject } from "vitest"
import { bundled, root } from "./utils/bundle.js"
import { browserForTests, click, heading } from "./utils/chromium.js"
import { libsqlUrl, schemaUrl } from "./utils/databases.js"
import { acquire } from "./utils/resources.js"
import { testKeys } from "./utils/stores.js"

const withBrowser = await acquire(browserForTests)
const program = await acquire(bundled("examples/install-server/main.ts"))

/** Starts the example on a free port; it ends with the scope. */
const startExample = (env: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const example = yield* Effect.sync(() =>
      spawn(process.execPath, [program], {
        cwd: root,
        env: { PATH: process.env["PATH"], PORT: "0", ...env }
      })
    )
    const stop = Effect.async<void>((resume) => {
      if (example.exitCode !== null) return resume(Effect.void)
      example.once("exit", () => resume(Effect.void))
      example.kill("SIGTERM")
    })
    yield* Effect.addFinalizer(() => stop)
    const printed = { text: "" }
    example.stderr.on("data", (chunk: Buffer) => {
      printed.text += chunk
    })
    const url = yield* Effect.async<string>((resume) => {
      example.stdout.on("data", (chunk: Buffer) => {
        printed.text += chunk
        const [found] = /http:\/\/\S+/.exec(printed.text) ?? []
        if (found !== undefined) resume(Effect.succeed(found))
      })
      example.once("exit", () => resume(Effect.dieMessage(`The example ended: ${printed.text}`)))
    })
    return { printed, stop, url }
  })

const shown = (page: Page) => Effect.promise(() => page.getByRole("main").innerText())

/** The bot's row of the table. */
const bot = (page: Page) =>
  Effect.promise(async () => {
    const [masked, generation, since, expiry] = await page.getByRole("row", { name: "bot" }).getByRole("cell")
      .allInnerTexts()
    return { masked, generation, since, expiry }
  })

const addToSlack = (page: Page, url: string) =>
  Effect.gen(function*() {
    yield* Effect.promise(() => page.goto(url))
    yield* click(page, "link", "Add to Slack")
    yield* click(page, "button", "Allow")
    yield* Effect.promise(() => page.getByText("Example workspace").first().waitFor())
  })

/** Presses a button of the application, which shows its page again. */
const press = (page: Page, name: string) => click(page, "button", name)

const callAsBot = (page: Page) => press(page, "Call auth.test as bot of Example workspace")

/** A token that is not masked beyond its kind. */
const secret = /xox[bpe]-(1-)?\w{2}/

describe("the example server in Chromium", () => {
  it.scopedLive(
    "stores an install in Postgres, fails on demand, and refuses forms of other sites",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const postgres = yield* Effect.promise(() => fetch(inject("postgresAt")).then((response) => response.text()))
          const { printed, url } = yield* startExample({ DATABASE_URL: yield* schemaUrl(postgres) })
          assert.include(printed.text, "Postgres at 127.0.0.1")
          assert.notInclude(printed.text, new URL(postgres).password)
          const page = yield* newTab
          yield* addToSlack(page, url)
          const rows = yield* Effect.promise(() => page.getByRole("row").allInnerTexts())
          assert.match(rows[1] ?? "", /bot\s+xoxe\.xoxb-1-•+\s+chat:write, commands\s+1\s/)
          assert.match(rows[2] ?? "", /user U\w+\s+xoxe\.xoxp-1-•+\s+search:read\s+1\s/)

          yield* click(page, "link", "Add to Slack, and let this application fail at first")
          yield* click(page, "button", "Allow")
          assert.strictEqual(yield* heading(page), "Almost there")
          yield* click(page, "link", "Try again")
          assert.strictEqual(yield* heading(page), "A Slack app")
          assert.include(printed.text, "InstallNotCompleted")
          assert.include(printed.text, "stored in plain text")
          assert.notMatch(printed.text + (yield* Effect.promise(() => page.content())), secret)

          // A page of another origin on the same machine.
          const stranger = yield* newTab
          const status = yield* Effect.promise(async () => {
            await stranger.route("http://stranger.example/", (route) =>
              route.fulfill({
                contentType: "text/html",
                body: `<form method="post" action="${url}buttons/12-hours-later"><button>Win</button></form>`
              }))
            await stranger.goto("http://stranger.example/")
            const [response] = await Promise.all([
              stranger.waitForResponse((response) => response.url().startsWith(url)),
              stranger.getByRole("button", { name: "Win" }).click()
            ])
            return response.status()
          })
          assert.strictEqual(status, 403)
          yield* Effect.promise(() => page.reload())
          assert.notInclude(yield* shown(page), "the clock was moved")
        })
      ),
    180_000
  )

  it.scopedLive(
    "rotates tokens, serves valid tokens while Slack is overloaded, and keeps installations over a restart",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const env = { DATABASE_URL: yield* libsqlUrl, SLACK_TOKEN_KEYS: testKeys }
          const first = yield* startExample(env)
          const page = yield* newTab
          const complaints: Array<string> = []
          page.on("console", (message) => complaints.push(message.text()))
          yield* addToSlack(page, first.url)
          const installed = yield* bot(page)
          assert.match(installed.expiry ?? "", /^in 12h/)

          yield* press(page, "1 hour later")
          const still = yield* bot(page)
          assert.deepStrictEqual([still.generation, still.since], ["1", installed.since])
          assert.match(still.expiry ?? "", /^in 11h/)

          yield* press(page, "12 hours later")
          const second = yield* bot(page)
          assert.strictEqual(second.generation, "2")
          assert.notStrictEqual(second.since, installed.since)
          assert.match(second.expiry ?? "", /^in 12h/)
          yield* callAsBot(page)
          assert.match(yield* shown(page), /auth\.test with the token of \S+\/bot: ok/)

          yield* press(page, "Let Slack be overloaded")
          yield* press(page, "10 hours later")
          assert.match(yield* shown(page), /\/bot: serving the old token.*\(SlackRateLimited\)/)
          yield* press(page, "12 hours later")
          assert.match((yield* bot(page)).expiry ?? "", /^expired/)
          yield* callAsBot(page)
          assert.match(yield* shown(page), /\/bot: TokenUnavailable \(SlackRateLimited\)/)

          yield* press(page, "Let Slack recover")
          yield* press(page, "1 hour later")
          assert.strictEqual((yield* bot(page)).generation, "3")
          assert.match(yield* shown(page), /\/bot: refreshed, now at generation 3/)

          assert.deepStrictEqual(complaints.filter((text) => !text.includes("favicon")), [])
          assert.notInclude(first.printed.text, "plain text")
          assert.notMatch(first.printed.text + (yield* Effect.promise(() => page.content())), secret)
          const before = yield* bot(page)
          yield* first.stop

          const { url } = yield* startExample(env)
          yield* Effect.promise(() => page.goto(url))
          const after = yield* bot(page)
          assert.deepStrictEqual([after.masked, after.generation, after.since], [
            before.masked,
            before.generation,
            before.since
          ])
          assert.include(yield* shown(page), "From an earlier run")
          yield* callAsBot(page)
          assert.include(yield* shown(page), "invalid_auth")
          yield* callAsBot(page)
          assert.include(yield* shown(page), "ReauthorizationRequired (SlackInvalidRefreshToken)")
          assert.match((yield* bot(page)).expiry ?? "", /^dead: invalid_refresh_token/)

          // The new emulator does not know the chain, so the credential is dead until the next install.
          yield* addToSlack(page, url)
          assert.strictEqual((yield* bot(page)).generation, "5")
          assert.notInclude(yield* shown(page), "From an earlier run")
          yield* callAsBot(page)
          assert.match(yield* shown(page), /\/bot: ok/)
        })
      ),
    180_000
  )
})
