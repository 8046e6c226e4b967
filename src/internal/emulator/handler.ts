/** From a request to its outcome: finds the page or the method, and applies the fault that affects the call. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Outcome, Request } from "../../testing/SlackEmulatorModel.js"
import * as Authorize from "./authorize.js"
import * as Calls from "./calls.js"
import * as Consent from "./consent.js"
import * as Faults from "./faults.js"
import * as Pages from "./pages.js"
import type { State } from "./state.js"
import * as Turn from "./turn.js"
import * as Wire from "./wire.js"
import * as World from "./world.js"

const answered = (response: Wire.Response, cutInBody = false): Outcome => ({
  _tag: "Answered",
  ...response,
  cutInBody
})

const cut: Outcome = { _tag: "Cut" }

const sleep = (millis: number): Effect.Effect<void> => millis > 0 ? Effect.sleep(millis) : Effect.void

/** Takes the fault of the next call, and applies it before and after the answer. */
const withFault = <E, R>(
  { injections }: State,
  method: string,
  call: {
    /** Answers the request. If there is an answer `instead`, the rules do not run. */
    readonly answer: (fault: Calls.Interference) => Effect.Effect<Wire.Response, E, R>
    /** Runs if the connection breaks before the request is read. */
    readonly unread: (fault: string) => Effect.Effect<void>
  }
): Effect.Effect<Outcome, E, R> =>
  Effect.gen(function*() {
    const { random } = yield* Turn.next
    const plan = Faults.plan(Faults.take(injections, method, random))
    if (plan === undefined) return answered(yield* call.answer({ label: undefined, instead: undefined }))
    yield* sleep(plan.delayBefore)
    if (plan.cutBeforeReading) {
      yield* call.unread(plan.label)
      return cut
    }
    const response = yield* call.answer(plan)
    yield* sleep(plan.delayAfter)
    return plan.cutAfterStateChange ? cut : answered(plan.afterwards ?? response, plan.cutInBody)
  })

/** Runs a step, and starts to send the events that follow from it. The answer does not wait for the app. */
const withEvents = <A>({ sender, world }: State, step: () => A): Effect.Effect<A> =>
  Effect.suspend(() => {
    const result = step()
    return Effect.as(sender.start(World.takeNotices(world)), result)
  })

export const handle = (state: State) => <E, R>(request: Request<E, R>): Effect.Effect<Outcome, E, R> => {
  const { world } = state
  const { pathname } = request.url
  const read = Effect.map(request.body, (body): Wire.Request => ({ ...request, body }))

  // `HEAD` and `OPTIONS` must not spend a code, and nobody knows what the others do at Slack.
  const isApi = pathname.startsWith("/api/")
  const allowed = isApi ? ["GET", "POST"] : ["GET", "HEAD", "POST"]
  if (!allowed.includes(request.method)) return Effect.succeed(answered(Wire.notAllowed(allowed)))

  const page = Authorize.pageAt(pathname)
  if (page !== undefined) {
    return withFault(state, "authorize", {
      answer: ({ instead }) =>
        instead === undefined
          ? Effect.zipWith(read, Turn.next, (request, turn) => Consent.answer(world, turn, page, request))
          : Effect.succeed(instead),
      unread: () => Effect.void
    })
  }

  if (!isApi) return Effect.sync(() => answered(Pages.answer(world, request.url)))
  const method = pathname.slice("/api/".length)
  return withFault(state, method, {
    answer: (fault) =>
      Effect.flatMap(
        Effect.zip(Effect.flatMap(read, (request) => Calls.read(method, request)), Turn.next),
        ([call, turn]) =>
          Calls.isOurs(call)
            ? withEvents(state, () => Calls.answer(world, turn, call, fault))
            : Calls.answerByHandler(world, turn, call, state.handlers.get(method), fault)
      ),
    unread: (fault) => Effect.map(Clock.currentTimeMillis, (now) => Calls.recordUnread(world, now, method, fault))
  })
}
