import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { histogram, type Tagged, updateAll, withTags } from "../../../src/internal/effect/metrics.js"
import * as Observers from "../../utils/effect/observers.js"

const newCounter = () => Metric.counter(`test_${Math.random()}`)

/** The lists of labels that reach a metric. */
// Effect 3 only
const watched = () => {
  const lists: Array<unknown> = []
  const counter = newCounter()
  const metric = Metric.make(
    counter.keyType,
    (input: number, labels) => {
      lists.push(labels)
      counter.unsafeUpdate(input, labels)
    },
    counter.unsafeValue,
    counter.unsafeModify
  )
  return { lists, metric }
}

const add = (metric: Tagged<number>, n: number) => updateAll((update) => update(metric, n))

describe("metrics with fixed tags", () => {
  it.effect("are the metrics that Metric.tagged makes of the same tags", () =>
    Effect.gen(function*() {
      const counter = newCounter()
      yield* add(withTags(counter, { method: "access", result: "ok" }), 2)
      yield* add(withTags(counter, { method: "access", result: "no" }), 1)
      const tagged = counter.pipe(Metric.tagged("method", "access"), Metric.tagged("result", "ok"))
      assert.strictEqual((yield* Metric.value(tagged)).count, 2)
    }))

  it.effect("have the tags of the application too", () =>
    Effect.gen(function*() {
      const counter = newCounter()
      const tagged = counter.pipe(Metric.tagged("method", "access"), Metric.tagged("result", "ok"))
      const application = Observers.withMetricTag("service", "test")
      yield* application(add(withTags(counter, { method: "access", result: "ok" }), 2))
      assert.strictEqual((yield* application(Metric.value(tagged))).count, 2)
      assert.strictEqual((yield* Metric.value(tagged)).count, 0)
    }))

  // Effect 3 only: a metric of Effect 4 keeps its state for the tags of a fiber by itself
  it.effect("give a metric the same list of labels at each update, by which it finds its state", () =>
    Effect.gen(function*() {
      const { lists, metric } = watched()
      const tagged = withTags(metric, { method: "access" })
      yield* add(tagged, 1)
      yield* add(tagged, 1)
      yield* Effect.tagMetrics(Effect.zipRight(add(tagged, 1), add(tagged, 1)), "service", "test")
      assert.strictEqual(lists[1], lists[0])
      assert.notStrictEqual(lists[2], lists[0])
      assert.strictEqual(lists[3], lists[2])
    }))

  it.effect("are updated all at once", () =>
    Effect.gen(function*() {
      const counter = newCounter()
      const sizes = histogram(`test_${Math.random()}`, "Sizes", { start: 1, factor: 2, count: 4 })
      yield* updateAll((update) => {
        update(withTags(counter, {}), 3)
        update(withTags(sizes, {}), 5)
      })
      assert.strictEqual((yield* Metric.value(counter)).count, 3)
      assert.strictEqual((yield* Metric.value(sizes)).sum, 5)
    }))
})
