/**
 * A store of installations over platform's `KeyValueStore`, such as a folder, for one process.
 *
 * A `KeyValueStore` has no compare-and-set: in-process locks provide atomicity. So one process may use it, with one
 * instance of {@link layer}. It has no index either: `stream`, `credentials` and `counts` read everything. For several
 * processes, use `effect-slack-oauth/sql/SqlInstallationStore`, over a libsql file or Postgres.
 *
 * @since 0.1.0
 */
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "./Installation.js"
import * as InstallationStore from "./InstallationStore.js"
import { commaList } from "./internal/commaList.js"
import * as KeyValues from "./internal/effect/kv.js"
import { entries, nonNegativeInt } from "./internal/effect/schemas.js"
import { endOf } from "./internal/expiry.js"
import { keyOfRow } from "./internal/installationKey.js"
import * as Row from "./internal/installationRow.js"
import { openAny, warnIfPlain } from "./internal/plainText.js"
import { installationRowId, parseSubjectPart, subjectPart } from "./internal/rowId.js"
import * as RowStore from "./internal/rowStore.js"
import { logCause } from "./internal/storeCall.js"
import * as TokenCipher from "./TokenCipher.js"

const { InstallationStoreError, fromCipherError } = InstallationStore
type InstallationStoreError = InstallationStore.InstallationStoreError

const unreadable = (operation: string, row: string) =>
  new InstallationStoreError({ operation, reason: "unreadable", row })

// -------------------------------------------------------------------------------------
// texts
// -------------------------------------------------------------------------------------

const keyPrefix = "slack-oauth.store."

interface Texts {
  readonly read: (operation: string, key: string) => Effect.Effect<Option.Option<string>, InstallationStoreError>
  readonly write: (operation: string, key: string, text: string) => Effect.Effect<void, InstallationStoreError>
}

/**
 * Texts in two copies, written one after the other as `<length> <text>`. A write to a `KeyValueStore` need not be
 * atomic: a crash may leave one copy incomplete, and then the other one is read.
 */
const makeTexts = (store: KeyValueStore.KeyValueStore): Texts => {
  const failed = (operation: string) =>
    Effect.catchAll((error: KeyValues.KeyValueStoreError) =>
      Effect.zipRight(
        logCause(`InstallationStore.${operation}`, error),
        Effect.fail(new InstallationStoreError({ operation, reason: "unavailable", code: KeyValues.codeOf(error) }))
      )
    )

  const readCopy = (operation: string, key: string): Effect.Effect<Option.Option<string>, InstallationStoreError> =>
    Effect.flatMap(failed(operation)(KeyValues.get(store, key)), (stored) => {
      const match = /^(\d+) ([^]*)$/.exec(Option.getOrElse(stored, () => ""))
      if (match === null) return Effect.succeedNone
      const [, length, text] = match as unknown as [string, string, string]
      if (text.length < Number(length)) return Effect.succeedNone
      return text.length > Number(length) ? Effect.fail(unreadable(operation, key)) : Effect.succeedSome(text)
    })

  return {
    read: (operation, key) =>
      Effect.flatMap(
        readCopy(operation, `${keyPrefix}${key}`),
        (text) => Option.isSome(text) ? Effect.succeed(text) : readCopy(operation, `${keyPrefix}${key}.next`)
      ),
    write: (operation, key, text) => {
      const framed = `${text.length} ${text}`
      return failed(operation)(Effect.zipRight(
        store.set(`${keyPrefix}${key}.next`, framed),
        store.set(`${keyPrefix}${key}`, framed)
      ))
    }
  }
}

// -------------------------------------------------------------------------------------
// the ids of all rows
// -------------------------------------------------------------------------------------

/** Rows share locks and lists of ids by a hash of the id. */
const shards = 256

/** FNV-1a. */
const shardOf = (id: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % shards
}

const Ids = Schema.parseJson(Schema.Array(Schema.String))
const decodeIds = Schema.decodeOption(Ids)
const encodeIds = Schema.encodeSync(Ids)

const makeIds = (texts: Texts) => {
  const read = (operation: string, shard: number): Effect.Effect<ReadonlyArray<string>, InstallationStoreError> =>
    Effect.flatMap(texts.read(operation, `index.${shard}`), (text) =>
      Option.isNone(text)
        ? Effect.succeed([])
        : Option.match(decodeIds(text.value), {
          onNone: () => Effect.fail(unreadable(operation, `index.${shard}`)),
          onSome: (ids) => Effect.succeed(ids)
        }))

  return {
    add: (operation: string, id: string): Effect.Effect<void, InstallationStoreError> => {
      const shard = shardOf(id)
      return Effect.flatMap(
        read(operation, shard),
        (ids) => ids.includes(id) ? Effect.void : texts.write(operation, `index.${shard}`, encodeIds([...ids, id]))
      )
    },
    all: (operation: string): Stream.Stream<string, InstallationStoreError> =>
      Stream.flatMap(
        Stream.range(0, shards - 1),
        (shard) => Stream.unwrap(Effect.map(read(operation, shard), Stream.fromIterable))
      )
  }
}

// -------------------------------------------------------------------------------------
// rows
// -------------------------------------------------------------------------------------

const RowJson = Schema.parseJson(Schema.Struct({
  installation: Schema.OptionFromNullOr(Installation.Installation),
  slots: entries(
    Schema.String,
    Schema.Struct({
      generation: nonNegativeInt,
      credential: Schema.OptionFromNullOr(Installation.Credential),
      lease: Schema.OptionFromNullOr(InstallationStore.Lease),
      removedAt: Schema.OptionFromNullOr(Schema.DateTimeUtc),
      origins: Schema.optional(Schema.Array(Schema.Redacted(Schema.String)))
    })
  ),
  removedAt: Schema.OptionFromNullOr(Schema.DateTimeUtc),
  floor: nonNegativeInt
}))

const encodeRow = Schema.encodeSync(RowJson)
const decodeRow = Schema.decodeOption(RowJson)

/** What is known of a row without decrypting it. */
interface Headline {
  readonly highestGeneration: number
  /** The subjects whose credentials are alive; none if nothing is installed. */
  readonly alive: Option.Option<ReadonlyArray<string>>
}

const headlineOf = (row: Row.Row): Headline => ({
  highestGeneration: Row.highestGeneration(row),
  alive: Row.aliveOf(row)
})

/** `<highest generation> live=bot,U0USER <row>`, or `<highest generation> removed <row>`. The row is encrypted. */
const encodeParts = ({ alive, highestGeneration }: Headline, sealed: string): string => {
  const state = Option.match(alive, {
    onNone: () => "removed",
    onSome: (subjects) => `live=${subjects.map((subject) => subjectPart(subject)).join(",")}`
  })
  return `${highestGeneration} ${state} ${sealed}`
}

const decodeParts = (stored: string): readonly [headline: Headline, sealed: string] => {
  const match = /^(\d+) (?:live=(\S*)|removed) ([^]*)$/.exec(stored)
  if (match === null) return [{ highestGeneration: 0, alive: Option.none() }, stored]
  const [, generation, alive, sealed = ""] = match
  const subjects = alive === undefined
    ? Option.none()
    : Option.some(commaList(alive).map(parseSubjectPart))
  return [{ highestGeneration: Number(generation), alive: subjects }, sealed]
}

const makeRows = (texts: Texts, cipher: TokenCipher.Service) => {
  const readSealed = (operation: string, id: string) =>
    Effect.map(texts.read(operation, `row.${id}`), Option.map(decodeParts))

  const writeSealed = (operation: string, id: string, headline: Headline, sealed: string) =>
    texts.write(operation, `row.${id}`, encodeParts(headline, sealed))

  const open = (operation: string, id: string, sealed: string): Effect.Effect<Row.Row, InstallationStoreError> =>
    Effect.flatMap(
      Effect.mapError(cipher.open(sealed, id), fromCipherError(operation, id)),
      (text) =>
        Option.match(decodeRow(text), {
          onNone: () => Effect.fail(unreadable(operation, id)),
          onSome: (row): Effect.Effect<Row.Row> => Effect.succeed(row)
        })
    )

  return {
    read: (operation: string, id: string): Effect.Effect<Option.Option<Row.Row>, InstallationStoreError> =>
      Effect.flatMap(
        readSealed(operation, id),
        (parts) => Option.isNone(parts) ? Effect.succeedNone : Effect.asSome(open(operation, id, parts.value[1]))
      ),

    write: (operation: string, id: string, row: Row.Row): Effect.Effect<void, InstallationStoreError> =>
      Effect.flatMap(
        cipher.seal(encodeRow(row), id),
        (sealed) => writeSealed(operation, id, headlineOf(row), sealed)
      ),

    /** What is known of a row without decrypting it. */
    headline: (operation: string, id: string): Effect.Effect<Option.Option<Headline>, InstallationStoreError> =>
      Effect.map(readSealed(operation, id), Option.map(([headline]) => headline)),

    /** Encrypts a row again under the current key; none if it is there already. */
    reencrypt: (id: string): Effect.Effect<Option.Option<InstallationStore.Reencrypted>, InstallationStoreError> =>
      Effect.gen(function*() {
        const operation = "reencrypt"
        const parts = yield* readSealed(operation, id)
        if (Option.isNone(parts)) return Option.none()
        const [headline, sealed] = parts.value
        if (sealed.startsWith(cipher.prefix)) return Option.none()
        const opened = yield* Effect.either(openAny(cipher, sealed, id))
        if (Either.isLeft(opened)) {
          return Option.some({ row: id, error: Option.some(fromCipherError(operation, id)(opened.left)) })
        }
        yield* writeSealed(operation, id, headline, yield* cipher.seal(opened.right, id))
        return Option.some({ row: id, error: Option.none() })
      })
  }
}

// -------------------------------------------------------------------------------------
// the store
// -------------------------------------------------------------------------------------

/** Gives one caller at a time the lock of a row. A caller that has the lock cannot be interrupted. */
const makeLocks = () => {
  const locks = Array.from({ length: shards }, () => Effect.unsafeMakeSemaphore(1))
  return (id: string) => <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.uninterruptibleMask((restore) => {
      const lock = locks[shardOf(id)] as Effect.Semaphore
      return Effect.zipRight(restore(lock.take(1)), Effect.ensuring(effect, lock.release(1)))
    })
}

/**
 * Makes the store over the `KeyValueStore` in the context.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<
  InstallationStore.Service,
  never,
  KeyValueStore.KeyValueStore | TokenCipher.TokenCipher
> = Effect.gen(function*() {
  const texts = makeTexts(yield* KeyValueStore.KeyValueStore)
  const cipher = yield* TokenCipher.TokenCipher
  yield* warnIfPlain(cipher)
  const ids = makeIds(texts)
  const rows = makeRows(texts, cipher)
  const exclusively = makeLocks()

  const all = (operation: string): Stream.Stream<RowStore.Entry, InstallationStoreError> =>
    Stream.filterMap(
      Stream.mapEffect(ids.all(operation), (id) =>
        Effect.flatMap(rows.read(operation, id), (row) => {
          if (Option.isNone(row)) return Effect.succeedNone
          const key = keyOfRow(id)
          return Option.isNone(key)
            ? Effect.fail(unreadable(operation, id))
            : Effect.succeedSome<RowStore.Entry>([key.value, row.value])
        })),
      (entry) => entry
    )

  const service = RowStore.make(InstallationStore.Lease, {
    all,
    read: (operation, key) => rows.read(operation, installationRowId(key)),
    alive: (operation, key) =>
      Effect.map(rows.headline(operation, installationRowId(key)), Option.flatMap(({ alive }) => alive)),
    modify: (operation, key, f) => {
      const id = installationRowId(key)
      return exclusively(id)(Effect.gen(function*() {
        const stored = yield* rows.read(operation, id)
        const before = Option.getOrElse(stored, () => Row.empty())
        const [result, after] = f(before, yield* DateTime.now)
        if (after === before) return result
        // An id without a row does no harm. A row without an id would never be found.
        if (Option.isNone(stored)) yield* ids.add(operation, id)
        yield* rows.write(operation, id, after)
        return result
      }))
    },
    expiring: (expiresBefore) =>
      Stream.unwrap(Effect.map(
        Stream.runFold(all("credentials"), [] as Array<InstallationStore.CredentialInfo>, (found, [key, row]) => {
          const selected = Row.infosOf(key, row).filter((info) =>
            Row.isSelected(info, { state: "rotating", expiresBefore })
          )
          found.push(...selected)
          return found
        }),
        (found) => Stream.fromIterable(found.sort((a, b) => endOf(a) - endOf(b)))
      )),
    reencrypt: Stream.filterMap(
      Stream.mapEffect(ids.all("reencrypt"), (id) => exclusively(id)(rows.reencrypt(id))),
      (reencrypted) => reencrypted
    )
  })

  /** Removes also a row that cannot be decrypted. Otherwise nobody could install again after a key was lost. */
  const removeUnread = (key: Installation.InstallationKey) => {
    const id = installationRowId(key)
    return exclusively(id)(Effect.gen(function*() {
      const headline = yield* rows.headline("remove", id)
      if (Option.isNone(headline)) return false
      yield* rows.write("remove", id, Row.removedUnread(headline.value.highestGeneration, yield* DateTime.now))
      return true
    }))
  }

  return InstallationStore.make({
    ...service,
    remove: (key, options): Effect.Effect<boolean, InstallationStoreError> =>
      options?.installedBefore === undefined
        ? Effect.catchIf(
          service.remove(key),
          ({ reason }) => reason !== "unavailable",
          () => removeUnread(key)
        )
        : service.remove(key, options)
  })
})

/**
 * A store over the `KeyValueStore` in the context, such as `KeyValueStore.layerFileSystem("slack")`. Its keys begin with
 * `slack-oauth.store.`. A crash during a write leaves the value before or after it, never a part of it.
 *
 * It is for one process, with one instance of this layer.
 *
 * @example
 * ```ts
 * import { KeyValueStore } from "@effect/platform"
 * import { Layer } from "effect"
 * import { KeyValueInstallationStore, TokenCipher } from "effect-slack-oauth"
 *
 * // On Node, `KeyValueStore.layerFileSystem("slack")` with `NodeContext.layer` keeps the installations in a folder.
 * const StoreLive = KeyValueInstallationStore.layer.pipe(
 *   Layer.provide([KeyValueStore.layerMemory, TokenCipher.layerConfig])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<
  InstallationStore.InstallationStore,
  never,
  KeyValueStore.KeyValueStore | TokenCipher.TokenCipher
> = Layer.effect(InstallationStore.InstallationStore, make)
