/**
 * Metrics with fixed tags, and their updates.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

export type Any<In> = Metric.Metric<In, any>

/** A histogram whose boundaries grow by a factor. */
export const histogram = (
  name: string,
  description: string,
  boundaries: { readonly start: number; readonly factor: number; readonly count: number }
) => Metric.histogram(name, { description, boundaries: Metric.exponentialBoundaries(boundaries) })

/** A metric with these tags, to be kept: a metric of Effect 4 remembers its state for the tags of a fiber. */
export const withTags = <In>(metric: Any<In>, tags: Readonly<Record<string, string>>): Any<In> =>
  Metric.withAttributes(metric, tags)

/** Updates several metrics at once, as `Metric.update` does one. */
export const updateAll = (
  f: (update: <In>(metric: Any<In>, input: In) => void) => void
): Effect.Effect<void> =>
  Effect.contextWith((context) => Effect.sync(() => f((metric, input) => metric.updateUnsafe(input, context))))
