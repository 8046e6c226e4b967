/**
 * What the emulator remembers, and how it changes: apps, workspaces, people, authorization codes, and credentials as
 * chains of generations.
 *
 * Everything here is synchronous, so that each change is one step that nothing else can get between. Time and
 * randomness come in with the {@link Turn}.
 */
import * as History from "./history.js"

// -------------------------------------------------------------------------------------
// who is there
// -------------------------------------------------------------------------------------

export interface App {
  readonly id: string
  readonly name: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUris: ReadonlyArray<string>
  /** The scopes that the app may ask for; `undefined` means any. */
  readonly scopes: ReadonlyArray<string> | undefined
  readonly userScopes: ReadonlyArray<string> | undefined
  /** Scopes, of either kind, that the person may leave out on the consent page. */
  readonly optionalScopes: ReadonlyArray<string>
  /** Token rotation, which can be turned on and never off. */
  rotation: boolean
  /** PKCE, which can be turned on and never off. */
  pkce: boolean
  /** Whether `http://localhost` counts as a desktop redirect (no bot scopes, PKCE a must). */
  readonly desktopLocalhost: boolean
  /** Whether a whole organization can install the app. */
  readonly organizationReady: boolean
}

export interface Organization {
  readonly id: string
  readonly name: string
  active: boolean
}

export interface Workspace {
  readonly id: string
  readonly name: string
  readonly domain: string
  readonly organization: Organization | undefined
  /** Whether members need two-factor authentication. */
  readonly requiresTwoFactor: boolean
  active: boolean
}

export interface Person {
  readonly id: string
  readonly name: string
  /** Ids of the workspaces that the person is in; `undefined` means all. */
  readonly workspaces: ReadonlyArray<string> | undefined
  readonly emailVerified: boolean
  readonly twoFactor: boolean
  active: boolean
}

/** Where an app gets installed. */
export type Target =
  | { readonly _tag: "Workspace"; readonly workspace: Workspace }
  | { readonly _tag: "Organization"; readonly organization: Organization }

export const idOf = (target: Target): string =>
  target._tag === "Workspace" ? target.workspace.id : target.organization.id

const isOpen = (target: Target): boolean =>
  target._tag === "Organization"
    ? target.organization.active
    : target.workspace.active && target.workspace.organization?.active !== false

// -------------------------------------------------------------------------------------
// grants and credentials
// -------------------------------------------------------------------------------------

/** An authorization code, and what the person agreed to when they got it. */
export interface Code {
  readonly value: string
  readonly app: App
  readonly target: Target
  readonly person: Person
  readonly scopes: ReadonlyArray<string>
  readonly userScopes: ReadonlyArray<string>
  /** As the authorize step named it, or `undefined` if it named none and got the first one. */
  readonly namedRedirectUri: string | undefined
  readonly redirectUri: string
  readonly challenge: string | undefined
  readonly channel: string
  /** Which authorize page gave it: the one for V2, or the classic one, whose codes `oauth.v2.access` refuses. */
  readonly page: "v2" | "v1"
  readonly expiresAt: number
  usedAt: number | undefined
}

/** Why a token no longer works, other than by running out. */
export type End =
  /** `auth.revoke`. */
  | "revoked"
  /** The app was removed. */
  | "uninstalled"
  /** The person or the workspace was deactivated. */
  | "deactivated"
  /** More than two of the chain were active, and this was the oldest. */
  | "surplus"

/** One access token and the refresh token that came with it. */
export interface Generation {
  readonly chain: Chain
  /** From 1. */
  readonly number: number
  readonly how: "install" | "refresh" | "exchange" | "legacy"
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly issuedAt: number
  /** `Infinity` for a token that does not rotate, until the first refresh after its exchange. */
  expiresAt: number
  readonly refreshExpiresAt: number
  /** Whether the client that got it proved itself by PKCE alone. */
  readonly publicClient: boolean
  accessEnd: End | undefined
  refreshEnd: End | undefined
  /** When the refresh token was first used. */
  spentAt: number | undefined
  exchangedAt: number | undefined
}

/**
 * A credential over time: the bot's in one target, or one person's in one target. Reinstalling goes on with the chain;
 * uninstalling ends it, and a later install begins another.
 */
export interface Chain {
  /** From 1, in order of appearance. */
  readonly number: number
  readonly app: App
  readonly target: Target
  readonly kind: "bot" | "user"
  readonly person: Person | undefined
  scopes: ReadonlyArray<string>
  /** How many there were. */
  issued: number
  /** Those that something can still be had from, oldest first. */
  generations: ReadonlyArray<Generation>
  refreshes: number
  replays: number
  end: Exclude<End, "surplus"> | undefined
}

// -------------------------------------------------------------------------------------
// the world
// -------------------------------------------------------------------------------------

/** Lifetimes, in milliseconds. */
export interface Rules {
  readonly codeLifetime: number
  readonly accessTokenLifetime: number
  readonly refreshGracePeriod: number
  readonly publicRefreshTokenLifetime: number
}

/** What a step may know of the outside. */
export interface Turn {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** A number in [0, 1). */
  readonly random: () => number
}

/** A turn from one random number: what it draws follows from the seed (mulberry32). */
export const makeTurn = (now: number, seed: number): Turn => {
  let state = seed
  return {
    now,
    random: () => {
      state = (state + 0x6D2B79F5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    }
  }
}

export interface World {
  readonly rules: Rules
  readonly apps: Map<string, App>
  readonly organizations: Map<string, Organization>
  readonly workspaces: Map<string, Workspace>
  readonly people: Map<string, Person>
  readonly codes: Map<string, Code>
  readonly chains: Array<Chain>
  /** The chain in force by app, target and person. */
  readonly current: Map<string, Chain>
  readonly accessTokens: Map<string, Generation>
  readonly refreshTokens: Map<string, Generation>
  readonly history: History.History
  /** Counts whatever needs a number of its own. */
  serial: number
}

export const make = (rules: Rules, historySize: number): World => ({
  rules,
  apps: new Map(),
  organizations: new Map(),
  workspaces: new Map(),
  people: new Map(),
  codes: new Map(),
  chains: [],
  current: new Map(),
  accessTokens: new Map(),
  refreshTokens: new Map(),
  history: History.make(historySize),
  serial: 0
})

/** Something that cannot be guessed from what came before, and cannot repeat. */
const unique = (world: World, turn: Turn): string => {
  world.serial++
  const letters = Math.floor(turn.random() * 36 ** 8).toString(36).padStart(8, "0")
  return `${world.serial}-${letters}`
}

// -------------------------------------------------------------------------------------
// codes
// -------------------------------------------------------------------------------------

export const issueCode = (
  world: World,
  turn: Turn,
  agreed: Omit<Code, "value" | "expiresAt" | "usedAt">
): Code => {
  const code: Code = {
    ...agreed,
    value: `emulated-code-${unique(world, turn)}`,
    expiresAt: turn.now + world.rules.codeLifetime,
    usedAt: undefined
  }
  world.codes.set(code.value, code)
  return code
}

// -------------------------------------------------------------------------------------
// chains
// -------------------------------------------------------------------------------------

const keyOf = (app: App, target: Target, person: Person | undefined): string =>
  `${app.clientId} ${idOf(target)} ${person?.id ?? "bot"}`

const union = (some: ReadonlyArray<string>, more: ReadonlyArray<string>): ReadonlyArray<string> =>
  Array.from(new Set([...some, ...more]))

/** The chain that an install goes on with, or a new one. Scopes only ever add up. */
export const chainFor = (
  world: World,
  app: App,
  target: Target,
  person: Person | undefined,
  scopes: ReadonlyArray<string>
): Chain => {
  const key = keyOf(app, target, person)
  const current = world.current.get(key)
  if (current !== undefined) {
    current.scopes = union(current.scopes, scopes)
    return current
  }
  const chain: Chain = {
    number: world.chains.length + 1,
    app,
    target,
    kind: person === undefined ? "bot" : "user",
    person,
    scopes: union([], scopes),
    issued: 0,
    generations: [],
    refreshes: 0,
    replays: 0,
    end: undefined
  }
  world.chains.push(chain)
  world.current.set(key, chain)
  return chain
}

export const isInstalled = (world: World, app: App, target: Target): boolean =>
  world.chains.some((chain) => chain.end === undefined && chain.app === app && idOf(chain.target) === idOf(target))

/** Whether the access token would be accepted. */
export const isLive = (generation: Generation, now: number): boolean =>
  generation.chain.end === undefined && generation.accessEnd === undefined && now < generation.expiresAt

/** Whether there still is something to be had from it: an access token that works or a refresh token nobody used. */
const isActive = (generation: Generation, now: number): boolean =>
  isLive(generation, now) ||
  (generation.refreshToken !== undefined && generation.refreshEnd === undefined && generation.spentAt === undefined &&
    now < generation.refreshExpiresAt)

/** Slack keeps two tokens of a chain; the oldest further one is revoked. */
const mostActive = 2

const endSurplus = (world: World, turn: Turn, chain: Chain): void => {
  const active = chain.generations.filter((generation) => isActive(generation, turn.now))
  for (const generation of active.slice(0, Math.max(0, active.length - mostActive))) {
    generation.accessEnd ??= "surplus"
    // A spent refresh token is under the grace period, and under nothing else.
    if (generation.spentAt === undefined) generation.refreshEnd ??= "surplus"
    History.add(world.history, {
      _tag: "Ended",
      at: turn.now,
      what: describeGeneration(generation),
      why: "a third token of the chain came up"
    })
  }
}

const isOfUse = (world: World, generation: Generation, now: number): boolean =>
  isLive(generation, now) ||
  (generation.refreshToken !== undefined && refreshProblem(world, generation, now) === undefined)

export const issue = (
  world: World,
  turn: Turn,
  chain: Chain,
  options: { readonly how: Generation["how"]; readonly rotates: boolean; readonly publicClient: boolean }
): Generation => {
  const letter = chain.kind === "bot" ? "b" : "p"
  const { accessTokenLifetime, publicRefreshTokenLifetime } = world.rules
  const generation: Generation = {
    chain,
    number: ++chain.issued,
    how: options.how,
    accessToken: options.rotates
      ? `xoxe.xox${letter}-1-emulated-${unique(world, turn)}`
      : `xox${letter}-emulated-${unique(world, turn)}`,
    refreshToken: options.rotates ? `xoxe-1-emulated-${unique(world, turn)}` : undefined,
    issuedAt: turn.now,
    expiresAt: options.rotates ? turn.now + accessTokenLifetime : Infinity,
    refreshExpiresAt: chain.app.pkce ? turn.now + publicRefreshTokenLifetime : Infinity,
    publicClient: options.publicClient,
    accessEnd: undefined,
    refreshEnd: undefined,
    spentAt: undefined,
    exchangedAt: undefined
  }
  chain.generations = [
    ...chain.generations.filter((generation) => isOfUse(world, generation, turn.now)),
    generation
  ]
  world.accessTokens.set(generation.accessToken, generation)
  if (generation.refreshToken !== undefined) world.refreshTokens.set(generation.refreshToken, generation)
  History.add(world.history, {
    _tag: "Issued",
    at: turn.now,
    what: describeGeneration(generation),
    how: options.how,
    scopes: chain.scopes
  })
  endSurplus(world, turn, chain)
  return generation
}

/** An install's token: a new generation where tokens rotate, and otherwise the one there is. */
export const issueForInstall = (
  world: World,
  turn: Turn,
  chain: Chain,
  options: { readonly rotates: boolean; readonly publicClient: boolean }
): Generation => {
  const standing = options.rotates
    ? undefined
    : chain.generations.find((generation) => generation.refreshToken === undefined && isLive(generation, turn.now))
  return standing ?? issue(world, turn, chain, { ...options, how: "install" })
}

/** A long-lived token: the one there is, or one more. */
export const issueLegacy = (world: World, turn: Turn, chain: Chain): Generation =>
  chain.generations.find((generation) =>
    generation.refreshToken === undefined && generation.exchangedAt === undefined && isLive(generation, turn.now)
  ) ?? issue(world, turn, chain, { how: "legacy", rotates: false, publicClient: false })

export const endChain = (world: World, turn: Turn, chain: Chain, why: NonNullable<Chain["end"]>): void => {
  if (chain.end !== undefined) return
  chain.end = why
  world.current.delete(keyOf(chain.app, chain.target, chain.person))
  History.add(world.history, { _tag: "Ended", at: turn.now, what: describeChain(chain), why })
}

/** Removes the app from a target: every chain there ends. */
export const uninstall = (world: World, turn: Turn, app: App, target: Target): number => {
  const chains = world.chains.filter((chain) =>
    chain.end === undefined && chain.app === app && idOf(chain.target) === idOf(target)
  )
  for (const chain of chains) endChain(world, turn, chain, "uninstalled")
  return chains.length
}

/** Deactivates a person, a workspace or an organization, and ends what they stood for. */
export const deactivate = (world: World, turn: Turn, who: Person | Workspace | Organization): void => {
  who.active = false
  for (const chain of world.chains) {
    if (chain.end === undefined && inactivity(chain.target, chain.person) !== undefined) {
      endChain(world, turn, chain, "deactivated")
    }
  }
}

/** Revokes what one token stands for: itself where tokens rotate, the whole authorization where they do not. */
export const revoke = (world: World, turn: Turn, token: string): void => {
  const byAccess = world.accessTokens.get(token)
  const byRefresh = world.refreshTokens.get(token)
  if (byAccess !== undefined && byAccess.refreshToken === undefined) {
    return endChain(world, turn, byAccess.chain, "revoked")
  }
  if (byAccess !== undefined) byAccess.accessEnd ??= "revoked"
  if (byRefresh !== undefined) byRefresh.refreshEnd ??= "revoked"
  History.add(world.history, { _tag: "Ended", at: turn.now, what: label(world, token) ?? "token", why: "revoked" })
}

// -------------------------------------------------------------------------------------
// what is wrong with it
// -------------------------------------------------------------------------------------

/** The code that Slack refuses a person's or a workspace's credentials with, if it does. */
export const inactivity = (target: Target, person: Person | undefined): "account_inactive" | undefined =>
  !isOpen(target) || person?.active === false ? "account_inactive" : undefined

const endCode = (end: End): string => end === "deactivated" ? "account_inactive" : "token_revoked"

/** The code that an access token is refused with, or `undefined` if it works. */
export const accessProblem = (generation: Generation, now: number): string | undefined => {
  const { chain } = generation
  const inactive = inactivity(chain.target, chain.person)
  if (inactive !== undefined) return inactive
  const end = chain.end ?? generation.accessEnd
  if (end !== undefined) return endCode(end)
  return now < generation.expiresAt ? undefined : "token_expired"
}

/** The code that a refresh token is refused with, or `undefined` if it works. */
export const refreshProblem = (world: World, generation: Generation, now: number): string | undefined => {
  const { chain } = generation
  const inactive = inactivity(chain.target, chain.person)
  if (inactive !== undefined) return inactive
  if (chain.end !== undefined) return endCode(chain.end)
  if (generation.refreshEnd === "surplus") return "invalid_refresh_token"
  if (generation.refreshEnd !== undefined) return endCode(generation.refreshEnd)
  if (generation.spentAt !== undefined && now - generation.spentAt >= world.rules.refreshGracePeriod) {
    return "invalid_refresh_token"
  }
  return now < generation.refreshExpiresAt ? undefined : "token_expired"
}

// -------------------------------------------------------------------------------------
// in words
// -------------------------------------------------------------------------------------

export const describeChain = (chain: Chain): string =>
  `${chain.kind} chain ${chain.number} (${chain.app.id} in ${idOf(chain.target)}${
    chain.person === undefined ? "" : ` for ${chain.person.id}`
  })`

export const describeGeneration = (generation: Generation): string =>
  `${describeChain(generation.chain)} generation ${generation.number}`

/** What a secret is, without saying it. */
export const label = (world: World, secret: string): string | undefined => {
  const code = world.codes.get(secret)
  if (code !== undefined) return `code for ${code.app.id} in ${idOf(code.target)}`
  const byAccess = world.accessTokens.get(secret)
  if (byAccess !== undefined) return `access token of ${describeGeneration(byAccess)}`
  const byRefresh = world.refreshTokens.get(secret)
  return byRefresh === undefined ? undefined : `refresh token of ${describeGeneration(byRefresh)}`
}
