/**
 * A store with faults, over the store in the context. A test can let each operation fail, hang or take long, can do
 * something just before or after it, and can count the calls.
 */
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

type Operation = "credential" | "compareAndSet" | "acquireLease" | "releaseLease"

export interface FaultyStore {
  /** Runs before each call of an operation. If it fails, the call fails. It replaces the action that was set before. */
  readonly before: (
    operation: Operation,
    action: Effect.Effect<unknown, InstallationStore.InstallationStoreError>
  ) => void
  /** Runs after each call of an operation. If it fails, the call seems to fail, although it has done its work. */
  readonly after: (
    operation: Operation,
    action: Effect.Effect<unknown, InstallationStore.InstallationStoreError>
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

export const makeFaultyStore = (): FaultyStore => {
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
    before: (operation, action) => void befores.set(operation, action),
    after: (operation, action) => void afters.set(operation, action),
    layer: Layer.effect(
      InstallationStore.InstallationStore,
      // The faults are inside: listeners to changes hear of them, as from a store whose database fails.
      Effect.map(InstallationStore.InstallationStore, (store) =>
        InstallationStore.make({
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

/** An action for the first call of an operation. Later calls are left alone. */
export const once = (
  store: FaultyStore,
  operation: Operation,
  action: Effect.Effect<unknown, InstallationStore.InstallationStoreError>
) => Effect.suspend(() => store.calls[operation] === 1 ? action : Effect.void)
