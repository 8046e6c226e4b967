/** The app: "Add to Slack", an answer to mentions, and a page that shows the installations and the life of their tokens. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import type * as InstallFlow from "effect-slack-oauth/InstallFlow"
import type * as Lifecycle from "effect-slack-oauth/Lifecycle"
import * as SlackOAuth from "effect-slack-oauth/SlackOAuth"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenSweep from "effect-slack-oauth/TokenSweep"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Journal, write } from "./journal.js"
import * as Page from "./page.js"
import { type Button, Slack } from "./slack.js"

// -------------------------------------------------------------------------------------
// what the app does in Slack
// -------------------------------------------------------------------------------------

/** Calls Slack, and returns what happened. */
const call = (place: Installation.Place, method: string, parameters?: Readonly<Record<string, unknown>>) =>
  Effect.match(SlackOAuth.call(place, method, parameters), {
    onFailure: (error) => `${method} in ${place.teamId ?? place.enterpriseId}: ${error._tag}. ${error.message}`,
    onSuccess: () => `${method} in ${place.teamId ?? place.enterpriseId}: ok`
  })

/** What the app is, whatever its Slack and its database are. */
export const options = {
  botScopes: ["app_mentions:read", "chat:write"],
  userScopes: ["search:read"],
  install: {
    success: "/",
    onFailed: ({ error }: InstallFlow.Failed<void>) => write(`${error._tag}: ${error.message}`)
  },
  onInstalled: ({ response }: InstallFlow.Installed<void>) => write(`installed in ${Page.nameOf(response)}`),
  onEvent: ({ channel, place, type, user }: Lifecycle.Event) =>
    type === "app_mention"
      ? Effect.flatMap(call(place, "chat.postMessage", { channel, text: `Hi <@${user}>!` }), write)
      : Effect.void
} as const

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

// -------------------------------------------------------------------------------------
// its page
// -------------------------------------------------------------------------------------

const testOf = ({ key }: Installation.Installation): Button<SlackOAuth.Services> => ({
  id: `auth.test/${key}`,
  label: "Call auth.test",
  press: call(
    key._tag === "Workspace"
      ? { appId: key.appId, teamId: key.teamId }
      : { appId: key.appId, enterpriseId: key.enterpriseId },
    "auth.test"
  )
})

const installations = Effect.flatMap(
  InstallationStore.InstallationStore,
  ({ stream }) => Effect.map(Stream.runCollect(stream), (all) => Array.from(all))
)

const html = (page: InstallFlow.Html, status = 200) =>
  HttpServerResponse.html(String(page)).pipe(
    HttpServerResponse.setStatus(status),
    HttpServerResponse.setHeaders({
      "cache-control": "no-store",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    })
  )

const page = (here: string, lives: Page.Lives) =>
  Effect.gen(function*() {
    const slack = yield* Slack
    return html(Page.home({
      here,
      installUrl: (yield* SlackOAuth.SlackOAuth).install.installUrl,
      now: yield* DateTime.now,
      installations: yield* Effect.forEach(yield* installations, (installation) =>
        Effect.map(slack.knows(installation.key), (known) => ({
          installation,
          known,
          button: testOf(installation),
          credentials: installation.credentials.map((credential) =>
            lives.of(installation.key, credential)
          )
        }))),
      buttons: slack.buttons,
      notice: slack.notice,
      journal: yield* Effect.flatMap(Journal, ({ latest }) => latest)
    }))
  })

const Pressed = Schema.Struct({ button: Schema.String })

/**
 * Presses a button, and shows the page again. A page of another site could post the same form from a visitor's browser.
 * So this accepts only posts from the page itself, by the headers in which a browser names the origin of a post.
 */
const press = (here: string) =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const isOurs = headers["origin"] === new URL(here).origin &&
      (headers["sec-fetch-site"] ?? "same-origin") === "same-origin"
    if (!isOurs) return html(Page.plain("Not from here", `These buttons work only on ${here}/.`), 403)
    const { button: id } = yield* HttpServerRequest.schemaBodyUrlParams(Pressed)
    const buttons: ReadonlyArray<Button<SlackOAuth.Services>> = [
      ...(yield* Slack).buttons,
      ...(yield* installations).map(testOf)
    ]
    const button = buttons.find((button) => button.id === id)
    yield* Effect.flatMap(button?.press ?? Effect.succeed("This button does not exist any more"), write)
    // The sweep runs every half hour or so. A pass right after the press shows its effect at once.
    yield* TokenSweep.pass()
    return HttpServerResponse.redirect(`${here}/`, { status: 303 })
  })

/** The addresses of Slack and of the page, with the path of the public URL and without it. */
export const routes = (here: string) =>
  Layer.mergeAll(
    SlackOAuth.routes,
    watch,
    HttpLayerRouter.use((router) =>
      Effect.gen(function*() {
        const context = yield* Effect.context<SlackOAuth.SlackOAuth | SlackOAuth.Services | Slack | Journal>()
        const lives = Page.makeLives()
        for (const prefix of new Set(["/", new URL(`${here}/`).pathname] as const)) {
          yield* router.add("GET", prefix as "/", Effect.provide(page(here, lives), context))
          yield* router.add("POST", `${prefix}press` as "/press", Effect.provide(press(here), context))
        }
        yield* router.add("*", "/*", html(Page.plain("Nothing here", "There is no page at this address."), 404))
      })
    )
  )
