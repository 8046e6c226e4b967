/** The redirect URL, against the list in the app's settings. Slack compares scheme, host and port letter by letter. */
import { parseUrl } from "../../src/internal/parseUrl.js"
import { error, type Finding, ok } from "./finding.js"

/** The path may go on below a listed one. */
const isBelow = (wanted: string, listed: string): boolean =>
  wanted === listed || wanted.startsWith(listed.endsWith("/") ? listed : `${listed}/`)

/** What makes a listed URL another one, if it is nearly the same; the rest of a sentence. */
const nearMiss = (wanted: URL, listed: URL): string | undefined => {
  const samePath = wanted.pathname === listed.pathname
  const sameHost = wanted.hostname === listed.hostname
  if (sameHost && samePath && wanted.port === listed.port && wanted.protocol !== listed.protocol) {
    return `has ${listed.protocol.slice(0, -1)} and not ${wanted.protocol.slice(0, -1)}`
  }
  if (sameHost && samePath && wanted.port !== listed.port) return "has another port"
  if (samePath && wanted.hostname.replace(/^www\./, "") === listed.hostname.replace(/^www\./, "")) {
    return "differs in www."
  }
  const loopback = ["localhost", "127.0.0.1", "[::1]"]
  if (samePath && loopback.includes(wanted.hostname) && loopback.includes(listed.hostname)) {
    return `has ${listed.hostname}, which is not ${wanted.hostname} to Slack`
  }
  if (!sameHost) return samePath ? `has another host (${listed.hostname})` : undefined
  if (wanted.pathname === listed.pathname.replace(/\/+$/, "")) return "has a slash at its end"
  if (wanted.pathname.toLowerCase() === listed.pathname.toLowerCase()) return "differs in capital letters"
  return `has another path (${listed.pathname})`
}

export const redirectUrl = (wanted: string, listed: ReadonlyArray<string>): Finding => {
  const id = "redirect-url"
  if (listed.some((url) => isBelow(wanted, url))) return ok(id, `${wanted} is among the redirect URLs at Slack.`)
  const todo = `Add ${wanted} under OAuth & Permissions, Redirect URLs, and press Save URLs.`
  if (listed.length === 0) return error(id, "The app at Slack has no redirect URL.", todo)
  const target = parseUrl(wanted)
  const near = listed.flatMap((text) => {
    const url = parseUrl(text)
    const difference = target && url && nearMiss(target, url)
    return difference === undefined ? [] : [`${text} ${difference}`]
  })
  return error(
    id,
    `${wanted} is not among the redirect URLs at Slack${near[0] === undefined ? "" : `: ${near[0]}`}.`,
    `${todo} The consent page would say: redirect_uri did not match any configured URIs.`
  )
}
