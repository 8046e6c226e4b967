/**
 * A headless Chromium for tests. If none is installed, the tests print that and pass. Under `CI` they fail.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import { chromium, type Page } from "playwright-core"

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium"

const missing = Fs.existsSync(executablePath)
  ? undefined
  : `There is no Chromium at ${executablePath}: install it (apt-get install chromium), or set CHROMIUM_PATH`

/** Runs a test in a browser without cookies or history. */
type WithBrowser = <A, E, R>(
  use: (browser: { readonly newTab: Effect.Effect<Page> }) => Effect.Effect<A, E, R>
) => Effect.Effect<void, E, R>

const launch = Effect.acquireRelease(
  Effect.promise(() =>
    chromium.launch({
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync"
      ]
    })
  ),
  (browser) => Effect.promise(() => browser.close())
)

/** One browser for all tests of a file. Each test gets a context of its own. */
export const browserForTests: Effect.Effect<WithBrowser, never, Scope.Scope> = Effect.suspend(() => {
  if (missing !== undefined) {
    return Effect.succeed<WithBrowser>(() =>
      process.env["CI"] === undefined
        ? Effect.sync(() => process.stdout.write(`${missing}. This test shows nothing here.\n`))
        : Effect.dieMessage(missing)
    )
  }
  return Effect.map(launch, (browser): WithBrowser => (use) =>
    Effect.acquireUseRelease(
      Effect.promise(async () => {
        const context = await browser.newContext()
        context.setDefaultTimeout(15_000)
        return context
      }),
      (context) => Effect.asVoid(use({ newTab: Effect.promise(() => context.newPage()) })),
      (context) => Effect.promise(() => context.close())
    ))
})

/** Clicks a link or a button, and waits for the page that it opens. */
export const click = (page: Page, role: "link" | "button", name: string) =>
  Effect.promise(() => Promise.all([page.waitForEvent("load"), page.getByRole(role, { name, exact: true }).click()]))

export const heading = (page: Page) => Effect.promise(() => page.getByRole("heading", { level: 1 }).textContent())
