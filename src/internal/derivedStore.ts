/**
 * What every store of installations can do because of its other operations: `resolve`, and telling others what it writes.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import { heard } from "./effect/streams.js"

type Service = InstallationStore.Service

// -------------------------------------------------------------------------------------
// resolving
// -------------------------------------------------------------------------------------

/** What a store knows of an installation without its tokens. */
export interface Presence {
  readonly key: Installation.InstallationKey
  /** Whether a credential of the subject that was asked for is alive. */
  readonly serves: boolean
  /** Whether any credential is alive. */
  readonly lives: boolean
}

/** The installation that serves a place, of those that are present, the workspace's first. */
export const choose = (present: ReadonlyArray<Presence>): Option.Option<Installation.InstallationKey> =>
  Option.map(
    Option.fromNullable(present.find(({ serves }) => serves) ?? present.find(({ lives }) => lives) ?? present[0]),
    ({ key }) => key
  )

/** The subjects whose credentials are alive. */
export const liveSubjects = (credentials: ReadonlyArray<Installation.Credential>): ReadonlyArray<string> =>
  credentials
    .filter(({ reauthorization }) => Option.isNone(reauthorization))
    .map((credential) => Installation.subjectOf(credential))

/** Resolves places by what `read` says of an installation: the subjects that are alive; none if it is not installed. */
export const resolveWith = <E>(
  read: (key: Installation.InstallationKey) => Effect.Effect<Option.Option<ReadonlyArray<string>>, E>
) =>
(
  place: Installation.Place,
  options?: { readonly subject?: string | undefined }
): Effect.Effect<Option.Option<Installation.InstallationKey>, E> =>
  Effect.map(
    Effect.forEach(Installation.candidates(place), (key) =>
      Effect.map(
        read(key),
        Option.map((alive): Presence => ({
          key,
          serves: alive.includes(options?.subject || "bot"),
          lives: alive.length > 0
        }))
      )),
    (present) => choose(present.flatMap(Option.toArray))
  )

/** Resolves places by reading whole installations. */
export const resolveBy = (get: Service["get"]): Service["resolve"] =>
  resolveWith((key) => Effect.map(get(key), Option.map(({ credentials }) => liveSubjects(credentials))))

// -------------------------------------------------------------------------------------
// changes
// -------------------------------------------------------------------------------------

/** The same store, which tells listeners what it writes: after each write that changed something or may have done so. */
export const withChanges = (store: Omit<Service, "changes" | "onChange">): Service => {
  const listeners = new Set<(change: InstallationStore.Change) => void>()

  const listen = (listener: (change: InstallationStore.Change) => void) => {
    // Several may listen with the same function.
    const own = (change: InstallationStore.Change) => listener(change)
    listeners.add(own)
    return () => void listeners.delete(own)
  }

  const telling = <A, E>(
    write: Effect.Effect<A, E>,
    key: InstallationStore.Change["key"],
    /** What a write that succeeded changed; `undefined` for nothing. */
    changed: (result: A) => { readonly generation?: number } | undefined,
    /** What a write that failed may have changed. */
    inDoubt: { readonly generation?: number } = {}
  ): Effect.Effect<A, E> =>
    Effect.onExit(write, (exit) =>
      Effect.sync(() => {
        const change = Exit.isSuccess(exit) ? changed(exit.value) : inDoubt
        if (change !== undefined) { for (const listener of listeners) listener({ key, ...change }) }
      }))

  const ifRemoved = (removed: boolean) => removed ? {} : undefined

  return {
    ...store,
    save: (installation, options) => telling(store.save(installation, options), installation.key, () => ({})),
    compareAndSet: (key, generation, change) =>
      telling(
        store.compareAndSet(key, generation, change),
        key,
        (swap) => swap._tag === "Swapped" ? { generation: swap.credential.generation } : undefined,
        { generation: generation + 1 }
      ),
    remove: (key, options) => telling(store.remove(key, options), key, ifRemoved),
    removeCredential: (key, options) => telling(store.removeCredential(key, options), key, ifRemoved),
    changes: Stream.map(heard(listen), ({ key }) => key),
    onChange: (listener) =>
      Effect.asVoid(Effect.acquireRelease(Effect.sync(() => listen(listener)), (stop) => Effect.sync(stop)))
  }
}
