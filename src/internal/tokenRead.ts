/**
 * Serves callers who ask for a token: {@link decide} says what a caller gets, and this does it.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Installation from "../Installation.js"
import type * as InstallationStore from "../InstallationStore.js"
import type { Force } from "../TokenManager.js"
import type { Entry, Obstacle } from "./credentialCache.js"
import * as CredentialState from "./credentialState.js"
import { decide, type Refusal, type Served } from "./credentialState.js"
import { withDeadline } from "./deadline.js"
import * as LayerContext from "./layerContext.js"
import type { SharedRefresh } from "./sharedRefresh.js"
import { uptime } from "./uptime.js"

/** What reading works with. */
export interface Parts {
  readonly rules: CredentialState.Rules
  readonly store: InstallationStore.Service
  readonly refreshes: SharedRefresh
}

type Token = Effect.Effect<Redacted.Redacted, Refusal<Obstacle>>

/** Serves a caller outside of a transaction. */
const readOutside = (parts: Parts, key: Installation.CredentialKey, entry: Entry): Token =>
  Effect.flatMap(Effect.zip(Clock.currentTimeMillis, uptime), ([now, up]) => {
    entry.wasAsked = true
    const runningFor = entry.running && up - entry.running.startedAt
    const decision = decide(parts.rules, entry.state, now, runningFor)
    switch (decision._tag) {
      case "Serve":
        return Effect.succeed(decision.token)
      case "Refuse":
        return Effect.fail(decision.refusal)
      case "Refresh":
      case "Wait":
        return awaitRefresh(parts, key, entry, up, decision.atMost)
    }
  })

/** Waits for a refresh, which it begins if none is under way. After `atMost`, what the caller gets is decided again. */
const awaitRefresh = (
  parts: Parts,
  key: Installation.CredentialKey,
  entry: Entry,
  up: number,
  atMost: number
): Token => {
  const refreshed = Effect.flatMap(parts.refreshes.join(key, entry, up), ({ token }) =>
    // Slack may have refused it since the refresh ended.
    CredentialState.isRefused(entry.state, token) ? readOutside(parts, key, entry) : Effect.succeed(token))
  // Where refreshes are not shared, a caller that refreshes has to stay: there is nobody else to store the result.
  if (!parts.rules.sharedRefresh || !Number.isFinite(atMost)) return refreshed
  return Effect.catchAll(
    withDeadline(refreshed, Duration.millis(atMost), () => "late" as const),
    (error) => error === "late" ? readOutside(parts, key, entry) : Effect.fail(error)
  )
}

/**
 * Serves a caller inside a database transaction, which may hold the lock, or the only connection, that a refresh waits
 * for. So it first reads inside the transaction, and gets that token unless there is a newer one in time. That token is
 * not remembered: the transaction may be rolled back.
 */
const readInside = (parts: Parts, key: Installation.CredentialKey, entry: Entry): Token =>
  Effect.gen(function*() {
    const { rules, store } = parts
    const seen = yield* Effect.orElseSucceed(store.credential(key), Option.none)
    const now = yield* Clock.currentTimeMillis
    const read = readOutside(parts, key, entry)
    if (Option.isNone(seen) || !CredentialState.isValid(entry.state, seen.value, now)) return yield* read
    const { accessToken } = seen.value.token
    if (CredentialState.isEarly(rules, seen.value, now)) return accessToken
    return yield* Effect.catchAll(
      rules.sharedRefresh ? withDeadline(read, Duration.millis(rules.patience), () => "late" as const) : read,
      (error) => error === "late" || error._tag === "Unavailable" ? Effect.succeed(accessToken) : Effect.fail(error)
    )
  })

/** Serves a caller whose token is not served from memory at once. */
export const read = (parts: Parts, key: Installation.CredentialKey, entry: Entry): Token =>
  Effect.flatMap(
    LayerContext.isInTransaction,
    (isInTransaction) => isInTransaction ? readInside(parts, key, entry) : readOutside(parts, key, entry)
  )

/** Refreshes by force. A refresh that is under way and was not forced is waited for first. */
export const refresh = (
  parts: Parts,
  key: Installation.CredentialKey,
  entry: Entry,
  force: Force
): Effect.Effect<Served, Refusal<Obstacle>> =>
  Effect.flatMap(uptime, (up) => {
    const { running } = entry
    return running === undefined || running.isForced
      ? parts.refreshes.join(key, entry, up, force)
      : Effect.zipRight(Effect.exit(running.result), refresh(parts, key, entry, force))
  })
