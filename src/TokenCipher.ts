/**
 * Encryption of stored tokens: AES-256-GCM through WebCrypto, with key ids, so that keys can change while the store is in
 * use.
 *
 * The first key encrypts, all of them decrypt. An encrypted text is bound to its row: it cannot be decrypted in another.
 *
 * The type of a store requires a `TokenCipher`, so that every application decides about encryption. {@link layerPlain}
 * stores plain text.
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
  keyMissing: "The key that encrypted it is not configured. Add it to the older keys.",
  notAuthentic: "A different key has this id, or the text was altered or moved to another row.",
  notSealed: "It is not encrypted. Put `plain` at the end of the keys if that is allowed, and run `reencrypt`.",
  malformed: "It was not written by a cipher of this package."
} as const

/**
 * A text cannot be decrypted. The error contains neither the text nor a key.
 *
 * - `keyMissing`: the key that encrypted the text is not configured; `keyId` is its id
 * - `notAuthentic`: a different key has this id, or the text was altered or moved to another row
 * - `notSealed`: the text is not encrypted, and plain text is not allowed
 * - `malformed`: the text was not written by a cipher of this package
 *
 * @since 0.1.0
 * @category errors
 */
export class TokenCipherError extends Schema.TaggedError<TokenCipherError>()("TokenCipherError", {
  reason: Schema.Literal("keyMissing", "notAuthentic", "notSealed", "malformed"),
  keyId: Schema.optional(Schema.String)
}) {
  override get message(): string {
    return `A stored text cannot be decrypted: ${this.reason}${
      this.keyId === undefined ? "" : ` (key ${this.keyId})`
    }. ${problems[this.reason]}`
  }
}

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * Encrypts and decrypts texts. `row` is the row that a text belongs to; it has to be the same for both.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** `false` if texts are stored as plain text. */
  readonly encrypts: boolean
  readonly seal: (text: string, row: string) => Effect.Effect<string>
  readonly open: (stored: string, row: string) => Effect.Effect<string, TokenCipherError>
  /** Every text that `seal` returns begins with this. `reencrypt` changes stored texts that do not. */
  readonly prefix: string
}

/**
 * The encryption of stored tokens.
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
 * @category options
 */
export interface Options {
  /** The key that encrypts. */
  readonly current: Key
  /** Former keys, which only decrypt. */
  readonly older?: ReadonlyArray<Key> | undefined
  /**
   * Whether to read texts that were stored before there were keys. Until `reencrypt` has run, nothing proves that such a
   * text belongs to its row.
   */
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
        ? new TokenCipherError({ reason: "malformed" })
        : new TokenCipherError({ reason: "keyMissing", keyId })
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
      return readPlain ? Effect.succeed(plain) : Effect.fail(new TokenCipherError({ reason: "notSealed" }))
    }
    return Effect.flatMap(Effect.promise(() => Sealing.open(keyring, stored, row)), (opened) =>
      opened.ok
        ? Effect.succeed(opened.text)
        : Effect.fail(
          opened.reason === "malformed"
            ? new TokenCipherError({ reason: "malformed" })
            : new TokenCipherError({
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
 * A cipher from keys. A key that does not have 32 bytes, or an id that is used twice, is a `ConfigError`, which contains no
 * key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Either.Either<Service, ConfigError.ConfigError> => check(options, "keys")

/**
 * A cipher from keys that the program has.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { TokenCipher } from "effect-slack-oauth"
 *
 * const program = Effect.gen(function*() {
 *   const { open, seal } = yield* TokenCipher.TokenCipher
 *   const stored = yield* seal("xoxb-test", "the row")
 *   return yield* open(stored, "the row")
 * })
 *
 * const keys = TokenCipher.layer({ current: { id: "2026", key: Buffer.alloc(32).toString("base64") } })
 *
 * Effect.runPromise(Effect.provide(program, keys)).then(console.log) // xoxb-test
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<TokenCipher, ConfigError.ConfigError> =>
  Layer.effect(TokenCipher, toEffect(make(options)))

/**
 * No encryption: tokens are stored as plain text. The store logs a warning when it starts.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPlain: Layer.Layer<TokenCipher> = Layer.succeed(TokenCipher, plain)

const variable = "SLACK_TOKEN_KEYS"

const otherwise = "To store tokens in plain text, set it to `plain` or use TokenCipher.layerPlain"

const parse = (text: string): Either.Either<Service, ConfigError.ConfigError> => {
  const refuse = (problem: string) => Either.left(invalid(variable, problem))
  const entries = Keys.keyEntries(text)
  const readPlain = entries.at(-1) === "plain"
  const list = Keys.readEntries(readPlain ? entries.slice(0, -1) : entries)
  if (!list.ok) return refuse(`${list.problem}. The last entry may be \`plain\``)
  const [current, ...older] = list.keys
  return current === undefined
    ? readPlain ? Either.right(plain) : refuse(`It has no key. ${otherwise}`)
    : check({ current, older, readPlain }, variable)
}

/**
 * The cipher as a `Config`: `SLACK_TOKEN_KEYS` is a list such as `2026b:<base64>,2026a:<base64>`. The first key encrypts,
 * all of them decrypt. With `plain` at the end of the list, texts that were stored before there were keys can be read too.
 * `plain` alone stores plain text. The setting is required, so that a misspelt name does not store tokens as plain text.
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
 * A cipher with keys from the environment, or from another `ConfigProvider`. It fails without `SLACK_TOKEN_KEYS`:
 * {@link layerPlain} stores tokens as plain text.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<TokenCipher, ConfigError.ConfigError> = Layer.effect(TokenCipher, config)
