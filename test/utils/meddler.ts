/** Stands between a manager and its store: operations fail, take their time, or are preceded by something else. */
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

type Operation = "credential" | "compareAndSet" | "acquireLease" | "releaseLease"

export interface Meddler {
  /** Runs before each call of an operation, and fails it by failing. One that is set replaces the one before. */
  readonly before: (
    operation: Operation,
    meddle: Effect.Effect<unknown, InstallationStore.InstallationStoreError>
  ) => void
  /** Runs after each call of an operation, and by failing makes it look as if the call had. */
  readonly after: (
    operation: Operation,
    meddle: Effect.Effect<unknown, InstallationStore.InstallationStoreError>
  ) => void
  readonly calls: Record<Operation, number>
  readonly layer: Layer.Layer<
    InstallationStore.InstallationStore,
    never,
    InstallationStore.InstallationStore
  >
}

export const unavailable = (operation: string) =>
  new InstallationStore.InstallationStoreError({ operation, reason: "unavailable", code: "ETEST" })

export const makeMeddler = (): Meddler => {
  const befores = new Map<Operation, Effect.Effect<unknown, InstallationStore.InstallationStoreError>>()
  const afters = new Map<Operation, Effect.Effect<unknown, InstallationStore.InstallationStoreError>>()
  const calls = { credential: 0, compareAndSet: 0, acquireLease: 0, releaseLease: 0 }
  const around = <A>(
    operation: Operation,
    effect: Effect.Effect<A, InstallationStore.InstallationStoreError>
  ): Effect.Effect<A, InstallationStore.InstallationStoreError> =>
    Effect.suspend(() => {
      calls[operation]++
      return Effect.zipLeft(
        Effect.zipRight(befores.get(operation) ?? Effect.void, effect),
        Effect.suspend(() => afters.get(operation) ?? Effect.void)
      )
    })
  return {
    calls,
    before: (operation, meddle) => void befores.set(operation, meddle),
    after: (operation, meddle) => void afters.set(operation, meddle),
    layer: Layer.effect(
      InstallationStore.InstallationStore,
      Effect.map(InstallationStore.InstallationStore, (store): InstallationStore.Service => ({
        ...store,
        credential: (key) => around("credential", store.credential(key)),
        compareAndSet: (key, generation, change) =>
          around("compareAndSet", store.compareAndSet(key, generation, change)),
        acquireLease: (key, request) => around("acquireLease", store.acquireLease(key, request)),
        releaseLease: (key, holder) => around("releaseLease", store.releaseLease(key, holder))
      }))
    )
  }
}
