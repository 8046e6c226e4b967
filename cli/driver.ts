/** Loads database drivers on demand, because they are optional. */
import * as Effect from "effect/Effect"
import { CommandFailed } from "./CommandFailed.js"

export const load = <A>(name: string, module: () => Promise<A>): Effect.Effect<A, CommandFailed> =>
  Effect.tryPromise({
    try: module,
    catch: () =>
      new CommandFailed({ message: `The driver of this database is not installed. Install it: npm install ${name}` })
  })
