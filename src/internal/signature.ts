/**
 * The signature of a request from Slack: HMAC-SHA-256 over `v0:<timestamp>:<raw body>`, with the signing secret as the key.
 *
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */

/** Slack's headers. The signature is `v0=` and 64 hex digits, the timestamp is in seconds since 1970. */
export const signatureHeader = "x-slack-signature"
export const timestampHeader = "x-slack-request-timestamp"

export const version = "v0"

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
