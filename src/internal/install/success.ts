/**
 * Where a person goes after an install.
 */
import * as Effect from "effect/Effect"
import type * as InstallFlow from "../../InstallFlow.js"
import { Html } from "../html.js"
import * as Answer from "./answer.js"
import { fromPage, isResponse, type Render } from "./render.js"
import type { Settings } from "./settings.js"

/** The address of a path of this server, or of the application. */
const targetOf = (choice: string | URL, { publicUrl }: Settings): URL => {
  const target = new URL(choice, publicUrl.origin)
  if (typeof choice === "string" && choice.startsWith("/") && target.origin === publicUrl.origin) {
    target.pathname = `${publicUrl.prefix}${target.pathname}`
  }
  return target
}

/** Follows the option `success`. If that fails, the person sees the page of a finished install. */
export const make = <M>(
  success: InstallFlow.Options<M>["success"] = "slack",
  settings: Settings,
  render: Render<M>
) =>
(installed: InstallFlow.Installed<M>): Effect.Effect<Answer.Answer> =>
  Effect.suspend((): Effect.Effect<Answer.Answer, unknown> => {
    const choice = typeof success === "function" ? success(installed) : success
    if (choice === "slack") return Effect.succeed(Answer.redirect(303, render.slackUrl(installed.response)))
    if (choice === "page") return render.installed(installed)
    if (choice instanceof Html) return fromPage(200, choice)
    if (typeof choice !== "string" && isResponse(choice)) return fromPage(200, choice)
    const target = targetOf(choice, settings)
    // An application may build this address from what it was given. It must not become an open redirect.
    return settings.safeOrigins.has(target.origin) || target.protocol === "slack:"
      ? Effect.succeed(Answer.redirect(303, target.href))
      : Effect.zipRight(
        Effect.logError(`success leads to ${target.origin}, which is not among allowedOrigins`),
        render.installed(installed)
      )
  }).pipe(
    Effect.catchAllCause(() => Effect.zipRight(Effect.logError("success failed"), render.installed(installed)))
  )
