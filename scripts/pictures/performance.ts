/** How many times as fast as Slack's packages, by the tables of docs/performance.md. */
import { digits, look } from "../performance/tables.js"
import { draw, line, rect, text } from "./svg.js"

interface Comparison {
  readonly what: string
  /** Above 1, this package is faster. */
  readonly ratio: number
}

const reads = (row: string) => look("read", "Reading a fresh token", row, "reads a second")

const storm = (row: string, readers: string) =>
  look("storm", "All readers at once of one expired token", [row, readers], "ms to the last reader")

const call = (row: string) => 1 / look("call", "oauth.v2.access, one at a time", row, "wall ×")

const callback = (row: string) => 1 / look("install", "The callback", row, "wall ×")

const start = (row: string) => look("cost", "Import in a new process", row, "ms")

const comparisons: ReadonlyArray<Comparison> = [
  { what: "a read of a token, Postgres", ratio: reads("botToken, Postgres") / reads("authorize, Postgres") },
  { what: "a read of a token, libsql file", ratio: reads("botToken, libsql") / reads("authorize, libsql") },
  {
    what: "1,000 callers, one expired token",
    ratio: storm("@slack/oauth authorize", "1,000") / storm("TokenManager.botToken", "1,000")
  },
  {
    what: "20 callers, one expired token",
    ratio: storm("@slack/oauth authorize", "20") / storm("TokenManager.botToken", "20")
  },
  { what: "a callback of an install, undici", ratio: callback("InstallFlow.callback on undici") },
  { what: "a callback of an install, fetch", ratio: callback("InstallFlow.callback on fetch") },
  { what: "a read of a token, in memory", ratio: reads("botToken, memory") / reads("authorize, memory") },
  { what: "a call, undici", ratio: call("OAuthV2 on undici") },
  { what: "a call, fetch", ratio: call("OAuthV2 on fetch") },
  { what: "the import, with Effect", ratio: start("@slack/web-api") / start("effect-slack-oauth/OAuthV2") }
]

const isEqual = (ratio: number): boolean => Math.abs(Math.log(ratio)) < Math.log(1.05)

/** "6.8 × as fast", or "1.2 × the time". */
const words = (ratio: number): string =>
  isEqual(ratio)
    ? "as fast"
    : ratio > 1
    ? `${digits(ratio)} × as fast`
    : `${digits(1 / ratio)} × the time`

const exponents = comparisons.map(({ ratio }) => Math.log10(ratio))
const least = Math.floor(Math.min(...exponents, -1))
const most = Math.ceil(Math.max(...exponents, 1))

const left = 250
const width = 440
const x = (exponent: number): number => left + (exponent - least) / (most - least) * width

const rowHeight = 30
const top = 56
const bottom = top + comparisons.length * rowHeight

const factor = (exponent: number): string =>
  exponent < 0 ? `1/${(10 ** -exponent).toLocaleString("en")}` : (10 ** exponent).toLocaleString("en")

export const performancePicture = draw({
  width: 860,
  height: bottom + 60,
  title: "How fast this package is, compared with Slack's packages",
  description: comparisons.map(({ ratio, what }) => `${what}: ${words(ratio)}.`).join(" "),
  body: [
    text(20, 28, "How many times as fast as Slack's packages", "strong"),
    ...Array.from({ length: most - least + 1 }, (_, index) => least + index).flatMap((exponent) => [
      line([[x(exponent), top - 8], [x(exponent), bottom]], false, exponent === 0 ? "line" : "line faint"),
      text(x(exponent), bottom + 20, factor(exponent), exponent === 0 ? "middle strong" : "middle small")
    ]),
    ...comparisons.flatMap(({ ratio, what }, index) => {
      const y = top + index * rowHeight
      const end = x(Math.log10(ratio))
      const from = Math.min(x(0), end)
      return [
        text(left - 14, y + 15, what, "end small"),
        rect(from, y, Math.max(3, Math.abs(end - x(0))), 20, isEqual(ratio) ? "soon" : ratio > 1 ? "good" : "bad"),
        text(Math.max(x(0), end) + 8, y + 15, words(ratio), "small")
      ]
    }),
    text(840, bottom + 44, "Slack is a local server that answers at once; the scale is logarithmic", "end small")
  ]
})
