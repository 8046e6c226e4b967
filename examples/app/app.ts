/** A Slack app: "Add to Slack", an answer to mentions, and `POST /post`, which posts to a channel. */
import { HttpLayerRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Schema } from "effect"
import { type Lifecycle, SlackOAuth } from "effect-slack-oauth"

/** What the app is, wherever it runs. */
export const options = {
  botScopes: ["app_mentions:read", "chat:write"],
  onEvent: ({ channel, place, type, user }: Lifecycle.Event) =>
    type !== "app_mention"
      ? Effect.void
      : SlackOAuth.call(place, "chat.postMessage", { channel, text: `Hi <@${user}>!` })
}

const Post = Schema.Struct({ team: Schema.String, channel: Schema.String, text: Schema.String })

/** `{"team":"T…","channel":"C…","text":"…"}`. Put your own authentication in front of it. */
export const post = Effect.gen(function*() {
  const { channel, team, text } = yield* HttpServerRequest.schemaBodyJson(Post)
  yield* SlackOAuth.call({ teamId: team }, "chat.postMessage", { channel, text })
  return HttpServerResponse.text("posted")
}).pipe(
  Effect.catchTags({
    NotInstalled: (error) => HttpServerResponse.text(error.message, { status: 404 }),
    ReauthorizationRequired: (error) => HttpServerResponse.text(error.message, { status: 409 }),
    TokenUnavailable: (error) => HttpServerResponse.text(error.message, { status: 503 }),
    SlackCallError: (error) => HttpServerResponse.text(error.message, { status: 502 })
  }),
  Effect.catchAll(() => HttpServerResponse.text("Send team, channel and text as JSON", { status: 400 }))
)

/** The routes of the app. They need the services of `SlackOAuth.layer`. */
export const routes = Layer.merge(
  SlackOAuth.routes,
  HttpLayerRouter.use((router) =>
    Effect.flatMap(
      Effect.context<SlackOAuth.Services>(),
      (services) => router.add("POST", "/post", Effect.provide(post, services))
    )
  )
)
