/**
 * The description of an HTTP API whose endpoints are data.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"

/** The body of a refusal. */
export const Refusal = Schema.Struct({ error: Schema.String, message: Schema.String })

/** A schema of a body. */
export type Body = Schema.Schema.Any

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

const described = ({ description, method, name, path, payload, success }: Endpoint) => {
  const endpoint = HttpApiEndpoint.make(method)(name, path)
    .addSuccess(success)
    .addError(Refusal, { status: 400 })
    .annotate(OpenApi.Description, description)
  return payload === undefined ? endpoint : endpoint.setPayload(payload as any)
}

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
  const api: HttpApi.HttpApi<any, any> = HttpApi.make("api").add(group)
    .annotate(OpenApi.Title, title)
    .annotate(OpenApi.Description, description) as any
  return OpenApi.fromApi(api)
}
