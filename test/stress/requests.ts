/** `npm run stress -- requests`: 100,000 requests that Slack did not sign. */
import * as Effect from "effect/Effect"
import * as Rounds from "./requestRounds.js"

export const run = () =>
  Effect.runPromise(Effect.flatMap(
    Rounds.refusals({ count: 100_000, seed: Date.now() % 2 ** 32 }),
    (counts) => Effect.sync(() => console.log("forged, stale and changed requests:", JSON.stringify(counts)))
  ))
