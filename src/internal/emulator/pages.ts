/** The pages that a person meets besides the consent page. */
import * as Page from "./page.js"
import * as Wire from "./wire.js"
import type * as World from "./world.js"

/** `/app_redirect`: Slack opens the app of an id, in a workspace. */
const appRedirect = (world: World.World, query: URLSearchParams): Wire.Response => {
  const id = query.get("app") ?? query.get("app_id")
  const app = Array.from(world.apps.values()).find((app) => app.id === id)
  if (app === undefined) {
    return Wire.html(404, Page.refused({ code: "app_not_found", message: "No app has the id in this address" }))
  }
  const team = query.get("team") ?? query.get("tenant")
  const place = team === null ? undefined : world.workspaces.get(team) ?? world.organizations.get(team)
  return Wire.html(200, Page.opened(app, place?.name))
}

/** Answers a request that is neither for the consent page nor for a method. */
export const answer = (world: World.World, url: URL): Wire.Response => {
  switch (url.pathname) {
    case "/app_redirect":
      return appRedirect(world, url.searchParams)
    case "/favicon.ico":
      return {
        status: 200,
        headers: { "content-type": "image/svg+xml", "cache-control": "max-age=3600" },
        body: Page.favicon
      }
    default:
      return Wire.html(404, Page.unknown(url.pathname))
  }
}
