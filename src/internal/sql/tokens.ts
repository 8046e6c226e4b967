/**
 * The secret part of a credential, as JSON. A cipher seals this text before it is stored.
 *
 * It is written and read at each refresh, so by hand: `Schema` takes several times as long.
 */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Token } from "../../Installation.js"
import { parseObject } from "../unknown.js"

export interface Tokens {
  readonly accessToken: Redacted.Redacted
  readonly refreshToken: Option.Option<Redacted.Redacted>
}

export const tokensOf = ({ accessToken, expiry }: Token): Tokens => ({
  accessToken,
  refreshToken: Option.flatMap(expiry, ({ refreshToken }) => refreshToken)
})

/** `{"accessToken":"xoxe.xoxb-…","refreshToken":"xoxe-…"}`, or `null` for no refresh token. */
export const encode = ({ accessToken, refreshToken }: Tokens): string =>
  JSON.stringify({
    accessToken: Redacted.value(accessToken),
    refreshToken: Option.isNone(refreshToken) ? null : Redacted.value(refreshToken.value)
  })

/** Reads what {@link encode} writes. Other keys are ignored; any other text is none. */
export const decode = (text: string): Option.Option<Tokens> => {
  const { accessToken, refreshToken } = parseObject(text) ?? {}
  if (typeof accessToken !== "string") return Option.none()
  if (refreshToken !== null && typeof refreshToken !== "string") return Option.none()
  return Option.some({
    accessToken: Redacted.make(accessToken),
    refreshToken: refreshToken === null ? Option.none() : Option.some(Redacted.make(refreshToken))
  })
}
