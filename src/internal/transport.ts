/**
 * Whether a request that got no answer can have arrived. The question decides if a single-use grant may be sent
 * again, so only what certainly failed before the first byte counts as not sent.
 */

/** Codes of failures that come before the request can be written. */
const beforeSending = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused", // Bun
  // certificates are refused during the handshake
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
])

export interface TransportFailure {
  readonly sent: boolean
  readonly reason: string | undefined
}

const get = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined

const codeOf = (value: unknown): string | undefined => {
  const code = get(value, "code")
  return typeof code === "string" && /^\w{1,64}$/.test(code) ? code : undefined
}

/** Walks `cause` and `errors` down to the failure of the socket: fetch hides it one level deep, dual-stack connects in a list. */
export const classify = (cause: unknown, depth = 0): TransportFailure => {
  if (depth > 8) return { sent: true, reason: undefined }
  const errors = get(cause, "errors")
  if (Array.isArray(errors) && errors.length > 0) {
    const each = errors.map((error) => classify(error, depth + 1))
    return { sent: each.some(({ sent }) => sent), reason: codeOf(cause) ?? each[0].reason }
  }
  const code = codeOf(cause)
  if (code !== undefined) {
    const connecting = get(cause, "syscall") === "connect" || get(cause, "syscall") === "getaddrinfo"
    return { sent: !(connecting || beforeSending.has(code)), reason: code }
  }
  const inner = get(cause, "cause")
  return inner === undefined ? { sent: true, reason: undefined } : classify(inner, depth + 1)
}
