/**
 * The address to which Slack sends events: from a request to its answer.
 *
 * Slack waits for three seconds. So an event runs in a fiber of its own, in the context of the layer, and the answer comes
 * at its end or after `acknowledgeAfter`. Requests with the same event wait for the same fiber.
 */
import * as Cause from "effect/Cause"
import type * as ConfigError from "effect/ConfigError"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as InstallationStore from "../../InstallationStore.js"
import type * as Lifecycle from "../../Lifecycle.js"
import * as SlackApp from "../../SlackApp.js"
import * as SlackRequest from "../../SlackRequest.js"
import { withDeadline } from "../deadline.js"
import { observedByCaller } from "../effect/observed.js"
import type * as LayerContext from "../layerContext.js"
import { checkCount, checkDuration, refuse } from "../options.js"
import { makeScrubber } from "../secrets.js"
import { signingSecretsOf } from "../signature.js"
import { attemptOf, challengeOf, eventOf, parse } from "./envelope.js"
import type * as RecentEvents from "./recentEvents.js"

// -------------------------------------------------------------------------------------
// settings
// -------------------------------------------------------------------------------------

export interface Settings {
  /** How long an answer may wait for the event, in milliseconds. */
  readonly acknowledgeAfter: number
  /** How long an event is remembered, in milliseconds. */
  readonly duplicateWindow: number
}

/** Checks the options of an event address. */
export const settingsOf = (
  options: Omit<Lifecycle.EventOptions, "onEvent">,
  app: SlackApp.Service
): Effect.Effect<Settings, ConfigError.ConfigError> =>
  Effect.gen(function*() {
    if (signingSecretsOf(options.signingSecrets, app).length === 0) {
      return yield* options.signingSecrets === undefined
        ? refuse(
          "signingSecret",
          "The signing secret is missing. It proves that events come from Slack: set SLACK_SIGNING_SECRET"
        )
        : refuse("signingSecrets", "signingSecrets has no secret. Leave it out to use the signing secret of the app")
    }
    if (options.maxBytes !== undefined) yield* checkCount("maxBytes", options.maxBytes)
    return {
      acknowledgeAfter: Duration.toMillis(
        yield* checkDuration("acknowledgeAfter", options.acknowledgeAfter ?? "2.5 seconds", {
          zero: true,
          infinite: true
        })
      ),
      duplicateWindow: Duration.toMillis(
        yield* checkDuration("duplicateWindow", options.duplicateWindow ?? "10 minutes", { zero: true })
      )
    }
  })

// -------------------------------------------------------------------------------------
// answers
// -------------------------------------------------------------------------------------

const respond = (
  status: number,
  body: string | null = null,
  headers: Readonly<Record<string, string>> = {}
): Response =>
  new Response(body, {
    status,
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", ...headers }
  })

/** Slack repeats an event after any answer but 2xx, unless the answer has this header. */
const dontRepeat = { "x-slack-no-retry": "1" }

const plainText = { "content-type": "text/plain; charset=utf-8" }

/** The answer for a developer who opens the address in a browser. */
const notForBrowsers = "This address takes events from Slack, by POST.\n"

/** The answer while events cannot be handled: the layer is not built, or is closing. */
export const unavailable: Effect.Effect<Response> = Effect.sync(() => respond(503, null, { "retry-after": "5" }))

const answerTo: Readonly<Record<RecentEvents.Result, () => Response>> = {
  done: () => respond(200),
  failed: () => respond(500),
  unavailable: () => respond(503)
}

const refused = (error: SlackRequest.SlackRequestRefused): Effect.Effect<Response> => {
  const answer = respond(error.reason === "tooLarge" ? 413 : 401)
  // Anybody can send a request without a signature.
  const isNoise = error.reason === "missing" && error.part !== "signing secret"
  return Effect.as(isNoise ? Effect.logDebug(error.message) : Effect.logWarning(error.message), answer)
}

// -------------------------------------------------------------------------------------
// events
// -------------------------------------------------------------------------------------

/** What an address works with. */
export interface Parts<R> {
  readonly verifying: SlackRequest.Options
  /** The application's handler, in a scope of its own. */
  readonly onEvent: ((event: Lifecycle.Event) => Effect.Effect<unknown, unknown, R>) | undefined
  readonly settings: Settings
  readonly app: SlackApp.Service
  readonly store: InstallationStore.Service
  readonly recent: RecentEvents.RecentEvents
  /** Applies Slack's own events to the store. */
  readonly handle: typeof Lifecycle.handle
  /** Starts the fiber of an event, in the context of the layer. */
  readonly fork: LayerContext.LayerContext<R>["fork"]
}

/** How long the application may take for one event. */
const limit = Duration.minutes(5)

/** Applies an event to the store, or gives it to the application. */
const apply = <R>(
  { handle, onEvent, store }: Parts<R>,
  event: Lifecycle.Event
): Effect.Effect<RecentEvents.Result, unknown, R> =>
  handle(event.envelope).pipe(
    Effect.provideService(InstallationStore.InstallationStore, store),
    Effect.matchEffect({
      onFailure: (error) =>
        Effect.as(Effect.logWarning(error.message), error._tag === "InstallationStoreError" ? "unavailable" : "done"),
      onSuccess: (outcome): Effect.Effect<RecentEvents.Result, unknown, R> =>
        outcome._tag === "NotOurs" && onEvent !== undefined
          ? Effect.as(withDeadline(onEvent(event), limit, () => "It took longer than five minutes"), "done")
          : Effect.succeed("done")
    })
  )

const run = <R>(
  parts: Parts<R>,
  event: Lifecycle.Event,
  entry: RecentEvents.Entry
): Effect.Effect<RecentEvents.Result, never, R> =>
  apply(parts, event).pipe(
    Effect.catchAllCause((cause) => {
      const { clientSecret, signingSecret } = parts.app
      const scrub = makeScrubber(() => [clientSecret, signingSecret].map((secret) => secret && Redacted.value(secret)))
      const next = entry.isAcknowledged ? "Slack does not send the event again" : "Slack sends the event again"
      return Effect.as(Effect.logError(`onEvent failed. ${next}. ${scrub(Cause.pretty(cause))}`), "failed" as const)
    }),
    Effect.tap((result) => Effect.annotateCurrentSpan("slack.event.result", result)),
    Effect.withSpan("Lifecycle.event", { captureStackTrace: false, attributes: { "slack.event.type": event.type } }),
    Effect.annotateLogs({ "slack.event.type": event.type, "slack.event.id": event.id ?? "none" })
  )

/** Slack's own events. They are applied to the store before the answer. */
const isOurs = ({ type }: Lifecycle.Event): boolean => type === "app_uninstalled" || type === "tokens_revoked"

/** Begins an event, or joins the request that brought it before, and answers in time. */
const answerEvent = <R>(parts: Parts<R>, event: Lifecycle.Event): Effect.Effect<Response> => {
  const { fork, recent, settings } = parts
  const id = event.id && `${event.place.appId}/${event.id}`
  const begun = Effect.uninterruptible(Effect.gen(function*() {
    const entered = yield* recent.enter(id, settings.duplicateWindow)
    if (entered === undefined) return undefined
    const [entry, isNew] = entered
    if (isNew) {
      const observed = yield* observedByCaller
      const work = Effect.onExit(
        Effect.interruptible(run(parts, event, entry)),
        (exit) => recent.end(id, entry, exit._tag === "Success" ? exit.value : "failed")
      )
      yield* fork(Effect.exit(observed(work)))
    }
    return entry
  }))
  return Effect.flatMap(begun, (entry) => {
    if (entry === undefined) return unavailable
    const end = Effect.map(Deferred.await(entry.result), (result) => answerTo[result]())
    if (!Number.isFinite(settings.acknowledgeAfter)) return end
    const late = Effect.sync(() => {
      if (isOurs(event)) return answerTo.unavailable()
      entry.isAcknowledged = true
      return answerTo.done()
    })
    return Effect.catchAll(
      withDeadline(end, Duration.millis(settings.acknowledgeAfter), () => "late" as const),
      () => late
    )
  })
}

// -------------------------------------------------------------------------------------
// requests
// -------------------------------------------------------------------------------------

/** Answers a request of Slack. */
export const answer = <R>(parts: Parts<R>, request: Request): Effect.Effect<Response> =>
  Effect.gen(function*() {
    if (request.method !== "POST") return respond(405, notForBrowsers, { allow: "POST", ...plainText })
    const body = parse(yield* SlackRequest.verify(request, parts.verifying))
    if (body === undefined) {
      yield* Effect.logWarning("The body of a request to the event address is not a JSON object")
      return respond(400, null, dontRepeat)
    }
    const challenge = challengeOf(body)
    if (challenge !== undefined) return respond(200, challenge, plainText)
    const event = eventOf(body, attemptOf(request.headers))
    if (event !== undefined) return yield* answerEvent(parts, event)
    if (body.type === "app_rate_limited") {
      yield* Effect.logWarning("Slack drops events of this app in a workspace, because there are too many")
    }
    return respond(200)
  }).pipe(
    Effect.catchTag("SlackRequestRefused", refused),
    Effect.provideService(SlackApp.SlackApp, parts.app)
  )
