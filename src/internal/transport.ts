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
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  // so are TLS versions
  "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  "ERR_SSL_UNSUPPORTED_PROTOCOL"
])

/** Texts of failures before sending whose code alone does not tell. */
const textsBeforeSending = [
  // Node: the connection ended during the TLS handshake
  /before secure TLS connection was established$/,
  // undici: a proxy refused to connect to Slack
  /^Proxy response \(\d{3}\) !== 200 when HTTP Tunneling$/
]

export interface TransportFailure {
  readonly sent: boolean
  readonly reason: string | undefined
}

const get = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined

const codeOf = (value: unknown): string | undefined => {
  const code = get(value, "code")
  // OpenSSL writes ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE.
  return typeof code === "string" && /^[\w/]{1,64}$/.test(code) ? code : undefined
}

const messageOf = (value: unknown): string => {
  const message = get(value, "message")
  return typeof message === "string" ? message : ""
}

/** Deno has no codes. Its texts name the step that failed, such as `client error (Connect)`. */
const denoStepOf = (value: unknown): string | undefined => /: client error \((\w{1,40})\)/.exec(messageOf(value))?.[1]

/**
 * Whether a failure with a code came before sending. Node's `https` reports a failed handshake as `EPROTO` of a write,
 * and a TLS failure after the request under OpenSSL's own code. `fetch` has OpenSSL's code for a failed handshake alone.
 */
const isBeforeSending = (cause: unknown, code: string, inFetch: boolean): boolean => {
  const syscall = get(cause, "syscall")
  return beforeSending.has(code) || syscall === "connect" || syscall === "getaddrinfo" ||
    (code === "EPROTO" && syscall !== "read") || (inFetch && code.startsWith("ERR_SSL_")) ||
    textsBeforeSending.some((text) => text.test(messageOf(cause)))
}

/** Walks `cause` and `errors` down to the failure of the socket: fetch hides it one level deep, dual-stack connects in a list. */
export const classify = (cause: unknown, depth = 0, inFetch = false): TransportFailure => {
  if (depth > 8) return { sent: true, reason: undefined }
  const errors = get(cause, "errors")
  if (Array.isArray(errors) && errors.length > 0) {
    const each = errors.map((error) => classify(error, depth + 1, inFetch))
    return { sent: each.some(({ sent }) => sent), reason: codeOf(cause) ?? each[0].reason }
  }
  const code = codeOf(cause)
  if (code !== undefined) return { sent: !isBeforeSending(cause, code, inFetch), reason: code }
  const step = denoStepOf(cause)
  if (step !== undefined) return { sent: step !== "Connect", reason: step }
  const inner = get(cause, "cause")
  return inner === undefined
    ? { sent: true, reason: undefined }
    : classify(inner, depth + 1, inFetch || messageOf(cause) === "fetch failed")
}

/**
 * Deno sends a POST again by itself when a connection that was kept alive closes, and so spends the grant twice. A
 * connection that is closed after the answer is not used again.
 */
export const connectionHeader = (): Record<string, string> => "Deno" in globalThis ? { connection: "close" } : {}
