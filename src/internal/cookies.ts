/**
 * Reading the `Cookie` header of a request, and writing a `Set-Cookie` line (RFC 6265bis).
 */

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/**
 * Removes spaces and tabs, as browsers do when they store a cookie (RFC 6265bis §5.6), and nothing else. JavaScript's
 * `trim` also removes 0xA0 and others. A browser keeps these, so a subdomain may set a cookie named 0xA0 `__Host-…`:
 * with `trim`, that cookie would count as one that only this host can set.
 */
const trimBlanks = (text: string): string => {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** The cookies of a `Cookie` header, in its order. If a name is there twice, the first counts. */
export const parse = (header: string | null): ReadonlyMap<string, string> => {
  const cookies = new Map<string, string>()
  for (const pair of (header ?? "").split(";")) {
    const equals = pair.indexOf("=")
    if (equals < 1) continue
    const name = trimBlanks(pair.slice(0, equals))
    if (!cookies.has(name)) cookies.set(name, trimBlanks(pair.slice(equals + 1)))
  }
  return cookies
}

export interface Options {
  readonly secure: boolean
  readonly maxAgeSeconds: number
}

/**
 * A `Set-Cookie` line for the whole site. `Lax` and not `Strict`: the callback is a navigation from Slack, and with
 * `Strict` the browser would not send the cookie. The names and values of this package never need quotes.
 */
export const serialize = (name: string, value: string, { maxAgeSeconds, secure }: Options): string =>
  `${name}=${value}; Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}; Path=/; HttpOnly; SameSite=Lax${
    secure ? "; Secure" : ""
  }`
