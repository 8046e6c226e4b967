/** The statements that an `SqlClient` runs. */
import * as Effect from "effect/Effect"
import * as Statement from "effect/sql/Statement"

/** Runs an effect, and tells of each of its statements. */
export const onEach = <A, E, R>(effect: Effect.Effect<A, E, R>, f: (text: string) => void): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Statement.CurrentTransformer, (statement) =>
    Effect.sync(() => {
      f(statement.compile()[0])
      return statement
    }))
