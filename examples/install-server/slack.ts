/** The emulator, with buttons that move the clock and overload Slack; and the real Slack. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { createServer } from "node:http"
import { publicUrl } from "./app.js"
import { type Button, Controls, none } from "./controls.js"

/** The app of `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET`. */
export const realSlack = Layer.merge(SlackApp.layerConfig, none)

const stateIsLost =
  "This Slack is an emulator. Its state is lost when the program ends, and stored installations remain. " +
  "Installations of an earlier run are marked. Their tokens do not work: add the app again."

const emulatedControls = Layer.effect(
  Controls,
  Effect.gen(function*() {
    const clock = yield* MovableClock.MovableClock
    const emulator = yield* SlackEmulator.SlackEmulator
    const overloaded = yield* Ref.make(false)

    const later = (hours: number): Button => ({
      path: `/buttons/${hours}-hours-later`,
      label: hours === 1 ? "1 hour later" : `${hours} hours later`,
      press: Effect.as(clock.move(`${hours} hours`), `the clock was moved by ${hours} h`)
    })

    const overload = Effect.zipRight(
      Ref.set(overloaded, true),
      emulator.inject({
        method: "oauth.v2.access",
        fault: SlackEmulator.rateLimited({ retryAfter: "30 seconds" }),
        share: 1
      })
    )
    const relieve = Effect.zipRight(Ref.set(overloaded, false), emulator.clearFaults)

    yield* Console.log(stateIsLost)
    return {
      buttons: [
        later(1),
        later(10),
        later(12),
        {
          path: "/buttons/overload",
          label: "Let Slack be overloaded",
          press: Effect.as(overload, "Slack is overloaded: it gives no tokens (429, Retry-After: 30)")
        },
        {
          path: "/buttons/relieve",
          label: "Let Slack recover",
          press: Effect.as(
            relieve,
            "Slack has recovered: it gives tokens again, and the manager asks after its 30 seconds"
          )
        }
      ],
      notices: Effect.map(
        Ref.get(overloaded),
        (is) => is ? [stateIsLost, "It is overloaded, and gives no tokens."] : [stateIsLost]
      ),
      knows: (key) =>
        Effect.map(
          emulator.chains,
          (chains) =>
            chains.some(({ appId, target }) =>
              appId === key.appId && target === (key._tag === "Workspace" ? key.teamId : key.enterpriseId)
            )
        )
    }
  })
)

/** The app lists the address of this program as its redirect URL. */
const emulator = Layer.unwrapEffect(
  Effect.map(publicUrl, (here) =>
    SlackEmulator.layer({
      apps: [{ name: "A Slack app", redirectUris: [here] }],
      workspaces: [{ name: "Example workspace" }]
    }))
)

/** The emulator on its own port. The clock of the whole program can be moved. */
export const emulatedSlack = Layer.mergeAll(
  SlackEmulator.layerSlackAppServed(),
  SlackEmulator.serve(),
  emulatedControls
).pipe(
  Layer.provide(NodeHttpServer.layer(createServer, { host: "localhost", port: 0 })),
  Layer.provide(emulator),
  Layer.provide(MovableClock.layer)
)
