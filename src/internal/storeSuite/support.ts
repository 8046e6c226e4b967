/** What the cases of the suite have in common. */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "../../Installation.js"
import type * as InstallationStore from "../../InstallationStore.js"
import { botToken, t0 } from "./fixtures.js"

export type Store = InstallationStore.Service

export const after = (duration: Duration.DurationInput): DateTime.Utc => DateTime.addDuration(t0, duration)

/** A new app id. Each case uses its own app, because the cases share the store. */
export const freshApp = Effect.map(Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER), (n) => `A0SUITE${n.toString(36)}`)

/** The encoded installation, because encoding makes secrets comparable. */
export const show = (installation: Option.Option<Installation.Installation>): unknown =>
  Option.getOrNull(Option.map(installation, (installation) => {
    const encoded = Schema.encodeSync(Installation.Installation)(installation)
    return { ...encoded, users: [...encoded.users].sort((a, b) => a.userId < b.userId ? -1 : 1) }
  }))

export const tokenOf = (credential: Option.Option<Installation.Credential>): string | undefined =>
  Option.getOrUndefined(Option.map(credential, ({ token }) => Redacted.value(token.accessToken)))

export const generationOf = (credential: Option.Option<Installation.Credential>): number | undefined =>
  Option.getOrUndefined(Option.map(credential, ({ generation }) => generation))

export const isDead = (credential: Option.Option<Installation.Credential>): boolean =>
  Option.exists(credential, ({ reauthorization }) => Option.isSome(reauthorization))

export const renewed = (name: string, at: DateTime.Utc = after("1 hour")) =>
  Installation.Change.Renewed({ token: botToken(name, DateTime.add(at, { hours: 12 })), issuedAt: at })

export const swapped = (swap: InstallationStore.Swap): Installation.Credential => {
  if (swap._tag !== "Swapped") {
    throw new Error("The compare-and-set was superseded. It should have changed the credential.")
  }
  return swap.credential
}

export const acquired = (result: InstallationStore.LeaseResult) => {
  if (result._tag !== "Acquired") throw new Error(`The lease is ${result._tag}. It should be Acquired.`)
  return result
}

export const infos = (store: Store, appId: string, selection: InstallationStore.Selection) =>
  Effect.map(
    Stream.runCollect(Stream.filter(store.credentials(selection), ({ key }) => key.installation.appId === appId)),
    (found) => Array.from(found)
  )

export const keysOf = (found: ReadonlyArray<InstallationStore.CredentialInfo>) => found.map(({ key }) => String(key))

/** Runs many effects concurrently, and no more than a connection pool can serve. */
export const atOnce = <A, E>(count: number, f: (n: number) => Effect.Effect<A, E>) =>
  Effect.forEach(Array.from({ length: count }, (_, n) => n), f, { concurrency: 25 })

export type Case = readonly [
  name: string,
  run: (store: Store, appId: string, many: number) => Effect.Effect<void, InstallationStore.InstallationStoreError>
]
