/**
 * The metadata of an install, as JSON on its way through the store of pending installs.
 */
import * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { jsonText } from "../effect/schemas.js"
import type { Begun } from "./application.js"

export interface Metadata<M> {
  readonly encode: (begun: Exclude<Begun<M>, Response>) => Effect.Effect<Redacted.Redacted, ParseResult.ParseError>
  readonly decode: (json: Redacted.Redacted) => Effect.Effect<M, ParseResult.ParseError>
}

/** For a flow without metadata. */
const none: Metadata<any> = {
  encode: () => Effect.succeed(Redacted.make("")),
  decode: () => Effect.succeed(undefined)
}

export const make = <M>(schema: Schema.Schema<M, any> | undefined): Metadata<M> => {
  if (schema === undefined) return none
  const text = jsonText(schema)
  const encode = Schema.encode(text)
  const decode = Schema.decode(text)
  return {
    encode: (begun) =>
      "metadata" in begun ? Effect.map(encode(begun.metadata), Redacted.make) : Effect.succeed(Redacted.make("")),
    decode: (text) => decode(Redacted.value(text))
  }
}
