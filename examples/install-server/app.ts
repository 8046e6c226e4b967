/**
 * The application: a page with "Add to Slack" on it, the install flow, what is kept of an install, and tokens that are
 * always fresh. It knows nothing of which Slack it speaks to, where it listens, or what the store is made of.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
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
import { Backstage } from "./backstage.js"
import * as Journal from "./journal.js"
import * as Page from "./page.js"

// -------------------------------------------------------------------------------------
// the install flow
// -------------------------------------------------------------------------------------

/** What an install carries from its begin to its end, here: whether this application is to fail at first. */
const Metadata = Schema.Struct({ failAtFirst: Schema.Boolean })

/** The flow at a public address. Its tokens go into the `InstallationStore` in the context. */
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

const tell = TokenManager.Event.$match({
  Refreshed: ({ generation, key }) => `${key}: refreshed, now at generation ${generation}`,
  Unsaved: ({ error, key }) => `${key}: refreshed, and not saved yet (${error._tag})`,
  ServingStale: ({ error, expiresAt, key }) =>
    `${key}: serving the old token, which is valid until ${DateTime.formatIso(expiresAt)} (${error._tag})`,
  ReauthorizationNeeded: ({ error, key }) => `${key}: reauthorization needed (${error._tag})`,
  RefreshTokenExpiring: ({ expiresAt, key }) => `${key}: the refresh token dies at ${DateTime.formatIso(expiresAt)}`
})

/** What happens to tokens goes into the journal. */
const watch = Layer.scopedDiscard(
  Effect.forkScoped(Stream.runForEach(TokenManager.events, (event) => write(tell(event))))
)

/** Fresh when they are asked for, and ahead of time where nobody asks. */
const Tokens = Layer.merge(TokenSweep.layer(), watch).pipe(Layer.provideMerge(TokenManager.layer()))

const AuthTest = Schema.Struct({ ok: Schema.Boolean, error: Schema.optional(Schema.String) })

/** Calls Slack with a credential's token, which is fresh, or says why there is none. */
const authTest = (credential: Installation.CredentialKey) =>
  Effect.gen(function*() {
    const { baseUrl } = yield* SlackApp.SlackApp
    const manager = yield* TokenManager.TokenManager
    const token = yield* manager.token(credential)
    const client = TokenManager.authorized(credential)(yield* HttpClient.HttpClient)
    const response = yield* client.execute(HttpClientRequest.post(`${baseUrl}/api/auth.test`))
    const { error, ok } = yield* HttpClientResponse.schemaBodyJson(AuthTest)(response)
    // Slack does not know the token, so it is not served again: the next call gets another, or hears that it takes a new
    // install. (`authorized` leaves this code alone: Slack also says so to addresses that may not call.)
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
  const backstage = yield* Backstage
  const { installPath } = yield* InstallFlow.InstallFlow
  const content: Page.Content = {
    now: yield* DateTime.now,
    installPath,
    installations: yield* Effect.forEach(
      yield* installations,
      (installation) =>
        Effect.map(backstage.remembers(installation.key), (remembers) => ({ installation, forgotten: !remembers }))
    ),
    levers: backstage.levers,
    notices: yield* backstage.notices,
    journal: yield* Effect.flatMap(Journal.Journal, ({ latest }) => latest)
  }
  return HttpServerResponse.html(String(Page.render(content))).pipe(HttpServerResponse.setHeaders({
    "cache-control": "no-store",
    "content-security-policy":
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
  }))
})

const pressed = Schema.Struct({ credential: Schema.String })

/** Calls Slack as the credential that the form names, if there is one. */
const callSlack = Effect.gen(function*() {
  const { credential } = yield* HttpServerRequest.schemaBodyUrlParams(pressed)
  const keys = (yield* installations).flatMap(({ credentials, key }) =>
    credentials.map((each) =>
      each._tag === "BotCredential" ? Installation.botKey(key) : Installation.userKey(key, each.userId)
    )
  )
  const key = keys.find((key) => String(key) === credential)
  yield* write(key === undefined ? "There is no such credential any more" : yield* authTest(key))
})

/**
 * Presses a button, and shows the page again. A page of another site could post the same form from a visitor's browser,
 * so this one listens only to itself: browsers say where a POST comes from, and pages cannot change what they say.
 */
const button = <E, R>(publicUrl: string, press: Effect.Effect<void, E, R>) =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const isOurs = headers["origin"] === new URL(publicUrl).origin &&
      (headers["sec-fetch-site"] ?? "same-origin") === "same-origin"
    if (!isOurs) {
      return HttpServerResponse.text(`These buttons work on ${publicUrl}/ only.`, { status: 403 })
    }
    yield* press
    return HttpServerResponse.redirect("/", { status: 303 })
  })

const pages = (publicUrl: string) =>
  HttpLayerRouter.use((router) =>
    Effect.gen(function*() {
      const { levers } = yield* Backstage
      const context = yield* Effect.context<
        | Backstage
        | HttpClient.HttpClient
        | InstallationStore.InstallationStore
        | InstallFlow.InstallFlow
        | Journal.Journal
        | SlackApp.SlackApp
        | TokenManager.TokenManager
      >()
      yield* router.add("GET", "/", Effect.provide(page, context))
      yield* router.add("POST", Page.authTestPath, Effect.provide(button(publicUrl, callSlack), context))
      for (const { path, pull } of levers) {
        // The sweep looks every minute. Whoever pulls a lever need not wait for that to see what comes of it.
        const press = Effect.zipRight(Effect.flatMap(pull, write), TokenSweep.pass())
        yield* router.add("POST", path, Effect.provide(button(publicUrl, press), context))
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

/** Where to listen; behind a tunnel or a proxy, `PUBLIC_URL` is the address that browsers use. */
export const settings = Config.all({
  port: Config.withDefault(Config.integer("PORT"), 3000),
  publicUrl: Config.option(Config.string("PUBLIC_URL"))
})

/** The address that browsers use, if the program listens on a port of this machine. */
export const publicUrlAt = (port: number) =>
  Effect.map(settings, ({ publicUrl }) => Option.getOrElse(publicUrl, () => `http://localhost:${port}`))
