/**
 * Calls to a `KeyValueStore`, and their failures.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as KeyValueStore from "effect/persistence/KeyValueStore"

export type KeyValueStoreError = KeyValueStore.KeyValueStoreError

const isTagged = (cause: unknown): cause is { readonly _tag: string } =>
  typeof cause === "object" && cause !== null && "_tag" in cause && typeof cause._tag === "string"

/** The code of a failure, such as `PermissionDenied`. */
export const codeOf = ({ cause, _tag }: KeyValueStoreError): string => {
  const reason = isTagged(cause) && "reason" in cause && isTagged(cause.reason) ? cause.reason : cause
  return isTagged(reason) ? reason._tag : _tag
}

/** The code of a failure, and the call that failed. */
export const describe = (error: KeyValueStoreError): string => `${codeOf(error)} in KeyValueStore.${error.method}`

export const get = (
  store: KeyValueStore.KeyValueStore,
  key: string
): Effect.Effect<Option.Option<string>, KeyValueStoreError> => Effect.map(store.get(key), Option.fromNullishOr)

/** Removes a key, if it is there. Some stores fail to remove what is not. */
export const remove = (store: KeyValueStore.KeyValueStore, key: string): Effect.Effect<void, KeyValueStoreError> =>
  Effect.catchIf(store.remove(key), (error) => codeOf(error) === "NotFound", () => Effect.void)
