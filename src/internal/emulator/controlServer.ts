/** Answers requests of the control API: finds the endpoint, reads the body, and writes the answer. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import {
  type Body,
  encoder,
  type Endpoint as Description,
  openApi,
  type Refusal as RefusalSchema
} from "../effect/httpApi.js"
import { decoder } from "../effect/schemas.js"
import { parseJson } from "../unknown.js"
import { excerpt } from "./excerpt.js"
import * as Page from "./page.js"
import * as Wire from "./wire.js"

export type Refusal = typeof RefusalSchema.Type

/** What a request does. The schemas of the description check what comes in, and write what goes out. */
export interface Endpoint extends Description {
  readonly run: (payload: any) => Effect.Effect<unknown, Refusal>
}

export interface Request<E, R> {
  readonly method: string
  readonly path: string
  readonly body: Effect.Effect<string, E, R>
}

const document = "/control/openapi.json"

const refusal = (status: number, error: string, message: string): Wire.Response => ({
  ...Wire.json({ error, message }),
  status
})

/** A body in JSON. An empty body is an empty object. */
const parse = (text: string): unknown => text.trim() === "" ? {} : parseJson(text)

/** Reads a body. A key that the schema does not have is refused too, because it may be misspelt. */
const reader = (payload: Body) => {
  const decode = decoder(payload as any, { closed: true })
  return (text: string): Either.Either<unknown, Wire.Response> =>
    Either.mapLeft(decode(parse(text)), (paths) =>
      refusal(
        400,
        "invalid_arguments",
        paths.length === 0
          ? "The body is not a JSON object."
          : `The body does not have the right form. Look at ${paths.join(", ")}. ${document} describes it.`
      ))
}

const answering = ({ payload, run, success }: Endpoint) => {
  const encode = encoder(success)
  const read = payload === undefined ? () => Either.right(undefined) : reader(payload)
  return <E, R>({ body }: Request<E, R>): Effect.Effect<Wire.Response, E, R> =>
    Effect.flatMap(body, (text) => {
      const arguments_ = read(text)
      if (Either.isLeft(arguments_)) return Effect.succeed(arguments_.left)
      return Effect.match(run(arguments_.right), {
        onFailure: ({ error, message }) => refusal(400, error, message),
        onSuccess: (value) => Wire.json(encode(value))
      })
    })
}

/** The control API of these endpoints, with its OpenAPI document. */
export const make = (endpoints: ReadonlyArray<Endpoint>) => {
  const described = openApi({
    title: "Control of the Slack emulator",
    description: "For programs on this machine. The names are those of the functions of SlackEmulator.",
    endpoints
  })
  const known = endpoints.map((endpoint) => ({ ...endpoint, answer: answering(endpoint) }))
  return <E, R>(request: Request<E, R>): Effect.Effect<Wire.Response, E, R> => {
    const { method, path } = request
    if (path === document) return Effect.succeed(Wire.json(described))
    const here = known.filter((endpoint) => endpoint.path === path)
    const endpoint = here.find((endpoint) => endpoint.method === method)
    if (endpoint !== undefined) return endpoint.answer(request)
    // A person has opened it in a browser.
    if (method === "GET") return Effect.succeed(Wire.html(404, Page.unknown(path)))
    return Effect.succeed(
      here.length === 0
        ? refusal(404, "not_found", `There is nothing at ${excerpt(path, 200)}. ${document} has all addresses.`)
        : refusal(405, "not_allowed", `This address takes ${here.map((endpoint) => endpoint.method).join(" and ")}.`)
    )
  }
}
