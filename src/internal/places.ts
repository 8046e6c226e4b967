/**
 * Remembers which credential serves a place. A credential is remembered for `cacheTime`, and the absence of one for
 * `missTime`. Changes by this process take effect at once (`heardChanges`).
 *
 * A place with one candidate is not looked up in the store: reading the credential shows whether it exists.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import type { HeardChanges } from "./heardChanges.js"
import { credentialKeyOf } from "./installationKey.js"
import { isInTransaction } from "./layerContext.js"
import { credentialRowId, installationRowId } from "./rowId.js"

/** What is remembered of a place. `Miss` is the error of a place without a token. */
interface Known<Miss> {
  readonly key: Installation.CredentialKey
  readonly id: string
  readonly miss: Miss | undefined
  /** When it was read, and until when it is remembered, in milliseconds since the epoch. */
  readonly at: number
  readonly until: number
  /** The version of `heardChanges` at which it was last known to be up to date. */
  version: number
}

/** The credential that serves a place, and its token. */
export interface Found {
  readonly key: Installation.CredentialKey
  readonly token: Redacted.Redacted
}

export interface Places<E> {
  /** The id of the credential that serves a place, if it is remembered. */
  readonly peek: (place: Installation.Place, subject: string, now: number) => string | undefined
  readonly find: (place: Installation.Place, subject: string) => Effect.Effect<Found, E>
}

/** The key of a place and a subject in the map. It begins with the lengths, so that no two places share a key. */
const textOf = (
  { appId, enterpriseId, isEnterpriseInstall, teamId }: Installation.Place,
  standardAppId: string,
  subject: string
): string => {
  const [app, team, enterprise] = [appId || standardAppId, teamId || "", enterpriseId || ""]
  const lengths = `${app.length} ${team.length} ${enterprise.length}`
  return `${lengths}${isEnterpriseInstall === true ? "!" : ":"}${app}${team}${enterprise}${subject}`
}

/** Makes the memory of a manager. `find` reads again, at most three times, if a change made its result outdated. */
export const make = <Miss extends { readonly key: Installation.CredentialKey }, E>(
  { appId = "", cacheTime, changes, isMiss, missTime, read, resolve, size, toMiss, toUnavailable }: {
    readonly size: number
    /** How long a credential is remembered, in milliseconds. */
    readonly cacheTime: number
    /** How long the absence of a credential is remembered, in milliseconds. */
    readonly missTime: number
    /** The app id for places that do not name an app. */
    readonly appId: string | undefined
    readonly changes: HeardChanges
    readonly resolve: InstallationStore.Service["resolve"]
    readonly read: (key: Installation.CredentialKey) => Effect.Effect<Redacted.Redacted, E | Miss>
    readonly isMiss: (error: E | Miss) => error is Miss
    /** The error of a place where nothing is installed. */
    readonly toMiss: (key: Installation.CredentialKey) => Miss
    readonly toUnavailable: (
      key: Installation.CredentialKey,
      error: InstallationStore.InstallationStoreError
    ) => E
  }
): Places<E | Miss> => {
  const places = new Map<string, Known<Miss>>()

  const remember = (text: string, known: Omit<Known<Miss>, "id">): void => {
    places.delete(text)
    places.set(text, { ...known, id: String(known.key) })
    if (places.size > size) places.delete(places.keys().next().value as string)
  }

  /** Whether a row on which the result for a place depends has changed since a version. */
  const hasChanged = (version: number, place: Installation.Place, subject: string): boolean =>
    version !== changes.version() &&
    changes.since(
      version,
      Installation.candidates(place.appId ? place : { ...place, appId }).flatMap(
        (key) => [installationRowId(key), credentialRowId(key, subject)]
      )
    )

  const current = (place: Installation.Place, subject: string, now: number): Known<Miss> | undefined => {
    const text = textOf(place, appId, subject)
    const known = places.get(text)
    if (known === undefined) return undefined
    if (now < known.at || now >= known.until || hasChanged(known.version, place, subject)) {
      places.delete(text)
      return undefined
    }
    known.version = changes.version()
    return known
  }

  /** Looks up in the store which credential serves a place. */
  const lookUp = (place: Installation.Place, subject: string): Effect.Effect<Installation.CredentialKey, E | Miss> => {
    const [first, second] = Installation.candidates(place)
    if (first === undefined) {
      return Effect.failSync(() =>
        toMiss(credentialKeyOf(Installation.workspace(place.appId || "", place.teamId || ""), subject))
      )
    }
    if (second === undefined) return Effect.succeed(credentialKeyOf(first, subject))
    return resolve(place, { subject }).pipe(
      Effect.mapError((error) => toUnavailable(credentialKeyOf(first, subject), error)),
      Effect.flatMap(Option.match({
        onNone: () => Effect.failSync(() => toMiss(credentialKeyOf(first, subject))),
        onSome: (installation) => Effect.succeed(credentialKeyOf(installation, subject))
      }))
    )
  }

  const attempt = (place: Installation.Place, subject: string, triesLeft: number): Effect.Effect<Found, E | Miss> =>
    Effect.gen(function*() {
      const version = changes.version()
      const at = yield* Clock.currentTimeMillis
      // What is read inside a transaction may be rolled back.
      const isPassing = yield* isInTransaction
      const known = current(place, subject, at)
      if (known?.miss !== undefined) return yield* Effect.fail(known.miss)

      const text = textOf(place, appId, subject)
      const found = yield* Effect.either(Effect.gen(function*() {
        const key = known?.key ?? (yield* lookUp(place, subject))
        return { key, token: yield* read(key) }
      }))
      if (found._tag === "Right") {
        const { key } = found.right
        if (known === undefined && !isPassing) {
          remember(text, { key, miss: undefined, at, until: at + cacheTime, version })
        }
        return found.right
      }
      const error = found.left
      if (!isMiss(error)) return yield* Effect.fail(error)
      places.delete(text)
      if (triesLeft > 0 && (known !== undefined || hasChanged(version, place, subject))) {
        return yield* attempt(place, subject, triesLeft - 1)
      }
      if (!isPassing) remember(text, { key: error.key, miss: error, at, until: at + missTime, version })
      return yield* Effect.fail(error)
    })

  return {
    peek: (place, subject, now) => {
      const known = current(place, subject, now)
      return known === undefined || known.miss !== undefined ? undefined : known.id
    },
    find: (place, subject) => attempt(place.appId ? place : { ...place, appId }, subject, 3)
  }
}
