/** What the simulation notes for the model: `npm run simulate -- --replay`. */
import { assert, describe, it } from "@effect/vitest"
import type { Machine } from "./simulation/machine.js"
import type { Pair } from "./simulation/slack.js"
import * as Trace from "./simulation/trace.js"

const machine = { name: "process 1" } as Machine
const [stored, next] = [{ number: 1 } as Pair, { number: 2 } as Pair]

/** Notes the steps of one process, each at a time. The lease is free whenever nothing is under way. */
const episodesOf = (
  steps: ReadonlyArray<readonly [at: number, step: Trace.Step, about?: number | Pair | undefined, isGivenUp?: boolean]>
) => {
  const events: Array<Trace.Event> = []
  let pair: Pair | undefined = stored
  const add = (at: number, step: Trace.Step | "none", about?: number | Pair, isGivenUp = false) => {
    if (step === "send") pair = undefined
    if (step === "saved") pair = next
    const after = { generation: 1, pair, leaseUntil: 0, storeNow: at }
    const holder = step.startsWith("lease") || step.startsWith("release") ? "holder" : undefined
    Trace.add(events, { name: "T1 bot", machine, step, about, holder, after, isOutside: false, isGivenUp })
  }
  add(0, "none")
  for (const [at, step, about, isGivenUp] of steps) add(at, step, about, isGivenUp)
  return Trace.episodesOf(events)
}

const refresh = (at: number) =>
  [
    [at, "readAlive", 1],
    [at, "leaseTaken"],
    [at, "readAlive", 1],
    [at, "send", stored],
    [at, "give", next],
    [at, "saved", next],
    [at, "released"]
  ] as const

const refreshed = [
  ["readAlive", 1],
  ["leaseTaken", 0],
  ["readAlive", 1],
  ["send", 1],
  ["give", 2],
  ["saved", 2],
  ["released", 0]
] as const

const text = (lines: ReadonlyArray<readonly [Trace.Step, number]>) =>
  lines.map(([step, about]) => `1 ${Trace.steps[step]} ${about}\n`).join("")

describe("a trace", () => {
  it("names the pair that is saved", () => {
    assert.deepStrictEqual(episodesOf(refresh(1)), [text(refreshed)])
  })

  it("has the end of a call that is given up before what its process does then", () => {
    const late = [
      ...refresh(1).slice(0, 4),
      [9, "leaseTaken"],
      [9, "lose", undefined, true],
      ...refresh(9).slice(2)
    ] as const
    assert.strictEqual(
      episodesOf(late)[0],
      text([...refreshed.slice(0, 4), ["lose", 0], ["leaseTaken", 0], ...refreshed.slice(2)])
    )
  })

  it("leaves out an episode whose process froze before it gave up a call", () => {
    const [first, take] = refresh(1)
    assert.deepStrictEqual(
      episodesOf([first, take, [2, "released"], [50, "readFails", undefined, true], ...refresh(90).slice(3)]),
      [undefined]
    )
  })

  it("leaves out the second save of a pair from before the episode", () => {
    assert.deepStrictEqual(
      episodesOf([...refresh(1).slice(0, 4), [2, "saveFails", stored], ...refresh(3).slice(4)]),
      [undefined]
    )
  })
})
