/** `npm run example` as a person sees it: the program in a process of its own, and Chromium. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import type { Page } from "playwright-core"
import { problems } from "./utils/accessible.js"
import { bundled, root } from "./utils/bundle.js"
import { browserForTests, click, heading } from "./utils/chromium.js"
import { libsqlUrl, schemaUrl } from "./utils/databases.js"
import { freePort } from "./utils/freePort.js"
import { acquire, postgres } from "./utils/resources.js"
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

/** The latest token of the bot: what the page says of it. */
const bot = (page: Page) =>
  Effect.map(
    Effect.promise(() => page.getByRole("list", { name: "Tokens of Bot" }).getByRole("listitem").last().innerText()),
    (text) => {
      const [, generation = "", issued = "", state = ""] = /Token (\d+): issued (.{16}), (.*)/.exec(text) ?? [text]
      return { generation: Number(generation), issued, state }
    }
  )

const addToSlack = (page: Page, url: string) =>
  Effect.gen(function*() {
    yield* Effect.promise(() => page.goto(url))
    yield* click(page, "link", "Add to Slack")
    yield* click(page, "button", "Allow")
    yield* Effect.promise(() => page.getByText("Example workspace").first().waitFor())
  })

/** Presses a button of the application, which shows its page again. */
const press = (page: Page, name: string) => click(page, "button", name)

const callAsBot = (page: Page) => press(page, "Call auth.test in Example workspace")

/** A token that is not masked beyond its kind. */
const secret = /xox[bpe]-(1-)?\w{2}/

describe("the example server in Chromium", () => {
  it.scopedLive(
    "answers a mention from install to uninstall, on pages that everybody can use",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const { printed, url } = yield* startExample({ DATABASE_URL: yield* libsqlUrl })
          const page = yield* newTab
          const complaints: Array<string> = []
          page.on("console", (message) => complaints.push(message.text()))
          yield* Effect.promise(() => page.goto(url))
          assert.deepStrictEqual(yield* problems(page), [])
          yield* addToSlack(page, url)
          yield* press(page, "Mention the app")
          assert.include(yield* shown(page), "Slack shows in C0GENERAL: Hi <@U0SOMEBODY>!")
          assert.match(yield* shown(page), /chat\.postMessage in T\w+: ok/)
          yield* press(page, "12 hours later")
          yield* press(page, "Mention the app")
          assert.strictEqual((yield* shown(page)).split("Slack shows in C0GENERAL").length, 3)
          assert.deepStrictEqual(yield* problems(page), [])

          yield* press(page, "Uninstall the app")
          assert.include(yield* shown(page), "None yet.")
          yield* press(page, "Mention the app")
          assert.strictEqual((yield* shown(page)).split("Slack shows in C0GENERAL").length, 3)
          assert.match(yield* shown(page), /chat\.postMessage in T\w+: NotInstalled/)
          assert.deepStrictEqual(complaints, [])

          for (const path of ["nothing/here", "favicon.ico", "slack/nothing"]) {
            const response = yield* Effect.promise(() => page.goto(`${url}${path}`))
            assert.strictEqual(response?.status(), 404)
            assert.strictEqual(yield* heading(page), "Nothing here")
          }
          assert.deepStrictEqual(yield* problems(page), [])
          assert.notMatch(printed.text, secret)
        })
      ),
    60_000
  )

  it.scopedLive(
    "stores an install in Postgres, below the path of its public URL, and refuses forms of other sites",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const server = yield* postgres
          const port = yield* Effect.promise(freePort)
          const { printed, url } = yield* startExample({
            DATABASE_URL: yield* schemaUrl(server),
            PORT: String(port),
            PUBLIC_URL: `http://localhost:${port}/bot`
          })
          assert.strictEqual(url, `http://localhost:${port}/bot/`)
          assert.include(printed.text, "Postgres at 127.0.0.1")
          assert.notInclude(printed.text, new URL(server).password)
          const page = yield* newTab
          yield* Effect.promise(() => page.goto(url))
          const link = page.getByRole("link", { name: "Add to Slack" })
          assert.strictEqual(yield* Effect.promise(() => link.getAttribute("href")), `${url}slack/install`)
          yield* addToSlack(page, url)
          assert.strictEqual(page.url(), url)
          assert.match(
            yield* shown(page),
            /Bot\s+xoxe\.xoxb-1-•+ app_mentions:read, chat:write\s[^]*User U\w+\s+xoxe\.xoxp-1-•+ search:read\s/
          )
          yield* callAsBot(page)
          assert.match(yield* shown(page), /auth\.test in T\w+: ok/)
          assert.include(printed.text, "stored in plain text")
          assert.notMatch(printed.text + (yield* Effect.promise(() => page.content())), secret)

          // A page of another origin on the same machine.
          const stranger = yield* newTab
          const status = yield* Effect.promise(async () => {
            await stranger.route("http://stranger.example/", (route) =>
              route.fulfill({
                contentType: "text/html",
                body:
                  `<form method="post" action="${url}press"><button name="button" value="12-hours-later">Win</button></form>`
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
    60_000
  )

  it.scopedLive(
    "rotates tokens, serves valid tokens while Slack is overloaded, and keeps installations over a restart",
    () =>
      withBrowser(({ newTab }) =>
        Effect.gen(function*() {
          const env = { DATABASE_URL: yield* libsqlUrl, SLACK_TOKEN_KEYS: testKeys }
          const first = yield* startExample(env)
          const page = yield* newTab
          yield* addToSlack(page, first.url)
          const installed = yield* bot(page)
          assert.match(installed.state, /^fresh until .*, expires in 12h/)

          yield* press(page, "1 hour later")
          const still = yield* bot(page)
          assert.deepStrictEqual([still.generation, still.issued], [1, installed.issued])
          assert.match(still.state, /^fresh until .*, expires in 11h/)

          yield* press(page, "12 hours later")
          const second = yield* bot(page)
          assert.strictEqual(second.generation, 2)
          assert.notStrictEqual(second.issued, installed.issued)
          assert.match(second.state, /^fresh until .*, expires in 12h/)
          assert.include(yield* shown(page), `Token 1: issued ${installed.issued}, refreshed ${second.issued}`)

          yield* press(page, "Let Slack be overloaded")
          yield* press(page, "10 hours later")
          assert.match((yield* bot(page)).state, /^due since .*, expires in [12]h/)
          assert.match(yield* shown(page), /\/bot: serving the old token.*\(SlackRateLimited\)/)
          yield* press(page, "12 hours later")
          assert.match((yield* bot(page)).state, /^expired/)
          yield* callAsBot(page)
          assert.match(yield* shown(page), /auth\.test in T\w+: TokenUnavailable/)

          yield* press(page, "Let Slack recover")
          yield* press(page, "1 hour later")
          assert.strictEqual((yield* bot(page)).generation, 3)
          assert.match(yield* shown(page), /\/bot: refreshed, now at generation 3/)

          assert.notInclude(first.printed.text, "plain text")
          assert.notMatch(first.printed.text + (yield* Effect.promise(() => page.content())), secret)
          const before = yield* bot(page)
          yield* first.stop

          const { url } = yield* startExample(env)
          yield* Effect.promise(() => page.goto(url))
          const after = yield* bot(page)
          assert.deepStrictEqual([after.generation, after.issued], [before.generation, before.issued])
          assert.include(yield* shown(page), "From an earlier run")
          yield* callAsBot(page)
          assert.include(yield* shown(page), "invalid_auth")
          // The new program is a day and a half behind the first one. Its emulator does not know the chain, so it refuses the
          // refresh.
          for (let presses = 0; presses < 4; presses++) yield* press(page, "12 hours later")
          assert.match((yield* bot(page)).state, /^dead: invalid_refresh_token/)

          yield* addToSlack(page, url)
          assert.strictEqual((yield* bot(page)).generation, 5)
          assert.notInclude(yield* shown(page), "From an earlier run")
          yield* callAsBot(page)
          assert.match(yield* shown(page), /auth\.test in T\w+: ok/)
        })
      ),
    60_000
  )
})
