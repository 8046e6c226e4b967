/** Values that fibers inherit: references in the context. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"

export type FiberRefOf<A> = Context.Reference<A>

export const make = <A>(name: string, initial: A): FiberRefOf<A> =>
  Context.Reference(name, { defaultValue: () => initial })

export const get = <A>(ref: FiberRefOf<A>): Effect.Effect<A> => Effect.map(ref, (value) => value)

export const locally =
  <B>(ref: FiberRefOf<B>, value: B) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(effect, ref, value)

/** Builds a layer with a value. */
export const layerLocally =
  <B>(ref: FiberRefOf<B>, value: B) => <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
    Layer.provide(layer, Layer.succeed(ref, value))

export const logAnnotations: Effect.Effect<ReadonlyArray<readonly [string, unknown]>> = Effect.map(
  References.CurrentLogAnnotations,
  (annotations) => Object.entries(annotations)
)
