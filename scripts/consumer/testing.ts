/**
 * A test as a user of the published package writes it: `effect-slack-oauth/testing` works with no optional peer
 * installed, and its deep paths name the same services.
 */
import { Effect, Layer } from "effect"
import { OAuthV2 } from "effect-slack-oauth"
import { MovableClock, SlackEmulator } from "effect-slack-oauth/testing"
import * as Deep from "effect-slack-oauth/testing/SlackEmulator"

const SlackTest = OAuthV2.layer.pipe(
  Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
  Layer.provideMerge(Deep.layer()),
  Layer.provideMerge(MovableClock.layer)
)

const results = await Effect.gen(function*() {
  const { code } = yield* SlackEmulator.authorize()
  yield* SlackEmulator.inject({ fault: SlackEmulator.cutAfterStateChange })
  const { outcome } = yield* Effect.flip(OAuthV2.access({ code }))
  const [before] = yield* SlackEmulator.chains
  yield* MovableClock.move("12 hours")
  const [after] = yield* SlackEmulator.chains
  return [outcome, before?.liveAccessTokens.length, after?.liveAccessTokens.length]
}).pipe(Effect.provide(SlackTest), Effect.runPromise)

if (results.join() !== "unknown,1,0") throw new Error(`unexpected results: ${results.join()}`)
