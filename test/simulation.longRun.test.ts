/** The long run of the simulation, which is made in parts: `npm run simulate -- --record`. */
import { assert, describe, it } from "@effect/vitest"
import * as Batches from "./simulation/batches.js"
import * as Judge from "./simulation/judge.js"
import * as LongRun from "./simulation/longRun.js"
import { day } from "./simulation/plan.js"

const counts = (change: Partial<Judge.Counts>): Judge.Counts => ({ ...Judge.noCounts(), ...change })

const part = (first: number, lives: number, change: Partial<Judge.Counts> = {}): LongRun.Part => ({
  first,
  lives,
  cpuSeconds: 600,
  effect: 4,
  commit: "abc1234",
  counts: counts(change)
})

describe("the seeds of a run", () => {
  const make = (isOver = () => false) => Batches.make({ first: 101, lives: 25, size: 10, isOver })

  it("are given out once each, and in order", () => {
    const { given, next } = make()
    assert.deepStrictEqual([next(), next(), next(), next()], [
      { first: 101, lives: 10 },
      { first: 111, lives: 10 },
      { first: 121, lives: 5 },
      undefined
    ])
    assert.deepStrictEqual(given(), { first: 101, lives: 25 })
  })

  it("have no gaps if the run is cut, and what was given out stays so", () => {
    const { end, given, next } = make()
    next()
    next()
    end()
    assert.isUndefined(next())
    assert.deepStrictEqual(given(), { first: 101, lives: 20 })
  })

  it("are given out no more when the time is over, not even if the clock is set back", () => {
    const times = [false, true, false]
    const { given, next } = make(() => times.shift()!)
    assert.deepStrictEqual([next()?.first, next(), next()], [101, undefined, undefined])
    assert.deepStrictEqual(given(), { first: 101, lives: 10 })
  })

  it("may be none", () => {
    const { end, given } = make()
    end()
    assert.strictEqual(given().lives, 0)
  })
})

describe("the long run", () => {
  const parts = [part(1, 100), part(20_001, 1_000)]

  it("refuses seeds that it has, and says which are free", () => {
    for (const [first, lives] of [[100, 1], [1, 100], [50, 10], [0, 2], [20_001, 1], [19_000, 1_002], [1, 50_000]]) {
      assert.match(LongRun.refusal(parts, { first: first!, lives: lives! }) ?? "", /is 21001$/, `${first}, ${lives}`)
    }
    assert.strictEqual(
      LongRun.refusal(parts, { first: 20_500, lives: 1_000 }),
      "The seeds 20,500 to 21,499 overlap with the recorded ones 20,001 to 21,000, and a life counts once. " +
        "The first seed after all that are recorded is 21001"
    )
  })

  it("takes seeds that it has not", () => {
    for (const [first, lives] of [[101, 19_900], [21_001, 5], [0, 1]]) {
      assert.isUndefined(LongRun.refusal(parts, { first: first!, lives: lives! }), `${first}, ${lives}`)
    }
    assert.isUndefined(LongRun.refusal([], { first: 1, lives: 1 }))
  })

  it("joins parts that follow each other on the same version", () => {
    const next = { ...part(101, 50, { refreshes: 7 }), cpuSeconds: 60 }
    assert.deepStrictEqual(LongRun.add([part(1, 100, { refreshes: 5 }), parts[1]!], next), [
      { ...part(1, 150, { refreshes: 12 }), cpuSeconds: 660 },
      parts[1]!
    ])
    for (const other of [{ commit: "def5678" }, { effect: 3 }, { first: 102 }]) {
      assert.strictEqual(LongRun.add(parts, { ...next, ...other }).length, 3)
    }
  })

  it("has its parts in the order of their seeds", () => {
    assert.deepStrictEqual(LongRun.add(parts, part(500, 10)).map(({ first }) => first), [1, 500, 20_001])
  })

  it("shows each part in a row, and their sum", () => {
    const lines = LongRun.render([
      part(1, 100, { refreshes: 1_000, installationMillis: 365 * day, losses: { died: 2, "no grace": 1 } }),
      part(20_001, 1_000, { refreshes: 2_500, installationMillis: 730 * day, losses: { died: 3 }, outside: 1 })
    ])
    assert.include(lines[0], "1,100 lives, in 2 parts.")
    assert.include(lines, "| 1 to 100 | 4 | 1 | 1,000 | 0 | 0 / 0 / 1 / 2 / 0 / 0 / 0 / 0 | 10 min | `abc1234` |")
    assert.include(
      lines,
      "| 20,001 to 21,000 | 4 | 2 | 2,500 | 1 | 0 / 0 / 0 / 3 / 0 / 0 / 0 / 0 | 10 min | `abc1234` |"
    )
    assert.include(lines, "| years of installations | 3 |")
    assert.include(lines, "| refreshes | 3,500 |")
    assert.include(lines, "| chains lost for a reason that is not one of these | 1 |")
    assert.include(lines, `| chains lost because ${Judge.windows.died} | 5 |`)
    assert.include(lines, `| chains lost because ${Judge.windows["no grace"]} | 1 |`)
  })
})
