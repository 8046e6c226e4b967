/**
 * Encryption of what is stored: AES-256-GCM through WebCrypto, with key ids, so that keys can change while the store
 * is in use.
 *
 * The first key seals, all of them open. A sealed text is bound to the row it belongs to: moved to another row, it does
 * not open.
 *
 * A store asks for a `TokenCipher` in its type, so nobody forgets the question. The answer may be {@link layerPlain}.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { invalid, mapOrFail, missing } from "./internal/effect/config.js"
import { toEffect } from "./internal/effect/either.js"
import * as Keys from "./internal/keys.js"
import { plainPrefix, plainTextOf } from "./internal/plainText.js"
import * as Sealing from "./internal/sealing.js"

// -------------------------------------------------------------------------------------
// errors
// -------------------------------------------------------------------------------------

const problems = {
  keyMissing: "It is sealed under a key that is not configured. Add that key to the older keys.",
  notAuthentic: "Another key of the same id sealed it, it was changed, or it belongs to another row.",
  notSealed: "It is not sealed. Put `plain` among the older keys if it may be, and seal it with `reencrypt`.",
  malformed: "It is not what a cipher of this package writes."
} as const

/**
 * A text does not open. The error holds neither the text nor a key.
 *
 * - `keyMissing`: sealed under a key that is not configured; `keyId` is the missing one
 * - `notAuthentic`: sealed by another key of the same id, changed, or moved here from another row
 * - `notSealed`: in plain text, where only sealed text is accepted
 * - `malformed`: not of this package's making
 *
 * @since 0.1.0
 * @category errors
 */
export class CipherError extends Schema.TaggedError<CipherError>()("CipherError", {
  reason: Schema.Literal("keyMissing", "notAuthentic", "notSealed", "malformed"),
  keyId: Schema.optional(Schema.String)
}) {
  override get message(): string {
    return `A stored text does not open: ${this.reason}${this.keyId === undefined ? "" : ` (key ${this.keyId})`}. ${
      problems[this.reason]
    }`
  }
}

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * Seals and opens texts. `row` is what a text belongs to; it has to be the same both times.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Whether anything is encrypted at all. */
  readonly encrypts: boolean
  readonly seal: (text: string, row: string) => Effect.Effect<string>
  readonly open: (stored: string, row: string) => Effect.Effect<string, CipherError>
  /** What every text begins with that is sealed as `seal` seals now; one that begins otherwise wants `reencrypt`. */
  readonly prefix: string
}

/**
 * The encryption of what is stored.
 *
 * @since 0.1.0
 * @category tags
 */
export class TokenCipher extends Context.Tag("effect-slack-oauth/TokenCipher")<TokenCipher, Service>() {}

/**
 * A key: an id of letters, digits, `-` and `_`, and 32 bytes in base64. `openssl rand -base64 32` makes one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Key {
  readonly id: string
  readonly key: string | Redacted.Redacted
}

/**
 * What {@link make} takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The key that seals. */
  readonly current: Key
  /** Keys that only open, from before `current`. */
  readonly older?: ReadonlyArray<Key> | undefined
  /** Whether texts from before there were any keys may be read. Until they are sealed, nothing proves whose they are. */
  readonly readPlain?: boolean | undefined
}

const plain: Service = {
  encrypts: false,
  prefix: plainPrefix,
  seal: (text) => Effect.succeed(plainPrefix + text),
  open: (stored) => {
    const plain = plainTextOf(stored)
    if (plain !== undefined) return Effect.succeed(plain)
    const keyId = Sealing.keyIdOf(stored)
    return Effect.fail(
      keyId === undefined
        ? new CipherError({ reason: "malformed" })
        : new CipherError({ reason: "keyMissing", keyId })
    )
  }
}

const check = (options: Options, name: string): Either.Either<Service, ConfigError.ConfigError> => {
  const made = Keys.toKeyring([options.current, ...options.older ?? []])
  return made.ok
    ? Either.right(fromKeyring(made.keyring, options.readPlain === true))
    : Either.left(invalid(name, made.problem))
}

const fromKeyring = (keyring: Sealing.Keyring, readPlain: boolean): Service => ({
  encrypts: true,
  prefix: Sealing.prefixOf(keyring),
  seal: (text, row) => Effect.promise(() => Sealing.seal(keyring, text, row)),
  open: (stored, row) => {
    const plain = plainTextOf(stored)
    if (plain !== undefined) {
      return readPlain ? Effect.succeed(plain) : Effect.fail(new CipherError({ reason: "notSealed" }))
    }
    return Effect.flatMap(Effect.promise(() => Sealing.open(keyring, stored, row)), (opened) =>
      opened.ok
        ? Effect.succeed(opened.text)
        : Effect.fail(
          opened.reason === "malformed"
            ? new CipherError({ reason: "malformed" })
            : new CipherError({
              reason: opened.reason === "unknownKey" ? "keyMissing" : "notAuthentic",
              keyId: opened.keyId
            })
        ))
  }
})

// -------------------------------------------------------------------------------------
// constructors and layers
// -------------------------------------------------------------------------------------

/**
 * A cipher from keys. A key that is not 32 bytes, or an id that is used twice, is a `ConfigError` that shows no key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Either.Either<Service, ConfigError.ConfigError> => check(options, "keys")

/**
 * A cipher from keys that are in the program.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<TokenCipher, ConfigError.ConfigError> =>
  Layer.effect(TokenCipher, toEffect(make(options)))

/**
 * No encryption: tokens are stored as they are, and the store says so once, in a warning, when it starts.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPlain: Layer.Layer<TokenCipher> = Layer.succeed(TokenCipher, plain)

const variable = "SLACK_TOKEN_KEYS"

const otherwise = "To store tokens in plain text, set it to `plain` or use TokenCipher.layerPlain"

const parse = (text: string): Either.Either<Service, ConfigError.ConfigError> => {
  const no = (problem: string) => Either.left(invalid(variable, problem))
  const entries = Keys.keyEntries(text)
  const readPlain = entries.at(-1) === "plain"
  const list = Keys.readEntries(readPlain ? entries.slice(0, -1) : entries)
  if (!list.ok) return no(`${list.problem}. The last entry may be \`plain\``)
  const [current, ...older] = list.keys
  return current === undefined
    ? readPlain ? Either.right(plain) : no(`It has no key. ${otherwise}`)
    : check({ current, older, readPlain }, variable)
}

/**
 * The cipher as a `Config`: `SLACK_TOKEN_KEYS` is a list such as `2026b:<base64>,2026a:<base64>`. The first key seals,
 * all of them open. `plain` at the end of the list also accepts what was stored before there were keys, and `plain` alone
 * encrypts nothing. The setting is required, so that a misspelt name does not store tokens in plain text.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Service> = Config.option(Config.redacted(variable)).pipe(
  mapOrFail(Option.match({
    onNone: () => Either.left(missing(variable, `The keys are missing. ${otherwise}`)),
    onSome: (text) => parse(Redacted.value(text))
  }))
)

/**
 * A cipher whose keys come from the environment, or from whatever `ConfigProvider` is in force. Without
 * `SLACK_TOKEN_KEYS` it fails: {@link layerPlain} stores tokens in plain text.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<TokenCipher, ConfigError.ConfigError> = Layer.effect(TokenCipher, config)
