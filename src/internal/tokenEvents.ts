/**
 * The events of a manager: what happens to credentials, for subscribers.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Installation from "../Installation.js"
import type * as TokenManager from "../TokenManager.js"

/** Makes and matches events. */
export const Event = Data.taggedEnum<TokenManager.Event>()

/** The events of a manager. */
export interface TokenEvents {
  readonly emit: (event: TokenManager.Event) => Effect.Effect<void>
  /** The events from the moment of subscription on. A slow reader loses the oldest first. */
  readonly stream: Stream.Stream<TokenManager.Event>
  /** Emits `RefreshTokenExpiring` in the last sixth of a refresh token's life, and says whether it did. */
  readonly warn: (key: Installation.CredentialKey, issuedAt: DateTime.Utc) => Effect.Effect<boolean>
}

/** Makes a manager's events. `lifetimeOf` says how long the refresh tokens of an app live, if they end at all. */
export const make = (
  lifetimeOf: (appId: string) => Duration.Duration | undefined
): Effect.Effect<TokenEvents, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(PubSub.sliding<TokenManager.Event>(1024), PubSub.shutdown),
    (events) => {
      // After the shutdown, `publish` interrupts, and what is to be done after an event has to be done all the same.
      const emit = (event: TokenManager.Event) => Effect.asVoid(Effect.exit(PubSub.publish(events, event)))
      return {
        emit,
        stream: Stream.fromPubSub(events),
        warn: (key, issuedAt) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => {
            const lifetime = lifetimeOf(key.installation.appId)
            if (lifetime === undefined) return Effect.succeed(false)
            const expiresAt = DateTime.addDuration(issuedAt, lifetime)
            const left = DateTime.toEpochMillis(expiresAt) - now
            return left < Duration.toMillis(lifetime) / 6
              ? Effect.as(emit(Event.RefreshTokenExpiring({ key, expiresAt })), true)
              : Effect.succeed(false)
          })
      }
    }
  )
