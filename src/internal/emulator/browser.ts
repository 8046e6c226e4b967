/** A person's browser on its way through an install flow. */
import * as Effect from "effect/Effect"
import type * as InstallFlow from "../../InstallFlow.js"
import type { AuthorizeRefused, Callback } from "../../testing/SlackEmulatorModel.js"
import * as Cookies from "../cookies.js"
import * as Authorize from "./authorize.js"

/** The parts of a flow that a browser uses. */
export type Site = Pick<InstallFlow.Service, "handle" | "installUrl" | "redirectUri">

export interface Visit {
  readonly response: Response
  /** What the person allowed, if the flow did not end with an error. */
  readonly allowed: Callback | undefined
}

/** Browsers stop after this many redirects. */
const mostRedirects = 20

/** Where an install begins, after the landing page, if the flow has one. */
export const beginning = ({ installUrl }: Site): Request => new Request(`${installUrl}?begin=`)

const addressOf = (url: URL): string => `${url.origin}${url.pathname}`.replace(/\/$/, "")

const isOf = (site: Site, url: URL): boolean =>
  [site.installUrl, site.redirectUri].some((own) => addressOf(new URL(own)) === addressOf(url))

const keepCookies = (jar: Map<string, string>, { headers }: Response): void => {
  for (const line of headers.getSetCookie()) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (/;\s*max-age=0*(;|$)/i.test(line)) jar.delete(name)
    else jar.set(name, value)
  }
}

/**
 * Follows the redirects of a flow: to Slack, where `allow` clicks, and to the flow's own addresses. Every other response is
 * the last one. Headers of the first request, such as the session of a person who is signed in, stay.
 */
export const visit = (
  site: Site,
  first: Request,
  allow: (url: string) => Effect.Effect<Callback, AuthorizeRefused>
): Effect.Effect<Visit, AuthorizeRefused> =>
  Effect.gen(function*() {
    const jar = new Map(Cookies.parse(first.headers.get("cookie")))
    let request = first
    let allowed: Callback | undefined
    for (let redirects = 0;; redirects++) {
      const response = yield* site.handle(request)
      keepCookies(jar, response)
      const location = response.headers.get("location")
      const isLast = location === null || response.status < 300 || response.status >= 400
      const next = isLast ? undefined : new URL(location, request.url)
      const toSlack = next !== undefined && Authorize.pageAt(next.pathname) !== undefined
      if (next === undefined || !(toSlack || isOf(site, next))) {
        return { response, allowed: response.status < 400 ? allowed : undefined }
      }
      if (redirects === mostRedirects) return { response, allowed: undefined }
      if (toSlack) allowed = yield* allow(next.href)
      const headers = new Headers(first.headers)
      if (jar.size > 0) headers.set("cookie", Array.from(jar, ([name, value]) => `${name}=${value}`).join("; "))
      else headers.delete("cookie")
      request = new Request(toSlack && allowed !== undefined ? allowed.url : next.href, { headers })
    }
  })
