/**
 * The authorize step: what an app asks for, what a person can say to it, and where the browser goes then.
 */
import { commaList } from "../commaList.js"
import { isLoopback } from "../loopback.js"
import * as History from "./history.js"
import { isCustomScheme } from "./methods.js"
import * as World from "./world.js"

// -------------------------------------------------------------------------------------
// what is asked for
// -------------------------------------------------------------------------------------

/** A request to authorize that can be put before a person. */
export interface Request {
  readonly page: "v2" | "v1"
  readonly app: World.App
  readonly scopes: ReadonlyArray<string>
  readonly userScopes: ReadonlyArray<string>
  readonly namedRedirectUri: string | undefined
  readonly redirectUri: string
  readonly state: string | undefined
  readonly challenge: string | undefined
  /** The workspace that the app would like; a wish, no more. */
  readonly team: string | undefined
}

/** Why there is no consent page: shown to the person, for Slack does not redirect what it cannot trust. */
export interface Refusal {
  readonly code: string
  readonly message: string
}

export type Judged = { readonly ok: true; readonly request: Request } | {
  readonly ok: false
  readonly refusal: Refusal
}

const no = (code: string, message: string): Judged => ({ ok: false, refusal: { code, message } })

const scopeList = (text: string | null): ReadonlyArray<string> => Array.from(new Set(commaList(text ?? "")))

const parseUrl = (text: string): URL | undefined => {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

/**
 * Whether a redirect URI is the listed one or lies below it. A listed loopback address without a port stands for any
 * port, as RFC 8252 §7.3 has it.
 */
const isCovered = (redirectUri: URL, listed: string): boolean => {
  const by = parseUrl(listed)
  if (by === undefined || by.protocol !== redirectUri.protocol || by.hostname !== redirectUri.hostname) return false
  if (by.port !== redirectUri.port && !(by.port === "" && isLoopback(by.hostname))) return false
  if (by.search !== "" && by.search !== redirectUri.search) return false
  const path = by.pathname.replace(/\/$/, "")
  return redirectUri.pathname === by.pathname || redirectUri.pathname === path ||
    redirectUri.pathname.startsWith(`${path}/`)
}

/** Scopes of Sign in with Slack, which go with no others. */
const signIn = /^(openid|email|profile|identity\..+)$/

const isForSignIn = (scope: string): boolean => signIn.test(scope)

const scopeProblem = (
  kind: "bot" | "user",
  scopes: ReadonlyArray<string>,
  permitted: ReadonlyArray<string> | undefined
): string | undefined => {
  const strange = scopes.find((scope) => !/^[a-z][\w.-]*(:[\w.:-]+)?$/i.test(scope))
  if (strange !== undefined) return `${strange} is no scope`
  const foreign = scopes.find((scope) => permitted !== undefined && !permitted.includes(scope))
  return foreign === undefined ? undefined : `The app is not configured for the ${kind} scope ${foreign}`
}

/** Checks the parameters of an authorize URL, in the order in which it is safe to. */
export const judge = (world: World.World, page: Request["page"], query: URLSearchParams): Judged => {
  const clientId = query.get("client_id") ?? ""
  const app = world.apps.get(clientId)
  if (app === undefined) {
    return no("invalid_client_id", clientId === "" ? "No client_id is given" : "There is no app with this client_id")
  }

  const namedRedirectUri = query.get("redirect_uri") || undefined
  const redirectUri = namedRedirectUri ?? app.redirectUris[0]
  const parsed = redirectUri === undefined ? undefined : parseUrl(redirectUri)
  if (redirectUri === undefined || parsed === undefined || parsed.hash !== "") {
    return no("bad_redirect_uri", "The redirect_uri is missing or is not an absolute URL without a fragment")
  }
  if (!app.redirectUris.some((listed) => isCovered(parsed, listed))) {
    return no("bad_redirect_uri", "The redirect_uri does not match any redirect URL that the app lists")
  }

  const scopes = scopeList(query.get("scope"))
  const userScopes = scopeList(query.get("user_scope"))
  const all = [...scopes, ...userScopes]
  if (all.length === 0) return no("no_scopes", "The app asks for no scopes: neither scope nor user_scope is given")
  const problem = scopeProblem("bot", scopes, app.scopes) ?? scopeProblem("user", userScopes, app.userScopes)
  if (problem !== undefined) return no("invalid_scope", problem)
  if (all.some(isForSignIn) && !all.every(isForSignIn)) {
    return no("invalid_scope", "Scopes of Sign in with Slack go with no others")
  }

  const challenge = query.get("code_challenge") || undefined
  const method = query.get("code_challenge_method") || undefined
  if (challenge === undefined && method !== undefined) {
    return no("invalid_arguments", "There is a code_challenge_method without a code_challenge")
  }
  if (challenge !== undefined && method !== "S256") {
    return no("invalid_arguments", "The code_challenge_method has to be S256")
  }
  if (challenge !== undefined && !/^[\w-]{43}$/.test(challenge)) {
    return no("invalid_arguments", "The code_challenge is not a SHA-256 hash in base64url without padding")
  }

  const desktop = isCustomScheme(redirectUri) || (app.desktopLocalhost && parsed.hostname === "localhost")
  if (desktop && challenge === undefined) return no("invalid_arguments", "This redirect_uri needs PKCE")
  if (desktop && scopes.length > 0) return no("invalid_scope", "This redirect_uri cannot ask for bot scopes")

  return {
    ok: true,
    request: {
      page,
      app,
      scopes,
      userScopes,
      namedRedirectUri,
      redirectUri,
      state: query.get("state") ?? undefined,
      challenge,
      team: query.get("team") || undefined
    }
  }
}

// -------------------------------------------------------------------------------------
// what can be said to it
// -------------------------------------------------------------------------------------

export interface Consent {
  /** The id of a workspace or an organization; by default what the app would like, or else the first there is. */
  readonly target?: string | undefined
  /** Who clicks; by default the first who can. */
  readonly person?: string | undefined
  /** Optional scopes that the person leaves out. */
  readonly withhold?: ReadonlyArray<string> | undefined
  /** Where an incoming webhook posts to. */
  readonly channel?: string | undefined
}

/** Where a request could be granted. */
export const targets = (world: World.World, app: World.App): ReadonlyArray<World.Target> => [
  ...Array.from(world.workspaces.values(), (workspace) => ({ _tag: "Workspace", workspace }) as const),
  ...(app.organizationReady
    ? Array.from(world.organizations.values(), (organization) => ({ _tag: "Organization", organization }) as const)
    : [])
]

const findTarget = (world: World.World, app: World.App, id: string | undefined): World.Target | undefined => {
  const workspace = world.workspaces.get(id ?? "")
  if (workspace !== undefined) return { _tag: "Workspace", workspace }
  const organization = app.organizationReady ? world.organizations.get(id ?? "") : undefined
  return organization === undefined ? undefined : { _tag: "Organization", organization }
}

const isMember = (world: World.World, person: World.Person, target: World.Target): boolean =>
  person.workspaces === undefined ||
  person.workspaces.some((id) =>
    target._tag === "Workspace"
      ? target.workspace.id === id
      : world.workspaces.get(id)?.organization?.id === target.organization.id
  )

export type Chosen =
  | { readonly ok: true; readonly target: World.Target; readonly person: World.Person }
  | { readonly ok: false; readonly refusal: Refusal }

const refuse = (code: string, message: string): Chosen => ({ ok: false, refusal: { code, message } })

const choose = (world: World.World, request: Request, consent: Consent): Chosen => {
  const target = consent.target === undefined
    ? findTarget(world, request.app, request.team) ?? targets(world, request.app)[0]
    : findTarget(world, request.app, consent.target)
  if (target === undefined) {
    return refuse("access_denied", "There is no such workspace, or the app cannot be installed in a whole organization")
  }
  const people = Array.from(world.people.values()).filter((person) => person.active && isMember(world, person, target))
  const person = consent.person === undefined ? people[0] : people.find(({ id }) => id === consent.person)
  if (person === undefined) {
    return refuse("access_denied", "Nobody of that id is active in the workspace")
  }
  return { ok: true, target, person }
}

/** Where the browser goes, and with what. */
export interface Callback {
  readonly url: string
  readonly code: string | undefined
}

const callback = (request: Request, parameters: Readonly<Record<string, string | undefined>>): Callback => {
  const url = new URL(request.redirectUri)
  for (const [name, value] of Object.entries({ ...parameters, state: request.state })) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return { url: url.href, code: parameters.code }
}

/** The person clicks Allow. */
export const allow = (
  world: World.World,
  turn: World.Turn,
  request: Request,
  consent: Consent
): { readonly ok: true; readonly callback: Callback } | { readonly ok: false; readonly refusal: Refusal } => {
  const chosen = choose(world, request, consent)
  if (!chosen.ok) return chosen
  const { app, challenge, namedRedirectUri, page, redirectUri } = request
  const withheld = (consent.withhold ?? []).filter((scope) => app.optionalScopes.includes(scope))
  const granted = (scope: string) => !withheld.includes(scope)
  const code = World.issueCode(world, turn, {
    app,
    challenge,
    namedRedirectUri,
    page,
    redirectUri,
    target: chosen.target,
    person: chosen.person,
    scopes: request.scopes.filter(granted),
    userScopes: request.userScopes.filter(granted),
    channel: consent.channel ?? "#general"
  })
  History.add(world.history, {
    _tag: "Consent",
    at: turn.now,
    who: chosen.person.id,
    result: `allowed ${app.id} in ${World.idOf(chosen.target)}: ${
      [...code.scopes, ...code.userScopes.map((scope) => `user ${scope}`)].join(",")
    }`
  })
  return { ok: true, callback: callback(request, { code: code.value }) }
}

/** The person clicks Cancel. */
export const cancel = (world: World.World, turn: World.Turn, request: Request): Callback => {
  History.add(world.history, {
    _tag: "Consent",
    at: turn.now,
    who: "someone",
    result: `cancelled ${request.app.id}`
  })
  return callback(request, { error: "access_denied", error_description: "The person cancelled the installation" })
}
