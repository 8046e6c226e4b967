/** The Slack of the app: the real one, or the emulator with buttons that move the clock, send events and overload it. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as Installation from "effect-slack-oauth/Installation"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { createServer } from "node:http"
import * as Journal from "./journal.js"

export interface Button<R = never> {
  readonly id: string
  readonly label: string
  /** Acts, and returns an entry for the journal. */
  readonly press: Effect.Effect<string, never, R>
}

export class Slack extends Context.Tag("Slack")<Slack, {
  readonly app: Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError>
  readonly cipher: Layer.Layer<TokenCipher.TokenCipher, ConfigError.ConfigError>
  /** The database file. The two Slacks have different ones, because neither knows the tokens of the other. */
  readonly file: string
  readonly buttons: ReadonlyArray<Button>
  /** A text at the top of the page. */
  readonly notice: string | undefined
  /** Whether this Slack knows an installation. */
  readonly knows: (key: Installation.InstallationKey) => Effect.Effect<boolean>
}>() {}

/** The app of `SLACK_CLIENT_ID`, `SLACK_CLIENT_SECRET` and `SLACK_SIGNING_SECRET`, with keys. */
export const real = Layer.succeed(Slack, {
  app: SlackApp.layerConfig,
  cipher: TokenCipher.layerConfig,
  file: "slack.db",
  buttons: [],
  notice: undefined,
  knows: () => Effect.succeed(true)
})

/** Keys are optional for the emulator, because its tokens give access to nothing. */
const optionalKeys = Layer.unwrapEffect(Effect.map(
  Config.option(TokenCipher.config),
  Option.match({
    onNone: () => TokenCipher.layerPlain,
    onSome: (cipher) => Layer.succeed(TokenCipher.TokenCipher, cipher)
  })
))

const emulatedSlack = Layer.effect(
  Slack,
  Effect.gen(function*() {
    const clock = yield* MovableClock.MovableClock
    const emulator = yield* SlackEmulator.SlackEmulator
    const app = yield* SlackApp.SlackApp
    const later = (hours: number): Button => ({
      id: `${hours}-hours-later`,
      label: hours === 1 ? "1 hour later" : `${hours} hours later`,
      press: Effect.as(clock.move(`${hours} hours`), `the clock was moved by ${hours} h`)
    })
    return {
      app: Layer.succeed(SlackApp.SlackApp, app),
      cipher: optionalKeys,
      file: "slack-emulated.db",
      buttons: [
        {
          id: "mention",
          label: "Mention the app",
          press: Effect.map(
            emulator.send({ event: { type: "app_mention", channel: "C0GENERAL", user: "U0SOMEBODY", text: "Hello" } }),
            ({ state }) => `Slack sent app_mention: ${state}`
          )
        },
        {
          id: "uninstall",
          label: "Uninstall the app",
          press: Effect.as(emulator.uninstall(), "the app was uninstalled in Slack, which sent app_uninstalled")
        },
        later(1),
        later(10),
        later(12),
        {
          id: "overload",
          label: "Let Slack be overloaded",
          press: Effect.as(
            emulator.inject({
              method: "oauth.v2.access",
              fault: SlackEmulator.rateLimited({ retryAfter: "30 seconds" }),
              share: 1
            }),
            "Slack is overloaded: it gives no tokens (429, Retry-After: 30)"
          )
        },
        {
          id: "recover",
          label: "Let Slack recover",
          press: Effect.as(emulator.clearFaults, "Slack has recovered, and the manager asks again after its 30 seconds")
        }
      ],
      notice: "This Slack is an emulator. Its state is lost when the program ends, and stored installations remain. " +
        "Installations of an earlier run are marked. Their tokens do not work: add the app again.",
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

/** The emulator on its own port, for the app at an address. The clock of the whole program can be moved. */
export const emulated = (here: string) =>
  Layer.unwrapEffect(Effect.map(Journal.Journal, ({ write }) =>
    Layer.merge(emulatedSlack, SlackEmulator.serve()).pipe(
      Layer.provide(SlackEmulator.layerSlackAppServed()),
      Layer.provide(NodeHttpServer.layer(createServer, { host: "localhost", port: 0 })),
      Layer.provide(SlackEmulator.layer({
        apps: [{ name: "A Slack app", redirectUris: [here], events: `${here}/slack/events` }],
        workspaces: [{ name: "Example workspace" }],
        methods: {
          "chat.postMessage": {
            scopes: ["chat:write"],
            answer: ({ parameters }) =>
              Effect.as(write(`Slack shows in ${parameters["channel"]}: ${parameters["text"]}`), {})
          }
        }
      }))
    ))).pipe(Layer.provideMerge(MovableClock.layer))
