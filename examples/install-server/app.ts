/**
 * The application: a page with "Add to Slack", the install flow, stored installations, and tokens that are always fresh.
 * It does not depend on the Slack, the port or the kind of store.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as InstallRouter from "effect-slack-oauth/InstallRouter"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as TokenSweep from "effect-slack-oauth/TokenSweep"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Controls } from "./controls.js"
import * as Journal from "./journal.js"
import * as Page from "./page.js"

// -------------------------------------------------------------------------------------
// the install flow
// -------------------------------------------------------------------------------------

/** The metadata of an install: whether this application should fail at first. */
const Metadata = Schema.Struct({ failAtFirst: Schema.Boolean })

/** The install flow at a public address. It saves to the `InstallationStore` in the context. */
const flow = (publicUrl: string) => {
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
        yield* write(`installed in ${Page.placeOf(response)}`)
      }),
    onFailed: ({ error }) => write(`${error._tag}: ${error.message}`)
  })
}

// -------------------------------------------------------------------------------------
// tokens
// -------------------------------------------------------------------------------------

const write = (text: string) => Effect.flatMap(Journal.Journal, (journal) => journal.write(text))

const describe = TokenManager.Event.$match({
  Refreshed: ({ generation, key }) => `${key}: refreshed, now at generation ${generation}`,
  Unsaved: ({ error, key }) => `${key}: refreshed, and not saved yet (${error._tag})`,
  ServingStale: ({ error, expiresAt, key }) =>
    `${key}: serving the old token, which is valid until ${DateTime.formatIso(expiresAt)} (${error._tag})`,
  ReauthorizationNeeded: ({ error, key }) => `${key}: reauthorization needed (${error._tag})`,
  RefreshTokenExpiring: ({ expiresAt, key }) => `${key}: the refresh token expires at ${DateTime.formatIso(expiresAt)}`
})

/** Writes the events of tokens to the journal. */
const watch = Layer.scopedDiscard(
  Effect.forkScoped(Stream.runForEach(TokenManager.events, (event) => write(describe(event))))
)

/** Tokens are refreshed on demand, and by the sweep if nobody asks for them. */
const Tokens = Layer.merge(TokenSweep.layer(), watch).pipe(Layer.provideMerge(TokenManager.layer()))

const AuthTest = Schema.Struct({ ok: Schema.Boolean, error: Schema.optional(Schema.String) })

/** Calls Slack with a fresh token of a credential. Returns the result, or why there is no token. */
const authTest = (credential: Installation.CredentialKey) =>
  Effect.gen(function*() {
    const { baseUrl } = yield* SlackApp.SlackApp
    const manager = yield* TokenManager.TokenManager
    const token = yield* manager.token(credential)
    const client = TokenManager.authorized(credential)(yield* HttpClient.HttpClient)
    const response = yield* client.execute(HttpClientRequest.post(`${baseUrl}/api/auth.test`))
    const { error, ok } = yield* HttpClientResponse.schemaBodyJson(AuthTest)(response)
    // Slack does not know the token, so the manager must not serve it again. (`authorized` does not do this for
    // invalid_auth, because Slack also answers so to addresses that may not call.)
    if (error === "invalid_auth") yield* manager.invalidate(credential, token, error)
    return `auth.test with the token of ${credential}: ${ok ? "ok" : error}`
  }).pipe(
    Effect.catchTags({
      NotInstalled: ({ _tag, key }) => Effect.succeed(`${key}: ${_tag}`),
      ReauthorizationRequired: ({ _tag, error, key }) => Effect.succeed(`${key}: ${_tag} (${error._tag})`),
      TokenUnavailable: ({ _tag, error, key, retryAfter }) =>
        Effect.succeed(`${key}: ${_tag} (${error._tag}), ask again in ${Duration.format(retryAfter)}`)
    }),
    Effect.orElseSucceed(() => `auth.test with the token of ${credential}: no answer`)
  )

// -------------------------------------------------------------------------------------
// the page and its buttons
// -------------------------------------------------------------------------------------

const installations = Effect.flatMap(
  InstallationStore.InstallationStore,
  ({ stream }) => Effect.map(Stream.runCollect(stream), (chunk) => Array.from(chunk))
)

const page = Effect.gen(function*() {
  const controls = yield* Controls
  const { installPath } = yield* InstallFlow.InstallFlow
  const content: Page.Content = {
    now: yield* DateTime.now,
    installPath,
    installations: yield* Effect.forEach(
      yield* installations,
      (installation) => Effect.map(controls.knows(installation.key), (knows) => ({ installation, unknown: !knows }))
    ),
    buttons: controls.buttons,
    notices: yield* controls.notices,
    journal: yield* Effect.flatMap(Journal.Journal, ({ latest }) => latest)
  }
  return HttpServerResponse.html(String(Page.render(content))).pipe(HttpServerResponse.setHeaders({
    "cache-control": "no-store",
    "content-security-policy":
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
  }))
})

const pressed = Schema.Struct({ credential: Schema.String })

/** Calls Slack with the credential that the form names, if it exists. */
const callSlack = Effect.gen(function*() {
  const { credential } = yield* HttpServerRequest.schemaBodyUrlParams(pressed)
  const keys = (yield* installations).flatMap(({ credentials, key }) =>
    credentials.map((each) =>
      each._tag === "BotCredential" ? Installation.botKey(key) : Installation.userKey(key, each.userId)
    )
  )
  const key = keys.find((key) => String(key) === credential)
  yield* write(key === undefined ? "This credential does not exist any more" : yield* authTest(key))
})

/**
 * Presses a button, and shows the page again. A page of another site could post the same form from a visitor's browser.
 * So this accepts only posts from the page itself, by the headers in which a browser names the origin of a post.
 */
const button = <E, R>(publicUrl: string, press: Effect.Effect<void, E, R>) =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const isOurs = headers["origin"] === new URL(publicUrl).origin &&
      (headers["sec-fetch-site"] ?? "same-origin") === "same-origin"
    if (!isOurs) {
      return HttpServerResponse.text(`These buttons work only on ${publicUrl}/.`, { status: 403 })
    }
    yield* press
    return HttpServerResponse.redirect("/", { status: 303 })
  })

const pages = (publicUrl: string) =>
  HttpLayerRouter.use((router) =>
    Effect.gen(function*() {
      const { buttons } = yield* Controls
      const context = yield* Effect.context<
        | Controls
        | HttpClient.HttpClient
        | InstallationStore.InstallationStore
        | InstallFlow.InstallFlow
        | Journal.Journal
        | SlackApp.SlackApp
        | TokenManager.TokenManager
      >()
      yield* router.add("GET", "/", Effect.provide(page, context))
      yield* router.add("POST", Page.authTestPath, Effect.provide(button(publicUrl, callSlack), context))
      for (const { path, press } of buttons) {
        // The sweep runs every minute. A pass right after the press shows its effect at once.
        const pressAndSweep = Effect.zipRight(Effect.flatMap(press, write), TokenSweep.pass())
        yield* router.add("POST", path, Effect.provide(button(publicUrl, pressAndSweep), context))
      }
    })
  )

/** The application at a public address. */
export const app = (publicUrl: string) =>
  Layer.merge(pages(publicUrl), InstallRouter.layerRoutes).pipe(
    Layer.provide(flow(publicUrl)),
    Layer.provide(Tokens),
    Layer.provide(Journal.layer)
  )

/** The port to listen on. Behind a tunnel or a proxy, `PUBLIC_URL` is the address that browsers use. */
export const settings = Config.all({
  port: Config.withDefault(Config.integer("PORT"), 3000),
  publicUrl: Config.option(Config.string("PUBLIC_URL"))
})

/** The address that browsers use: `PUBLIC_URL`, or the port of this machine. */
export const publicUrl = Effect.zipWith(
  settings,
  HttpServer.HttpServer,
  ({ publicUrl }, { address }) =>
    Option.getOrElse(publicUrl, () => `http://localhost:${address._tag === "TcpAddress" ? address.port : 0}`)
)
