/**
 * Proof Key for Code Exchange. The authorize step sends a hash of a secret, and only the token request sends the secret.
 * So a code that was stolen or injected is worth nothing.
 *
 * Slack accepts only the method `S256`, and only from apps that opted in. {@link PendingInstall} keeps the verifier
 * between the two steps of a flow.
 *
 * @see RFC 7636
 * @see https://docs.slack.dev/authentication/using-pkce
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { randomToken, sha256 } from "./internal/random.js"
import { conceal } from "./internal/reveal.js"

/**
 * A verifier and its challenge.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pkce {
  /** 43 to 128 characters (RFC 7636 §4.1). Only the token request may contain it. */
  readonly verifier: Redacted.Redacted
  /** `BASE64URL(SHA256(verifier))`, 43 characters (RFC 7636 §4.2). The authorize URL contains it. */
  readonly challenge: string
}

/**
 * The verifier is invalid: it has fewer than 43 or more than 128 characters, or others than letters, digits, `-`, `.`,
 * `_` and `~` (RFC 7636 §4.1).
 *
 * @since 0.1.0
 * @category errors
 */
export class PkceInvalidVerifier extends Schema.TaggedError<PkceInvalidVerifier>()("PkceInvalidVerifier", {
  /** The number of characters of the verifier. */
  length: Schema.Number
}) {
  override get message(): string {
    return `A PKCE verifier has 43 to 128 characters, which are letters, digits and "-._~"; this one has ${this.length}. `
      + "Use Pkce.make to make one."
  }
}

/**
 * The challenge for a verifier, by `S256`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const challenge = (verifier: Redacted.Redacted): Effect.Effect<string> =>
  Effect.promise(() => sha256(Redacted.value(verifier)))

/**
 * Checks a verifier of the caller, and adds its challenge.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromVerifier = (verifier: string | Redacted.Redacted): Effect.Effect<Pkce, PkceInvalidVerifier> => {
  const secret = conceal(verifier)
  const text = Redacted.value(secret)
  return /^[\w.~-]{43,128}$/.test(text)
    ? Effect.map(challenge(secret), (challenge) => ({ verifier: secret, challenge }))
    : Effect.fail(new PkceInvalidVerifier({ length: text.length }))
}

/**
 * A new verifier of 256 random bits, from the platform's cryptographic source, with its challenge.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Pkce } from "effect-slack-oauth"
 *
 * const program = Effect.map(Pkce.make, ({ challenge }) => challenge.length)
 *
 * Effect.runPromise(program).then(console.log) // 43
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Pkce> = Effect.suspend(() => {
  const verifier = Redacted.make(randomToken())
  return Effect.map(challenge(verifier), (challenge) => ({ verifier, challenge }))
})
