/** Values that fibers inherit: `FiberRef`s. */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"

export type FiberRefOf<A> = FiberRef.FiberRef<A>

export const make = <A>(_name: string, initial: A): FiberRefOf<A> => FiberRef.unsafeMake(initial)

export const get: <A>(ref: FiberRefOf<A>) => Effect.Effect<A> = FiberRef.get

export const locally =
  <B>(ref: FiberRefOf<B>, value: B) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.locally(effect, ref, value)

/** Builds a layer with a value. */
export const layerLocally =
  <B>(ref: FiberRefOf<B>, value: B) => <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
    Layer.locally(layer, ref, value)

export const logAnnotations: Effect.Effect<ReadonlyArray<readonly [string, unknown]>> = Effect.map(
  FiberRef.get(FiberRef.currentLogAnnotations),
  HashMap.toEntries
)
