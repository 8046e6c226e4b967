/**
 * A whole app of `SlackOAuth` against the emulator in memory, with a store in memory and a clock that can be moved.
 *
 * @since 0.1.0
 */
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as AuthorizeUrl from "../AuthorizeUrl.js"
import * as InstallationStore from "../InstallationStore.js"
import * as Browser from "../internal/emulator/browser.js"
import * as Address from "../internal/events/address.js"
import * as SlackOAuth from "../SlackOAuth.js"
import * as TokenCipher from "../TokenCipher.js"
import * as MovableClock from "./MovableClock.js"
import * as SlackEmulator from "./SlackEmulator.js"
import type * as Model from "./SlackEmulatorModel.js"

/**
 * The options of {@link layer}: those of `SlackOAuth.layer`, all optional, and those of the emulator. The emulator has one
 * app, which sends its events to this app.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<R = never, M = void>
  extends Omit<SlackOAuth.Options<never, R, never, M>, "publicUrl" | "store" | "app" | "cipher" | "httpClient">
{
  /** `http://localhost:3000` by default. */
  readonly publicUrl?: string | URL | undefined
  /** Options of the emulator, without the app's. */
  readonly slack?: Omit<Model.Options, "apps"> | undefined
}

/**
 * The same app as `SlackOAuth.layer`, against an emulator in memory. Move time with `MovableClock.move`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <R = never, M = void>(
  options: Options<R, M> = {}
): Layer.Layer<
  SlackOAuth.SlackOAuth | SlackOAuth.Services | SlackEmulator.SlackEmulator | MovableClock.MovableClock,
  SlackOAuth.SlackSettingsError | ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
  Exclude<
    Exclude<Exclude<R, SlackOAuth.Services | Scope.Scope>, SlackEmulator.SlackEmulator>,
    MovableClock.MovableClock
  >
> =>
  Layer.unwrapEffect(Effect.sync(() => {
    const { publicUrl = "http://localhost:3000", slack, ...app } = options
    // The app is built after the emulator, which sends events to it.
    let events: (request: Request) => Effect.Effect<Response> = () => Address.unavailable
    const emulator = SlackEmulator.layer({
      ...slack,
      apps: [{ redirectUris: [String(publicUrl)], events: (request) => events(request) }]
    })
    const whole = Layer.unwrapEffect(Effect.map(Effect.context<SlackEmulator.SlackEmulator>(), (context) => {
      const emulator = Layer.succeedContext(context)
      return SlackOAuth.layer<never, R, never, M>({
        ...app,
        publicUrl,
        store: InstallationStore.layerMemory,
        app: Layer.provide(SlackEmulator.layerSlackApp(), emulator),
        cipher: TokenCipher.layerPlain,
        httpClient: Layer.provide(SlackEmulator.layerHttpClient, emulator)
      })
    }))
    return whole.pipe(
      Layer.tap((context) =>
        Effect.sync(() => {
          events = Context.get(context, SlackOAuth.SlackOAuth).events.handleRequest
        })
      ),
      Layer.provideMerge(emulator),
      Layer.provideMerge(MovableClock.layer)
    )
  }))

/**
 * Installs the app like a person in a browser: "Add to Slack", Allow, back to the app. Returns the app's last response.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SlackOAuthTest } from "effect-slack-oauth/testing"
 *
 * const test = Effect.gen(function*() {
 *   const response = yield* SlackOAuthTest.install()
 *   console.log(response.status) // 303
 * })
 *
 * Effect.runPromise(Effect.provide(test, SlackOAuthTest.layer({ botScopes: ["chat:write"] })))
 * ```
 *
 * @since 0.1.0
 * @category people
 */
export const install = (
  request: Omit<Model.AuthorizeRequest, "url" | "clientId" | "scopes" | "userScopes"> = {}
): Effect.Effect<Response, SlackEmulator.AuthorizeRefused, SlackOAuth.SlackOAuth | SlackEmulator.SlackEmulator> =>
  Effect.gen(function*() {
    const app = yield* SlackOAuth.SlackOAuth
    const flow = { ...app.install, handle: app.handle }
    const emulator = yield* SlackEmulator.SlackEmulator
    const { response } = yield* Browser.visit(
      flow,
      Browser.beginning(flow),
      (url) => emulator.authorize({ ...request, url })
    )
    return response
  })
