import * as Redacted from "effect/Redacted"

/** The text of a secret that may or may not be wrapped. */
export const reveal = (secret: string | Redacted.Redacted): string =>
  Redacted.isRedacted(secret) ? Redacted.value(secret) : secret
