/**
 * An `HttpApi` whose endpoints are data.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpServer from "@effect/platform/HttpServer"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/** The body of an answer with status 400. */
export const Refusal = Schema.Struct({ error: Schema.String, message: Schema.String })

/** A schema of a body. */
export type Body = Schema.Schema.Any

/** Bodies in an array. */
export const listOf = (body: Body): Body => Schema.Array(body as any)

export interface Endpoint {
  readonly name: string
  readonly method: "GET" | "POST" | "DELETE"
  readonly path: `/${string}`
  readonly description: string
  /** The body of the request; none by default. */
  readonly payload?: Body | undefined
  readonly success: Body
  readonly run: (payload: any) => Effect.Effect<unknown, typeof Refusal.Type>
}

export interface Definition {
  readonly title: string
  readonly description: string
  /** Where the OpenAPI document is. */
  readonly openApi: `/${string}`
  readonly endpoints: ReadonlyArray<Endpoint>
}

/** Answers the requests of an API. */
export type Server = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

const described = ({ description, method, name, path, payload, success }: Endpoint) => {
  const endpoint = HttpApiEndpoint.make(method)(name, path)
    .addSuccess(success)
    .addError(Refusal, { status: 400 })
    .annotate(OpenApi.Description, description)
  return payload === undefined ? endpoint : endpoint.setPayload(payload as any)
}

/** Builds the server of an API. The types of its endpoints are in their schemas alone. */
export const serve = ({ description, endpoints, openApi, title }: Definition): Effect.Effect<
  Server,
  never,
  Scope.Scope
> => {
  const group = endpoints.reduce<any>(
    (group, endpoint) => group.add(described(endpoint)),
    HttpApiGroup.make("api")
  )
  const api: HttpApi.HttpApi<any, any> = HttpApi.make("api").add(group)
    .annotate(OpenApi.Title, title)
    .annotate(OpenApi.Description, description) as any
  const handlers = HttpApiBuilder.group(
    api,
    "api",
    ((handlers: any) =>
      endpoints.reduce(
        (handlers, { name, run }) =>
          handlers.handle(name, ({ payload }: { readonly payload: unknown }) => run(payload)),
        handlers
      )) as any
  )
  const layer = Layer.mergeAll(
    HttpApiBuilder.middlewareOpenApi({ path: openApi }),
    HttpServer.layerContext
  ).pipe(
    Layer.provideMerge(Layer.provide(HttpApiBuilder.api(api), handlers)),
    Layer.provideMerge(Layer.merge(HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer))
  )
  return Effect.gen(function*() {
    // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off -- the types of a list of endpoints are erased
    const context = yield* Layer.build(layer as Layer.Layer<any>)
    const app = yield* Effect.provide(HttpApiBuilder.httpApp, context)
    return Effect.provide(app, context) as Server
  })
}
