/**
 * A headless Chromium for tests. Where none is installed the tests say so; under `CI` that is a failure.
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll } from "vitest"

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium"

const missing = Fs.existsSync(executablePath)
  ? undefined
  : `There is no Chromium at ${executablePath}: install it (apt-get install chromium), or set CHROMIUM_PATH`

/** One for all tests of a file; what they must not share is in a context. */
let launched: Promise<Browser> | undefined

const launch = (): Promise<Browser> =>
  launched ??= chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  })

afterAll(() => launched?.then((browser) => browser.close()))

/** Runs a test in a browser without cookies or history. */
export const withBrowser = <A, E, R>(
  use: (browser: { readonly newTab: Effect.Effect<Page> }) => Effect.Effect<A, E, R>
): Effect.Effect<void, E, R> => {
  if (missing !== undefined) {
    return process.env["CI"] === undefined
      ? Effect.sync(() => process.stdout.write(`${missing}. This test shows nothing here.\n`))
      : Effect.dieMessage(missing)
  }
  return Effect.acquireUseRelease(
    Effect.promise(async () => {
      const context = await (await launch()).newContext()
      context.setDefaultTimeout(15_000)
      return context
    }),
    (context) => Effect.asVoid(use({ newTab: Effect.promise(() => context.newPage()) })),
    (context) => Effect.promise(() => context.close())
  )
}
