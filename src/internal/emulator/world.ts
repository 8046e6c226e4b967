/**
 * The emulator's state and how it changes: apps, workspaces, people, authorization codes, and credentials as chains of
 * generations.
 *
 * Everything here is synchronous, so each change is atomic. Time and randomness are arguments: the {@link Turn}.
 */
import type { EventsHandler } from "../../testing/SlackEmulatorModel.js"
import * as History from "./history.js"
import { idFrom } from "./ids.js"
import * as Ring from "./ring.js"

// -------------------------------------------------------------------------------------
// apps, workspaces and people
// -------------------------------------------------------------------------------------

export interface App {
  readonly id: string
  readonly name: string
  readonly clientId: string
  readonly clientSecret: string
  readonly signingSecret: string
  /** Ids of the bot user and the bot that a seed has chosen, by the id of the target. */
  readonly bots: Map<string, { readonly userId: string | undefined; readonly id: string | undefined }>
  /** Where events go; `undefined` if the app gets none. */
  readonly events: string | URL | EventsHandler | undefined
  readonly redirectUris: ReadonlyArray<string>
  /** The scopes that the app may ask for; `undefined` means any. */
  readonly scopes: ReadonlyArray<string> | undefined
  readonly userScopes: ReadonlyArray<string> | undefined
  /** Bot and user scopes that the person may refuse on the consent page. */
  readonly optionalScopes: ReadonlyArray<string>
  /** Token rotation can be turned on and never off. */
  rotation: boolean
  /** PKCE can be turned on and never off. */
  pkce: boolean
  /** Whether `http://localhost` is a desktop redirect, which needs PKCE and gets no bot scopes. */
  readonly desktopLocalhost: boolean
  /** Whether an organization can install the app for all its workspaces. */
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

/** Where an app is installed. */
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

/** An authorization code, and what the person has agreed to. */
export interface Code {
  readonly value: string
  readonly app: App
  readonly target: Target
  readonly person: Person
  readonly scopes: ReadonlyArray<string>
  readonly userScopes: ReadonlyArray<string>
  /** The `redirect_uri` of the authorize URL; `undefined` if it had none, and the app's first one was taken. */
  readonly namedRedirectUri: string | undefined
  readonly redirectUri: string
  readonly challenge: string | undefined
  readonly channel: string
  /** The authorize page that issued it. `oauth.v2.access` refuses codes of the classic page, `v1`. */
  readonly page: "v2" | "v1"
  readonly expiresAt: number
  usedAt: number | undefined
}

/** Why a token no longer works, other than expiry. */
export type End =
  /** `auth.revoke`. */
  | "revoked"
  /** The app was removed. */
  | "uninstalled"
  /** The person or the workspace was deactivated. */
  | "deactivated"
  /** More than two generations of the chain were active, and this was the oldest. */
  | "surplus"

/** Tokens whose text a seed has chosen. */
export interface Pair {
  readonly accessToken?: string | undefined
  readonly refreshToken?: string | undefined
}

/** An access token and the refresh token that was issued with it. */
export interface Generation {
  readonly chain: Chain
  /** From 1. */
  readonly number: number
  readonly how: "install" | "refresh" | "exchange" | "legacy" | "seed"
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly issuedAt: number
  /** `Infinity` for a long-lived token, until the first refresh after its exchange. */
  expiresAt: number
  readonly refreshExpiresAt: number
  /** Whether the client that received it authenticated with PKCE alone. */
  readonly publicClient: boolean
  accessEnd: End | undefined
  refreshEnd: End | undefined
  /** When the refresh token was first used. */
  spentAt: number | undefined
  exchangedAt: number | undefined
}

/**
 * A credential over time: the bot's in one target, or one person's in one target. Reinstalling continues the chain.
 * Uninstalling ends it, and a later install begins another chain.
 */
export interface Chain {
  /** From 1, in order of creation. */
  readonly number: number
  readonly app: App
  readonly target: Target
  readonly kind: "bot" | "user"
  readonly person: Person | undefined
  scopes: ReadonlyArray<string>
  /** How many generations were issued. */
  issued: number
  /** The generations that were active at the last change, oldest first: two, and what an exchange or a revocation left. */
  generations: ReadonlyArray<Generation>
  /** The other generations whose refresh token is in its grace period. There are as many as refreshes in that time. */
  readonly inGrace: Array<Generation>
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

/** The time and the randomness of one step. */
export interface Turn {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** A number in [0, 1). */
  readonly random: () => number
}

/** A turn whose random numbers all derive from one seed (mulberry32). */
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

/** An event for an app. */
export interface Notice {
  readonly app: App
  readonly target: Target
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly id: string
  readonly event: { readonly type: string; readonly [field: string]: unknown }
}

export interface World {
  readonly rules: Rules
  readonly apps: Map<string, App>
  readonly organizations: Map<string, Organization>
  readonly workspaces: Map<string, Workspace>
  readonly people: Map<string, Person>
  readonly codes: Map<string, Code>
  readonly chains: Set<Chain>
  /** The chains that have not ended, by target. */
  readonly byTarget: Map<string, Set<Chain>>
  /** The latest generations whose tokens do not work any more, and are still known. */
  readonly retired: Ring.Ring<Generation>
  /** The latest chains that have ended. */
  readonly endedChains: Ring.Ring<Chain>
  /** The chain that has not ended, by app, target and person. */
  readonly current: Map<string, Chain>
  readonly accessTokens: Map<string, Generation>
  readonly refreshTokens: Map<string, Generation>
  /** The pairs that a seed has chosen for the next generations, by app, target and person. */
  readonly next: Map<string, Array<Pair>>
  /** The tokens that a seed has chosen, used or not. */
  readonly literals: Set<string>
  readonly history: History.History
  /** Events that have not been sent yet. */
  outbox: Array<Notice>
  /** A counter for everything that needs a unique number. */
  serial: number
  /** How many chains there were. */
  chainCount: number
}

export const make = (rules: Rules, historySize: number): World => ({
  rules,
  apps: new Map(),
  organizations: new Map(),
  workspaces: new Map(),
  people: new Map(),
  codes: new Map(),
  chains: new Set(),
  byTarget: new Map(),
  retired: Ring.make(historySize),
  endedChains: Ring.make(historySize),
  current: new Map(),
  accessTokens: new Map(),
  refreshTokens: new Map(),
  next: new Map(),
  literals: new Set(),
  history: History.make(historySize),
  outbox: [],
  serial: 0,
  chainCount: 0
})

/** Removes everything but the counter, so that no token of before comes again. */
export const clear = (world: World): void => {
  const all = [
    world.accessTokens,
    world.apps,
    world.byTarget,
    world.chains,
    world.codes,
    world.current,
    world.literals,
    world.next,
    world.organizations,
    world.people,
    world.refreshTokens,
    world.workspaces
  ]
  for (const each of all) each.clear()
  for (const ring of [world.retired, world.endedChains]) Ring.clear(ring)
  world.chainCount = 0
  world.outbox.splice(0)
  History.clear(world.history)
}

/** A text that never repeats and does not follow from the ones before. */
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
  agreed: Omit<Code, "value" | "expiresAt" | "usedAt">,
  value = `emulated-code-${unique(world, turn)}`
): Code => {
  const code: Code = {
    ...agreed,
    value,
    expiresAt: turn.now + world.rules.codeLifetime,
    usedAt: undefined
  }
  world.codes.set(code.value, code)
  forgetCodes(world, turn)
  return code
}

/** Forgets expired codes, which are the oldest ones, if there are many. */
const forgetCodes = (world: World, turn: Turn): void => {
  for (const { expiresAt, value } of world.codes.values()) {
    if (world.codes.size <= world.retired.size || turn.now < expiresAt) return
    world.codes.delete(value)
  }
}

// -------------------------------------------------------------------------------------
// chains
// -------------------------------------------------------------------------------------

export const keyOf = (app: App, target: Target, person: Person | undefined): string =>
  `${app.clientId}\n${idOf(target)}\n${person?.id ?? "bot"}`

const union = (some: ReadonlyArray<string>, more: ReadonlyArray<string>): ReadonlyArray<string> =>
  Array.from(new Set([...some, ...more]))

/** The chain that an install continues, or a new one. A chain keeps the scopes that it had. */
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
    number: ++world.chainCount,
    app,
    target,
    kind: person === undefined ? "bot" : "user",
    person,
    scopes: union([], scopes),
    issued: 0,
    generations: [],
    inGrace: [],
    refreshes: 0,
    replays: 0,
    end: undefined
  }
  world.chains.add(chain)
  world.current.set(key, chain)
  const id = idOf(target)
  world.byTarget.set(id, (world.byTarget.get(id) ?? new Set()).add(chain))
  return chain
}

/** The chains of an app in a target that have not ended. */
const liveChains = (world: World, app: App, target: Target): ReadonlyArray<Chain> =>
  Array.from(world.byTarget.get(idOf(target)) ?? []).filter((chain) => chain.app === app)

export const isInstalled = (world: World, app: App, target: Target): boolean =>
  liveChains(world, app, target).length > 0

/** No token of a generation works any more. Its tokens are known for a while, and then forgotten. */
const retire = (world: World, generation: Generation): void => {
  const forgotten = Ring.add(world.retired, generation)
  if (forgotten === undefined) return
  world.accessTokens.delete(forgotten.accessToken)
  if (forgotten.refreshToken !== undefined) world.refreshTokens.delete(forgotten.refreshToken)
}

/** Whether the access token works. */
export const isLive = (generation: Generation, now: number): boolean =>
  generation.chain.end === undefined && generation.accessEnd === undefined && now < generation.expiresAt

/** Whether the access token works, or the refresh token works and is unused. */
const isActive = (generation: Generation, now: number): boolean =>
  isLive(generation, now) ||
  (generation.refreshToken !== undefined && generation.refreshEnd === undefined && generation.spentAt === undefined &&
    now < generation.refreshExpiresAt)

/** Slack keeps two active tokens of a chain. It revokes the oldest when there is a third. */
const mostActive = 2

const endSurplus = (world: World, turn: Turn, chain: Chain): void => {
  const active = chain.generations.filter((generation) => isActive(generation, turn.now))
  for (const generation of active.slice(0, Math.max(0, active.length - mostActive))) {
    generation.accessEnd ??= "surplus"
    // For a spent refresh token only the grace period counts.
    if (generation.spentAt === undefined) generation.refreshEnd ??= "surplus"
    History.add(world.history, {
      _tag: "Ended",
      at: turn.now,
      what: describeGeneration(generation),
      why: "the chain has a third token"
    })
  }
}

/** Whether a token of the chain works. */
const isAlive = (world: World, chain: Chain, now: number): boolean =>
  chain.end === undefined && generationsOf(chain).some((generation) => isOfUse(world, generation, now))

const isOfUse = (world: World, generation: Generation, now: number): boolean =>
  isLive(generation, now) ||
  (generation.refreshToken !== undefined && refreshProblem(world, generation, now) === undefined)

/** All generations of which a token may work, oldest first. */
export const generationsOf = ({ generations, inGrace }: Chain): ReadonlyArray<Generation> =>
  inGrace.length === 0 ? generations : [...inGrace, ...generations].sort((a, b) => a.number - b.number)

/**
 * Moves the generations that are not active any more, and retires those whose tokens do not work. Each is moved once, so
 * a refresh takes no longer if there were many before it.
 */
const settle = (world: World, { now }: Turn, chain: Chain): void => {
  const active: Array<Generation> = []
  for (const generation of chain.generations) {
    if (isActive(generation, now)) active.push(generation)
    else if (isOfUse(world, generation, now)) chain.inGrace.push(generation)
    else retire(world, generation)
  }
  chain.generations = active
  const useful = chain.inGrace.findIndex((generation) => isOfUse(world, generation, now))
  const over = chain.inGrace.splice(0, useful === -1 ? chain.inGrace.length : useful)
  for (const generation of over) retire(world, generation)
}

export const issue = (
  world: World,
  turn: Turn,
  chain: Chain,
  options: {
    readonly how: Generation["how"]
    readonly rotates: boolean
    readonly publicClient: boolean
    /** By default the next one of the seed, if it has one. */
    readonly pair?: Pair | undefined
    /** How long the access token works. */
    readonly lifetime?: number | undefined
  }
): Generation => {
  const pair = options.pair ?? world.next.get(keyOf(chain.app, chain.target, chain.person))?.shift() ?? {}
  const letter = chain.kind === "bot" ? "b" : "p"
  const { accessTokenLifetime, publicRefreshTokenLifetime } = world.rules
  const generation: Generation = {
    chain,
    number: ++chain.issued,
    how: options.how,
    accessToken: pair.accessToken ?? (options.rotates
      ? `xoxe.xox${letter}-1-emulated-${unique(world, turn)}`
      : `xox${letter}-emulated-${unique(world, turn)}`),
    refreshToken: options.rotates ? pair.refreshToken ?? `xoxe-1-emulated-${unique(world, turn)}` : undefined,
    issuedAt: turn.now,
    expiresAt: options.rotates ? turn.now + (options.lifetime ?? accessTokenLifetime) : Infinity,
    refreshExpiresAt: chain.app.pkce ? turn.now + publicRefreshTokenLifetime : Infinity,
    publicClient: options.publicClient,
    accessEnd: undefined,
    refreshEnd: undefined,
    spentAt: undefined,
    exchangedAt: undefined
  }
  settle(world, turn, chain)
  chain.generations = [...chain.generations, generation]
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

/** The token of an install: a new generation if tokens rotate, otherwise the existing one. */
export const issueForInstall = (
  world: World,
  turn: Turn,
  chain: Chain,
  options: { readonly rotates: boolean; readonly publicClient: boolean }
): Generation => {
  const existing = options.rotates
    ? undefined
    : chain.generations.find((generation) => generation.refreshToken === undefined && isLive(generation, turn.now))
  return existing ?? issue(world, turn, chain, { ...options, how: "install" })
}

/** The long-lived token of the chain, or a new one. */
export const issueLegacy = (world: World, turn: Turn, chain: Chain): Generation =>
  chain.generations.find((generation) =>
    generation.refreshToken === undefined && generation.exchangedAt === undefined && isLive(generation, turn.now)
  ) ?? issue(world, turn, chain, { how: "legacy", rotates: false, publicClient: false })

export const endChain = (world: World, turn: Turn, chain: Chain, why: NonNullable<Chain["end"]>): void => {
  if (chain.end !== undefined) return
  chain.end = why
  world.current.delete(keyOf(chain.app, chain.target, chain.person))
  world.byTarget.get(idOf(chain.target))?.delete(chain)
  for (const generation of generationsOf(chain)) retire(world, generation)
  const forgotten = Ring.add(world.endedChains, chain)
  if (forgotten !== undefined) world.chains.delete(forgotten)
  History.add(world.history, { _tag: "Ended", at: turn.now, what: describeChain(chain), why })
}

/** Removes the app from a target: every chain there ends. The app gets two events, in this order or the other. */
export const uninstall = (world: World, turn: Turn, app: App, target: Target): void => {
  const chains = liveChains(world, app, target)
  for (const chain of chains) endChain(world, turn, chain, "uninstalled")
  if (chains.length === 0) return
  notify(world, turn, { app, target, event: tokensRevoked(chains) })
  notify(world, turn, { app, target, event: { type: "app_uninstalled" } })
}

/** Deactivates a person, a workspace or an organization, and ends their chains. */
export const deactivate = (world: World, turn: Turn, who: Person | Workspace | Organization): void => {
  who.active = false
  for (const chain of world.chains) {
    if (chain.end === undefined && inactivity(chain.target, chain.person) !== undefined) {
      endChain(world, turn, chain, "deactivated")
    }
  }
}

/**
 * Revokes a token: a rotating token alone, a long-lived token with its whole chain. The app gets an event when nothing of
 * the chain works any more. An event for one of several tokens would be wrong: it names the owner, not the token.
 */
export const revoke = (world: World, turn: Turn, token: string): void => {
  const byAccess = world.accessTokens.get(token)
  const byRefresh = world.refreshTokens.get(token)
  const chain = (byAccess ?? byRefresh)?.chain
  if (chain === undefined) return
  const worked = isAlive(world, chain, turn.now)
  if (byAccess !== undefined && byAccess.refreshToken === undefined) endChain(world, turn, chain, "revoked")
  else {
    if (byAccess !== undefined) byAccess.accessEnd ??= "revoked"
    if (byRefresh !== undefined) byRefresh.refreshEnd ??= "revoked"
    History.add(world.history, { _tag: "Ended", at: turn.now, what: label(world, token) ?? "token", why: "revoked" })
  }
  if (worked && !isAlive(world, chain, turn.now)) {
    notify(world, turn, { app: chain.app, target: chain.target, event: tokensRevoked([chain]) })
  }
}

// -------------------------------------------------------------------------------------
// events
// -------------------------------------------------------------------------------------

/** Puts an event into the outbox, if the app gets events. */
export const notify = (
  world: World,
  turn: Turn,
  notice: Pick<Notice, "app" | "target" | "event"> & {
    readonly id?: string | undefined
    readonly at?: number | undefined
  }
): void => {
  if (notice.app.events === undefined) return
  const { at = turn.now, id = `Ev0EMULATED${++world.serial}` } = notice
  world.outbox.push({ ...notice, at, id })
}

/** Takes the events that have not been sent yet. */
export const takeNotices = (world: World): ReadonlyArray<Notice> => world.outbox.splice(0)

/** The event names the owners of the tokens, and not the tokens. */
const tokensRevoked = (chains: ReadonlyArray<Chain>): Notice["event"] => ({
  type: "tokens_revoked",
  tokens: {
    oauth: chains.flatMap(({ person }) => person === undefined ? [] : [person.id]),
    bot: chains.flatMap((chain) => chain.person === undefined ? [botUserId(chain)] : [])
  }
})

/** The id of the app's bot user in a target. All chains there have the same. */
export const botUserId = ({ app, target }: Pick<Chain, "app" | "target">): string =>
  app.bots.get(idOf(target))?.userId ?? `U0B${idFrom(`${app.id} ${idOf(target)}`)}`

/** The id of the app's bot in a target. */
export const botId = ({ app, target }: Pick<Chain, "app" | "target">): string =>
  app.bots.get(idOf(target))?.id ?? `B0B${idFrom(`${app.id} ${idOf(target)}`)}`

// -------------------------------------------------------------------------------------
// whether a token works
// -------------------------------------------------------------------------------------

/** Slack's error code for tokens of an inactive person or workspace; `undefined` if both are active. */
export const inactivity = (target: Target, person: Person | undefined): "account_inactive" | undefined =>
  !isOpen(target) || person?.active === false ? "account_inactive" : undefined

const endCode = (end: End): string => end === "deactivated" ? "account_inactive" : "token_revoked"

/** Slack's error code for an access token; `undefined` if it works. */
export const accessProblem = (generation: Generation, now: number): string | undefined => {
  const { chain } = generation
  const inactive = inactivity(chain.target, chain.person)
  if (inactive !== undefined) return inactive
  const end = chain.end ?? generation.accessEnd
  if (end !== undefined) return endCode(end)
  return now < generation.expiresAt ? undefined : "token_expired"
}

/** Slack's error code for a refresh token; `undefined` if it works. */
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
// descriptions
// -------------------------------------------------------------------------------------

export const describeChain = (chain: Chain): string =>
  `${chain.kind} chain ${chain.number} (${chain.app.id} in ${idOf(chain.target)}${
    chain.person === undefined ? "" : ` for ${chain.person.id}`
  })`

export const describeGeneration = (generation: Generation): string =>
  `${describeChain(generation.chain)} generation ${generation.number}`

/** A description of a code or token, for output that must not contain it. */
export const label = (world: World, secret: string): string | undefined => {
  const code = world.codes.get(secret)
  if (code !== undefined) return `code for ${code.app.id} in ${idOf(code.target)}`
  const byAccess = world.accessTokens.get(secret)
  if (byAccess !== undefined) return `access token of ${describeGeneration(byAccess)}`
  const byRefresh = world.refreshTokens.get(secret)
  return byRefresh === undefined ? undefined : `refresh token of ${describeGeneration(byRefresh)}`
}
