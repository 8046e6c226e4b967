/** The simulation itself: that a life follows from its seed. `npm run simulate` runs many. */
import { assert, describe, it } from "@effect/vitest"
import { live, render } from "./simulation/life.js"
import * as Plan from "./simulation/plan.js"

describe("a simulated life", () => {
  it("is the same from the same seed, to the last byte of its log", () => {
    for (const seed of [1, 2]) {
      const first = render(live(Plan.make(seed)).log)
      assert.isAbove(first.split("\n").length, 100)
      assert.strictEqual(render(live(Plan.make(seed)).log), first)
    }
  })

  // In these, most mutants of the code break a promise: see `model/README.md`.
  for (let seed = 1; seed <= 9; seed++) {
    it(`keeps every promise: that of seed ${seed}`, () => {
      assert.isUndefined(live(Plan.make(seed)).violation)
    })
  }

  it("keeps every promise, without a storm in it", () => {
    const { counts, violation } = live({ ...Plan.make(4), storms: [] })
    assert.isUndefined(violation)
    assert.isAbove(counts.refreshes, 10)
    assert.deepStrictEqual(counts.losses, {})
  })

  it("has no chain lost, whatever else happens, as long as no process dies and no answer is lost", () => {
    const { storms, ...plan } = Plan.make(5)
    const harmless = storms.map((storm) => ({
      ...storm,
      mishaps: storm.mishaps.filter((mishap) => mishap.do === "freeze" || mishap.do === "set clock")
        .map((mishap) => "millis" in mishap ? { ...mishap, millis: 2_000 } : mishap)
    }))
    const { counts, violation } = live({ ...plan, storms: harmless })
    assert.isUndefined(violation)
    assert.deepStrictEqual(counts.losses, {})
  })
})
