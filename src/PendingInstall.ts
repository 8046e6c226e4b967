/**
 * Pending installs, which a person has begun and not finished. An install is saved when the person is sent to Slack, and
 * consumed, once, when Slack sends the person back.
 *
 * A store knows an install by the SHA-256 of its state. It never gets the state itself, so a reader of the store cannot
 * finish an install. `consume` is atomic: of two callers with one state, one gets the install.
 *
 * @since 0.1.0
 */
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Configs from "./internal/effect/config.js"
import { toEffect } from "./internal/effect/either.js"
import * as KeyValues from "./internal/effect/kv.js"
import { nonNegativeInt, optional, withDefault } from "./internal/effect/schemas.js"
import * as Keys from "./internal/keys.js"
import * as LayerContext from "./internal/layerContext.js"
import { checkCount } from "./internal/options.js"
import * as Sealing from "./internal/sealing.js"
import { late, standardDeadline, storeCall } from "./internal/storeCall.js"

// -------------------------------------------------------------------------------------
// the model
// -------------------------------------------------------------------------------------

/**
 * An install that has begun.
 *
 * As a schema, this class encodes to JSON for stores, with the verifier in plain text.
 *
 * @since 0.1.0
 * @category models
 */
export class PendingInstall extends Schema.Class<PendingInstall>("effect-slack-oauth/PendingInstall")({
  /** The redirect URI of the authorize step. The token request must have the same. */
  redirectUri: Schema.String,
  /** The bot scopes asked for. */
  botScopes: Schema.Array(Schema.String),
  /** The user scopes asked for. */
  userScopes: Schema.Array(Schema.String),
  /** The PKCE verifier, if the authorize step had a challenge. */
  codeVerifier: optional(Schema.Redacted(Schema.String)),
  /** The caller's metadata, as JSON. */
  metadata: Schema.Redacted(Schema.String),
  /** The install cannot be finished at or after this time. */
  expiresAt: Schema.DateTimeUtc
}) {}

/**
 * The store has no install for this state. It was used, or dropped to make room, or it expired long ago, or it never
 * began here.
 *
 * @since 0.1.0
 * @category errors
 */
export class PendingInstallNotFound extends Schema.TaggedError<PendingInstallNotFound>()("PendingInstallNotFound", {
  /** `true` if the store knows that the install was consumed before. A store that cannot know this says `false`. */
  used: withDefault(Schema.Boolean, false)
}) {
  override get message(): string {
    return this.used
      ? "The install of this state was used before: begin a new one."
      : "There is no install for this state. It was used, dropped, or never began here: begin a new one."
  }
}

/**
 * The install began too long ago. It was removed.
 *
 * @since 0.1.0
 * @category errors
 */
export class PendingInstallExpired extends Schema.TaggedError<PendingInstallExpired>()("PendingInstallExpired", {}) {
  override get message(): string {
    return "The install began too long ago: begin a new one."
  }
}

/**
 * The store failed. `problem` says why, and contains nothing of the install.
 *
 * @since 0.1.0
 * @category errors
 */
export class PendingInstallStoreError
  extends Schema.TaggedError<PendingInstallStoreError>()("PendingInstallStoreError", {
    operation: Schema.Literal("save", "consume"),
    problem: Schema.String
  })
{
  override get message(): string {
    return `The store of pending installs failed to ${this.operation}: ${this.problem}.`
  }
}

/**
 * Why `consume` gives no install.
 *
 * @since 0.1.0
 * @category errors
 */
export type ConsumeError = PendingInstallNotFound | PendingInstallExpired | PendingInstallStoreError

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * A store of pending installs. Both methods take the SHA-256 of the state, in base64url.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Saves an install. The result is what the browser carries in its cookie for the store, and gives back to `consume`. It
   * is empty for a store that keeps the install itself.
   */
  readonly save: (
    stateHash: string,
    pending: PendingInstall
  ) => Effect.Effect<string, PendingInstallStoreError>
  /**
   * Removes an install and returns it. Of several callers at the same time, one gets it and the others fail with
   * {@link PendingInstallNotFound}. `used` is `true` only if the store knows it. An expired install is removed too, and
   * the call fails.
   */
  readonly consume: (
    stateHash: string,
    carried: string
  ) => Effect.Effect<PendingInstall, ConsumeError>
}

/**
 * The store of pending installs.
 *
 * @since 0.1.0
 * @category tags
 */
export class PendingInstallStore
  extends Context.Tag("effect-slack-oauth/PendingInstallStore")<PendingInstallStore, Service>()
{}

const Json = Schema.parseJson(PendingInstall)
const encode = Schema.encodeSync(Json)
const decode = Schema.decodeEither(Json)

const unlessExpired = (pending: PendingInstall, now: number): Either.Either<PendingInstall, PendingInstallExpired> =>
  pending.expiresAt.epochMillis <= now ? Either.left(new PendingInstallExpired()) : Either.right(pending)

/** Decodes a stored install. If that fails, the error contains nothing of the text. */
const read = (text: string, now: number): Either.Either<PendingInstall, ConsumeError> =>
  Either.flatMap(
    Either.mapLeft(
      decode(text),
      () => new PendingInstallStoreError({ operation: "consume", problem: "what it has stored cannot be read" })
    ),
    (pending) => unlessExpired(pending, now)
  )

/**
 * What {@link make} needs of a store: keep a text under a key, and remove it in one atomic step.
 *
 * @since 0.1.0
 * @category models
 */
export interface Backend<E> {
  /** Keeps the text at least until the given time. The backend should drop it afterwards. Each call has a new key. */
  readonly put: (key: string, text: string, until: DateTime.Utc) => Effect.Effect<void, E>
  /** Removes the text and returns it. Of several callers at the same time, at most one may get it. */
  readonly take: (key: string) => Effect.Effect<Option.Option<string>, E>
}

/** Expired installs are kept for an hour, so that a late callback gets the error of an expired install. */
const keepUntil = ({ expiresAt }: PendingInstall): DateTime.Utc => DateTime.add(expiresAt, { hours: 1 })

/**
 * A store over a backend of the caller, for example Redis with `SET … PXAT` and `GETDEL`.
 *
 * `describe` makes a text of a failure of the backend. It goes into logs, so it must contain no secret. A backend that
 * does not answer within ten seconds has failed.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Option } from "effect"
 * import { PendingInstall } from "effect-slack-oauth"
 *
 * const texts = new Map<string, string>()
 *
 * const StoreLive = Layer.succeed(
 *   PendingInstall.PendingInstallStore,
 *   PendingInstall.make({
 *     put: (key, text) => Effect.sync(() => texts.set(key, text)),
 *     take: (key) =>
 *       Effect.sync(() => {
 *         const text = Option.fromNullable(texts.get(key))
 *         texts.delete(key)
 *         return text
 *       })
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E = never>(
  backend: Backend<E>,
  describe: (error: E) => string = () => "its backend failed"
): Service => {
  const ask = <A>(operation: PendingInstallStoreError["operation"], answer: Effect.Effect<A, E>) => {
    const failed = (problem: string) => new PendingInstallStoreError({ operation, problem })
    return storeCall(Effect.mapError(answer, (error) => failed(describe(error))), {
      operation: `PendingInstallStore.${operation}`,
      deadline: standardDeadline,
      toError: (code) =>
        failed(
          code === late
            ? "it did not answer within 10 seconds (is its only connection taken by the caller's own transaction?)"
            : `it ended unexpectedly (${code})`
        )
    })
  }
  return {
    save: (stateHash, pending) =>
      Effect.as(ask("save", Effect.suspend(() => backend.put(stateHash, encode(pending), keepUntil(pending)))), ""),
    consume: (stateHash) =>
      Effect.gen(function*() {
        const text = yield* ask("consume", Effect.suspend(() => backend.take(stateHash)))
        if (Option.isNone(text)) return yield* new PendingInstallNotFound()
        return yield* read(text.value, yield* Clock.currentTimeMillis)
      })
  }
}

// -------------------------------------------------------------------------------------
// memory
// -------------------------------------------------------------------------------------

/** Anybody can begin an install, so the number of pending installs is limited. */
const defaultCapacity = 10_000

/** A map whose entries expire. If it is full, it drops the oldest entries. */
const makeExpiring = <A>(capacity: number) => {
  const entries = new Map<string, { readonly value: A; readonly until: number }>()
  return {
    set: (key: string, value: A, until: number, now: number): void => {
      // From the oldest to the first that may stay, so this reads no more entries than it drops.
      for (const [other, entry] of entries) {
        if (entry.until > now && entries.size < capacity) break
        entries.delete(other)
      }
      entries.set(key, { value, until })
    },
    has: (key: string): boolean => entries.has(key),
    take: (key: string): A | undefined => {
      const entry = entries.get(key)
      entries.delete(key)
      return entry?.value
    }
  }
}

/**
 * Keeps installs in the memory of this process, until it stops. Each `save` drops installs that expired an hour ago, and
 * the oldest of more than `capacity` (10 000). The store also remembers the last `capacity` states that were used. They
 * do not count as installs.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory = (
  options?: { readonly capacity?: number | undefined }
): Layer.Layer<PendingInstallStore, ConfigError.ConfigError> =>
  Layer.effect(
    PendingInstallStore,
    Effect.map(checkCount("capacity", options?.capacity ?? defaultCapacity), (capacity) => {
      const waiting = makeExpiring<PendingInstall>(capacity)
      const used = makeExpiring<true>(capacity)
      return {
        save: (stateHash, pending) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            waiting.set(stateHash, pending, keepUntil(pending).epochMillis, now)
            return ""
          }),
        consume: (stateHash) =>
          Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<PendingInstall, ConsumeError> => {
            const pending = waiting.take(stateHash)
            if (pending === undefined) return Effect.fail(new PendingInstallNotFound({ used: used.has(stateHash) }))
            const result = unlessExpired(pending, now)
            if (Either.isRight(result)) used.set(stateHash, true, keepUntil(pending).epochMillis, now)
            return result
          })
      }
    })
  )

// -------------------------------------------------------------------------------------
// KeyValueStore
// -------------------------------------------------------------------------------------

/** How many entries of the queue a call removes at most. */
const entriesPerSweep = 20

/** The number of the oldest entry of the queue, and the number of the next new one. */
const QueueEnds = Schema.parseJson(Schema.Tuple(nonNegativeInt, nonNegativeInt))

/** The key of an install, and the time until which it is kept. */
const QueueEntry = Schema.parseJson(Schema.Tuple(Schema.String, Schema.Number))

/**
 * Keeps installs in platform's `KeyValueStore`, under keys that begin with `slack-oauth.pending.`.
 *
 * `consume` is atomic within one process, by a semaphore. A `KeyValueStore` cannot read and remove a value in one step, so
 * two processes that share one, files included, may both get an install if they ask at the same instant. Then only
 * Slack's check is left: a code works once. For several processes use the SQL store, or {@link make} with an atomic
 * `take`.
 *
 * A `KeyValueStore` cannot list its keys, so a queue under numbered keys records the installs in order. Each `save`
 * removes installs from its front that expired an hour ago, also those of a process that has stopped, and the oldest of
 * more than 10 000. It reads and writes the same few keys, however many installs there are.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyValueStore: Layer.Layer<PendingInstallStore, never, KeyValueStore.KeyValueStore> = Layer.effect(
  PendingInstallStore,
  Effect.gen(function*() {
    const store = KeyValueStore.prefix(yield* KeyValueStore.KeyValueStore, "slack-oauth.pending.")
    // The values may be in a database. A transaction of the caller that rolls back must not restore a used install.
    const { run } = yield* LayerContext.make()
    const exclusively = (yield* Effect.makeSemaphore(1)).withPermits(1)

    const read = <A>(key: string, schema: Schema.Schema<A, string>) =>
      Effect.map(KeyValues.get(store, key), Option.flatMap(Schema.decodeOption(schema)))

    /** Removes entries from the front of the queue, and returns the number of the first that stays. */
    const sweep = (first: number, next: number) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const last = Math.min(next, first + entriesPerSweep)
        for (let number = first; number < last; number++) {
          const entry = yield* read(`queue.${number}`, QueueEntry)
          // A process may have stopped before it wrote the entry of this number.
          if (Option.isNone(entry)) continue
          const [key, until] = entry.value
          if (until > now && next - number < defaultCapacity) return number
          yield* KeyValues.remove(store, key)
          yield* KeyValues.remove(store, `queue.${number}`)
        }
        return last
      })

    return make({
      put: (key, text, until) =>
        run(exclusively(Effect.gen(function*() {
          const [first, next] = Option.getOrElse(yield* read("queue", QueueEnds), () => [0, 0] as const)
          // In this order the queue has every stored install, wherever the process stops.
          yield* store.set("queue", JSON.stringify([yield* sweep(first, next), next + 1]))
          yield* store.set(`queue.${next}`, JSON.stringify([key, until.epochMillis]))
          yield* store.set(key, text)
        }))),
      take: (key) =>
        run(exclusively(
          Effect.tap(
            KeyValues.get(store, key),
            (text) => Option.isNone(text) ? Effect.void : KeyValues.remove(store, key)
          )
        ))
    }, KeyValues.describe)
  })
)

// -------------------------------------------------------------------------------------
// a sealed cookie
// -------------------------------------------------------------------------------------

/**
 * A key for {@link layerSealedCookie}: 32 random bytes in base64 or base64url, and an id of its own.
 *
 * @since 0.1.0
 * @category models
 */
export interface SealingKey {
  readonly id: string
  readonly key: string | Redacted.Redacted
}

/** Browsers keep at least 4096 bytes of a cookie, its name and attributes included (RFC 6265bis §5.6). */
const maxSealedLength = 3600

const keyring = (
  [current, ...older]: ReadonlyArray<SealingKey>,
  name: string
): Either.Either<Sealing.Keyring, ConfigError.ConfigError> => {
  if (current === undefined) return Either.left(Configs.missing(name, "There is no key"))
  const made = Keys.toKeyring([current, ...older])
  return made.ok ? Either.right(made.keyring) : Either.left(Configs.invalid(name, made.problem))
}

const makeSealed = (keyring: Sealing.Keyring): Service => {
  const used = makeExpiring<true>(defaultCapacity)
  const place = (stateHash: string) => `slack-oauth/pending/${stateHash}`
  return {
    save: (stateHash, pending) =>
      Effect.flatMap(
        Effect.promise(() => Sealing.seal(keyring, encode(pending), place(stateHash))),
        (sealed) =>
          sealed.length <= maxSealedLength
            ? Effect.succeed(sealed)
            : Effect.fail(
              new PendingInstallStoreError({
                operation: "save",
                problem: `sealed it has ${sealed.length} characters, and a cookie holds ${maxSealedLength}: `
                  + "put less into the metadata, or use a store that keeps installs on the server"
              })
            )
      ),
    consume: (stateHash, carried) =>
      Effect.gen(function*() {
        const opened = yield* Effect.promise(() => Sealing.open(keyring, carried, place(stateHash)))
        if (!opened.ok) return yield* new PendingInstallNotFound()
        const now = yield* Clock.currentTimeMillis
        const pending = yield* read(opened.text, now)
        // From here to the end no other fiber runs, so only one of two callers finds the state unused.
        if (used.has(stateHash)) return yield* new PendingInstallNotFound({ used: true })
        used.set(stateHash, true, pending.expiresAt.epochMillis, now)
        return pending
      })
  }
}

/**
 * Keeps installs in the browser, for servers without storage: in a cookie that is sealed with AES-256-GCM and bound to
 * its state. The first key seals and all keys open, so keys can be changed while installs are pending.
 *
 * `consume` is atomic within one process: the process remembers the last 10 000 states that were used until they expire.
 * Two processes do not know of each other, so a cookie that was copied before its first use opens once in each of them.
 * Then only Slack's check is left: a code works once. If this is not enough, use a store that keeps installs on the
 * server.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSealedCookie = (
  keys: readonly [current: SealingKey, ...older: ReadonlyArray<SealingKey>]
): Layer.Layer<PendingInstallStore, ConfigError.ConfigError> =>
  Layer.effect(PendingInstallStore, Effect.map(Effect.suspend(() => toEffect(keyring(keys, "keys"))), makeSealed))

const cookieKeys = "SLACK_COOKIE_KEYS"

/**
 * {@link layerSealedCookie} with its keys from the environment: `SLACK_COOKIE_KEYS` is `id:key`, or several of them with
 * commas between, the current one first.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSealedCookieConfig: Layer.Layer<PendingInstallStore, ConfigError.ConfigError> = Layer.effect(
  PendingInstallStore,
  Effect.flatMap(Config.redacted(cookieKeys), (text) => {
    const list = Keys.readEntries(Keys.keyEntries(Redacted.value(text)))
    const made = list.ok ? keyring(list.keys, cookieKeys) : Either.left(Configs.invalid(cookieKeys, list.problem))
    return toEffect(Either.map(made, makeSealed))
  })
)
