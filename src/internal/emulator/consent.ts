/** The consent page in a browser: the page itself, and what a person submits on it. */
import * as Authorize from "./authorize.js"
import * as Page from "./page.js"
import * as Wire from "./wire.js"
import type * as World from "./world.js"

export const answer = (
  world: World.World,
  turn: World.Turn,
  page: Authorize.Request["page"],
  request: Wire.Request
): Wire.Response => {
  const query = request.method === "POST" ? new URLSearchParams(request.body) : request.url.searchParams
  const judged = Authorize.judge(world, page, query)
  if (!judged.ok) return Wire.html(400, Page.refused(judged.refusal))
  if (request.method !== "POST") return Wire.html(200, Page.consent(world, judged.request))
  if (query.get("decision") !== "allow") {
    return Wire.redirect(Authorize.cancel(world, turn, judged.request).url)
  }
  const granted = query.getAll("grant")
  const allowed = Authorize.allow(world, turn, judged.request, {
    target: query.get("target") ?? undefined,
    person: query.get("person") ?? undefined,
    channel: query.get("channel") ?? undefined,
    withhold: judged.request.app.optionalScopes.filter((scope) => !granted.includes(scope))
  })
  return allowed.ok ? Wire.redirect(allowed.callback.url) : Wire.html(400, Page.refused(allowed.refusal))
}
