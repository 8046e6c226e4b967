/**
 * Delivers events to the addresses of apps, as Slack's Events API does: signed, after `url_verification`, and again if the
 * app does not answer.
 *
 * @see https://docs.slack.dev/apis/events-api/
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { DeliveryProblem, EventsHandler } from "../../testing/SlackEmulatorModel.js"
import { withDeadline } from "../deadline.js"
import * as LayerContext from "../layerContext.js"
import { sign, signatureHeader, timestampHeader, version } from "../signature.js"
import { excerpt } from "./excerpt.js"
import * as History from "./history.js"
import * as World from "./world.js"

export interface Attempt {
  readonly at: number
  readonly retry: number
  readonly problem: DeliveryProblem | undefined
  readonly status: number | undefined
  readonly answer: string
}

export interface Delivery {
  readonly id: string
  readonly app: World.App
  readonly type: string
  readonly body: string
  readonly attempts: Array<Attempt>
  state: "pending" | "delivered" | "failed"
}

/** The time before each attempt, in milliseconds: the second follows at once, the others after one and five minutes. */
const waits = [0, 0, 60_000, 300_000]

/** How long Slack waits for an answer. */
const patience = Duration.seconds(3)

// -------------------------------------------------------------------------------------
// the request
// -------------------------------------------------------------------------------------

const verificationToken = "emulated-verification-token"

/** The envelope of an event. For an install by an organization, `team_id` is the id of the organization. */
const envelopeOf = ({ app, at, event, id, target }: World.Notice): Readonly<Record<string, unknown>> => {
  const organization = target._tag === "Organization" ? target.organization : target.workspace.organization
  return {
    token: verificationToken,
    team_id: World.idOf(target),
    ...(organization === undefined ? undefined : { enterprise_id: organization.id }),
    ...(target._tag === "Organization" ? { is_enterprise_install: true } : undefined),
    api_app_id: app.id,
    event,
    type: "event_callback",
    event_id: id,
    event_time: Math.floor(at / 1000)
  }
}

/** The destination of an app's events as a function. `fetch` does not follow redirects: Slack's signature is for one URL. */
const handlerOf = (app: World.App): { readonly url: string; readonly handle: EventsHandler } => {
  const { events = "" } = app
  return typeof events === "function"
    ? { url: "https://emulated.invalid/slack/events", handle: events }
    : { url: String(events), handle: (request) => fetch(request, { redirect: "manual" }) }
}

const encoder = new TextEncoder()

interface Reply {
  readonly problem: DeliveryProblem | undefined
  readonly status: number | undefined
  readonly answer: string
  readonly again: boolean
}

const noReply = (problem: DeliveryProblem, answer = ""): Reply => ({ problem, status: undefined, answer, again: true })

/** How much of an answer is kept, in characters. */
const longestAnswer = 10_000

/** A signal for a request, and an effect that aborts it. */
const aborting = () => {
  const controller = new AbortController()
  return { signal: controller.signal, abort: Effect.sync(() => controller.abort()) }
}

/** Sends a request to an app, once. After the deadline, or if the caller is interrupted, the request is aborted. */
const post = (app: World.App, body: string, headers: Readonly<Record<string, string>>): Effect.Effect<Reply> => {
  const { handle, url } = handlerOf(app)
  const { abort, signal } = aborting()
  const exchange = Effect.gen(function*() {
    const timestamp = String(Math.floor((yield* Clock.currentTimeMillis) / 1000))
    const signature = yield* Effect.promise(() => sign(app.signingSecret, timestamp, encoder.encode(body)))
    const signed = {
      "content-type": "application/json",
      "user-agent": "Slackbot 1.0 (emulated)",
      [timestampHeader]: timestamp,
      [signatureHeader]: `${version}=${signature}`,
      ...headers
    }
    const response = yield* Effect.suspend(() => {
      const answer = handle(new Request(url, { method: "POST", headers: signed, body, signal }))
      return Effect.isEffect(answer) ? answer : Effect.promise(() => answer)
    })
    const { ok, status } = response
    return {
      status,
      answer: excerpt(yield* Effect.promise(() => response.text()), longestAnswer),
      problem: ok ? undefined : "http_error" as const,
      again: response.headers.get("x-slack-no-retry") !== "1"
    }
  }).pipe(Effect.onInterrupt(() => abort))
  const contained = Effect.catchAllCause(
    exchange,
    (cause) => Effect.succeed(noReply("connection_failed", String(Cause.squash(cause))))
  )
  return Effect.catchAll(
    withDeadline(contained, patience, () => "late" as const),
    () => Effect.succeed(noReply("http_timeout"))
  )
}

// -------------------------------------------------------------------------------------
// the attempts
// -------------------------------------------------------------------------------------

const attempt = (
  world: World.World,
  delivery: Delivery,
  retry: number,
  accepts: (reply: Reply) => boolean
): Effect.Effect<Reply> =>
  Effect.gen(function*() {
    const at = yield* Clock.currentTimeMillis
    const headers: Record<string, string> = retry === 0 ? {} : {
      "x-slack-retry-num": String(retry),
      "x-slack-retry-reason": delivery.attempts.at(-1)?.problem ?? "unknown_error"
    }
    const answered = yield* post(delivery.app, delivery.body, headers)
    const reply = accepts(answered) ? answered : { ...answered, problem: answered.problem ?? "http_error" as const }
    const { answer, problem, status } = reply
    delivery.attempts.push({ at, retry, problem, status, answer })
    History.add(world.history, {
      _tag: "Delivered",
      at,
      what: `${delivery.type} ${delivery.id} for ${delivery.app.id}${retry === 0 ? "" : `, retry ${retry}`}`,
      result: problem === undefined || problem === "http_error" ? `HTTP ${status}` : problem
    })
    return reply
  })

/** The app has to send the challenge back: as text, as JSON, or as a form. */
const returns = (challenge: string) => ({ answer }: Reply): boolean =>
  answer.trim() === challenge || answer.includes(`"${challenge}"`) || answer.trim() === `challenge=${challenge}`

/** Makes all attempts, and calls `tried` after each that is not the last. */
const deliver = (world: World.World, delivery: Delivery, tried: Effect.Effect<unknown>): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (const [retry, wait] of waits.entries()) {
      if (wait > 0) yield* Effect.sleep(wait)
      const { again, problem } = yield* attempt(world, delivery, retry, () => true)
      if (problem === undefined || !again || retry === waits.length - 1) {
        delivery.state = problem === undefined ? "delivered" : "failed"
        return
      }
      yield* tried
    }
  })

// -------------------------------------------------------------------------------------
// the sender
// -------------------------------------------------------------------------------------

/** Sends events in the background, and records the result of each. */
export interface Sender {
  readonly deliveries: Array<Delivery>
  /** Starts the delivery of events. The result waits for the first attempt of each. */
  readonly start: (notices: ReadonlyArray<World.Notice>) => Effect.Effect<Effect.Effect<ReadonlyArray<Delivery>>>
  /** Forgets all deliveries at once. The result waits until those in progress have stopped. */
  readonly clear: () => Effect.Effect<void>
}

export const make = (world: World.World): Effect.Effect<Sender, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const { fork } = yield* LayerContext.make()
    const deliveries: Array<Delivery> = []
    const most = world.history.events.size
    const verified = new Set<World.App>()
    const running = new Set<Fiber.RuntimeFiber<void>>()
    const verifying = new Map<World.App, Deferred.Deferred<boolean>>()

    /** Adds a delivery at the end, or before another one. */
    const begin = (app: World.App, type: string, id: string, content: object, before?: Delivery): Delivery => {
      const body = JSON.stringify(content)
      const delivery: Delivery = { id, app, type, body, attempts: [], state: "pending" }
      const index = before === undefined ? -1 : deliveries.lastIndexOf(before)
      deliveries.splice(index === -1 ? deliveries.length : index, 0, delivery)
      // Halves the list at once, because removing one delivery costs as much as copying the list.
      if (deliveries.length > 2 * most) deliveries.splice(0, deliveries.length - most)
      return delivery
    }

    /** Sends a challenge to the address of an app, before an event. */
    const challengeFor = (event: Delivery): Effect.Effect<boolean> =>
      Effect.gen(function*() {
        const { app } = event
        const type = "url_verification"
        const challenge = `emulated-challenge-${++world.serial}`
        const content = { token: verificationToken, challenge, type }
        const delivery = begin(app, type, `Ev0EMULATED${world.serial}`, content, event)
        const { problem } = yield* attempt(world, delivery, 0, returns(challenge))
        delivery.state = problem === undefined ? "delivered" : "failed"
        if (problem === undefined) verified.add(app)
        return problem === undefined
      })

    /** Slack sends events only to an address that has returned a challenge. Later events wait for the same challenge. */
    const verify = (event: Delivery): Effect.Effect<boolean> =>
      Effect.flatMap(Deferred.make<boolean>(), (result) =>
        Effect.suspend(() => {
          const { app } = event
          if (verified.has(app)) return Effect.succeed(true)
          const other = verifying.get(app)
          if (other !== undefined) return Deferred.await(other)
          verifying.set(app, result)
          return challengeFor(event).pipe(
            Effect.tap((isVerified) => Deferred.succeed(result, isVerified)),
            Effect.ensuring(Effect.suspend(() => {
              verifying.delete(app)
              return Deferred.succeed(result, false)
            }))
          )
        }))

    const run = (delivery: Delivery, tried: Deferred.Deferred<void>): Effect.Effect<void> =>
      Effect.flatMap(verify(delivery), (isVerified) =>
        isVerified
          ? deliver(world, delivery, Deferred.succeed(tried, undefined))
          : Effect.sync(() => {
            delivery.state = "failed"
          }))

    return {
      deliveries,
      start: (notices) =>
        Effect.map(
          Effect.forEach(notices, (notice) =>
            Effect.gen(function*() {
              const { app, event, id } = notice
              const delivery = begin(app, event.type, id, envelopeOf(notice))
              const tried = yield* Deferred.make<void>()
              const fiber = yield* fork(run(delivery, tried), scope)
              running.add(fiber)
              fiber.addObserver(() => {
                running.delete(fiber)
                Deferred.unsafeDone(tried, Effect.void)
              })
              return Effect.as(Deferred.await(tried), delivery)
            })),
          (waiting) => Effect.all(waiting)
        ),
      clear: () => {
        const stopped = Array.from(running)
        for (const each of [running, verified, verifying]) each.clear()
        deliveries.splice(0)
        return Fiber.interruptAll(stopped)
      }
    }
  })
