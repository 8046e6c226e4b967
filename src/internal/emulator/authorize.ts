/**
 * The authorize step: the app's request, the person's decision, and the redirect back to the app.
 */
import { commaList } from "../commaList.js"
import { parseUrl } from "../parseUrl.js"
import { isForSignIn, isScope } from "../scopeForm.js"
import * as History from "./history.js"
import { isCustomScheme } from "./methods.js"
import * as World from "./world.js"

// -------------------------------------------------------------------------------------
// the app's request
// -------------------------------------------------------------------------------------

/** A valid request, for the consent page. */
export interface Request {
  readonly page: "v2" | "v1"
  readonly app: World.App
  readonly scopes: ReadonlyArray<string>
  readonly userScopes: ReadonlyArray<string>
  readonly namedRedirectUri: string | undefined
  readonly redirectUri: string
  readonly state: string | undefined
  readonly challenge: string | undefined
  /** The workspace that the app suggests. The person can choose another. */
  readonly team: string | undefined
}

/** Why there is an error page. Slack shows it to the person, because it does not redirect to a URL it does not trust. */
export interface Refusal {
  readonly code: string
  readonly message: string
}

/** The authorize page at a path. The classic one, `v1`, gives codes that `oauth.v2.access` refuses. */
export const pageAt = (pathname: string): Request["page"] | undefined => {
  switch (pathname) {
    case "/oauth/v2/authorize":
      return "v2"
    case "/oauth/authorize":
      return "v1"
    default:
      return undefined
  }
}

export type Judged = { readonly ok: true; readonly request: Request } | {
  readonly ok: false
  readonly refusal: Refusal
}

const no = (code: string, message: string): Judged => ({ ok: false, refusal: { code, message } })

const scopeList = (text: string | null): ReadonlyArray<string> => Array.from(new Set(commaList(text ?? "")))

/** Whether a URL is `listed` or below it. A listed URL with a query has nothing below it. */
const isAtOrBelow = (url: string, listed: string): boolean =>
  url === listed ||
  (!listed.includes("?") &&
    (url.startsWith(listed.endsWith("/") ? listed : `${listed}/`) || url.startsWith(`${listed}?`)))

/**
 * Whether a listed URL allows a redirect URI. Slack compares literally: `127.0.0.1` is not `localhost`, and a port is part
 * of the address. The normal form of the URL has to fit too, so that `..` does not lead out of the listed URL.
 */
const isCovered = (redirectUri: string, parsed: URL, listed: string): boolean =>
  isAtOrBelow(redirectUri, listed) && isAtOrBelow(parsed.href, parseUrl(listed)?.href ?? listed)

const scopeProblem = (
  kind: "bot" | "user",
  scopes: ReadonlyArray<string>,
  permitted: ReadonlyArray<string> | undefined
): string | undefined => {
  const strange = scopes.find((scope) => !isScope(scope))
  if (strange !== undefined) return `${strange} is not a scope`
  const foreign = scopes.find((scope) => permitted !== undefined && !permitted.includes(scope))
  return foreign === undefined ? undefined : `The app is not configured for the ${kind} scope ${foreign}`
}

/** Checks the parameters of an authorize URL. The client and the redirect URI come first. */
export const judge = (world: World.World, page: Request["page"], query: URLSearchParams): Judged => {
  const clientId = query.get("client_id") ?? ""
  const app = world.apps.get(clientId)
  if (app === undefined) {
    return no("invalid_client_id", clientId === "" ? "There is no client_id" : "No app has this client_id")
  }

  const namedRedirectUri = query.get("redirect_uri") || undefined
  const redirectUri = namedRedirectUri ?? app.redirectUris[0]
  const parsed = redirectUri === undefined ? undefined : parseUrl(redirectUri)
  if (redirectUri === undefined || parsed === undefined || parsed.hash !== "") {
    return no("bad_redirect_uri", "The redirect_uri is missing or is not an absolute URL without a fragment")
  }
  if (!app.redirectUris.some((listed) => isCovered(redirectUri, parsed, listed))) {
    return no("bad_redirect_uri", "The redirect_uri does not match any redirect URL that the app lists")
  }

  const scopes = scopeList(query.get("scope"))
  const userScopes = scopeList(query.get("user_scope"))
  const all = [...scopes, ...userScopes]
  if (all.length === 0) return no("no_scopes", "The app asks for no scopes: there is neither scope nor user_scope")
  const problem = scopeProblem("bot", scopes, app.scopes) ?? scopeProblem("user", userScopes, app.userScopes)
  if (problem !== undefined) return no("invalid_scope", problem)
  if (all.some(isForSignIn) && !all.every(isForSignIn)) {
    return no("invalid_scope", "Scopes of Sign in with Slack cannot be combined with others")
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
// the person's decision
// -------------------------------------------------------------------------------------

export interface Consent {
  /** The id of a workspace or organization; by default what the app suggests, otherwise the first one. */
  readonly target?: string | undefined
  /** The id of the person who clicks; by default the first one in the target. */
  readonly person?: string | undefined
  /** Optional scopes that the person refuses. */
  readonly withhold?: ReadonlyArray<string> | undefined
  /** The channel of an incoming webhook. */
  readonly channel?: string | undefined
}

/** The workspaces and organizations that can install the app. */
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
    return refuse("access_denied", "The workspace does not exist, or the app cannot be installed in an organization")
  }
  const people = Array.from(world.people.values()).filter((person) => person.active && isMember(world, person, target))
  const person = consent.person === undefined ? people[0] : people.find(({ id }) => id === consent.person)
  if (person === undefined) {
    return refuse("access_denied", "No active person in the workspace has this id")
  }
  return { ok: true, target, person }
}

/** The redirect back to the app. */
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
  consent: Consent,
  value?: string
):
  | { readonly ok: true; readonly callback: Callback; readonly target: World.Target }
  | { readonly ok: false; readonly refusal: Refusal } =>
{
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
  }, value)
  History.add(world.history, {
    _tag: "Consent",
    at: turn.now,
    who: chosen.person.id,
    result: `allowed ${app.id} in ${World.idOf(chosen.target)}: ${
      [...code.scopes, ...code.userScopes.map((scope) => `user ${scope}`)].join(",")
    }`
  })
  return { ok: true, callback: callback(request, { code: code.value }), target: chosen.target }
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
