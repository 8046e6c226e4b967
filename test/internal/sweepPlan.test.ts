import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import type * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as SweepPlan from "../../src/internal/sweepPlan.js"

const minute = 60_000
const hour = 60 * minute
const window = 2 * hour

/** The credentials of a fleet, each issued at one of these times, with tokens that live twelve hours. */
const fleet = (issuedAt: ReadonlyArray<number>): ReadonlyArray<InstallationStore.CredentialInfo> =>
  issuedAt.map((at, index) => ({
    key: Installation.botKey(Installation.workspace("A0TEST", `T${index}`)),
    generation: 1,
    issuedAt: DateTime.unsafeMake(at),
    expiresAt: Option.some(DateTime.unsafeMake(at + 12 * hour)),
    reauthorization: Option.none()
  }))

const planOf = (infos: ReadonlyArray<InstallationStore.CredentialInfo>, now = 0) => {
  const draft = SweepPlan.draft(now, window, infos.length, undefined)
  infos.forEach(draft.add)
  return draft.finish()
}

/** Installed within a minute. */
const atOnce = fleet(Array.from({ length: 1000 }, () => 0))
/** Installed over ten hours. */
const spread = fleet(Array.from({ length: 1000 }, (_, index) => index * 10 * hour / 1000))

describe("dueOf", () => {
  it("is the window before the expiry, and at most half of the token's life before it", () => {
    const [info] = fleet([hour])
    assert.deepStrictEqual(SweepPlan.dueOf(info!, window), { dueAt: 11 * hour, period: 10 * hour })
    assert.deepStrictEqual(SweepPlan.dueOf(info!, 24 * hour), { dueAt: 7 * hour, period: 6 * hour })
  })
})

describe("a plan", () => {
  it("lets the fleet take a quarter more than it needs on average", () => {
    const { period, rate } = planOf(atOnce)
    assert.strictEqual(period, 10 * hour)
    assert.closeTo(rate * period, 1250, 0.001)
  })

  it("is old after a twentieth of the period", () => {
    const plan = planOf(atOnce)
    assert.isFalse(SweepPlan.isOld(plan, 30 * minute - 1))
    assert.isTrue(SweepPlan.isOld(plan, 30 * minute))
  })

  it("of an empty fleet allows nothing", () => {
    const plan = planOf([])
    assert.deepStrictEqual([plan.rate, SweepPlan.pressureOf(plan, hour)], [0, 0])
  })
})

describe("the pressure", () => {
  it("is none on a fleet that is spread", () => {
    // Most of the fleet was installed by then, and is due one after the other.
    assert.isAtMost(SweepPlan.pressureOf(planOf(spread, 10 * hour), 10 * hour), 10)
  })

  it("grows on a fleet that was installed at once, as its time comes, and falls by what is done", () => {
    const plan = planOf(atOnce)
    const early = SweepPlan.pressureOf(plan, hour)
    const late = SweepPlan.pressureOf(plan, 9 * hour)
    assert.isBelow(early, late)
    assert.isAbove(late, 800)
    plan.done = 100
    assert.strictEqual(SweepPlan.pressureOf(plan, 9 * hour), late - 100)
  })
})

describe("earlyShare", () => {
  const allowance = { before: 0, due: 0, elapsed: minute, interval: minute, most: 600 }

  it("is what the rate allows while there is pressure, and the rest adds up", () => {
    const plan = planOf(atOnce)
    // 1250 in ten hours are two and a bit a minute.
    const { left, wanted } = SweepPlan.earlyShare(plan, 9 * hour, allowance)
    assert.strictEqual(wanted, 2)
    assert.closeTo(left, 2.083, 0.001)
    assert.strictEqual(SweepPlan.earlyShare(plan, 9 * hour, { ...allowance, before: 0.92 }).wanted, 3)
  })

  it("does not add up over idle times", () => {
    assert.isAtMost(SweepPlan.earlyShare(planOf(atOnce), 9 * hour, { ...allowance, before: 1000 }).wanted, 5)
  })

  it("is nothing without pressure, and nothing while credentials that are due take the whole rate", () => {
    assert.strictEqual(SweepPlan.earlyShare(planOf(spread, 10 * hour), 10 * hour, allowance).wanted, 0)
    assert.strictEqual(SweepPlan.earlyShare(planOf(atOnce), 9 * hour, { ...allowance, due: 3 }).wanted, 0)
  })
})

describe("takeEarly", () => {
  it("takes accepted credentials in the order of their expiry, each once", () => {
    const plan = planOf(atOnce)
    const isEven = ({ key }: SweepPlan.Candidate) => Number(String(key).split("/T")[1]?.split("/")[0]) % 2 === 0
    const names = () => SweepPlan.takeEarly(plan, 2, isEven).map(({ key }) => String(key))
    assert.deepStrictEqual(names(), ["A0TEST/workspace/T0/bot", "A0TEST/workspace/T2/bot"])
    assert.deepStrictEqual(names(), ["A0TEST/workspace/T4/bot", "A0TEST/workspace/T6/bot"])
  })
})
