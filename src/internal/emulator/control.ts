/**
 * Control over HTTP: what the functions of `SlackEmulator` do, for programs in any language.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as MovableClock from "../../testing/MovableClock.js"
import type { Service } from "../../testing/SlackEmulator.js"
import * as HttpApi from "../effect/httpApi.js"
import * as LayerContext from "../layerContext.js"
import * as S from "./controlSchemas.js"
import * as ControlServer from "./controlServer.js"
import * as Durations from "./durations.js"
import { Mistake } from "./finding.js"
import * as Overview from "./overview.js"
import type * as Wire from "./wire.js"

export interface Control {
  readonly answer: <E, R>(request: ControlServer.Request<E, R>) => Effect.Effect<Wire.Response, E, R>
}

type Refusal = ControlServer.Refusal

/** The end of the year 9999, in milliseconds since the epoch. Many programs cannot read a later date. */
const lastInstant = 253_402_300_799_999

/** Turns a `Mistake` of the emulator into a refusal: something that the request names does not exist, or is wrong. */
const mistaken = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Refusal, R> =>
  Effect.catchAllDefect(effect, (defect) =>
    defect instanceof Mistake
      ? Effect.fail({ error: defect.place === "" ? "not_found" : "invalid_arguments", message: defect.message })
      : Effect.die(defect))

const done = (effect: Effect.Effect<unknown, Refusal>) => Effect.as(effect, { ok: true })

const refused = <A>(effect: Effect.Effect<A, { readonly code: string; readonly problem: string }>) =>
  Effect.mapError(effect, ({ code, problem }) => ({ error: code, message: problem }))

const post = (
  name: string,
  description: string,
  payload: HttpApi.Body,
  success: HttpApi.Body,
  run: ControlServer.Endpoint["run"]
): ControlServer.Endpoint => ({ name, method: "POST", path: `/control/${name}`, description, payload, success, run })

const get = (
  name: string,
  description: string,
  success: HttpApi.Body,
  run: Effect.Effect<unknown, Refusal>
): ControlServer.Endpoint => ({ name, method: "GET", path: `/control/${name}`, description, success, run: () => run })

/** What a program does to the emulator. */
const actions = (
  emulator: Service,
  clock: Option.Option<MovableClock.Service>
): ReadonlyArray<ControlServer.Endpoint> => {
  const move = ({ by }: typeof S.Move.Type): Effect.Effect<unknown, Refusal> =>
    Effect.gen(function*() {
      const duration = Durations.parse(by)
      if (Option.isNone(duration)) {
        return yield* S.invalid("by has to be a duration that is not negative, such as \"12 hours\", or milliseconds.")
      }
      if (Option.isNone(clock)) {
        return yield* S.invalid("This server runs on a clock that cannot be moved. Provide MovableClock.layer to it.")
      }
      const then = (yield* Clock.currentTimeMillis) + Duration.toMillis(duration.value)
      if (then > lastInstant) return yield* S.invalid("The clock cannot be moved past the year 9999.")
      yield* clock.value.move(duration.value)
      return { now: yield* DateTime.now }
    })
  const send = ({ event, ...request }: typeof S.Event.Type): Effect.Effect<unknown, Refusal> =>
    typeof event["type"] === "string"
      ? emulator.send({ ...request, event: { ...event, type: event["type"] } })
      : S.invalid("The event has no type, such as \"app_uninstalled\".")

  return [
    post(
      "authorize",
      "A person clicks Allow: the code, and the URL that the app receives.",
      S.Authorize,
      S.Redirected,
      (request) => refused(emulator.authorize(request))
    ),
    post(
      "cancel",
      "A person clicks Cancel: the URL that the app receives.",
      S.Authorize,
      S.Redirected,
      (request) => refused(emulator.cancel(request))
    ),
    post(
      "legacy-tokens",
      "Issues a long-lived token, as Slack did before rotation.",
      S.LegacyToken,
      S.Token,
      (request) => Effect.map(emulator.issueLegacyToken(request), (token) => ({ token: Redacted.value(token) }))
    ),
    post(
      "revoke",
      "Revokes a token, as auth.revoke does.",
      S.Token,
      S.Done,
      ({ token }) => done(emulator.revoke(token))
    ),
    post(
      "uninstall",
      "Removes an app from a workspace or an organization.",
      S.Query,
      S.Done,
      (query) => done(emulator.uninstall(query))
    ),
    post(
      "deactivate",
      "Deactivates a person, a workspace or an organization.",
      S.Id,
      S.Done,
      ({ id }) => done(emulator.deactivate(id))
    ),
    post(
      "enable-rotation",
      "Turns token rotation on for an app.",
      S.ClientId,
      S.Done,
      ({ clientId }) => done(emulator.enableRotation(clientId))
    ),
    post(
      "enable-pkce",
      "Turns PKCE on for an app.",
      S.ClientId,
      S.Done,
      ({ clientId }) => done(emulator.enablePkce(clientId))
    ),
    post("events", "Sends an event to an app, and waits for the first attempt.", S.Event, S.DeliveryView, send),
    post(
      "faults",
      "Makes the next call fail, or the next calls (times), or a share of them.",
      S.Inject,
      S.Done,
      (inject) => done(Effect.flatMap(S.toInjection(inject), emulator.inject))
    ),
    {
      ...get("faults", "Removes the faults that are left.", S.Done, done(emulator.clearFaults)),
      name: "clear-faults",
      method: "DELETE"
    },
    post("clock", "Moves the clock of the emulator ahead.", S.Move, S.Now, move),
    { ...get("restart", "Begins again with the seed.", S.Done, done(emulator.restart)), method: "POST" }
  ]
}

/** What a program reads from the emulator. */
const views = (emulator: Service): ReadonlyArray<ControlServer.Endpoint> => {
  const list = HttpApi.listOf
  return [
    get(
      "apps",
      "The apps, with their secrets.",
      list(S.App),
      Effect.map(emulator.apps, (apps) =>
        apps.map((app) => ({
          ...app,
          clientSecret: Redacted.value(app.clientSecret),
          signingSecret: Redacted.value(app.signingSecret)
        })))
    ),
    get(
      "calls",
      "The calls of the API, oldest first, with a description instead of each secret.",
      list(S.CallView),
      emulator.calls
    ),
    get(
      "chains",
      "The credentials, oldest first, with the tokens that work.",
      list(S.ChainView),
      Effect.map(emulator.chains, (chains) => chains.map(S.chainView))
    ),
    get("replays", "Each time a single-use code or token was presented again.", list(S.ReplayView), emulator.replays),
    get(
      "timeline",
      "What happened, one line for each event.",
      S.Lines,
      Effect.map(emulator.timeline, (text) => ({
        lines: text === "" ? [] : text.split("\n")
      }))
    ),
    {
      ...get("events", "The events that were sent, and what came back.", list(S.DeliveryView), emulator.events),
      name: "sent-events"
    },
    {
      ...get(
        "faults",
        "The faults that are left.",
        list(S.FaultView),
        Effect.map(
          emulator.faults,
          (faults) =>
            faults.map(({ times, ...fault }) => ({ ...fault, times: Number.isFinite(times) ? times : undefined }))
        )
      ),
      name: "pending-faults"
    }
  ]
}

/** The control API of an emulator, and its overview. They run in the context of the layer that serves them. */
export const make = (emulator: Service, clock: Option.Option<MovableClock.Service>): Effect.Effect<Control> =>
  Effect.map(LayerContext.make(), ({ run }) => {
    const overview = Overview.make(emulator)
    const answer = ControlServer.make(
      [...actions(emulator, clock), ...views(emulator)].map((endpoint) => ({
        ...endpoint,
        run: (payload) => run(mistaken(endpoint.run(payload)))
      }))
    )
    return { answer: (request) => request.path === "/control" ? overview : answer(request) }
  })
