/** Creates a world, and the apps, organizations, workspaces and people in it. */
import type * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Record from "effect/Record"
import type {
  AppOptions,
  Options,
  OrganizationOptions,
  PersonOptions,
  WorkspaceOptions
} from "../../testing/SlackEmulatorModel.js"
import { checkCount, checkDuration, refuse } from "../options.js"
import { reveal } from "../reveal.js"
import { checkEvents, checkId, checkRedirectUris, checkScopes, checkSecret } from "./checks.js"
import { checkNew, found, Mistake } from "./finding.js"
import * as Grants from "./grants.js"
import * as Turn from "./turn.js"
import * as World from "./world.js"

/** The addresses of the guides: this package's, Bolt's, and what a test needs that has no server. */
const defaultRedirectUris = ["https://example.com", "http://localhost:3000", "http://127.0.0.1:3000"]

/** A name for the next one: the first has no number, and the others have one. */
const nth = (stem: string, { size }: { readonly size: number }): string => `${stem}${size === 0 ? "" : size + 1}`

/** The same for ids, which have to be unique. */
const newId = (stem: string, ids: { readonly size: number; readonly has: (id: string) => boolean }): string => {
  for (let size = ids.size;; size++) {
    const id = nth(stem, { size })
    if (!ids.has(id)) return id
  }
}

export const addApp = (world: World.World, options: AppOptions = {}): World.App => {
  let number = world.apps.size + 1
  while (options.clientId === undefined && world.apps.has(`1000000000.${1000000000 + number}`)) number++
  const clientId = options.clientId ?? `1000000000.${1000000000 + number}`
  checkId(clientId, ".clientId", "client id")
  checkNew(world.apps, clientId, "client id")
  const ids = new Set(Array.from(world.apps.values(), (app) => app.id))
  const id = options.id ?? newId("A0EMULATED", ids)
  checkId(id, ".id")
  checkNew(ids, id, "app")
  const app: World.App = {
    id,
    name: options.name ?? nth("Emulated App", world.apps),
    clientId,
    clientSecret: reveal(options.clientSecret ?? `emulated-client-secret-${number}`),
    signingSecret: reveal(options.signingSecret ?? `emulated-signing-secret-${number}`),
    bots: new Map(),
    events: options.events,
    redirectUris: options.redirectUris ?? defaultRedirectUris,
    scopes: options.scopes,
    userScopes: options.userScopes,
    optionalScopes: options.optionalScopes ?? [],
    rotation: options.rotation ?? true,
    pkce: options.pkce ?? false,
    desktopLocalhost: options.desktopLocalhost ?? false,
    organizationReady: options.organizationReady ?? true
  }
  checkSecret(app.clientSecret, ".clientSecret")
  checkSecret(app.signingSecret, ".signingSecret")
  checkRedirectUris(app.redirectUris)
  for (const kind of ["scopes", "userScopes", "optionalScopes"] as const) checkScopes(app[kind], kind)
  if (typeof app.events === "string" || app.events instanceof URL) checkEvents(app.events)
  world.apps.set(app.clientId, app)
  return app
}

export const addOrganization = (world: World.World, options: OrganizationOptions = {}): World.Organization => {
  const organization: World.Organization = {
    id: options.id ?? newId("E0EMULATED", world.organizations),
    name: options.name ?? nth("Emulated Organization", world.organizations),
    active: true
  }
  checkId(organization.id, ".id")
  checkNew(world.organizations, organization.id, "organization")
  checkNew(world.workspaces, organization.id, "id")
  world.organizations.set(organization.id, organization)
  return organization
}

export const addWorkspace = (world: World.World, options: WorkspaceOptions = {}): World.Workspace => {
  const id = options.id ?? newId("T0EMULATED", world.workspaces)
  checkId(id, ".id")
  checkNew(world.workspaces, id, "workspace")
  checkNew(world.organizations, id, "id")
  const organization = options.organization === undefined ? undefined : world.organizations.get(options.organization)
  if (options.organization !== undefined && organization === undefined) {
    throw new Mistake(
      `SlackEmulator: the workspace ${id} belongs to the organization ${options.organization}, which does not exist. ` +
        "Create the organization first."
    )
  }
  const workspace: World.Workspace = {
    id,
    name: options.name ?? nth("Emulated Workspace", world.workspaces),
    domain: options.domain ?? id.toLowerCase(),
    organization,
    requiresTwoFactor: options.requiresTwoFactor ?? false,
    active: true
  }
  world.workspaces.set(id, workspace)
  return workspace
}

export const addPerson = (world: World.World, options: PersonOptions = {}): World.Person => {
  const person: World.Person = {
    id: options.id ?? newId("U0EMULATED", world.people),
    name: options.name ?? nth("Ada", world.people),
    workspaces: options.workspaces,
    emailVerified: options.emailVerified ?? true,
    twoFactor: options.twoFactor ?? true,
    active: true
  }
  checkId(person.id, ".id")
  if (person.id === "bot") throw new Mistake("SlackEmulator: the user id \"bot\" is reserved.", ".id")
  checkNew(world.people, person.id, "person")
  for (const ids of [world.workspaces, world.organizations]) checkNew(ids, person.id, "id")
  for (const id of person.workspaces ?? []) found(world.workspaces.get(id), `workspace ${id}`)
  world.people.set(person.id, person)
  return person
}

const checkRules = (options: Options): Either.Either<World.Rules, ConfigError.ConfigError> =>
  Either.map(
    Either.all({
      codeLifetime: checkDuration("codeLifetime", options.codeLifetime ?? "10 minutes"),
      accessTokenLifetime: checkDuration("accessTokenLifetime", options.accessTokenLifetime ?? "12 hours"),
      refreshGracePeriod: checkDuration("refreshGracePeriod", options.refreshGracePeriod ?? "1 minute", { zero: true }),
      publicRefreshTokenLifetime: checkDuration(
        "publicRefreshTokenLifetime",
        options.publicRefreshTokenLifetime ?? "30 days"
      )
    }),
    (times) => Record.map(times, Duration.toMillis)
  )

/** Runs `add` for each option, and says which option has a mistake. */
const addAll = <A>(name: string, options: ReadonlyArray<A>, add: (option: A) => void): void => {
  for (const [index, option] of options.entries()) {
    try {
      add(option)
    } catch (error) {
      throw error instanceof Mistake ? new Mistake(error.message, `${name}[${index}]${error.place}`) : error
    }
  }
}

const checkTokens = (options: Options): Either.Either<unknown, ConfigError.ConfigError> =>
  Either.all(
    (options.tokens ?? []).map(({ expiresIn = 0 }, index) =>
      checkDuration(`tokens[${index}].expiresIn`, expiresIn, { zero: true })
    )
  )

/** Puts into an empty world what the options describe. */
const fill = (world: World.World, turn: World.Turn, options: Options): void => {
  addAll("apps", options.apps ?? [{}], (app) => addApp(world, app))
  addAll("organizations", options.organizations ?? [], (organization) => addOrganization(world, organization))
  addAll("workspaces", options.workspaces ?? [{}], (workspace) => addWorkspace(world, workspace))
  addAll("people", options.people ?? [{}], (person) => addPerson(world, person))
  addAll("tokens", options.tokens ?? [], (token) => Grants.addTokens(world, turn, token))
  addAll("codes", options.codes ?? [], (code) => Grants.addCode(world, turn, code))
}

const tryFill = (
  world: World.World,
  turn: World.Turn,
  options: Options
): Either.Either<void, ConfigError.ConfigError> => {
  try {
    return Either.right(fill(world, turn, options))
  } catch (error) {
    if (error instanceof Mistake) return refuse(error.place, error.message.replace(/\.$/, ""))
    throw error
  }
}

/** Creates the world that the options describe. */
export const make = (options: Options): Effect.Effect<World.World, ConfigError.ConfigError> =>
  Effect.gen(function*() {
    const rules = yield* checkRules(options)
    const world = World.make(rules, yield* checkCount("historySize", options.historySize ?? 10_000))
    yield* checkTokens(options)
    yield* tryFill(world, yield* Turn.next, options)
    return world
  })

/** Empties a world, and creates again what the options describe. */
export const restart = (world: World.World, turn: World.Turn, options: Options): void => {
  World.clear(world)
  fill(world, turn, options)
}
