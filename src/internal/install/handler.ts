/**
 * What comes before and after every request of a flow: step 1 of the table in `docs/install.md`, a deadline, a span and a
 * count, and the security headers.
 */
import * as Effect from "effect/Effect"
import * as InstallError from "../../InstallError.js"
import { withDeadline } from "../deadline.js"
import * as Telemetry from "../telemetry.js"
import * as Answer from "./answer.js"
import type { Parts } from "./parts.js"
import { isPrefetch } from "./prefetch.js"

/** Step 1: is it a person? Anything else is answered without doing anything. */
const notAPerson = <M>({ render }: Parts<M>, request: Request): Effect.Effect<Answer.Answer> | undefined => {
  if (request.method === "HEAD") return Effect.succeed(Answer.withResult(Answer.empty(200), "head"))
  if (request.method !== "GET") {
    return Effect.map(
      render.failed(new InstallError.InstallMethodNotAllowed()),
      (answer) => Answer.withHeader(answer, "allow", "GET, HEAD")
    )
  }
  return isPrefetch(request.headers) ? render.failed(new InstallError.InstallPrefetched()) : undefined
}

/** Makes a handler that answers every request in time, and never fails. */
export const make = <M>(
  step: Telemetry.InstallStep,
  parts: Parts<M>,
  contentSecurityPolicy: string,
  answer: (request: Request) => Effect.Effect<Answer.Answer | Response>
) =>
(request: Request): Effect.Effect<Response> =>
  Effect.suspend(() => notAPerson(parts, request) ?? answer(request)).pipe(
    Effect.catchAllCause(() =>
      parts.refuse(new InstallError.InstallUnexpected({ problem: "an unexpected error occurred" }))
    ),
    (answer) => withDeadline(answer, parts.settings.answerLimit, () => new InstallError.InstallTimeout()),
    Effect.catchAll((late) => Effect.zipRight(Effect.logWarning(late.message), parts.render.failed(late))),
    (answer) =>
      Telemetry.observeInstall(step, answer, (answer) => Answer.isAnswer(answer) ? answer.result : "response"),
    Effect.map((answer) => Answer.isAnswer(answer) ? Answer.toResponse(answer, contentSecurityPolicy) : answer)
  )
