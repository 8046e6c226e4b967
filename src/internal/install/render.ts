/**
 * The pages of a flow as answers: those of the application, and the built-in one where there is none or it fails.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as InstallError from "../../InstallError.js"
import type * as InstallFlow from "../../InstallFlow.js"
import type * as TokenResponse from "../../TokenResponse.js"
import { Html } from "../html.js"
import * as Answer from "./answer.js"
import * as Pages from "./pages.js"
import type { Settings } from "./settings.js"

/** By its fields, because a framework may have a `Response` class of its own. */
export const isResponse = (value: object): value is Response => "status" in value && "headers" in value

export const fromPage = (status: number, page: InstallFlow.Page): Effect.Effect<Answer.Answer, unknown> =>
  page instanceof Html ? Effect.succeed(Answer.page(status, page)) : Answer.fromResponse(page)

/** The id of the workspace or organization. */
export const idOf = ({ target }: TokenResponse.TokenResponse): string =>
  target._tag === "Workspace" ? target.team.id : target.enterprise.id

const nameOf = ({ target }: TokenResponse.TokenResponse): string => {
  const party = target._tag === "Workspace" ? target.team : target.enterprise
  return Option.getOrElse(party.name, () => party.id)
}

export interface Render<M> {
  /** The address that opens the app in Slack. */
  readonly slackUrl: (response: TokenResponse.TokenResponse) => string
  readonly landing: (beginUrl: string) => Effect.Effect<Answer.Answer>
  readonly installed: (installed: InstallFlow.Installed<M>) => Effect.Effect<Answer.Answer>
  readonly failed: (error: InstallError.InstallError) => Effect.Effect<Answer.Answer>
}

export const make = <M>(pages: InstallFlow.Pages<M> = {}, { app, installUrl }: Settings): Render<M> => {
  const pageOr = (status: number, page: () => InstallFlow.Page | undefined, builtIn: () => Html) =>
    Effect.suspend(() => fromPage(status, page() ?? builtIn())).pipe(
      Effect.catchAllCause(() =>
        Effect.as(Effect.logError("A page of the install flow failed"), Answer.page(status, builtIn()))
      )
    )

  const slackUrl = (response: TokenResponse.TokenResponse) =>
    `${app.baseUrl}/app_redirect?${new URLSearchParams({ app: response.appId, team: idOf(response) })}`

  return {
    slackUrl,
    landing: (beginUrl) =>
      Effect.map(
        pageOr(200, () => pages.landing?.({ beginUrl }), () => Pages.landing(beginUrl)),
        (answer) => Answer.withResult(answer, "landing")
      ),
    installed: (installed) =>
      pageOr(
        200,
        () => pages.installed?.({ installed, slackUrl: slackUrl(installed.response) }),
        () =>
          Pages.installed({
            where: nameOf(installed.response),
            slackUrl: slackUrl(installed.response),
            missing: [...installed.scopes.missing.bot, ...installed.scopes.missing.user],
            restUrl: Option.getOrUndefined(installed.scopes.restUrl)
          })
      ),
    failed: (error) =>
      Effect.map(
        pageOr(
          error.status,
          () => pages.failed?.({ error, installUrl }),
          () =>
            Pages.failure({
              tag: error._tag,
              remedy: error._tag === "InstallExchangeFailed" ? error.error.remedy : undefined,
              nextStep: error.nextStep,
              installUrl
            })
        ),
        (answer) => Answer.withResult(answer, error._tag)
      )
  }
}
