/**
 * Metrics with fixed tags, and their updates.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

export type Any<In> = Metric.Metric<In, any>

/** A histogram whose boundaries grow by a factor. */
export const histogram = (
  name: string,
  description: string,
  boundaries: { readonly start: number; readonly factor: number; readonly count: number }
) => Metric.histogram(name, { description, boundaries: Metric.exponentialBoundaries(boundaries) })

/** A metric with tags: takes an input, and the context of the fiber. */
export type Tagged<In> = (input: In, context: Context.Context<never>) => void

/** A metric with these tags, to be kept: a metric of Effect 4 remembers its state for the tags of a fiber. */
export const withTags = <In>(metric: Any<In>, tags: Readonly<Record<string, string>>): Tagged<In> => {
  const tagged = Metric.withAttributes(metric, tags)
  return (input, context) => tagged.updateUnsafe(input, context)
}

export type Update = <In>(metric: Tagged<In>, input: In) => void

/** Updates several metrics at once, as `Metric.update` does one. */
export const updateAll = (f: (update: Update) => void): Effect.Effect<void> =>
  Effect.contextWith((context) => Effect.sync(() => f((metric, input) => metric(input, context))))
