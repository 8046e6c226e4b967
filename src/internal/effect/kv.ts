/**
 * Calls to a `KeyValueStore`, and their failures.
 */
import type { PlatformError } from "@effect/platform/Error"
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

export type KeyValueStoreError = PlatformError

/** The code of a failure, such as `PermissionDenied`. */
export const codeOf = (error: KeyValueStoreError): string => error._tag === "SystemError" ? error.reason : error._tag

/** The code of a failure, and the call that failed. */
export const describe = (error: KeyValueStoreError): string => `${codeOf(error)} in ${error.module}.${error.method}`

export const get = (
  store: KeyValueStore.KeyValueStore,
  key: string
): Effect.Effect<Option.Option<string>, KeyValueStoreError> => store.get(key)

/** Removes a key, if it is there. Some stores fail to remove what is not. */
export const remove = (store: KeyValueStore.KeyValueStore, key: string): Effect.Effect<void, KeyValueStoreError> =>
  Effect.catchIf(store.remove(key), (error) => codeOf(error) === "NotFound", () => Effect.void)
