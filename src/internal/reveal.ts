/**
 * Secrets that a caller may give plain or wrapped.
 */
import * as Redacted from "effect/Redacted"

/** The text of a secret, if there is one. */
export const reveal = <Secret extends string | Redacted.Redacted | undefined>(
  secret: Secret
): string | Extract<Secret, undefined> => Redacted.isRedacted(secret) ? Redacted.value(secret) as string : secret as any

/** A wrapped secret, if there is one. */
export const conceal = <Secret extends string | Redacted.Redacted | undefined>(
  secret: Secret
): Redacted.Redacted | Extract<Secret, undefined> => typeof secret === "string" ? Redacted.make(secret) : secret as any
