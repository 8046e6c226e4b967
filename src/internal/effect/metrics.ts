/**
 * Metrics with fixed tags, and their updates.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"

export type Any<In> = Metric.Metric<any, In, any>

/** A histogram whose boundaries grow by a factor. */
export const histogram = (
  name: string,
  description: string,
  boundaries: { readonly start: number; readonly factor: number; readonly count: number }
) => Metric.histogram(name, MetricBoundaries.exponential(boundaries), description)

type Labels = ReadonlyArray<MetricLabel.MetricLabel>

/** A metric with tags: takes an input, and the labels of the fiber. */
export type Tagged<In> = (input: In, labels: Labels) => void

/**
 * A metric with these tags, to be kept. `Metric.tagged` makes a new list of labels at each update, and a metric finds
 * its state by the list: it hashes and compares the labels of a list that it has not seen. So the lists are kept.
 */
export const withTags = <In>(metric: Any<In>, tags: Readonly<Record<string, string>>): Tagged<In> => {
  const own = Object.entries(tags).map(([name, value]) => MetricLabel.make(name, value))
  const lists = new WeakMap<Labels, Labels>()
  return (input, labels) => {
    let list = lists.get(labels)
    if (list === undefined) lists.set(labels, list = Arr.union(own, labels))
    metric.unsafeUpdate(input, list)
  }
}

export type Update = <In>(metric: Tagged<In>, input: In) => void

/** Updates several metrics at once, as `Metric.update` does one. */
export const updateAll = (f: (update: Update) => void): Effect.Effect<void> =>
  Effect.map(FiberRef.get(FiberRef.currentMetricLabels), (labels) => f((metric, input) => metric(input, labels)))
