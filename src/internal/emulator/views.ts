/** What a test sees of the world: apps, chains, and the calls and replays in the history. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../../Installation.js"
import type { App, Call, Chain, Delivery, PendingFault, Replay } from "../../testing/SlackEmulatorModel.js"
import type * as Sending from "./delivery.js"
import * as Faults from "./faults.js"
import * as History from "./history.js"
import * as World from "./world.js"

export const app = (app: World.App): App => ({
  id: app.id,
  name: app.name,
  clientId: app.clientId,
  clientSecret: Redacted.make(app.clientSecret),
  signingSecret: Redacted.make(app.signingSecret),
  redirectUris: app.redirectUris,
  rotation: app.rotation,
  pkce: app.pkce
})

/** The key of an app's installation in a target. */
export const installationKey = (
  { app, target }: Pick<World.Chain, "app" | "target">
): Installation.InstallationKey =>
  target._tag === "Workspace"
    ? Installation.workspace(app.id, target.workspace.id)
    : Installation.organization(app.id, target.organization.id)

export const apps = (world: World.World): ReadonlyArray<App> => Array.from(world.apps.values(), app)

const chain = (
  world: World.World,
  chain: World.Chain,
  now: number,
  generations = World.generationsOf(chain)
): Chain => ({
  number: chain.number,
  appId: chain.app.id,
  kind: chain.kind,
  target: World.idOf(chain.target),
  person: Option.map(Option.fromNullable(chain.person), ({ id }) => id),
  scopes: chain.scopes,
  generations: chain.issued,
  refreshes: chain.refreshes,
  replays: chain.replays,
  liveAccessTokens: generations
    .filter((generation) => World.accessProblem(generation, now) === undefined)
    .map((generation) => Redacted.make(generation.accessToken)),
  liveRefreshTokens: generations.flatMap((generation) =>
    generation.refreshToken !== undefined && World.refreshProblem(world, generation, now) === undefined
      ? [Redacted.make(generation.refreshToken)]
      : []
  ),
  ended: Option.fromNullable(chain.end)
})

export const chains = (world: World.World, now: number): ReadonlyArray<Chain> =>
  Array.from(world.chains, (each) => chain(world, each, now))

export const fault = ({ fault, methods, remaining, share }: Faults.Injection): PendingFault => ({
  fault: Faults.labelOf(fault),
  methods,
  times: remaining,
  share
})

export const delivery = ({ app, attempts, body, id, state, type }: Sending.Delivery): Delivery => ({
  id,
  appId: app.id,
  type,
  body,
  state,
  attempts: attempts.map(event)
})

/** A record without its tag, and with its time as a `DateTime`. */
const event = <E extends { readonly at: number; readonly _tag?: string }>({ _tag, at, ...event }: E) => ({
  ...event,
  at: DateTime.unsafeMake(at)
})

export const calls = ({ history }: World.World): ReadonlyArray<Call> =>
  History.latest(history).flatMap((entry) => entry._tag === "Call" ? [event(entry)] : [])

export const replays = ({ history }: World.World): ReadonlyArray<Replay> =>
  History.latest(history).flatMap((entry) => entry._tag === "Replay" ? [event(entry)] : [])
