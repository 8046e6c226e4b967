/**
 * Methods of the Web API that the options add: the emulator checks the token and its scopes, and a handler answers.
 */
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { MethodCall, MethodHandler, Options } from "../../testing/SlackEmulatorModel.js"
import { refuse } from "../options.js"
import { isScope } from "../scopeForm.js"
import * as Methods from "./methods.js"
import * as Views from "./views.js"
import type * as World from "./world.js"

export interface Handler {
  /** The scopes that the token needs. */
  readonly scopes: ReadonlyArray<string>
  readonly answer: (call: MethodCall) => Effect.Effect<object>
}

const fromOption = (option: MethodHandler): Handler => {
  if (typeof option === "function") return { scopes: [], answer: option }
  const { answer, scopes } = option
  return {
    scopes: scopes ?? [],
    answer: typeof answer === "function" ? answer : () => Effect.succeed(answer ?? {})
  }
}

/** The handlers that the options describe, by method. */
export const make = (
  { methods = {} }: Pick<Options, "methods">
): Either.Either<ReadonlyMap<string, Handler>, ConfigError.ConfigError> => {
  const names = Object.keys(methods)
  const taken = names.find(Methods.isName)
  if (taken !== undefined) {
    return refuse("methods", `methods cannot have ${taken}: the emulator answers this method itself`)
  }
  const strange = names.find((name) => !/^[\w.]+$/.test(name))
  if (strange !== undefined) {
    return refuse("methods", `${JSON.stringify(strange)} is not the name of a method, such as chat.postMessage`)
  }
  const handlers = new Map(Object.entries(methods).map(([name, option]) => [name, fromOption(option)]))
  for (const [name, { scopes }] of handlers) {
    const other = scopes.find((scope) => !isScope(scope))
    if (other !== undefined) return refuse(`methods.${name}`, `${JSON.stringify(other)} is not a scope`)
  }
  return Either.right(handlers)
}

/** What a handler answers. `ok` is true unless the handler says otherwise. */
const toResult = (body: object, { scopes }: World.Chain): Methods.Result => {
  const complete: Readonly<Record<string, unknown>> = { ok: true, ...body }
  const headers = { "x-oauth-scopes": scopes.join(",") }
  return complete["ok"] === true
    ? { _tag: "Success", body: complete, headers }
    : { _tag: "Failure", code: String(complete["error"] ?? "unknown_error"), messages: [], body: complete }
}

/** Checks the token of a call, and lets the handler answer. A method without a handler does not exist. */
export const run = (
  world: World.World,
  turn: World.Turn,
  { fields, handler, input, method }: {
    readonly method: string
    readonly input: Methods.Call
    readonly fields: Readonly<Record<string, unknown>>
    readonly handler: Handler | undefined
  }
): Effect.Effect<Methods.Result> => {
  const fail = (code: string, more: object = {}): Effect.Effect<Methods.Result> =>
    Effect.succeed({ _tag: "Failure", code, messages: [], body: { ok: false, error: code, ...more } })

  const generation = Methods.authorize(world, turn, input)
  if (Methods.isResult(generation)) return Effect.succeed(generation)
  if (handler === undefined) return fail("unknown_method", { req_method: method })
  const { chain } = generation
  if (!handler.scopes.every((scope) => chain.scopes.includes(scope))) {
    return fail("missing_scope", { needed: handler.scopes.join(","), provided: chain.scopes.join(",") })
  }
  const { token: _, ...parameters } = fields
  const call: MethodCall = {
    method,
    installation: Views.installationKey(chain),
    subject: chain.person?.id ?? "bot",
    scopes: chain.scopes,
    parameters
  }
  return Effect.map(Effect.suspend(() => handler.answer(call)), (body) => toResult(body, chain))
}
