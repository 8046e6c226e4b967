/**
 * The one base URL that every Slack URL is built on.
 */
import { isLoopback } from "./loopback.js"

/** The base URL without a trailing slash, or what is wrong with it. */
export const parseBaseUrl = (input: string):
  | { readonly ok: true; readonly baseUrl: string }
  | { readonly ok: false; readonly problem: string } =>
{
  const no = (problem: string) => ({ ok: false, problem }) as const
  let url: URL
  try {
    url = new URL(input)
  } catch {
    return no("it is not a URL; write it like https://slack.com")
  }
  if (url.username !== "" || url.password !== "") return no("it must not carry a user name or password")
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    return no("it must be https (plain http is for loopback addresses only)")
  }
  if (url.search !== "" || url.hash !== "") return no("it must not have a query or a fragment")
  const path = url.pathname.replace(/\/+$/, "")
  if (path.endsWith("/api")) return no("leave out /api: it is added for each method")
  return { ok: true, baseUrl: `${url.origin}${path}` }
}
