/**
 * An `HttpApi` whose endpoints are data.
 */
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/** The body of an answer with status 400. */
export const Refusal = Schema.Struct({ error: Schema.String, message: Schema.String })

/** A schema of a body. */
export type Body = Schema.Top

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

const described = ({ description, method, name, path, payload, success }: Endpoint) =>
  (HttpApiEndpoint.make(method) as any)(name, path, {
    ...(payload === undefined ? undefined : { payload }),
    success,
    error: Refusal.pipe(HttpApiSchema.status(400))
  }).annotate(OpenApi.Description, description)

/** A body that does not fit is a defect, which would be answered without a word. Its message has no value of the body. */
const refuse = (defect: unknown): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  HttpApiError.HttpApiSchemaError.is(defect)
    ? Effect.succeed(
      HttpServerResponse.jsonUnsafe({ error: "invalid_request", message: defect.cause.message }, { status: 400 })
    )
    : Effect.die(defect)

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
  const api: any = (HttpApi.make("api") as any).add(group)
    .annotate(OpenApi.Title, title)
    .annotate(OpenApi.Description, description)
  const handlers: any = HttpApiBuilder.group(
    api,
    "api" as never,
    ((handlers: any) =>
      endpoints.reduce(
        (handlers, { name, run }) =>
          handlers.handle(name, ({ payload }: { readonly payload: unknown }) => run(payload)),
        handlers
      )) as any
  )
  const built: any = HttpApiBuilder.layer(api, { openapiPath: openApi })
  const layer: any = Layer.provide(Layer.provide(built, handlers), HttpServer.layerServices)
  return Effect.map(HttpRouter.toHttpEffect(layer) as any, (server: Server) => Effect.catchDefect(server, refuse))
}
