/**
 * Tokens that Slack gave and the store has not saved. Only this process has them. So they are served from memory, and the
 * process tries to save them until it succeeds.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import type { Closing } from "./closing.js"
import { type Entry, remember } from "./credentialCache.js"
import * as CredentialState from "./credentialState.js"
import type { HeardChanges } from "./heardChanges.js"
import type { LayerContext } from "./layerContext.js"
import { isHeld, type Saved } from "./rotation.js"
import { Event, type TokenEvents } from "./tokenEvents.js"

type Save = Effect.Effect<void, InstallationStore.InstallationStoreError>

/** The unsaved tokens of a manager. */
export interface UnsavedTokens {
  /** The credentials that have one. */
  readonly entries: () => ReadonlyArray<Entry>
  /** Keeps a token, and begins to save it. `save` tries once. */
  readonly keep: (
    key: Installation.CredentialKey,
    entry: Entry,
    credential: Installation.Credential,
    save: Effect.Effect<Saved, InstallationStore.InstallationStoreError>
  ) => Effect.Effect<void>
  /** Tries once to save a credential's unsaved token, if it has one. */
  readonly save: (entry: Entry) => Save
}

/** Three more tries, with pauses of a second and a half in all, because a caller waits. */
const soon = Schedule.intersect(Schedule.exponential("200 millis"), Schedule.recurs(3))

/** Makes a manager's unsaved tokens. Fibers that save them run in `scope`. */
export const make = ({ changes, closing, context, events, rules, scope }: {
  readonly changes: HeardChanges
  readonly closing: Closing
  readonly context: LayerContext<never>
  readonly events: TokenEvents
  readonly rules: CredentialState.Rules
  readonly scope: Scope.Scope
}): UnsavedTokens => {
  const saves = new Map<Entry, Save>()

  /** The token is stored, or somebody else has changed the credential since. */
  const settled = (key: Installation.CredentialKey, entry: Entry, saved: Saved): Effect.Effect<void> => {
    saves.delete(entry)
    entry.state = CredentialState.onSaved(entry.state)
    if (saved._tag === "Missing") {
      entry.state = CredentialState.onMissing(entry.state)
      return Effect.void
    }
    return Effect.zipRight(
      remember(rules, entry, saved.credential),
      saved._tag === "Renewed"
        ? events.emit(Event.Refreshed({ key, generation: saved.credential.generation }))
        : Effect.void
    )
  }

  /** Tries until the token is saved, by this fiber or another. */
  const keepTrying = (entry: Entry, save: Save, attempts: number): Effect.Effect<void> =>
    Random.next.pipe(
      Effect.flatMap((chance) => Effect.interruptible(Effect.sleep(CredentialState.pauseAfter(attempts, chance)))),
      Effect.zipRight(Effect.suspend(() => saves.get(entry) === save ? save : Effect.void)),
      Effect.catchAll(() => keepTrying(entry, save, attempts + 1))
    )

  return {
    entries: () => Array.from(saves.keys()),
    keep: (key, entry, credential, save) =>
      Effect.suspend(() => {
        const saveOnce: Save = Effect.suspend(() => {
          const version = changes.version()
          return Effect.flatMap(save, (saved) =>
            Effect.suspend(() => {
              // A caller, the fiber below and the closing manager may try at once. The first one that succeeds counts.
              if (saves.get(entry) !== saveOnce) return Effect.void
              entry.version = version
              return settled(key, entry, saved)
            }))
        })
        saves.set(entry, saveOnce)
        entry.state = CredentialState.onUnsaved(entry.state, credential)
        if (!rules.sharedRefresh) return Effect.ignore(Effect.retry(saveOnce, { schedule: soon, until: isHeld }))
        // A manager that closes saves it itself. Its scope does not interrupt what begins now.
        return closing.stage === "open"
          ? Effect.asVoid(context.fork(Effect.uninterruptible(keepTrying(entry, saveOnce, 0)), scope))
          : Effect.void
      }),
    save: (entry) => Effect.suspend(() => saves.get(entry) ?? Effect.void)
  }
}
