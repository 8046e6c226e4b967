import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { OAuthV2, SlackEmulator } from "effect-slack-oauth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { createServer } from "node:http"

const inMemory = (options?: SlackEmulator.Options) =>
  OAuthV2.layer.pipe(
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer(options))
  )

const overHttp = (options?: SlackEmulator.Options) =>
  OAuthV2.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(FetchHttpClient.layer, SlackEmulator.layerSlackAppServed(), SlackEmulator.serve())
    ),
    Layer.provideMerge(SlackEmulator.layer(options)),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
  )

for (const [name, live] of [["in memory", inMemory], ["over HTTP", overHttp]] as const) {
  describe(name, () => {
    it.effect("installs and refreshes", () =>
      Effect.gen(function*() {
        const { code } = yield* SlackEmulator.authorize({ scopes: ["chat:write"], userScopes: ["search:read"] })
        const installed = yield* OAuthV2.access({ code })
        assert.isTrue(Option.isSome(installed.user))
        const { refreshToken } = Option.getOrThrow(Option.getOrThrow(installed.bot).expiry)
        yield* OAuthV2.access({ refreshToken })
        const replayed = yield* Effect.flip(OAuthV2.access({ code }))
        assert.strictEqual(replayed._tag, "SlackInvalidCode")
      }).pipe(Effect.provide(live())))

    for (
      const [label, fault] of [
        ["cut before", SlackEmulator.cutBeforeReading],
        ["cut after", SlackEmulator.cutAfterStateChange],
        ["cut in body", SlackEmulator.cutInBody]
      ] as const
    ) {
      it.effect(label, () =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize()
          yield* SlackEmulator.inject({ fault })
          const error = yield* Effect.flip(OAuthV2.access({ code }))
          assert.strictEqual(error._tag, "SlackTransportError")
        }).pipe(Effect.provide(live())))
    }
  })
}
