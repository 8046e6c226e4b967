import * as Redacted from "effect/Redacted"

/** The text of a secret that may or may not be wrapped, if there is one. */
export const reveal = <Secret extends string | Redacted.Redacted | undefined>(
  secret: Secret
): string | Extract<Secret, undefined> => Redacted.isRedacted(secret) ? Redacted.value(secret) as string : secret as any
