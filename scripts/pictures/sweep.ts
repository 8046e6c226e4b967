/** How the sweep spreads the refreshes of a fleet that was installed at once, by the plan that the sweep itself makes. */
import * as Installation from "effect-slack-oauth/Installation"
import type { CredentialInfo } from "effect-slack-oauth/InstallationStore"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as SweepPlan from "../../src/internal/sweepPlan.js"
import { draw, line, rect, text } from "./svg.js"

const minute = 60_000
const hour = 60 * minute
const life = 12 * hour
const window = 2 * hour

const size = 1200
/** All of them were installed within this time, as after an import. */
const rush = 20 * minute

interface Token {
  readonly id: number
  readonly issuedAt: number
}

const infoOf = ({ id, issuedAt }: Token): CredentialInfo =>
  ({
    key: Installation.botKey(Installation.workspace("A0FLEET", `T${id}`)),
    generation: issuedAt,
    issuedAt: DateTime.unsafeMake(issuedAt),
    expiresAt: Option.some(DateTime.unsafeMake(issuedAt + life)),
    reauthorization: Option.none(),
    hasRefreshToken: true
  }) as unknown as CredentialInfo

const fleet = (): Array<Token> =>
  Array.from({ length: size }, (_, id) => ({ id, issuedAt: Math.floor(id * rush / size) }))

/** Refreshes in each quarter of an hour, over 40 hours. */
type Histogram = Array<number>
const bucket = 15 * minute
const until = 40 * hour
const add = (histogram: Histogram, at: number): void => {
  const index = Math.floor(at / bucket)
  histogram[index] = (histogram[index] ?? 0) + 1
}
const empty = (): Histogram => Array.from({ length: until / bucket }, () => 0)

const withoutSpreading = (): Histogram => {
  const histogram = empty()
  for (const { issuedAt } of fleet()) {
    for (let at = issuedAt + life - window; at < until; at += life - window) add(histogram, at)
  }
  return histogram
}

/** A pass each minute, as `TokenSweep` does it. */
const withSweep = (): Histogram => {
  const histogram = empty()
  const tokens = fleet()
  const byKey = new Map(tokens.map((token) => [String(infoOf(token).key), token.id]))
  let plan: SweepPlan.Plan | undefined
  let left = 0
  for (let now = 0; now < until; now += minute) {
    const refresh = (id: number) => {
      tokens[id] = { id, issuedAt: now }
      add(histogram, now)
    }
    if (plan === undefined || SweepPlan.isOld(plan, now)) {
      const draft = SweepPlan.draft(now, window, size, plan)
      for (const token of [...tokens].sort((a, b) => a.issuedAt - b.issuedAt)) draft.add(infoOf(token))
      plan = draft.finish()
    }
    const due = tokens.filter(({ issuedAt }) => issuedAt + life - window <= now)
    const current = plan
    const share = SweepPlan.earlyShare(current, now, {
      before: left,
      elapsed: minute,
      interval: minute,
      most: size,
      due: due.length
    })
    const early = SweepPlan.takeEarly(
      current,
      Math.max(0, share.wanted),
      ({ generation, key }) => tokens[byKey.get(String(key)) ?? -1]?.issuedAt === generation
    )
    for (const { id } of due) refresh(id)
    for (const { key } of early) refresh(byKey.get(String(key)) ?? 0)
    current.done += due.length + early.length
    left = Math.max(0, share.left - early.length)
  }
  return histogram
}

const height = 110

const chart = (top: number, title: string, histogram: Histogram, most: number): ReadonlyArray<string> => {
  const width = 680 / histogram.length
  return [
    text(50, top - 12, title, "strong"),
    ...histogram.flatMap((count, index) =>
      count === 0
        ? []
        : [rect(60 + index * width, top + height - count / most * height, width - 0.6, count / most * height, "good")]
    ),
    line([[60, top + height], [740, top + height]]),
    text(54, top + 10, String(most), "end small"),
    text(54, top + height, "0", "end small")
  ]
}

const without = withoutSpreading()
const spread = withSweep()
const most = Math.max(...without)
const peak = Math.max(...spread)

export const sweep = draw({
  width: 780,
  height: 380,
  title: "The sweep spreads the refreshes of a fleet",
  description:
    `${size} tokens were issued within ${
      rush / minute
    } minutes. Refreshed when they are due, they come in bursts of up to ${most} in a ` +
    `quarter of an hour. The sweep refreshes some before they are due, and the most in a quarter of an hour is ${peak}.`,
  body: [
    ...chart(44, `Each when it is due: up to ${most} in 15 minutes`, without, most),
    ...chart(204, `With the sweep: up to ${peak} in 15 minutes`, spread, most),
    ...[0, 10, 20, 30, 40].map((hours) => text(60 + hours / 40 * 680, 334, `${hours} h`, "middle small")),
    text(
      740,
      362,
      `${size} tokens, issued within ${rush / minute} minutes; refreshes in each quarter of an hour`,
      "end small"
    )
  ]
})
