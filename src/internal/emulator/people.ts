/** What people and admins do, without a browser. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import {
  AuthorizeRefused,
  type AuthorizeRequest,
  type Callback,
  type EventRequest,
  type InstallationQuery,
  type LegacyTokenRequest
} from "../../testing/SlackEmulatorModel.js"
import { parseUrl } from "../parseUrl.js"
import { reveal } from "../reveal.js"
import * as Authorize from "./authorize.js"
import { checkScopes } from "./checks.js"
import type { Delivery } from "./delivery.js"
import { findApp, findPerson, findTarget, found, Mistake } from "./finding.js"
import type { State } from "./state.js"
import * as Turn from "./turn.js"
import * as Views from "./views.js"
import * as World from "./world.js"

// -------------------------------------------------------------------------------------
// the consent page
// -------------------------------------------------------------------------------------

/** The app's own authorize URL. */
const urlOf = ({ url }: AuthorizeRequest): URL | undefined => {
  const parsed = url === undefined ? undefined : parseUrl(String(url))
  if (url !== undefined && parsed === undefined) {
    throw new Mistake("SlackEmulator: the url is not an absolute URL. Give the authorize URL of your app.", ".url")
  }
  return parsed
}

/** The query of an authorize URL that is described. */
export const describedQuery = (
  world: World.World,
  request: Omit<AuthorizeRequest, "url">
): URLSearchParams => {
  const query = new URLSearchParams({ client_id: request.clientId ?? findApp(world, undefined).clientId })
  const scopes = request.scopes ?? (request.userScopes === undefined ? ["chat:write"] : [])
  const parameters = {
    scope: scopes.join(","),
    user_scope: request.userScopes?.join(","),
    redirect_uri: request.redirectUri,
    state: request.state,
    code_challenge: request.codeChallenge,
    code_challenge_method: request.codeChallenge === undefined ? undefined : "S256"
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value)
  return query
}

const refuse = ({ code, message }: Authorize.Refusal) => Effect.fail(new AuthorizeRefused({ code, problem: message }))

const judge = (
  world: World.World,
  request: AuthorizeRequest
): Effect.Effect<Authorize.Request, AuthorizeRefused> =>
  Effect.suspend(() => {
    const url = urlOf(request)
    const page = url === undefined ? "v2" : Authorize.pageAt(url.pathname) ?? "v2"
    const judged = Authorize.judge(world, page, url?.searchParams ?? describedQuery(world, request))
    return judged.ok ? Effect.succeed(judged.request) : refuse(judged.refusal)
  })

/** A person clicks Allow. */
export const allow = (
  world: World.World,
  request: AuthorizeRequest = {}
): Effect.Effect<Callback, AuthorizeRefused> =>
  Effect.gen(function*() {
    const judged = yield* judge(world, request)
    const turn = yield* Turn.next
    const consent = { ...request, target: request.organization ?? request.workspace }
    const allowed = Authorize.allow(world, turn, judged, consent)
    if (!allowed.ok) return yield* refuse(allowed.refusal)
    const { callback: { code, url }, target } = allowed
    if (code === undefined) return yield* refuse({ code: "access_denied", message: "There is no code" })
    return { url, code, installation: Views.installationKey({ app: judged.app, target }) }
  })

/** A person clicks Cancel. */
export const cancel = (
  world: World.World,
  request: AuthorizeRequest = {}
): Effect.Effect<{ readonly url: string }, AuthorizeRefused> =>
  Effect.zipWith(judge(world, request), Turn.next, (judged, turn) => ({
    url: Authorize.cancel(world, turn, judged).url
  }))

// -------------------------------------------------------------------------------------
// tokens, people and settings
// -------------------------------------------------------------------------------------

export const issueLegacyToken = (
  world: World.World,
  request: LegacyTokenRequest = {}
): Effect.Effect<Redacted.Redacted> =>
  Effect.map(Turn.next, (turn) => {
    const app = findApp(world, request.clientId)
    const person = findPerson(world, request.person)
    checkScopes(request.scopes)
    const chain = World.chainFor(world, app, findTarget(world, request), person, request.scopes ?? ["chat:write"])
    return Redacted.make(World.issueLegacy(world, turn, chain).accessToken)
  })

/** Runs a step, sends the events that follow from it, and waits until the apps have had the first attempt. */
const withEvents = <A>(
  { sender, world }: State,
  step: (turn: World.Turn) => A
): Effect.Effect<{ readonly result: A; readonly deliveries: ReadonlyArray<Delivery> }> =>
  Effect.flatMap(Turn.next, (turn) => {
    const result = step(turn)
    return Effect.map(
      Effect.flatten(sender.start(World.takeNotices(world))),
      (deliveries) => ({ result, deliveries })
    )
  })

export const revoke = (state: State, token: string | Redacted.Redacted): Effect.Effect<void> =>
  Effect.asVoid(withEvents(state, (turn) => {
    found(World.label(state.world, reveal(token)), "token like this")
    World.revoke(state.world, turn, reveal(token))
  }))

export const uninstall = (state: State, query: InstallationQuery = {}): Effect.Effect<void> =>
  Effect.asVoid(withEvents(state, (turn) => {
    const { world } = state
    World.uninstall(world, turn, findApp(world, query.clientId), findTarget(world, query))
  }))

/** Sends an event to an app. */
export const send = (state: State, request: EventRequest): Effect.Effect<Delivery> =>
  Effect.map(
    withEvents(state, (turn) => {
      const { world } = state
      const app = findApp(world, request.clientId)
      found(app.events, `address for the events of ${app.id}: set the option "events" of the app`)
      const { event, id } = request
      const at = request.at === undefined ? undefined : DateTime.toEpochMillis(request.at)
      World.notify(world, turn, { app, target: findTarget(world, request), event, id, at })
    }),
    ({ deliveries }) => found(deliveries[0], "delivery")
  )

export const deactivate = (world: World.World, id: string): Effect.Effect<void> =>
  Effect.map(Turn.next, (turn) => {
    const who = world.people.get(id) ?? world.workspaces.get(id) ?? world.organizations.get(id)
    World.deactivate(world, turn, found(who, `person, workspace or organization ${id}`))
  })

export const enableRotation = (world: World.World, clientId: string | undefined): Effect.Effect<void> =>
  Effect.sync(() => {
    findApp(world, clientId).rotation = true
  })

export const enablePkce = (world: World.World, clientId: string | undefined): Effect.Effect<void> =>
  Effect.sync(() => {
    findApp(world, clientId).pkce = true
  })
