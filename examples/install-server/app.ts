/**
 * The application: a page with "Add to Slack" on it, the install flow, and what is kept of an install. It knows nothing
 * of which Slack it speaks to, where it listens, or what the store is made of.
 */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Chunk, Config, DateTime, Effect, Layer, Option, Schema, Stream } from "effect"
import { Installation, InstallationStore, InstallFlow, type TokenResponse } from "effect-slack-oauth"
import * as Story from "../support/story.js"

// -------------------------------------------------------------------------------------
// the install flow
// -------------------------------------------------------------------------------------

/** What an install carries from its begin to its end, here: whether this application is to fail at first. */
const Metadata = Schema.Struct({ failAtFirst: Schema.Boolean })

const placeOf = ({ target }: { readonly target: TokenResponse.TokenResponse["target"] }): string => {
  const party = target._tag === "Workspace" ? target.team : target.enterprise
  return Option.getOrElse(party.name, () => party.id)
}

/** The flow at a public address. Its tokens go into the `InstallationStore` in the context. */
export const flow = (publicUrl: string) => {
  const failedBefore = new WeakSet<TokenResponse.TokenResponse>()

  return InstallFlow.layer({
    publicUrl,
    botScopes: ["chat:write", "commands"],
    userScopes: ["search:read"],
    success: "/",
    metadata: Metadata,
    begin: (request) => Effect.succeed({ metadata: { failAtFirst: new URL(request.url).searchParams.has("fail") } }),
    onInstalled: ({ metadata, requestedAt, response }) =>
      Effect.gen(function*() {
        if (metadata.failAtFirst && !failedBefore.has(response)) {
          failedBefore.add(response)
          return yield* Effect.fail("as if the database were down")
        }
        yield* InstallationStore.save(Installation.fromTokenResponse(response, requestedAt))
        yield* Story.success(`installed in ${placeOf(response)}`)
      }),
    onFailed: ({ error }) => Story.note(`${error._tag}: ${error.message}`)
  })
}

// -------------------------------------------------------------------------------------
// the home page
// -------------------------------------------------------------------------------------

const tokenLine = (credential: Installation.Credential) =>
  InstallFlow.html`<li>${credential._tag === "BotCredential" ? "bot" : `user ${credential.userId}`}: <code>${
    Story.mask(credential.token.accessToken)
  }</code> for ${credential.token.scopes.join(", ")}; ${
    Option.match(credential.token.expiry, {
      onNone: () => "does not expire",
      onSome: ({ expiresAt }) => `expires at ${DateTime.formatIso(expiresAt)}`
    })
  }</li>`

const installationItem = (installation: Installation.Installation) =>
  InstallFlow.html`<h3>${placeOf(installation)}</h3>
<ul>${installation.credentials.map(tokenLine)}</ul>`

const home = (installations: ReadonlyArray<Installation.Installation>, installPath: string) =>
  InstallFlow.html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A Slack app</title>
</head>
<body>
<main>
<h1>A Slack app</h1>
<ul>
<li><a href="${installPath}">Add to Slack</a></li>
<li><a href="${installPath}?fail">Add to Slack, and let this application fail at first</a>: Slack gives the tokens, the
application cannot keep them, and "Try again" hands it the same tokens once more</li>
</ul>
<h2>Installations</h2>
${installations.length === 0 ? InstallFlow.html`<p>None yet.</p>` : installations.map(installationItem)}
</main>
</body>
</html>
`

const homeRoute = HttpLayerRouter.use((router) =>
  Effect.gen(function*() {
    const store = yield* InstallationStore.InstallationStore
    const { installPath } = yield* InstallFlow.InstallFlow
    yield* router.add(
      "GET",
      "/",
      Effect.map(
        Stream.runCollect(store.stream),
        (installations) => HttpServerResponse.html(String(home(Chunk.toReadonlyArray(installations), installPath)))
      )
    )
  })
)

/** All routes. */
export const routes = Layer.mergeAll(homeRoute, InstallFlow.layerRoutes)

/** Where to listen; behind a tunnel or a proxy, `PUBLIC_URL` is the address that browsers use. */
export const settings = Config.all({
  port: Config.withDefault(Config.integer("PORT"), 3000),
  publicUrl: Config.option(Config.string("PUBLIC_URL"))
})
