/** The time and the randomness of one step, from Effect's `Clock` and `Random`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as World from "./world.js"

export const next: Effect.Effect<World.Turn> = Effect.zipWith(
  Clock.currentTimeMillis,
  Random.nextIntBetween(0, 2 ** 31 - 1),
  World.makeTurn
)
