/** The two Slacks: the emulator, embedded, with levers to make time pass and things go wrong; and the real one. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { createServer } from "node:http"
import { Backstage, closed, type Lever } from "./backstage.js"

/** The app that `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET` name. */
export const realSlack = Layer.merge(SlackApp.layerConfig, closed)

const forgetful =
  "This Slack is emulated and forgets everything when the program ends, while installations are kept. " +
  "Those of an earlier run are marked, and their tokens do not work: add the app again."

const emulatedBackstage = Layer.effect(
  Backstage,
  Effect.gen(function*() {
    const clock = yield* MovableClock.MovableClock
    const emulator = yield* SlackEmulator.SlackEmulator
    const overloaded = yield* Ref.make(false)

    const later = (hours: number): Lever => ({
      path: `/levers/${hours}-hours-later`,
      label: hours === 1 ? "1 hour later" : `${hours} hours later`,
      pull: Effect.as(clock.move(`${hours} hours`), `the clock was moved by ${hours} h`)
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

    yield* Console.log(forgetful)
    return {
      levers: [
        later(1),
        later(10),
        later(12),
        {
          path: "/levers/overload",
          label: "Let Slack be overloaded",
          pull: Effect.as(overload, "Slack hands out no tokens from now on (429, Retry-After: 30)")
        },
        {
          path: "/levers/relieve",
          label: "Let Slack recover",
          pull: Effect.as(relieve, "Slack hands out tokens again, to everyone whose 30 seconds are over")
        }
      ],
      notices: Effect.map(
        Ref.get(overloaded),
        (is) => is ? [forgetful, "It is overloaded, and hands out no tokens."] : [forgetful]
      ),
      remembers: (key) =>
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

/** The emulator, on a port of its own. The clock of the whole program can be moved then. */
export const emulatedSlack = Layer.mergeAll(
  SlackEmulator.layerSlackAppServed(),
  SlackEmulator.serve(),
  emulatedBackstage
).pipe(
  Layer.provide(SlackEmulator.layer({ apps: [{ name: "A Slack app" }], workspaces: [{ name: "Example workspace" }] })),
  Layer.provide(NodeHttpServer.layer(createServer, { host: "localhost", port: 0 })),
  Layer.provide(MovableClock.layer)
)
