/**
 * The address at which browsers reach a server. It is configured: behind a proxy the `Host` header says something
 * else, and anybody can send another one.
 */
import { isLoopback } from "./baseUrl.js"

export type PublicUrl =
  | {
    readonly ok: true
    /** Origin and path prefix, without a slash at the end. */
    readonly base: string
    readonly origin: string
    /** The path prefix, empty or like `/app`. */
    readonly prefix: string
    readonly secure: boolean
  }
  | { readonly ok: false; readonly problem: string }

const no = (problem: string): PublicUrl => ({ ok: false, problem })

export const parsePublicUrl = (input: string): PublicUrl => {
  if (!URL.canParse(input)) return no("it is not a URL; write it like https://example.com")
  const url = new URL(input)
  if (url.username !== "" || url.password !== "") return no("it must not carry a user name or password")
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    return no("it must be https (plain http is for loopback addresses only)")
  }
  if (url.search !== "" || url.hash !== "") return no("it must not have a query or a fragment")
  const prefix = url.pathname.replace(/\/+$/, "")
  return { ok: true, base: `${url.origin}${prefix}`, origin: url.origin, prefix, secure: url.protocol === "https:" }
}
