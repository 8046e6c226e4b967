/**
 * The rules of Slack's methods: what each answers, and what it changes.
 */
import * as History from "./history.js"
import type * as Wire from "./wire.js"
import * as World from "./world.js"

export const names = [
  "oauth.v2.access",
  "oauth.v2.exchange",
  "auth.test",
  "auth.revoke",
  "apps.uninstall"
] as const

export type Name = (typeof names)[number]

export const isName = (name: string): name is Name => (names as ReadonlyArray<string>).includes(name)

// -------------------------------------------------------------------------------------
// requests and answers
// -------------------------------------------------------------------------------------

export interface Call {
  readonly parameters: ReadonlyMap<string, string>
  readonly authorization: Wire.Authorization
  /** The S256 challenge of the `code_verifier`. It is an argument because computing it is asynchronous. */
  readonly challenge: string | undefined
}

/** Tokens to answer with. */
export interface Tokens {
  readonly app: World.App
  readonly target: World.Target
  readonly bot: World.Generation | undefined
  readonly user: World.Generation | undefined
  /** The person who installed; `undefined` for a refresh or an exchange. */
  readonly person: World.Person | undefined
  readonly webhook: Webhook | undefined
}

export interface Webhook {
  readonly channel: string
  readonly channelId: string
  readonly configurationUrl: string
  readonly url: string
}

/** What the rules of a method give. `answers` writes it in Slack's JSON. */
export type Result =
  | { readonly _tag: "Tokens"; readonly tokens: Tokens }
  | {
    readonly _tag: "Success"
    readonly body: Readonly<Record<string, unknown>>
    readonly headers?: Readonly<Record<string, string>>
  }
  | {
    readonly _tag: "Failure"
    readonly code: string
    readonly messages: ReadonlyArray<string>
    /** The whole body, if it says more than the code and the messages. */
    readonly body?: Readonly<Record<string, unknown>>
  }

const fail = (code: string, ...messages: ReadonlyArray<string>): Result => ({ _tag: "Failure", code, messages })

const missing = (name: string): Result => fail("invalid_arguments", `[ERROR] missing required field: ${name}`)

/** Records that a single-use code or token was presented again. */
const addReplay = (
  world: World.World,
  { now }: World.Turn,
  what: History.Replay["what"],
  label: string,
  honoured: boolean
): void => History.add(world.history, { _tag: "Replay", at: now, what, label, honoured })

/** Slack treats an empty parameter as absent. */
const get = (call: Call, name: string): string | undefined => call.parameters.get(name) || undefined

// -------------------------------------------------------------------------------------
// the client
// -------------------------------------------------------------------------------------

interface Client {
  readonly app: World.App
  /** Whether the client has authenticated with its secret. */
  readonly confidential: boolean
}

export const isResult = (u: object): u is Result => "_tag" in u

const checkSecret = (
  world: World.World,
  clientId: string | undefined,
  clientSecret: string | undefined
): Client | Result => {
  const app = world.apps.get(clientId ?? "")
  if (app === undefined) return fail("invalid_client_id")
  if (clientSecret !== undefined && clientSecret !== app.clientSecret) return fail("bad_client_secret")
  return { app, confidential: clientSecret !== undefined }
}

/** Many clients do not form-encode their credentials (RFC 6749 §2.3.1), so the header is also read as it is. */
const checkBasic = (world: World.World, readings: ReadonlyArray<Wire.Credentials>): Client | Result => {
  const [first, second] = readings.map(({ clientId, clientSecret }) => checkSecret(world, clientId, clientSecret))
  return second === undefined || isResult(second) ? first ?? fail("invalid_auth") : second
}

/** RFC 6749 §2.3: a request uses one way of authentication. */
const authenticate = (world: World.World, call: Call): Client | Result => {
  const { authorization } = call
  const clientId = get(call, "client_id")
  const clientSecret = get(call, "client_secret")
  switch (authorization._tag) {
    // The method takes no token, and refuses one.
    case "Bearer":
    case "Unreadable":
      return fail("invalid_auth")
    case "Basic":
      if (
        clientSecret !== undefined ||
        (clientId !== undefined && !authorization.readings.some((reading) => reading.clientId === clientId))
      ) {
        return fail("invalid_arguments", "[ERROR] client credentials both in the Authorization header and in the body")
      }
      return checkBasic(world, authorization.readings)
    case "None":
      return checkSecret(world, clientId, clientSecret)
  }
}

// -------------------------------------------------------------------------------------
// oauth.v2.access
// -------------------------------------------------------------------------------------

const access = (world: World.World, turn: World.Turn, call: Call): Result => {
  const grantType = get(call, "grant_type") ?? "authorization_code"
  // Seen at Slack: an empty code is refused before the client is checked.
  if (grantType === "authorization_code" && get(call, "code") === undefined) return fail("invalid_code")

  const client = authenticate(world, call)
  if (isResult(client)) return client
  switch (grantType) {
    case "authorization_code":
      return redeem(world, turn, call, client)
    case "refresh_token":
      return refresh(world, turn, call, client)
    default:
      return fail("invalid_grant_type")
  }
}

const redeem = (world: World.World, turn: World.Turn, call: Call, { app, confidential }: Client): Result => {
  const verifier = get(call, "code_verifier")
  if (!confidential && !(app.pkce && verifier !== undefined)) return fail("bad_client_secret")
  if (verifier !== undefined && !app.pkce) return fail("pkce_not_allowed")

  const code = world.codes.get(get(call, "code") ?? "")
  if (code === undefined || code.app !== app) return fail("invalid_code")
  if (code.usedAt !== undefined) {
    addReplay(world, turn, "code", World.label(world, code.value) ?? "", false)
    return fail("invalid_code")
  }
  if (turn.now >= code.expiresAt) return fail("invalid_code")

  // From here on the code is spent, also if the call fails.
  code.usedAt = turn.now
  if (code.page === "v1") return fail("oauth_authorization_url_mismatch")
  const redirectUri = get(call, "redirect_uri")
  if (redirectUri === undefined ? code.namedRedirectUri !== undefined : redirectUri !== code.redirectUri) {
    return fail("bad_redirect_uri")
  }
  if (code.challenge !== undefined && !app.pkce) return fail("pkce_not_allowed")
  if (code.challenge !== call.challenge) return fail("invalid_code_verifier")

  const { person, target } = code
  const inactive = World.inactivity(target, person)
  if (inactive !== undefined) return fail(inactive)
  if (!person.emailVerified) return fail("user_email_unverified")
  if (target._tag === "Workspace") {
    const { organization, requiresTwoFactor } = target.workspace
    if (requiresTwoFactor && !person.twoFactor) return fail("two_factor_setup_required")
    if (organization !== undefined && World.isInstalled(world, app, { _tag: "Organization", organization })) {
      return fail("cannot_install_an_org_installed_app")
    }
  }

  const options = {
    rotates: app.rotation || isCustomScheme(code.redirectUri),
    publicClient: !confidential
  }
  const install = (who: World.Person | undefined, scopes: ReadonlyArray<string>) =>
    scopes.length === 0
      ? undefined
      : World.issueForInstall(world, turn, World.chainFor(world, app, target, who, scopes), options)
  return {
    _tag: "Tokens",
    tokens: {
      app,
      target,
      bot: install(undefined, code.scopes),
      user: install(person, code.userScopes),
      person,
      webhook: code.scopes.includes("incoming-webhook") ? webhookOf(world, code) : undefined
    }
  }
}

/** A redirect to an app on the person's own machine. Its tokens rotate, whatever the app's settings say. */
export const isCustomScheme = (redirectUri: string): boolean => !/^https?:/i.test(redirectUri)

const webhookOf = (world: World.World, { channel, target }: World.Code): Webhook => {
  world.serial++
  const at = `${World.idOf(target)}/B0EMULATED${world.serial}`
  return {
    channel,
    channelId: `C0EMULATED${world.serial}`,
    configurationUrl: `https://emulated.slack.com/services/B0EMULATED${world.serial}`,
    url: `https://hooks.slack.com/services/${at}/emulated-webhook-${world.serial}`
  }
}

const refresh = (world: World.World, turn: World.Turn, call: Call, { app, confidential }: Client): Result => {
  const spent = world.refreshTokens.get(get(call, "refresh_token") ?? "")
  const { chain } = spent ?? {}
  if (!confidential && !(app.pkce && spent?.publicClient !== false)) return fail("bad_client_secret")
  if (spent === undefined || chain === undefined || chain.app !== app) return fail("invalid_refresh_token")

  const problem = World.refreshProblem(world, spent, turn.now)
  if (spent.spentAt !== undefined) {
    chain.replays++
    addReplay(world, turn, "refresh token", World.describeGeneration(spent), problem === undefined)
  }
  if (problem !== undefined) return fail(problem)

  spent.spentAt ??= turn.now
  chain.refreshes++
  // A long-lived token that was exchanged expires at the first refresh of its chain.
  for (const generation of chain.generations) {
    if (generation.exchangedAt !== undefined) generation.expiresAt = Math.min(generation.expiresAt, turn.now)
  }
  const next = World.issue(world, turn, chain, { how: "refresh", rotates: true, publicClient: spent.publicClient })
  return { _tag: "Tokens", tokens: tokensOf(next) }
}

const tokensOf = (generation: World.Generation): Tokens => ({
  app: generation.chain.app,
  target: generation.chain.target,
  bot: generation.chain.kind === "bot" ? generation : undefined,
  user: generation.chain.kind === "user" ? generation : undefined,
  person: undefined,
  webhook: undefined
})

// -------------------------------------------------------------------------------------
// oauth.v2.exchange
// -------------------------------------------------------------------------------------

const exchange = (world: World.World, turn: World.Turn, call: Call): Result => {
  // Slack documents the client id and secret as arguments of this method, and no other way. Its own clients send the token
  // as an argument or as a bearer token.
  for (const name of ["client_id", "client_secret"]) {
    if (get(call, name) === undefined) return missing(name)
  }
  const token = get(call, "token") ?? bearerOf(call)
  if (token === undefined) return missing("token")
  const client = checkSecret(world, get(call, "client_id"), get(call, "client_secret"))
  if (isResult(client)) return client
  if (!client.app.rotation) return fail("token_rotation_not_enabled")

  if (/^(xapp|xwfp)-/.test(token)) return fail("not_allowed_token_type")
  const legacy = world.accessTokens.get(token)
  if (legacy === undefined || legacy.chain.app !== client.app || legacy.refreshToken !== undefined) {
    return fail("invalid_token")
  }
  const { chain } = legacy
  if (World.inactivity(chain.target, chain.person) !== undefined) return fail("account_inactive")
  if (chain.end !== undefined || legacy.accessEnd !== undefined) return fail("authorization_not_found")
  if (legacy.exchangedAt !== undefined) {
    chain.replays++
    addReplay(world, turn, "legacy token", World.describeGeneration(legacy), false)
    return fail("token_already_exchanged")
  }

  legacy.exchangedAt = turn.now
  const next = World.issue(world, turn, chain, { how: "exchange", rotates: true, publicClient: false })
  return { _tag: "Tokens", tokens: tokensOf(next) }
}

// -------------------------------------------------------------------------------------
// methods that act on a token
// -------------------------------------------------------------------------------------

const bearerOf = ({ authorization }: Call): string | undefined =>
  authorization._tag === "Bearer" ? authorization.token : undefined

/** The token of a call: in the `Authorization` header, or as a parameter. */
const tokenOf = (call: Call): string | undefined => bearerOf(call) ?? get(call, "token")

/** The token that a call presents, if it works. */
export const authorize = (world: World.World, turn: World.Turn, call: Call): World.Generation | Result => {
  const token = tokenOf(call)
  if (token === undefined) return fail("not_authed")
  const generation = world.accessTokens.get(token)
  if (generation === undefined) return fail("invalid_auth")
  const problem = World.accessProblem(generation, turn.now)
  return problem === undefined ? generation : fail(problem)
}

const authTest = (world: World.World, turn: World.Turn, call: Call): Result => {
  const generation = authorize(world, turn, call)
  if (isResult(generation)) return generation
  const { chain } = generation
  const { app, person, target } = chain
  const organization = target._tag === "Organization" ? target.organization : target.workspace.organization
  const [domain, team] = target._tag === "Workspace"
    ? [target.workspace.domain, target.workspace.name]
    : [`${target.organization.id.toLowerCase()}.enterprise`, target.organization.name]
  return {
    _tag: "Success",
    headers: { "x-oauth-scopes": chain.scopes.join(",") },
    body: {
      ok: true,
      url: `https://${domain}.slack.com/`,
      team,
      user: person === undefined ? botName(app) : person.name,
      team_id: World.idOf(target),
      user_id: person === undefined ? World.botUserId(chain) : person.id,
      ...(person === undefined ? { bot_id: World.botId(chain) } : undefined),
      app_id: app.id,
      app_name: app.name,
      ...(organization === undefined ? undefined : { enterprise_id: organization.id }),
      is_enterprise_install: target._tag === "Organization",
      ...(generation.expiresAt === Infinity
        ? undefined
        : { expires_in: Math.max(0, Math.round((generation.expiresAt - turn.now) / 1000)) })
    }
  }
}

const botName = (app: World.App): string => app.name.toLowerCase().replaceAll(/\W+/g, "_")

const authRevoke = (world: World.World, turn: World.Turn, call: Call): Result => {
  const token = tokenOf(call)
  if (token === undefined) return fail("not_authed")
  const refreshable = world.refreshTokens.get(token)
  const problem = refreshable === undefined
    ? authorize(world, turn, call)
    : World.refreshProblem(world, refreshable, turn.now)
  if (typeof problem === "string") return fail(problem)
  if (problem !== undefined && isResult(problem)) return problem
  const testing = ["1", "true"].includes(get(call, "test") ?? "")
  if (!testing) World.revoke(world, turn, token)
  return { _tag: "Success", body: { ok: true, revoked: !testing } }
}

const appsUninstall = (world: World.World, turn: World.Turn, call: Call): Result => {
  const generation = authorize(world, turn, call)
  if (isResult(generation)) return generation
  for (const name of ["client_id", "client_secret"]) {
    if (get(call, name) === undefined) return missing(name)
  }
  const client = checkSecret(world, get(call, "client_id"), get(call, "client_secret"))
  if (isResult(client)) return client
  if (client.app !== generation.chain.app) return fail("client_id_token_mismatch")
  World.uninstall(world, turn, client.app, generation.chain.target)
  return { _tag: "Success", body: { ok: true } }
}

// -------------------------------------------------------------------------------------
// all methods
// -------------------------------------------------------------------------------------

const rules: { readonly [N in Name]: (world: World.World, turn: World.Turn, call: Call) => Result } = {
  "oauth.v2.access": access,
  "oauth.v2.exchange": exchange,
  "auth.test": authTest,
  "auth.revoke": authRevoke,
  "apps.uninstall": appsUninstall
}

export const run = (name: Name, world: World.World, turn: World.Turn, call: Call): Result =>
  rules[name](world, turn, call)
