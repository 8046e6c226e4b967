/**
 * What the two halves of an install have to agree on: it is written when a person is sent to Slack, and taken back,
 * once, when Slack sends them back.
 *
 * A store knows an install by the SHA-256 of its state and never sees the state itself, so that who reads the store
 * cannot finish somebody's install. Taking back is atomic: of two that come with one state, one gets the install.
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
import { optional, withDefault } from "./internal/effect/schemas.js"
import * as Keys from "./internal/keys.js"
import * as LayerContext from "./internal/layerContext.js"
import { checkCount } from "./internal/options.js"
import * as Sealing from "./internal/sealing.js"
import { late, standardDeadline, storeCall } from "./internal/storeCall.js"

// -------------------------------------------------------------------------------------
// the model
// -------------------------------------------------------------------------------------

/**
 * An install that has been begun.
 *
 * As a schema this class is its JSON form, with the verifier in plain text, for stores.
 *
 * @since 0.1.0
 * @category models
 */
export class PendingInstall extends Schema.Class<PendingInstall>("effect-slack-oauth/PendingInstall")({
  /** As the authorize step named it; the token request has to name the same. */
  redirectUri: Schema.String,
  /** The bot scopes asked for. */
  botScopes: Schema.Array(Schema.String),
  /** The user scopes asked for. */
  userScopes: Schema.Array(Schema.String),
  /** The PKCE verifier, if the authorize step named a challenge. */
  codeVerifier: optional(Schema.Redacted(Schema.String)),
  /** The caller's own metadata, encoded as JSON by the caller's schema. */
  metadata: Schema.Redacted(Schema.String),
  /** From this moment on the install cannot be finished. */
  expiresAt: Schema.DateTimeUtc
}) {}

/**
 * No install waits under this state. It was used, or dropped to make room, or it expired long ago, or it was never begun
 * here.
 *
 * @since 0.1.0
 * @category errors
 */
export class PendingInstallNotFound extends Schema.TaggedError<PendingInstallNotFound>()("PendingInstallNotFound", {
  /** `true` if the store knows that the install was taken before. A store that cannot tell says `false`. */
  used: withDefault(Schema.Boolean, false)
}) {
  override get message(): string {
    return this.used
      ? "The install under this state was taken before: begin a new one."
      : "No install waits under this state. It was used before, dropped, or never begun here: begin a new one."
  }
}

/**
 * The install was begun too long ago. It is gone now.
 *
 * @since 0.1.0
 * @category errors
 */
export class PendingInstallExpired extends Schema.TaggedError<PendingInstallExpired>()("PendingInstallExpired", {}) {
  override get message(): string {
    return "The install was begun too long ago: begin a new one."
  }
}

/**
 * The store failed. `problem` says how, without what was to be stored.
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
 * Why an install cannot be taken back.
 *
 * @since 0.1.0
 * @category errors
 */
export type ConsumeError = PendingInstallNotFound | PendingInstallExpired | PendingInstallStoreError

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * Where installs wait. Both methods take the SHA-256 of the state, in base64url.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Keeps an install. The result is what the browser has to bring back in its cookie, besides the proof that it is the
   * browser that asked: nothing (an empty text) for a store that keeps the install itself.
   */
  readonly save: (
    stateHash: string,
    pending: PendingInstall
  ) => Effect.Effect<string, PendingInstallStoreError>
  /**
   * Takes an install back. However many ask at the same time, one gets it and the others fail with
   * {@link PendingInstallNotFound}, which says `used` only if the store knows it. An expired install is taken out too,
   * and is a failure.
   */
  readonly consume: (
    stateHash: string,
    carried: string
  ) => Effect.Effect<PendingInstall, ConsumeError>
}

/**
 * Where installs wait between their two halves.
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

/** What was stored is this package's own writing; if it cannot be read, what it says stays out of the error. */
const read = (text: string, now: number): Either.Either<PendingInstall, ConsumeError> =>
  Either.flatMap(
    Either.mapLeft(
      decode(text),
      () => new PendingInstallStoreError({ operation: "consume", problem: "what it has stored cannot be read" })
    ),
    (pending) => unlessExpired(pending, now)
  )

/**
 * What a store has to be able to do: keep a text under a key, and take it out again in one atomic step.
 *
 * @since 0.1.0
 * @category models
 */
export interface Backend<E> {
  /** Keeps the text at least until the time; afterwards it should be dropped. The key is new each time. */
  readonly put: (key: string, text: string, until: DateTime.Utc) => Effect.Effect<void, E>
  /** Removes the text and returns it. Of several that ask at once, at most one may get it. */
  readonly take: (key: string) => Effect.Effect<Option.Option<string>, E>
}

/** Expired installs are kept for a while, so that who comes late is told that it was too late. */
const keepUntil = ({ expiresAt }: PendingInstall): DateTime.Utc => DateTime.add(expiresAt, { hours: 1 })

/**
 * A store over a backend of the caller's own: Redis, for one, with `SET … PXAT` and `GETDEL`.
 *
 * `describe` puts a failure of the backend into words; they are for logs, so secrets have no place in them. A backend
 * that does not answer within ten seconds has failed too.
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

/** Anybody can begin an install without signing in, so the number of installs that wait is limited. */
const defaultCapacity = 10_000

/** A map whose entries expire. Beyond its capacity it drops the oldest entries. */
const makeExpiring = <A>(capacity: number) => {
  const entries = new Map<string, { readonly value: A; readonly until: number }>()
  return {
    set: (key: string, value: A, until: number, now: number): void => {
      // From the oldest on, and no further than the first that may stay: a sweep costs what it drops.
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
 * Installs wait in this process: for one process that may forget them when it stops. Beginning an install drops those
 * that expired an hour ago, and beyond `capacity` (10 000) the oldest. The store also remembers the last `capacity`
 * states that were used; these take no room from the installs that wait.
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

/** How many entries of the queue one call removes at most. */
const entriesPerSweep = 20

/** The numbers of the oldest entry of the queue, and of the one that comes next. */
const QueueEnds = Schema.parseJson(Schema.Tuple(Schema.NonNegativeInt, Schema.NonNegativeInt))

/** The key of an install, and until when it is kept. */
const QueueEntry = Schema.parseJson(Schema.Tuple(Schema.String, Schema.Number))

/**
 * Installs wait in platform's `KeyValueStore`, under keys that begin with `slack-oauth.pending.`.
 *
 * What atomic means here: within one process a semaphore ensures that one of several takers gets the install. A
 * `KeyValueStore` has no way to take a value out in one step, so two processes over one of them, files included, may
 * both get an install that they ask for in the same instant; Slack's code, which works once, is then the guard. For
 * several processes take the SQL store, or {@link make} with an atomic `take` of your own.
 *
 * A `KeyValueStore` cannot list its keys. A queue of entries under numbered keys records what was begun, in order.
 * Beginning an install removes from its front what expired an hour ago, also of a process that has stopped, and beyond
 * 10 000 installs the oldest. It reads and writes the same few keys however many installs there are.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyValueStore: Layer.Layer<PendingInstallStore, never, KeyValueStore.KeyValueStore> = Layer.effect(
  PendingInstallStore,
  Effect.gen(function*() {
    const store = KeyValueStore.prefix(yield* KeyValueStore.KeyValueStore, "slack-oauth.pending.")
    // What is used once stays used, also where the values are in a database and the caller's transaction rolls back.
    const { run } = yield* LayerContext.make()
    const exclusively = (yield* Effect.makeSemaphore(1)).withPermits(1)

    const read = <A>(key: string, schema: Schema.Schema<A, string>) =>
      Effect.map(KeyValues.get(store, key), Option.flatMap(Schema.decodeOption(schema)))

    /** Removes from the front of the queue what may go, and returns the number of the first entry that stays. */
    const sweep = (first: number, next: number) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const last = Math.min(next, first + entriesPerSweep)
        for (let number = first; number < last; number++) {
          const entry = yield* read(`queue.${number}`, QueueEntry)
          // There is no entry under a number if the process stopped before it was written.
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
          // In this order no install is stored that the queue does not know of, wherever the process stops.
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
 * A key for {@link layerSealedCookie}: 32 random bytes in base64 or base64url, and an id that tells it from the others.
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
                  + "put less into the metadata, or take a store that keeps it on the server"
              })
            )
      ),
    consume: (stateHash, carried) =>
      Effect.gen(function*() {
        const opened = yield* Effect.promise(() => Sealing.open(keyring, carried, place(stateHash)))
        if (!opened.ok) return yield* new PendingInstallNotFound()
        const now = yield* Clock.currentTimeMillis
        const pending = yield* read(opened.text, now)
        // From here to the end nothing gives way to another fiber, so of two takers one comes first.
        if (used.has(stateHash)) return yield* new PendingInstallNotFound({ used: true })
        used.set(stateHash, true, pending.expiresAt.epochMillis, now)
        return pending
      })
  }
}

/**
 * Installs wait in the browser, in a cookie that is sealed with AES-256-GCM and bound to its state: for servers without
 * storage. The first key seals; all of them open, so that keys can be changed while installs are on their way.
 *
 * What atomic means here: the cookie is gone after its first use, and this process remembers until it expires that it
 * was used (the last 10 000 of them), so of several takers in one process one gets the install. Two processes do not know of each other: there a
 * cookie that was copied before its first use opens once in each, within its lifetime. Slack's code, which works once,
 * is then the guard; take a store that keeps installs on the server if that is not enough.
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
