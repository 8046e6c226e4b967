/**
 * Serves an install flow on the routers of `@effect/platform`. The web handler, `InstallFlow.toWebHandler`, is for all
 * other servers and has no router in its bundle.
 *
 * Platform's request log is off for the routes of a flow, and their spans lose the query, because the code and the state
 * are in it.
 *
 * @since 0.1.0
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
// Effect 3 only
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as InstallFlow from "./InstallFlow.js"
import { hideQuery } from "./internal/effect/servers.js"
import { routePath } from "./internal/publicUrl.js"
import { fromWebResponse, toWebRequest } from "./internal/routes.js"

const route = (url: string, handle: (request: Request) => Effect.Effect<Response>) =>
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    yield* hideQuery
    return yield* fromWebResponse(yield* handle(toWebRequest(request, url)))
  }).pipe(
    // Platform's request log shows the whole URL too.
    HttpMiddleware.withLoggerDisabled
  )

/** The routes of a flow, with the path of its public URL and without it, since a proxy may remove that path. */
const routesOf = (flow: InstallFlow.Service) =>
  ([[flow.installPath, flow.installUrl, flow.begin], [flow.callbackPath, flow.redirectUri, flow.callback]] as const)
    .flatMap(([path, url, handle]) =>
      Array.from(new Set([path, new URL(url).pathname]), (path) => ({
        path: routePath(path),
        handler: route(url, handle)
      }))
    )

/**
 * Adds the two routes of the flow in the context to the `HttpLayerRouter` in the context.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter } from "@effect/platform"
 * import { NodeHttpServer } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { InstallRouter } from "effect-slack-oauth"
 * import { createServer } from "node:http"
 *
 * // It needs an `InstallFlow.layer`, and serves its two addresses.
 * const ServerLive = HttpLayerRouter.serve(InstallRouter.layerRoutes).pipe(
 *   Layer.provide(NodeHttpServer.layer(createServer, { port: 3000 }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerRoutes: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | InstallFlow.InstallFlow> =
  HttpLayerRouter.use((router) =>
    Effect.flatMap(
      InstallFlow.InstallFlow,
      (flow) =>
        Effect.forEach(routesOf(flow), ({ handler, path }) => router.add("GET", path, handler), { discard: true })
    )
  )

// Effect 3 only
/**
 * A flow as an `HttpRouter` with its two routes. `HttpRouter.concat` adds it to another router.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toHttpRouter = (flow: InstallFlow.Service): HttpRouter.HttpRouter =>
  routesOf(flow).reduce(
    (router: HttpRouter.HttpRouter, { handler, path }) => HttpRouter.get(router, path, handler),
    HttpRouter.empty
  )

// Effect 3 only
/**
 * The flow in the context as an `HttpRouter`.
 *
 * @since 0.1.0
 * @category conversions
 */
export const httpRouter: Effect.Effect<HttpRouter.HttpRouter, never, InstallFlow.InstallFlow> = Effect.map(
  InstallFlow.InstallFlow,
  toHttpRouter
)
