/** Effect's `KeyValueStore`s of a test's own. */
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as PlatformError from "effect/PlatformError"
import type { KeyValueStoreError } from "../../../src/internal/effect/kv.js"

export interface Calls {
  readonly get: (key: string) => Effect.Effect<string | undefined, KeyValueStoreError>
  readonly set: (key: string, text: string) => Effect.Effect<unknown, KeyValueStoreError>
  readonly remove: (key: string) => Effect.Effect<unknown, KeyValueStoreError>
}

/** A store of which this package makes three calls. */
export const make = ({ get, remove, set }: Calls): KeyValueStore.KeyValueStore =>
  KeyValueStore.makeStringOnly({
    get,
    set: (key, text) => Effect.asVoid(set(key, text)),
    remove: (key) => Effect.asVoid(remove(key)),
    clear: Effect.void,
    size: Effect.succeed(0),
    keys: Effect.succeed([])
  })

/** A failure of the file system. */
export const failure = (reason: "PermissionDenied" | "TimedOut", description?: string): KeyValueStoreError =>
  new KeyValueStore.KeyValueStoreError({
    message: "Unable to get a value",
    method: "get",
    cause: PlatformError.systemError({ _tag: reason, module: "KeyValueStore", method: "get", description })
  })
