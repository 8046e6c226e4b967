/**
 * The description of an HTTP API whose endpoints are data.
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"

/** The body of a refusal. */
export const Refusal = Schema.Struct({ error: Schema.String, message: Schema.String })

/** A schema of a body. */
export type Body = Schema.Top

/** Bodies in an array. */
export const listOf = (body: Body): Body => Schema.Array(body as any)

/** Writes bodies. */
export const encoder = (body: Body): (value: unknown) => unknown => Schema.encodeSync(body as any)

export interface Endpoint {
  readonly name: string
  readonly method: "GET" | "POST" | "DELETE"
  readonly path: `/${string}`
  readonly description: string
  /** The body of the request; none by default. */
  readonly payload?: Body | undefined
  readonly success: Body
}

const described = ({ description, method, name, path, payload, success }: Endpoint) =>
  (HttpApiEndpoint.make(method) as any)(name, path, {
    ...(payload === undefined ? undefined : { payload }),
    success,
    error: Refusal.pipe(HttpApiSchema.status(400))
  }).annotate(OpenApi.Description, description)

/** The OpenAPI document of an API. The types of its endpoints are in their schemas alone. */
export const openApi = ({ description, endpoints, title }: {
  readonly title: string
  readonly description: string
  readonly endpoints: ReadonlyArray<Endpoint>
}): object => {
  const group = endpoints.reduce<any>(
    (group, endpoint) => group.add(described(endpoint)),
    HttpApiGroup.make("api")
  )
  const api: any = (HttpApi.make("api") as any).add(group)
    .annotate(OpenApi.Title, title)
    .annotate(OpenApi.Description, description)
  return OpenApi.fromApi(api)
}
