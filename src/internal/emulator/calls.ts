/**
 * A call of the API: reads the request, records the call, and runs the method's rules, or the handler that the options
 * have for it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { sha256 } from "../random.js"
import { maskTokens } from "../secrets.js"
import * as Answers from "./answers.js"
import { excerpt } from "./excerpt.js"
import * as Handlers from "./handlers.js"
import * as History from "./history.js"
import * as Methods from "./methods.js"
import * as Wire from "./wire.js"
import * as World from "./world.js"

/** A call whose request has been read. */
export interface Call<Name extends string = string> {
  readonly method: Name
  readonly parsed: Wire.Parsed
  readonly secretInUrl: boolean
  readonly input: Methods.Call
}

/** Whether the emulator implements the method of a call. */
export const isOurs = (call: Call): call is Call<Methods.Name> => Methods.isName(call.method)

/** Parameters of our own methods that are not secret. Every other one is treated as a secret. */
const publicParameters = new Set(["client_id", "grant_type", "redirect_uri", "test"])

/** Parameters that are secret in every method. */
const secretParameters = /token|secret|^code$|verifier|assertion/

const isSecret = (method: string, name: string): boolean =>
  Methods.isName(method) ? !publicParameters.has(name) : secretParameters.test(name)

export const read = <Name extends string>(method: Name, request: Wire.Request): Effect.Effect<Call<Name>> =>
  Effect.gen(function*() {
    const parsed = Wire.parse(request, { anyType: !Methods.isName(method) })
    const parameters = parsed.ok ? parsed.parameters : new Map<string, string>()
    const verifier = parameters.get("code_verifier")
    return {
      method,
      parsed,
      secretInUrl: Array.from(request.url.searchParams.keys()).some((name) => isSecret(method, name)),
      input: {
        parameters,
        authorization: Wire.readAuthorization(request.headers["authorization"]),
        challenge: verifier ? yield* Effect.promise(() => sha256(verifier)) : undefined
      }
    }
  })

/** How much of a call the history keeps: the number of its parameters, and the characters of each text. */
const mostParameters = 50
const longestText = 200

/** A text of an app, as the history keeps it. */
const shown = (text: string): string => maskTokens(excerpt(text, longestText))

/** The parameters for the history: each secret is replaced by a description of it. */
const describe = (world: World.World, { method, parsed }: Call): Record<string, string> =>
  Object.fromEntries(
    Object.entries(parsed.ok ? parsed.fields : {}).slice(0, mostParameters).map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value) ?? ""
      const label = World.label(world, text)
      return label !== undefined || isSecret(method, name)
        ? [shown(name), `<${label ?? "redacted"}>`]
        : [shown(name), shown(text)]
    })
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

/** The entry of a call in the history. Its result is set when the call has been answered. */
const entryOf = (
  world: World.World,
  turn: World.Turn,
  call: Call,
  fault: string | undefined
): { result: string } & Omit<History.Call, "result"> => {
  const { authorization, parameters } = call.input
  const grantType = parameters.get("grant_type") ?? (parameters.has("code") ? "authorization_code" : undefined)
  const clientId = authorization._tag === "Basic" ? authorization.readings[0].clientId : parameters.get("client_id")
  return {
    _tag: "Call",
    at: turn.now,
    method: shown(call.method),
    grantType: grantType && shown(grantType),
    clientId: clientId && shown(clientId),
    authentication: authenticationOf(call.input),
    parameters: describe(world, call),
    secretInUrl: call.secretInUrl,
    result: "not run",
    fault
  }
}

const withRequestId = (world: World.World, response: Wire.Response): Wire.Response => ({
  ...response,
  headers: { ...response.headers, "x-slack-req-id": `emulated-${++world.serial}` }
})

const resultOf = (answer: Methods.Result): string => answer._tag === "Failure" ? answer.code : "ok"

/** Records a call of a method that the emulator implements, and answers it, in one step. */
export const answer = (
  world: World.World,
  turn: World.Turn,
  call: Call<Methods.Name>,
  { instead, label }: Interference
): Wire.Response => {
  const { input, method, parsed } = call
  const entry = entryOf(world, turn, call, label)
  History.add(world.history, entry)
  if (instead !== undefined) return withRequestId(world, instead)

  const answer: Methods.Result = parsed.ok
    ? Methods.run(method, world, turn, input)
    : { _tag: "Failure", code: parsed.code, messages: parsed.messages ?? [] }
  entry.result = resultOf(answer)
  return withRequestId(world, Answers.write(method, answer, parsed.ok ? parsed.warnings : [], turn.now))
}

/** Answers a call of another method with the handler for it, and records the call when it has been answered. */
export const answerByHandler = (
  world: World.World,
  turn: World.Turn,
  call: Call,
  handler: Handlers.Handler | undefined,
  { instead, label }: Interference
): Effect.Effect<Wire.Response> => {
  const { input, method, parsed } = call
  const entry = entryOf(world, turn, call, label)
  const record = (result: string) => {
    entry.result = result
    History.add(world.history, entry)
  }
  if (instead !== undefined) {
    record("not run")
    return Effect.succeed(withRequestId(world, instead))
  }
  const answer: Effect.Effect<Methods.Result> = parsed.ok
    ? Handlers.run(world, turn, { method, input, fields: parsed.fields, handler })
    : Effect.succeed({ _tag: "Failure", code: parsed.code, messages: parsed.messages ?? [] })
  return answer.pipe(
    Effect.onExit((exit) =>
      Effect.sync(() => record(Exit.isSuccess(exit) ? resultOf(exit.value) : "the handler did not answer"))
    ),
    Effect.map((answer) =>
      withRequestId(world, Answers.write(method, answer, parsed.ok ? parsed.warnings : [], turn.now))
    )
  )
}

/** Records a call whose connection broke before its request was read. */
export const recordUnread = (
  world: World.World,
  now: number,
  method: string,
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
