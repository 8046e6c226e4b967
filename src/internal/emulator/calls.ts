/** A call of the API: reads the request, records the call, and runs the method's rules. */
import * as Effect from "effect/Effect"
import { sha256 } from "../random.js"
import * as Answers from "./answers.js"
import * as History from "./history.js"
import * as Methods from "./methods.js"
import * as Wire from "./wire.js"
import * as World from "./world.js"

/** A call whose request has been read. */
export interface Call {
  readonly method: Methods.Name
  readonly parsed: Wire.Parsed
  readonly secretInUrl: boolean
  readonly input: Methods.Call
}

/** Parameters that are not secret. Every other parameter is treated as a secret. */
const publicParameters = new Set(["client_id", "grant_type", "redirect_uri", "test"])

export const read = (method: Methods.Name, request: Wire.Request): Effect.Effect<Call> =>
  Effect.gen(function*() {
    const parsed = Wire.parse(request)
    const parameters = parsed.ok ? parsed.parameters : new Map<string, string>()
    const verifier = parameters.get("code_verifier")
    return {
      method,
      parsed,
      secretInUrl: Array.from(request.url.searchParams.keys()).some((name) => !publicParameters.has(name)),
      input: {
        parameters,
        authorization: Wire.readAuthorization(request.headers["authorization"]),
        challenge: verifier ? yield* Effect.promise(() => sha256(verifier)) : undefined
      }
    }
  })

/** The parameters for the history: each secret is replaced by a description of it. */
const describe = (world: World.World, parameters: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries(
    Array.from(parameters, ([name, value]) => [
      name,
      publicParameters.has(name) ? value.slice(0, 200) : `<${World.label(world, value) ?? "redacted"}>`
    ])
  )

const authenticationOf = ({ authorization, parameters }: Methods.Call): History.Call["authentication"] => {
  switch (authorization._tag) {
    case "Basic":
      return "basic"
    case "Bearer":
      return "bearer"
    default:
      return parameters.has("client_secret") ? "body" : "none"
  }
}

/** How a fault changes a call. */
export interface Interference {
  readonly label: string | undefined
  /** The answer that replaces the rules: they do not run. */
  readonly instead: Wire.Response | undefined
}

/** Records a call and answers it, in one step. */
export const answer = (
  world: World.World,
  turn: World.Turn,
  { input, method, parsed, secretInUrl }: Call,
  { instead, label }: Interference
): Wire.Response => {
  const { authorization, parameters } = input
  const entry = {
    _tag: "Call" as const,
    at: turn.now,
    method,
    grantType: parameters.get("grant_type") ?? (parameters.has("code") ? "authorization_code" : undefined),
    clientId: authorization._tag === "Basic" ? authorization.readings[0].clientId : parameters.get("client_id"),
    authentication: authenticationOf(input),
    parameters: describe(world, parameters),
    secretInUrl,
    result: "not run",
    fault: label
  }
  History.add(world.history, entry)
  const requestId = { "x-slack-req-id": `emulated-${++world.serial}` }
  if (instead !== undefined) return { ...instead, headers: { ...instead.headers, ...requestId } }

  const answer: Methods.Answer = parsed.ok
    ? Methods.run(method, world, turn, input)
    : { _tag: "Failure", code: parsed.code, messages: parsed.messages ?? [] }
  entry.result = answer._tag === "Failure" ? answer.code : "ok"
  const response = Answers.write(method, answer, parsed.ok ? parsed.warnings : [], turn.now)
  return { ...response, headers: { ...response.headers, ...requestId } }
}

/** Records a call whose connection broke before its request was read. */
export const recordUnread = (
  world: World.World,
  now: number,
  method: Methods.Name,
  fault: string | undefined
): void =>
  History.add(world.history, {
    _tag: "Call",
    at: now,
    method,
    grantType: undefined,
    clientId: undefined,
    authentication: "none",
    parameters: {},
    secretInUrl: false,
    result: "not run",
    fault
  })
