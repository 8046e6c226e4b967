/**
 * The checks that a base URL and a public URL have in common.
 */
import { isLoopback } from "./loopback.js"

export type HttpsUrl =
  | {
    readonly ok: true
    readonly origin: string
    /** Without a slash at the end. */
    readonly path: string
    readonly secure: boolean
  }
  | { readonly ok: false; readonly problem: string }

const no = (problem: string) => ({ ok: false, problem }) as const

/** An https URL, or an http URL of a loopback address, without credentials, query and fragment. */
export const parseHttpsUrl = (input: string, example: string): HttpsUrl => {
  if (!URL.canParse(input)) return no(`it is not a URL; write it like ${example}`)
  const url = new URL(input)
  const secure = url.protocol === "https:"
  if (url.username !== "" || url.password !== "") return no("it must not have a user name or password")
  if (!secure && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    return no("it must be https (plain http is for loopback addresses only)")
  }
  if (url.search !== "" || url.hash !== "") return no("it must not have a query or a fragment")
  return { ok: true, origin: url.origin, path: url.pathname.replace(/\/+$/, ""), secure }
}
