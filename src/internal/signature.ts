/**
 * The signature of a request from Slack: HMAC-SHA-256 over `v0:<timestamp>:<raw body>`, with the signing secret as the key.
 *
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
import type * as Redacted from "effect/Redacted"
import { settingList } from "./commaList.js"
import { reveal } from "./reveal.js"

/** Slack's headers. The signature is `v0=` and 64 hex digits, the timestamp is in seconds since 1970. */
export const signatureHeader = "x-slack-signature"
export const timestampHeader = "x-slack-request-timestamp"

export const version = "v0"

/**
 * The secrets that a request may be signed with: those that are given, or else those of the app. An empty one is left out,
 * because anybody can sign with it.
 */
export const signingSecretsOf = (
  given: ReadonlyArray<string | Redacted.Redacted> | undefined,
  app: { readonly signingSecret?: Redacted.Redacted | undefined }
): ReadonlyArray<string> =>
  (given ?? (app.signingSecret === undefined ? [] : [app.signingSecret]))
    .flatMap((secret) => settingList(reveal(secret)))

const encoder = new TextEncoder()

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

/** The hex digits of a signature. `timestamp` is the text of the header. */
export const sign = async (secret: string, timestamp: string, body: Uint8Array): Promise<string> => {
  const algorithm = { name: "HMAC", hash: "SHA-256" }
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"])
  const prefix = encoder.encode(`${version}:${timestamp}:`)
  const signed = new Uint8Array(prefix.length + body.length)
  signed.set(prefix)
  signed.set(body, prefix.length)
  return hex(new Uint8Array(await crypto.subtle.sign(algorithm.name, key, signed)))
}
