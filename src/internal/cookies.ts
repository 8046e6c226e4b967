/**
 * Cookies as one flow needs them (RFC 6265bis): a few by name out of a request, one `Set-Cookie` line for an answer.
 */

/** Every cookie of a `Cookie` header, in its order; of a name that comes twice, the first. */
export const parse = (header: string | null): ReadonlyMap<string, string> => {
  const cookies = new Map<string, string>()
  for (const pair of (header ?? "").split(";")) {
    const equals = pair.indexOf("=")
    if (equals < 1) continue
    const name = pair.slice(0, equals).trim()
    if (!cookies.has(name)) cookies.set(name, pair.slice(equals + 1).trim())
  }
  return cookies
}

export interface Options {
  readonly secure: boolean
  readonly maxAgeSeconds: number
}

/**
 * A `Set-Cookie` line for the whole site. `Lax` and not `Strict`: the callback is a navigation that comes from Slack,
 * and under `Strict` the browser would come without the cookie. Names and values here never need quoting.
 */
export const serialize = (name: string, value: string, { maxAgeSeconds, secure }: Options): string =>
  `${name}=${value}; Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}; Path=/; HttpOnly; SameSite=Lax${
    secure ? "; Secure" : ""
  }`
