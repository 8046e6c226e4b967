/**
 * A flow, put together from its parts.
 */
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as AuthorizeUrl from "../../AuthorizeUrl.js"
import type * as InstallFlow from "../../InstallFlow.js"
import * as OAuthV2 from "../../OAuthV2.js"
import * as PendingInstall from "../../PendingInstall.js"
import * as SlackApp from "../../SlackApp.js"
import * as LayerContext from "../layerContext.js"
import * as Answer from "./answer.js"
import * as Application from "./application.js"
import * as Begin from "./begin.js"
import { bounded } from "./boundedStore.js"
import * as Callback from "./callback.js"
import { makeFlowCookies } from "./flowCookies.js"
import * as Handler from "./handler.js"
import * as Metadata from "./metadata.js"
import * as Pages from "./pages.js"
import type { Parts } from "./parts.js"
import * as Render from "./render.js"
import * as Settings from "./settings.js"

/** The answer while there is no flow: its layer cannot be built, or was disposed of. */
export const unavailable: Effect.Effect<Response> = Effect.map(
  Effect.promise(Pages.contentSecurityPolicy),
  (contentSecurityPolicy) =>
    Answer.toResponse(
      Answer.withHeader(Answer.page(503, Pages.unavailable()), "retry-after", "5"),
      contentSecurityPolicy
    )
)

export const make = <M, R1, R2, R3>(
  options: Application.AnyOptions<M, R1, R2, R3>
): Effect.Effect<
  InstallFlow.Service,
  ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
  OAuthV2.OAuthV2 | SlackApp.SlackApp | PendingInstall.PendingInstallStore | Scope.Scope | R1 | R2 | R3
> =>
  Effect.gen(function*() {
    const oauth = yield* OAuthV2.OAuthV2
    const store = yield* PendingInstall.PendingInstallStore
    const settings = yield* Settings.make(options, options.app ?? (yield* SlackApp.SlackApp))
    const layerContext = yield* LayerContext.make<R1 | R2 | R3>()
    const contentSecurityPolicy = yield* Effect.promise(Pages.contentSecurityPolicy)
    const application = Application.make(options, layerContext)
    const render = Render.make(options.pages, settings)

    const parts: Parts<M> = {
      settings,
      oauth,
      store: bounded(store, layerContext),
      application,
      metadata: Metadata.make(options.metadata),
      cookies: makeFlowCookies(settings.publicUrl.secure, settings.app.clientId),
      render,
      refuse: (error, setCookies = []) =>
        Effect.zipRight(
          application.report({ error, installed: Option.none(), cause: Option.none() }),
          Effect.map(render.failed(error), (answer) => Answer.withCookies(answer, setCookies))
        )
    }

    const begin = Handler.make("begin", parts, contentSecurityPolicy, Begin.answer(parts))
    const callback = Handler.make(
      "callback",
      parts,
      contentSecurityPolicy,
      yield* Callback.make(parts, options.success, layerContext)
    )
    const notFound = Effect.sync(() => Answer.toResponse(Answer.page(404, Pages.notFound()), contentSecurityPolicy))

    const { callbackPath, installPath, installUrl, redirectUri, stepAt } = settings
    const handle = (request: Request): Effect.Effect<Response> => {
      const step = stepAt(new URL(request.url).pathname)
      return step === undefined ? notFound : step === "begin" ? begin(request) : callback(request)
    }
    return { installPath, callbackPath, installUrl, redirectUri, begin, callback, handle }
  })
