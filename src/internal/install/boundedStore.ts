/**
 * The store of pending installs, as a flow calls it: with a deadline, and in the context of the layer. A transaction of
 * the request that rolls back does not make a used state valid again.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PendingInstall from "../../PendingInstall.js"
import type * as LayerContext from "../layerContext.js"
import { late, storeCall } from "../storeCall.js"

/** How long a call may take. */
const limit = Duration.seconds(15)

export const bounded = (
  store: PendingInstall.Service,
  layerContext: LayerContext.LayerContext<any>
): PendingInstall.Service => {
  const call = <A, E>(
    operation: PendingInstall.PendingInstallStoreError["operation"],
    effect: () => Effect.Effect<A, E>
  ): Effect.Effect<A, E | PendingInstall.PendingInstallStoreError> =>
    storeCall(layerContext.run(Effect.suspend(effect)), {
      operation: `PendingInstallStore.${operation}`,
      deadline: limit,
      toError: (code) =>
        new PendingInstall.PendingInstallStoreError({
          operation,
          problem: code === late ? "it did not answer within 15 seconds" : `it ended unexpectedly (${code})`
        })
    })
  return {
    save: (stateHash, pending) => call("save", () => store.save(stateHash, pending)),
    consume: (stateHash, carried) => call("consume", () => store.consume(stateHash, carried))
  }
}
