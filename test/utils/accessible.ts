/** Whether everybody can use a page: what axe-core finds, and what it does not look at. */
import axe from "axe-core"
import * as Effect from "effect/Effect"
import type { Page } from "playwright-core"

/** A phone and a desk, light and dark. What a rule of axe-core finds depends on these only if it is one of `byLook`. */
const looks = [375, 1280].flatMap((width) => (["light", "dark"] as const).map((scheme) => ({ width, scheme })))
const byLook = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]

/** What axe-core finds, and whether the page is wider than its window. */
const lookAt = (page: Page, rules: ReadonlyArray<string> | undefined): Promise<ReadonlyArray<string>> =>
  page.evaluate(async (rules) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ["violations"],
      ...rules === undefined ? undefined : { runOnly: { type: "rule", values: [...rules] } }
    })
    const { clientWidth, scrollWidth } = document.documentElement
    return [
      ...violations.map(({ help, nodes }) => `${help}: ${nodes.map(({ html }) => html).join(" ")}`),
      ...scrollWidth > clientWidth ? [`it is ${scrollWidth} px wide`] : []
    ]
  }, rules)

/** Whether Tab reaches each control, and shows where it is. */
const byKeyboard = async (page: Page): Promise<ReadonlyArray<string>> => {
  const controls = await page.evaluate(() => {
    const all = Array.from(
      document.querySelectorAll<HTMLElement>("a[href], button, input:not([type=hidden]), select, [tabindex='0']")
    )
    all.forEach((control, index) => {
      control.dataset["control"] = String(index)
    })
    return all.map((control) => control.outerHTML.slice(0, 80))
  })
  const reached = new Map<number, boolean>()
  for (let presses = 0; presses < controls.length; presses++) {
    await page.keyboard.press("Tab")
    const [index, isVisible] = await page.evaluate(() => {
      const { activeElement } = document
      const outline = activeElement === null ? "none" : getComputedStyle(activeElement).outlineStyle
      return [Number((activeElement as HTMLElement | null)?.dataset["control"]), outline !== "none"] as const
    })
    reached.set(index, isVisible)
  }
  return controls.flatMap((control, index) =>
    reached.get(index) === true ? [] : [`${reached.has(index) ? "no visible focus" : "not reached by Tab"}: ${control}`]
  )
}

/** Whether the page says what the browser's tab shows. Without it, browsers ask the server for /favicon.ico. */
const icon = async (page: Page): Promise<ReadonlyArray<string>> => {
  const href = await page.locator("link[rel=icon]").first().getAttribute("href", { timeout: 500 }).catch(() => null)
  if (href === null) return ["no icon"]
  if (href.startsWith("data:image/")) return []
  const response = await page.request.get(new URL(href, page.url()).href)
  return response.ok() ? [] : [`its icon is ${response.status()}`]
}

/** Everything that is wrong with the page in a tab. */
export const problems = (page: Page): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    const found = [...await icon(page)]
    // A page's own policy permits no scripts, and does not apply to those of a test.
    await page.evaluate(axe.source)
    for (const [index, { scheme, width }] of looks.entries()) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize({ width, height: 800 })
      const seen = await lookAt(page, index === 0 ? undefined : byLook)
      found.push(...seen.map((problem) => `${width} px, ${scheme}: ${problem}`))
    }
    found.push(...await byKeyboard(page))
    return found
  })
