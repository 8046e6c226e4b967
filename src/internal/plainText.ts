/**
 * Stored texts that are not encrypted.
 */
import * as Effect from "effect/Effect"
import type { Service, TokenCipherError } from "../TokenCipher.js"

/** Every stored text that is not encrypted begins with this. */
export const plainPrefix = "plain."

/** The text that was stored under {@link plainPrefix}; `undefined` for an encrypted one. */
export const plainTextOf = (stored: string): string | undefined =>
  stored.startsWith(plainPrefix) ? stored.slice(plainPrefix.length) : undefined

/** Opens a stored text, also a plain one that the cipher refuses: `reencrypt` is there to encrypt those. */
export const openAny = (cipher: Service, stored: string, row: string): Effect.Effect<string, TokenCipherError> => {
  const plain = plainTextOf(stored)
  return plain === undefined ? cipher.open(stored, row) : Effect.succeed(plain)
}

/** Warns if tokens are stored in plain text. A store does this once, when it starts. */
export const warnIfPlain = (cipher: Service): Effect.Effect<void> =>
  cipher.encrypts
    ? Effect.void
    : Effect.logWarning("Slack tokens are stored in plain text. Set SLACK_TOKEN_KEYS to encrypt them.")
