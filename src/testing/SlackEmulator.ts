/**
 * Slack's OAuth side with a memory, for tests, demos and desks without a workspace: the consent page, authorization
 * codes, token rotation, PKCE, `oauth.v2.exchange`, and faults on demand.
 *
 * There are two ways in, and both lead to the same rules: {@link layerHttpClient} answers an `HttpClient` in memory,
 * and {@link serve} listens with whatever `HttpServer` it is given. Time is Effect's `Clock` and randomness Effect's
 * `Random`, so that `TestClock` makes twelve hours pass in no time and a seed makes two runs the same.
 *
 * `docs/emulator.md` has a guide, the rules that it keeps, and what it does not do.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Authorize from "../internal/emulator/authorize.js"
import * as Faults from "../internal/emulator/faults.js"
import * as History from "../internal/emulator/history.js"
import * as Methods from "../internal/emulator/methods.js"
import * as Page from "../internal/emulator/page.js"
import * as Wire from "../internal/emulator/wire.js"
import * as World from "../internal/emulator/world.js"
import { isLoopback } from "../internal/loopback.js"
import { checkCount, checkDuration } from "../internal/options.js"
import { sha256 } from "../internal/random.js"
import * as SlackApp from "../SlackApp.js"
import * as TokenResponse from "../TokenResponse.js"

// -------------------------------------------------------------------------------------
// who is there
// -------------------------------------------------------------------------------------

/**
 * A Slack app that the emulator knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface App {
  readonly id: string
  readonly name: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  readonly redirectUris: ReadonlyArray<string>
  /** Whether tokens rotate. */
  readonly rotation: boolean
  /** Whether the app may prove itself by PKCE instead of its secret. */
  readonly pkce: boolean
}

/**
 * What an app is made of. Everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface AppOptions {
  /** `A…` */
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly clientId?: string | undefined
  readonly clientSecret?: string | Redacted.Redacted | undefined
  /**
   * Where codes may be sent: to these URLs and to what lies below them. A loopback URL without a port stands for any
   * port. By default `https://example.com`, `http://localhost`, `http://127.0.0.1` and `http://[::1]`. The first one is
   * taken when an authorize URL names none.
   */
  readonly redirectUris?: ReadonlyArray<string> | undefined
  /** The bot scopes that the app may ask for; any, by default. */
  readonly scopes?: ReadonlyArray<string> | undefined
  /** The user scopes that the app may ask for; any, by default. */
  readonly userScopes?: ReadonlyArray<string> | undefined
  /** Scopes, of either kind, that a person may leave out. */
  readonly optionalScopes?: ReadonlyArray<string> | undefined
  /** Whether tokens rotate; `true` by default. */
  readonly rotation?: boolean | undefined
  /** Whether the app uses PKCE, which makes it a public client; `false` by default. */
  readonly pkce?: boolean | undefined
  /** Whether `http://localhost` is a desktop redirect, which needs PKCE and gets no bot; `false` by default. */
  readonly desktopLocalhost?: boolean | undefined
  /** Whether a whole organization can install the app; `true` by default. */
  readonly organizationReady?: boolean | undefined
}

/**
 * What an organization (Enterprise Grid) is made of. Everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface OrganizationOptions {
  /** `E…` */
  readonly id?: string | undefined
  readonly name?: string | undefined
}

/**
 * What a workspace is made of. Everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkspaceOptions {
  /** `T…` */
  readonly id?: string | undefined
  readonly name?: string | undefined
  /** As in `https://<domain>.slack.com`. */
  readonly domain?: string | undefined
  /** The id of the organization that the workspace belongs to; none, by default. */
  readonly organization?: string | undefined
  /** Whether people without two-factor authentication are kept out; `false` by default. */
  readonly requiresTwoFactor?: boolean | undefined
}

/**
 * What a person is made of. Everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface PersonOptions {
  /** `U…` */
  readonly id?: string | undefined
  readonly name?: string | undefined
  /** The ids of the workspaces that the person is in; all, by default. */
  readonly workspaces?: ReadonlyArray<string> | undefined
  /** `true` by default. */
  readonly emailVerified?: boolean | undefined
  /** `true` by default. */
  readonly twoFactor?: boolean | undefined
}

/**
 * What an emulator starts with, and how long things live in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** By default one app, with rotation on. */
  readonly apps?: ReadonlyArray<AppOptions> | undefined
  /** By default none. */
  readonly organizations?: ReadonlyArray<OrganizationOptions> | undefined
  /** By default one. */
  readonly workspaces?: ReadonlyArray<WorkspaceOptions> | undefined
  /** By default one, who is in every workspace. */
  readonly people?: ReadonlyArray<PersonOptions> | undefined
  /** How long an authorization code can be redeemed; 10 minutes by default, as at Slack. */
  readonly codeLifetime?: Duration.DurationInput | undefined
  /** How long a rotating access token works; 12 hours by default, as at Slack. */
  readonly accessTokenLifetime?: Duration.DurationInput | undefined
  /**
   * How long a refresh token that was used can be used again. Slack calls it a short grace period and does not say how
   * short; one minute by default.
   */
  readonly refreshGracePeriod?: Duration.DurationInput | undefined
  /** How long a refresh token of an app with PKCE lives; 30 days by default, as at Slack. Others live on. */
  readonly publicRefreshTokenLifetime?: Duration.DurationInput | undefined
  /** How many of the latest events are kept for {@link calls}, {@link replays} and {@link timeline}; 10,000 by default. */
  readonly historySize?: number | undefined
}

// -------------------------------------------------------------------------------------
// what can be asked and done
// -------------------------------------------------------------------------------------

/**
 * An app's request to be installed, and what a person makes of it. With a `url`, that is the request; the other fields
 * of the app's side are for when there is none.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthorizeRequest {
  /** The authorize URL that the app sends people to. */
  readonly url?: string | URL | undefined
  /** The client id of the app; the first one by default. */
  readonly clientId?: string | undefined
  /** Bot scopes; `chat:write` by default if there are no user scopes either. */
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly userScopes?: ReadonlyArray<string> | undefined
  readonly redirectUri?: string | undefined
  readonly state?: string | undefined
  /** The PKCE challenge, by S256. */
  readonly codeChallenge?: string | undefined

  /** The id of the workspace to install in; the first one by default. */
  readonly workspace?: string | undefined
  /** The id of the organization to install in as a whole. */
  readonly organization?: string | undefined
  /** The id of the person who clicks; the first one in the workspace by default. */
  readonly person?: string | undefined
  /** Optional scopes that the person leaves out. */
  readonly withhold?: ReadonlyArray<string> | undefined
  /** The channel for an incoming webhook; `#general` by default. */
  readonly channel?: string | undefined
}

/**
 * What the app's redirect URI gets when a person has clicked Allow.
 *
 * @since 0.1.0
 * @category models
 */
export interface Callback {
  readonly code: string
  /** The redirect URI with `code` and `state`. */
  readonly url: string
}

/**
 * Slack shows an error page instead of asking the person.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthorizeRefused extends Schema.TaggedError<AuthorizeRefused>("effect-slack-oauth/AuthorizeRefused")(
  "AuthorizeRefused",
  {
    /** The code on the page, such as `bad_redirect_uri`. */
    code: Schema.String,
    /** What the page says. */
    problem: Schema.String
  }
) {
  override get message(): string {
    return `The authorize page says ${this.code}: ${this.problem}`
  }
}

/**
 * A credential over time: the bot's in one workspace or organization, or one person's there.
 *
 * @since 0.1.0
 * @category models
 */
export interface Chain {
  /** From 1, in order of appearance. */
  readonly number: number
  readonly appId: string
  readonly kind: "bot" | "user"
  /** The id of the workspace or organization. */
  readonly target: string
  /** The person of a user token. */
  readonly person: Option.Option<string>
  readonly scopes: ReadonlyArray<string>
  /** How many pairs, or long-lived tokens, were issued. */
  readonly generations: number
  /** How many refreshes were honoured. */
  readonly refreshes: number
  /** How often something that works once was presented again. */
  readonly replays: number
  /** The access tokens that work now, oldest first. Slack keeps at most two. */
  readonly liveAccessTokens: ReadonlyArray<Redacted.Redacted>
  /** The refresh tokens that work now, oldest first; those in their grace period count. */
  readonly liveRefreshTokens: ReadonlyArray<Redacted.Redacted>
  /** Why all of it is over, if it is. */
  readonly ended: Option.Option<"revoked" | "uninstalled" | "deactivated">
}

/**
 * A call that the emulator got. Secrets are replaced by what they stand for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call {
  readonly at: DateTime.Utc
  readonly method: string
  /** For `oauth.v2.access`. */
  readonly grantType: string | undefined
  readonly clientId: string | undefined
  /** How the client proved itself. */
  readonly authentication: "basic" | "body" | "bearer" | "none"
  readonly parameters: Readonly<Record<string, string>>
  /** Whether a secret stood in the URL, where logs keep it. */
  readonly secretInUrl: boolean
  /** What the rules said: `ok` or Slack's code; `not run` when a fault came before them. */
  readonly result: string
  /** The fault that was played, if there was one. */
  readonly fault: string | undefined
}

/**
 * Something that works once was presented a second time.
 *
 * @since 0.1.0
 * @category models
 */
export interface Replay {
  readonly at: DateTime.Utc
  readonly what: "code" | "refresh token" | "legacy token"
  /** What it stands for. */
  readonly label: string
  /** Whether it was honoured all the same, which happens to refresh tokens in their grace period. */
  readonly honoured: boolean
}

/**
 * The methods that faults can be injected into; `authorize` is the consent page.
 *
 * @since 0.1.0
 * @category models
 */
export type Method = Methods.Name | "authorize"

/**
 * Which calls get a fault: the next one, the next `times`, or a `share` of all to come.
 *
 * @since 0.1.0
 * @category faults
 */
export interface Injection {
  readonly fault: Fault | ReadonlyArray<Fault>
  /** By default every method of the API. */
  readonly method?: Method | ReadonlyArray<Method> | undefined
  /** How many calls get it; by default 1, or without end if there is a `share`. */
  readonly times?: number | undefined
  /** Which share of the calls gets it, from 0 to 1, by chance. */
  readonly share?: number | undefined
}

/**
 * Where an app is installed: the first workspace, if nothing is given.
 *
 * @since 0.1.0
 * @category models
 */
export interface InstallationQuery {
  /** The client id of the app; the first one by default. */
  readonly clientId?: string | undefined
  readonly workspace?: string | undefined
  readonly organization?: string | undefined
}

/**
 * Whom a long-lived token is for: the bot, or a person if one is given.
 *
 * @since 0.1.0
 * @category models
 */
export interface LegacyTokenRequest extends InstallationQuery {
  /** The id of the person of a user token. */
  readonly person?: string | undefined
  /** `chat:write` by default. */
  readonly scopes?: ReadonlyArray<string> | undefined
}

/**
 * A request as the emulator takes it, whichever way it came.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request<E = never, R = never> {
  readonly method: string
  readonly url: URL
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Effect.Effect<string, E, R>
}

/**
 * What comes of a request: an answer, an answer whose body breaks off, or nothing at all.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome =
  | {
    readonly _tag: "Answered"
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
    /** Whether the connection goes down in the middle of the body. */
    readonly cutInBody: boolean
  }
  | { readonly _tag: "Cut" }

/**
 * An emulated Slack.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The first app: what a test or a demo runs as. */
  readonly app: App
  readonly apps: Effect.Effect<ReadonlyArray<App>>

  readonly authorize: (request?: AuthorizeRequest) => Effect.Effect<Callback, AuthorizeRefused>
  readonly cancel: (request?: AuthorizeRequest) => Effect.Effect<{ readonly url: string }, AuthorizeRefused>
  readonly issueLegacyToken: (request?: LegacyTokenRequest) => Effect.Effect<Redacted.Redacted>
  readonly revoke: (token: string | Redacted.Redacted) => Effect.Effect<void>
  readonly uninstall: (query?: InstallationQuery) => Effect.Effect<void>
  readonly deactivate: (id: string) => Effect.Effect<void>
  readonly enableRotation: (clientId?: string) => Effect.Effect<void>
  readonly enablePkce: (clientId?: string) => Effect.Effect<void>
  readonly addApp: (options?: AppOptions) => Effect.Effect<App>
  readonly addOrganization: (options?: OrganizationOptions) => Effect.Effect<{ readonly id: string }>
  readonly addWorkspace: (options?: WorkspaceOptions) => Effect.Effect<{ readonly id: string }>
  readonly addPerson: (options?: PersonOptions) => Effect.Effect<{ readonly id: string }>

  readonly inject: (injection: Injection) => Effect.Effect<void>
  readonly clearFaults: Effect.Effect<void>

  readonly calls: Effect.Effect<ReadonlyArray<Call>>
  readonly chains: Effect.Effect<ReadonlyArray<Chain>>
  readonly replays: Effect.Effect<ReadonlyArray<Replay>>
  readonly timeline: Effect.Effect<string>
  readonly follow: Stream.Stream<string>

  /** Answers a request: what {@link layerHttpClient} and {@link serve} are made of. */
  readonly handle: <E, R>(request: Request<E, R>) => Effect.Effect<Outcome, E, R>
}

/**
 * An emulated Slack.
 *
 * @since 0.1.0
 * @category tags
 */
export class SlackEmulator extends Context.Tag("effect-slack-oauth/SlackEmulator")<SlackEmulator, Service>() {}

// -------------------------------------------------------------------------------------
// faults
// -------------------------------------------------------------------------------------

/**
 * Something that goes wrong with a call.
 *
 * @since 0.1.0
 * @category faults
 */
export type Fault = Faults.Fault

/**
 * Slack answers with a code, and does nothing.
 *
 * @since 0.1.0
 * @category faults
 */
export const code = (
  code: string,
  details: {
    readonly messages?: ReadonlyArray<string> | undefined
    readonly needed?: ReadonlyArray<string> | undefined
    readonly provided?: ReadonlyArray<string> | undefined
  } = {}
): Fault => ({
  _tag: "Code",
  code,
  messages: details.messages ?? [],
  needed: details.needed,
  provided: details.provided
})

/**
 * HTTP 429, with `Retry-After` in whole seconds or without it.
 *
 * @since 0.1.0
 * @category faults
 */
export const rateLimited = (
  options: { readonly retryAfter?: Duration.DurationInput | undefined } = {}
): Fault => ({
  _tag: "RateLimited",
  retryAfter: options.retryAfter === undefined ? undefined : Math.ceil(Duration.toSeconds(options.retryAfter))
})

/**
 * A 5xx with a page of HTML, as Slack's front door sends it.
 *
 * @since 0.1.0
 * @category faults
 */
export const serverError = (status = 500): Fault => ({ _tag: "ServerError", status })

/**
 * HTTP 200 with text that is no JSON.
 *
 * @since 0.1.0
 * @category faults
 */
export const text = (body = "something went wrong"): Fault => ({ _tag: "Text", body })

/**
 * The answer takes its time. What comes of the call is as it would be without.
 *
 * @since 0.1.0
 * @category faults
 */
export const delay = (duration: Duration.DurationInput): Fault => ({
  _tag: "Delay",
  millis: Duration.toMillis(duration)
})

/**
 * The connection goes down before anyone reads the request: nothing happened.
 *
 * @since 0.1.0
 * @category faults
 */
export const cutBeforeReading: Fault = { _tag: "CutBeforeReading" }

/**
 * The connection goes down when all is done and nothing is said: the lost reply.
 *
 * @since 0.1.0
 * @category faults
 */
export const cutAfterStateChange: Fault = { _tag: "CutAfterStateChange" }

/**
 * The connection goes down in the middle of the answer's body.
 *
 * @since 0.1.0
 * @category faults
 */
export const cutInBody: Fault = { _tag: "CutInBody" }

/**
 * Lets another fault happen after the state changed, such as an `internal_error` for a call that did all it should.
 *
 * @since 0.1.0
 * @category faults
 */
export const afterStateChange = (fault: Fault): Fault => ({ _tag: "AfterStateChange", fault })

/**
 * Several faults in one call, such as a delay and then a cut. Of two answers the later one is sent.
 *
 * @since 0.1.0
 * @category faults
 */
export const all = (...faults: ReadonlyArray<Fault>): Fault => ({ _tag: "All", faults })

// -------------------------------------------------------------------------------------
// seeding
// -------------------------------------------------------------------------------------

const reveal = (secret: string | Redacted.Redacted): string =>
  Redacted.isRedacted(secret) ? Redacted.value(secret) : secret

const defaultRedirectUris = ["https://example.com", "http://localhost", "http://127.0.0.1", "http://[::1]"]

/** The first has a plain id and the others a number, so that what a test prints reads well. */
const nth = <A>(stem: string, map: ReadonlyMap<string, A>): string => `${stem}${map.size === 0 ? "" : map.size + 1}`

const seedApp = (world: World.World, options: AppOptions = {}): World.App => {
  const number = world.apps.size + 1
  const app: World.App = {
    id: options.id ?? nth("A0EMULATED", world.apps),
    name: options.name ?? nth("Emulated App", world.apps),
    clientId: options.clientId ?? `1000000000.${1000000000 + number}`,
    clientSecret: reveal(options.clientSecret ?? `emulated-client-secret-${number}`),
    redirectUris: options.redirectUris ?? defaultRedirectUris,
    scopes: options.scopes,
    userScopes: options.userScopes,
    optionalScopes: options.optionalScopes ?? [],
    rotation: options.rotation ?? true,
    pkce: options.pkce ?? false,
    desktopLocalhost: options.desktopLocalhost ?? false,
    organizationReady: options.organizationReady ?? true
  }
  world.apps.set(app.clientId, app)
  return app
}

const seedOrganization = (world: World.World, options: OrganizationOptions = {}): World.Organization => {
  const organization: World.Organization = {
    id: options.id ?? nth("E0EMULATED", world.organizations),
    name: options.name ?? nth("Emulated Organization", world.organizations),
    active: true
  }
  world.organizations.set(organization.id, organization)
  return organization
}

const seedWorkspace = (world: World.World, options: WorkspaceOptions = {}): World.Workspace => {
  const id = options.id ?? nth("T0EMULATED", world.workspaces)
  const organization = options.organization === undefined ? undefined : world.organizations.get(options.organization)
  if (options.organization !== undefined && organization === undefined) {
    throw new Error(`SlackEmulator: workspace ${id} names the organization ${options.organization}, which is not there`)
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

const seedPerson = (world: World.World, options: PersonOptions = {}): World.Person => {
  const person: World.Person = {
    id: options.id ?? nth("U0EMULATED", world.people),
    name: options.name ?? nth("Ada", world.people),
    workspaces: options.workspaces,
    emailVerified: options.emailVerified ?? true,
    twoFactor: options.twoFactor ?? true,
    active: true
  }
  world.people.set(person.id, person)
  return person
}

const checkTimes = (options: Options) =>
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

const seed = (options: Options, times: World.Rules, historySize: number): World.World => {
  const world = World.make(times, historySize)
  for (const app of options.apps ?? [{}]) seedApp(world, app)
  for (const organization of options.organizations ?? []) seedOrganization(world, organization)
  for (const workspace of options.workspaces ?? [{}]) seedWorkspace(world, workspace)
  for (const person of options.people ?? [{}]) seedPerson(world, person)
  return world
}

// -------------------------------------------------------------------------------------
// answering
// -------------------------------------------------------------------------------------

const party = ({ id, name }: { readonly id: string; readonly name: string }): TokenResponse.Party => ({
  id,
  name: Option.some(name)
})

/**
 * Slack writes for how long a token is good, not until when. So one schema serves all answers, made once for the epoch,
 * if expiry is given as the distance from now.
 */
const toWire = Schema.encodeSync(TokenResponse.FromWire(DateTime.unsafeMake(0)))

const expiryOf = (generation: World.Generation, now: number): Option.Option<TokenResponse.Expiry> =>
  generation.refreshToken === undefined
    ? Option.none()
    : Option.some(
      new TokenResponse.Expiry({
        expiresAt: DateTime.unsafeMake(generation.expiresAt - now),
        refreshToken: Option.some(Redacted.make(generation.refreshToken))
      })
    )

/** Writes tokens as Slack does, by the schema that the client reads them with. */
const writeTokens = (
  method: Methods.Name,
  { app, bot, person, target, user, webhook }: Methods.Tokens,
  warnings: ReadonlyArray<string>,
  now: number
): unknown => {
  const response = new TokenResponse.TokenResponse({
    appId: app.id,
    target: target._tag === "Organization"
      ? new TokenResponse.Organization({ enterprise: party(target.organization) })
      : new TokenResponse.Workspace({
        team: party(target.workspace),
        enterprise: Option.map(Option.fromNullable(target.workspace.organization), party)
      }),
    bot: Option.map(Option.fromNullable(bot), (generation) =>
      new TokenResponse.BotToken({
        accessToken: Redacted.make(generation.accessToken),
        scopes: generation.chain.scopes,
        botUserId: Option.some(Methods.botUserId(generation.chain)),
        expiry: expiryOf(generation, now)
      })),
    user: Option.map(Option.fromNullable(user), (generation) =>
      new TokenResponse.UserToken({
        accessToken: Redacted.make(generation.accessToken),
        scopes: generation.chain.scopes,
        userId: Option.map(Option.fromNullable(generation.chain.person), ({ id }) => id),
        expiry: expiryOf(generation, now)
      })),
    authedUserId: Option.map(Option.fromNullable(person), ({ id }) => id),
    incomingWebhook: Option.map(Option.fromNullable(webhook), (webhook) =>
      new TokenResponse.IncomingWebhook({
        url: Redacted.make(webhook.url),
        channel: webhook.channel,
        channelId: Option.some(webhook.channelId),
        configurationUrl: webhook.configurationUrl
      })),
    warnings
  })
  const wire = toWire(response)
  if (method === "oauth.v2.access") return wire
  // Slack's schema for an exchange does not have this field.
  const { is_enterprise_install: _, ...rest } = wire
  return rest
}

const withWarnings = (body: Readonly<Record<string, unknown>>, warnings: ReadonlyArray<string>) =>
  warnings.length === 0 ? body : { ...body, warning: warnings.join(","), response_metadata: { warnings } }

const writeAnswer = (
  method: Methods.Name,
  answer: Methods.Answer,
  warnings: ReadonlyArray<string>,
  now: number
): Wire.Response => {
  switch (answer._tag) {
    case "Tokens":
      return Wire.json(writeTokens(method, answer.tokens, warnings, now))
    case "Success":
      return Wire.json(withWarnings(answer.body, warnings), answer.headers)
    case "Failure":
      return Wire.json(withWarnings({
        ok: false,
        error: answer.code,
        ...(answer.messages.length === 0 ? undefined : { response_metadata: { messages: answer.messages } })
      }, warnings))
  }
}

/** Parameters that can be told as they are; whatever else comes is taken for a secret. */
const tellable = new Set(["client_id", "grant_type", "redirect_uri", "test"])

const tell = (world: World.World, parameters: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries(
    Array.from(parameters, ([name, value]) => [
      name,
      tellable.has(name) ? value.slice(0, 200) : `<${World.label(world, value) ?? "redacted"}>`
    ])
  )

const authenticationOf = (call: Methods.Call): Call["authentication"] => {
  switch (call.authorization._tag) {
    case "Basic":
      return "basic"
    case "Bearer":
      return "bearer"
    default:
      return call.parameters.has("client_secret") ? "body" : "none"
  }
}

/** What time it is and what chance has to say, for one step. */
const turn: Effect.Effect<World.Turn> = Effect.zipWith(
  Clock.currentTimeMillis,
  Random.nextIntBetween(0, 2 ** 31 - 1),
  World.makeTurn
)

const sleep = (millis: number): Effect.Effect<void> => millis > 0 ? Effect.sleep(millis) : Effect.void

const answered = (response: Wire.Response, cutInBody = false): Outcome => ({
  _tag: "Answered",
  ...response,
  cutInBody
})

const cut: Outcome = { _tag: "Cut" }

/** Runs what makes the answer, with the faults around it in their places. */
const around = <E, R>(
  plan: Faults.Plan | undefined,
  answer: (instead: Wire.Response | undefined) => Effect.Effect<Wire.Response, E, R>,
  onCut: Effect.Effect<void>
): Effect.Effect<Outcome, E, R> =>
  plan === undefined
    ? Effect.map(answer(undefined), (response) => answered(response))
    : Effect.gen(function*() {
      yield* sleep(plan.delayBefore)
      if (plan.cutBeforeReading) {
        yield* onCut
        return cut
      }
      const response = yield* answer(plan.instead)
      yield* sleep(plan.delayAfter)
      return plan.cutAfterStateChange ? cut : answered(plan.afterwards ?? response, plan.cutInBody)
    })

interface State {
  readonly world: World.World
  readonly injections: Array<Faults.Injection>
}

const takeFault = ({ injections }: State, method: string): Effect.Effect<Faults.Plan | undefined> =>
  Effect.map(turn, ({ random }) => Faults.plan(Faults.take(injections, method, random)))

/** A call of the API, with the body that came. */
const answerCall = (
  { world }: State,
  method: Methods.Name,
  request: Wire.Request,
  plan: Faults.Plan | undefined,
  instead: Wire.Response | undefined
): Effect.Effect<Wire.Response> =>
  Effect.gen(function*() {
    const parsed = Wire.parse(request)
    const parameters = parsed.ok ? parsed.parameters : new Map<string, string>()
    const verifier = parameters.get("code_verifier")
    const call: Methods.Call = {
      parameters,
      authorization: Wire.readAuthorization(request.headers["authorization"]),
      challenge: verifier ? yield* Effect.promise(() => sha256(verifier)) : undefined
    }
    return yield* Effect.map(turn, (turn) => {
      const entry = {
        _tag: "Call" as const,
        at: turn.now,
        method,
        grantType: parameters.get("grant_type") ?? (parameters.has("code") ? "authorization_code" : undefined),
        clientId: call.authorization._tag === "Basic" ? call.authorization.clientId : parameters.get("client_id"),
        authentication: authenticationOf(call),
        parameters: tell(world, parameters),
        secretInUrl: Array.from(request.url.searchParams.keys()).some((name) => !tellable.has(name)),
        result: "not run",
        fault: plan?.label
      }
      History.add(world.history, entry)
      const requestId = { "x-slack-req-id": `emulated-${++world.serial}` }
      if (instead !== undefined) return { ...instead, headers: { ...instead.headers, ...requestId } }

      const answer: Methods.Answer = parsed.ok
        ? Methods.run(method, world, turn, call)
        : { _tag: "Failure", code: parsed.code, messages: parsed.messages ?? [] }
      entry.result = answer._tag === "Failure" ? answer.code : "ok"
      const response = writeAnswer(method, answer, parsed.ok ? parsed.warnings : [], turn.now)
      return { ...response, headers: { ...response.headers, ...requestId } }
    })
  })

const notRead = (world: World.World, method: string, plan: Faults.Plan | undefined): Effect.Effect<void> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    History.add(world.history, {
      _tag: "Call",
      at: now,
      method,
      grantType: undefined,
      clientId: undefined,
      authentication: "none",
      parameters: {},
      secretInUrl: false,
      result: "not run",
      fault: plan?.label
    }))

/** The consent page, and what a person sends from it. */
const answerAuthorize = (
  { world }: State,
  page: Authorize.Request["page"],
  request: Wire.Request
): Effect.Effect<Wire.Response> =>
  Effect.map(turn, (turn) => {
    const query = request.method === "POST" ? new URLSearchParams(request.body) : request.url.searchParams
    const judged = Authorize.judge(world, page, query)
    if (!judged.ok) return Wire.html(400, Page.refused(judged.refusal))
    if (request.method !== "POST") return Wire.html(200, Page.consent(world, judged.request))
    if (query.get("decision") !== "allow") {
      return Wire.redirect(Authorize.cancel(world, turn, judged.request).url)
    }
    const granted = query.getAll("grant")
    const allowed = Authorize.allow(world, turn, judged.request, {
      target: query.get("target") ?? undefined,
      person: query.get("person") ?? undefined,
      channel: query.get("channel") ?? undefined,
      withhold: judged.request.app.optionalScopes.filter((scope) => !granted.includes(scope))
    })
    return allowed.ok ? Wire.redirect(allowed.callback.url) : Wire.html(400, Page.refused(allowed.refusal))
  })

const authorizePages: { readonly [path: string]: Authorize.Request["page"] } = {
  "/oauth/v2/authorize": "v2",
  "/oauth/authorize": "v1"
}

const notFound = Wire.html(
  404,
  Page.refused({ code: "not_found", message: "The emulator has nothing at this address" })
)

const handle = (state: State) => <E, R>(request: Request<E, R>): Effect.Effect<Outcome, E, R> => {
  const { pathname } = request.url
  const read = Effect.map(request.body, (body): Wire.Request => ({ ...request, body }))

  const page = authorizePages[pathname]
  if (page !== undefined) {
    return Effect.flatMap(takeFault(state, "authorize"), (plan) =>
      around(
        plan,
        (instead) =>
          instead === undefined
            ? Effect.flatMap(read, (request) => answerAuthorize(state, page, request))
            : Effect.succeed(instead),
        Effect.void
      ))
  }

  if (!pathname.startsWith("/api/")) return Effect.succeed(answered(notFound))
  const method = pathname.slice("/api/".length)
  if (!Methods.isName(method)) {
    return Effect.as(read, answered(Wire.json({ ok: false, error: "unknown_method", req_method: method })))
  }
  return Effect.flatMap(takeFault(state, method), (plan) =>
    around(
      plan,
      (instead) => Effect.flatMap(read, (request) => answerCall(state, method, request, plan, instead)),
      notRead(state.world, method, plan)
    ))
}

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

const view = (app: World.App): App => ({
  id: app.id,
  name: app.name,
  clientId: app.clientId,
  clientSecret: Redacted.make(app.clientSecret),
  redirectUris: app.redirectUris,
  rotation: app.rotation,
  pkce: app.pkce
})

const viewChain = (world: World.World, chain: World.Chain, now: number): Chain => ({
  number: chain.number,
  appId: chain.app.id,
  kind: chain.kind,
  target: World.idOf(chain.target),
  person: Option.map(Option.fromNullable(chain.person), ({ id }) => id),
  scopes: chain.scopes,
  generations: chain.issued,
  refreshes: chain.refreshes,
  replays: chain.replays,
  liveAccessTokens: chain.generations
    .filter((generation) => World.accessProblem(generation, now) === undefined)
    .map((generation) => Redacted.make(generation.accessToken)),
  liveRefreshTokens: chain.generations.flatMap((generation) =>
    generation.refreshToken !== undefined && World.refreshProblem(world, generation, now) === undefined
      ? [Redacted.make(generation.refreshToken)]
      : []
  ),
  ended: Option.fromNullable(chain.end)
})

const viewEvent = <E extends History.Event>({ _tag, at, ...event }: E) => ({ ...event, at: DateTime.unsafeMake(at) })

const first = <A>(map: ReadonlyMap<string, A>): A | undefined => map.values().next().value

/** What a test names wrongly is a mistake in the test: a defect that says so. */
const found = <A>(value: A | undefined, what: string): A => {
  if (value === undefined) throw new Error(`SlackEmulator: there is no ${what}`)
  return value
}

const findApp = (world: World.World, clientId: string | undefined): World.App =>
  found(clientId === undefined ? first(world.apps) : world.apps.get(clientId), `app ${clientId ?? ""}`)

const findTarget = (world: World.World, query: InstallationQuery): World.Target =>
  query.organization === undefined
    ? {
      _tag: "Workspace",
      workspace: found(
        query.workspace === undefined ? first(world.workspaces) : world.workspaces.get(query.workspace),
        `workspace ${query.workspace ?? ""}`
      )
    }
    : {
      _tag: "Organization",
      organization: found(world.organizations.get(query.organization), `organization ${query.organization}`)
    }

/** The query of an authorize URL, the app's own or one that says the same. */
const queryOf = (world: World.World, request: AuthorizeRequest): URLSearchParams => {
  if (request.url !== undefined) return new URL(request.url).searchParams
  const app = request.clientId === undefined ? findApp(world, undefined) : undefined
  const query = new URLSearchParams({ client_id: request.clientId ?? found(app, "app").clientId })
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

const judgeRequest = (
  world: World.World,
  request: AuthorizeRequest
): Effect.Effect<Authorize.Request, AuthorizeRefused> =>
  Effect.suspend(() => {
    const page = request.url === undefined ? "v2" : authorizePages[new URL(request.url).pathname] ?? "v2"
    const judged = Authorize.judge(world, page, queryOf(world, request))
    return judged.ok ? Effect.succeed(judged.request) : refuse(judged.refusal)
  })

const refuse = ({ code, message }: Authorize.Refusal) => Effect.fail(new AuthorizeRefused({ code, problem: message }))

const toInjection = ({ fault, method, share, times }: Injection): Faults.Injection => ({
  fault: isMany(fault) ? all(...fault) : fault,
  methods: method === undefined || isMany(method) ? method : [method],
  share: share ?? 1,
  remaining: times ?? (share === undefined ? 1 : Infinity)
})

const isMany = <A>(value: A | ReadonlyArray<A>): value is ReadonlyArray<A> => Array.isArray(value)

/**
 * Makes an emulator. It keeps everything in memory.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Service, ConfigError.ConfigError> =>
  Effect.gen(function*() {
    const times = yield* checkTimes(options)
    const world = seed(options, times, yield* checkCount("historySize", options.historySize ?? 10_000))
    const state: State = { world, injections: [] }

    return SlackEmulator.of({
      app: view(findApp(world, undefined)),
      apps: Effect.sync(() => Array.from(world.apps.values(), view)),

      authorize: (request = {}) =>
        Effect.zipWith(judgeRequest(world, request), turn, (judged, turn) =>
          Authorize.allow(world, turn, judged, { ...request, target: request.organization ?? request.workspace })).pipe(
            Effect.flatMap((allowed) =>
              allowed.ok && allowed.callback.code !== undefined
                ? Effect.succeed({ url: allowed.callback.url, code: allowed.callback.code })
                : refuse(allowed.ok ? { code: "access_denied", message: "There is no code" } : allowed.refusal)
            )
          ),
      cancel: (request = {}) =>
        Effect.zipWith(judgeRequest(world, request), turn, (judged, turn) => ({
          url: Authorize.cancel(world, turn, judged).url
        })),
      issueLegacyToken: (request = {}) =>
        Effect.map(turn, (turn) => {
          const app = findApp(world, request.clientId)
          const person = request.person === undefined
            ? undefined
            : found(world.people.get(request.person), `person ${request.person}`)
          const chain = World.chainFor(
            world,
            app,
            findTarget(world, request),
            person,
            request.scopes ?? ["chat:write"]
          )
          return Redacted.make(World.issueLegacy(world, turn, chain).accessToken)
        }),
      revoke: (token) =>
        Effect.map(turn, (turn) => {
          found(World.label(world, reveal(token)), "token like this")
          World.revoke(world, turn, reveal(token))
        }),
      uninstall: (query = {}) =>
        Effect.map(turn, (turn) => {
          World.uninstall(world, turn, findApp(world, query.clientId), findTarget(world, query))
        }),
      deactivate: (id) =>
        Effect.map(turn, (turn) => {
          const who = world.people.get(id) ?? world.workspaces.get(id) ?? world.organizations.get(id)
          World.deactivate(world, turn, found(who, `person, workspace or organization ${id}`))
        }),
      enableRotation: (clientId) =>
        Effect.sync(() => {
          findApp(world, clientId).rotation = true
        }),
      enablePkce: (clientId) =>
        Effect.sync(() => {
          findApp(world, clientId).pkce = true
        }),
      addApp: (options) =>
        Effect.sync(() =>
          view(seedApp(world, options))
        ),
      addOrganization: (options) => Effect.sync(() => ({ id: seedOrganization(world, options).id })),
      addWorkspace: (options) => Effect.sync(() => ({ id: seedWorkspace(world, options).id })),
      addPerson: (options) => Effect.sync(() => ({ id: seedPerson(world, options).id })),

      inject: (injection) => Effect.sync(() => void state.injections.push(toInjection(injection))),
      clearFaults: Effect.sync(() => void state.injections.splice(0)),

      calls: Effect.sync(() =>
        world.history.events.flatMap((event) => event._tag === "Call" ? [viewEvent(event)] : [])
      ),
      chains: Effect.map(Clock.currentTimeMillis, (now) => world.chains.map((chain) => viewChain(world, chain, now))),
      replays: Effect.sync(() =>
        world.history.events.flatMap((event) => event._tag === "Replay" ? [viewEvent(event)] : [])
      ),
      timeline: Effect.sync(() => History.render(world.history)),
      follow: Stream.asyncPush<History.Event>((emit) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const listener = (event: History.Event) => void emit.single(event)
            world.history.listeners.add(listener)
            return listener
          }),
          (listener) => Effect.sync(() => world.history.listeners.delete(listener))
        )
      ).pipe(Stream.map((event) => History.line(world.history, event))),

      handle: handle(state)
    })
  })

// -------------------------------------------------------------------------------------
// layers
// -------------------------------------------------------------------------------------

/**
 * An emulator. With no options it has one app, one workspace and one person.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { OAuthV2 } from "effect-slack-oauth"
 * import { SlackEmulator } from "effect-slack-oauth/testing"
 *
 * const program = Effect.gen(function*() {
 *   const { code } = yield* SlackEmulator.authorize({ scopes: ["chat:write"] })
 *   const response = yield* OAuthV2.access({ code })
 *   return response.target._tag
 * })
 *
 * const TestLive = OAuthV2.layer.pipe(
 *   Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
 *   Layer.provideMerge(SlackEmulator.layer())
 * )
 *
 * program.pipe(Effect.provide(TestLive), Effect.runPromise).then(console.log) // "Workspace"
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<SlackEmulator, ConfigError.ConfigError> =>
  Layer.effect(SlackEmulator, make(options))

/**
 * The `SlackApp` of an emulated app: the first one, or the one with the given client id. An app with PKCE comes as a
 * public client, without its secret, unless `secret` is true.
 *
 * In memory the base URL does not matter. For an emulator that is served it is the server's address: see
 * {@link layerSlackAppServed}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSlackApp = (options: {
  readonly clientId?: string | undefined
  readonly baseUrl?: string | URL | undefined
  readonly secret?: boolean | undefined
} = {}): Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError, SlackEmulator> =>
  Layer.effect(
    SlackApp.SlackApp,
    Effect.gen(function*() {
      const emulator = yield* SlackEmulator
      const apps = yield* emulator.apps
      const app = found(
        options.clientId === undefined ? apps[0] : apps.find(({ clientId }) => clientId === options.clientId),
        `app ${options.clientId ?? ""}`
      )
      return yield* SlackApp.make({
        clientId: app.clientId,
        clientSecret: options.secret ?? !app.pkce ? app.clientSecret : undefined,
        baseUrl: options.baseUrl
      })
    })
  )

/**
 * The `SlackApp` of an emulated app that is reached over the `HttpServer` in the context.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSlackAppServed = (options: {
  readonly clientId?: string | undefined
  readonly secret?: boolean | undefined
} = {}): Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError, SlackEmulator | HttpServer.HttpServer> =>
  Layer.unwrapEffect(
    HttpServer.addressWith((address) => Effect.succeed(layerSlackApp({ ...options, baseUrl: urlOf(address) })))
  )

/** A server that listens everywhere listens on the loopback address too, and there one can connect. */
const urlOf = (address: HttpServer.Address): string => {
  if (address._tag === "UnixAddress") {
    throw new Error("SlackEmulator: the server listens on a Unix socket, not on a port")
  }
  const { hostname, port } = address
  const host = hostname === "0.0.0.0" || hostname === "::" ? "127.0.0.1" : hostname
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`
}

// -------------------------------------------------------------------------------------
// in memory
// -------------------------------------------------------------------------------------

/** What a socket that goes down looks like to a client, for want of a socket. */
const connectionReset = () =>
  Object.assign(new Error("the connection was cut"), { code: "ECONNRESET", syscall: "read" })

const bodyText = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<string, HttpClientError.RequestError> => {
  const { body } = request
  const failed = (cause: unknown) => new HttpClientError.RequestError({ request, reason: "Encode", cause })
  switch (body._tag) {
    case "Empty":
      return Effect.succeed("")
    case "Uint8Array":
      return Effect.sync(() => new TextDecoder().decode(body.body))
    case "Raw":
    case "FormData":
      return Effect.tryPromise({
        try: () => new Response((body._tag === "Raw" ? body.body : body.formData) as BodyInit).text(),
        catch: failed
      })
    case "Stream":
      return Stream.mkString(Stream.decodeText(Stream.mapError(body.stream, failed)))
  }
}

/** A body that gives half of itself and then breaks. */
const brokenBody = (body: string): ReadableStream<Uint8Array> => {
  const bytes = new TextEncoder().encode(body)
  const chunks = [bytes.slice(0, Math.floor(bytes.length / 2))]
  return new ReadableStream({
    pull: (controller) => {
      const chunk = chunks.shift()
      if (chunk === undefined) controller.error(connectionReset())
      else controller.enqueue(chunk)
    }
  })
}

/**
 * An `HttpClient` that reaches the emulator without a socket, whatever host the URL names.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, SlackEmulator> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(SlackEmulator, (emulator) =>
    HttpClient.make((request, url) =>
      Effect.flatMap(
        emulator.handle({ method: request.method, url, headers: request.headers, body: bodyText(request) }),
        (outcome) =>
          outcome._tag === "Cut"
            ? new HttpClientError.RequestError({ request, reason: "Transport", cause: connectionReset() })
            : Effect.succeed(
              HttpClientResponse.fromWeb(
                request,
                new Response(outcome.cutInBody ? brokenBody(outcome.body) : outcome.body, outcome)
              )
            )
      )
    ))
)

// -------------------------------------------------------------------------------------
// on a port
// -------------------------------------------------------------------------------------

/**
 * Cuts the connection under a request. Platform's servers have no word for it; Node's request brings its socket along.
 * `destroySoon` sends what was written before.
 */
const cutConnection = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<boolean> =>
  Effect.sync(() => {
    const { socket } = request.source as {
      readonly socket?: { readonly destroySoon?: () => void; readonly destroy?: () => void }
    }
    if (socket?.destroySoon !== undefined) socket.destroySoon()
    else if (socket?.destroy !== undefined) socket.destroy()
    else return false
    return true
  })

const respond = (
  request: HttpServerRequest.HttpServerRequest,
  outcome: Outcome
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  // Where the connection is out of reach, the nearest thing is an answer that breaks off before its first byte.
  const brokenOff = (start: Uint8Array, options: HttpServerResponse.Options) =>
    HttpServerResponse.stream(
      Stream.concat(Stream.make(start), Stream.execute(Effect.zipRight(cutConnection(request), Effect.interrupt))),
      options
    )
  if (outcome._tag === "Cut") {
    return Effect.flatMap(
      cutConnection(request),
      (done) => Effect.succeed(done ? HttpServerResponse.empty() : brokenOff(new Uint8Array(), {}))
    )
  }
  const { body, cutInBody, headers, status } = outcome
  if (!cutInBody) return Effect.succeed(HttpServerResponse.text(body, { status, headers }))
  const bytes = new TextEncoder().encode(body)
  return Effect.succeed(
    brokenOff(bytes.slice(0, Math.floor(bytes.length / 2)), {
      status,
      headers: { ...headers, "content-length": String(bytes.length) }
    })
  )
}

/**
 * Serves the emulator with the `HttpServer` in the context. It answers only clients on this machine, unless
 * `anyone` is true: whoever can reach it can take any token from it.
 *
 * @since 0.1.0
 * @category layers
 */
export const serve = (
  options: { readonly anyone?: boolean | undefined } = {}
): Layer.Layer<never, never, SlackEmulator | HttpServer.HttpServer> =>
  HttpServer.serve(
    Effect.gen(function*() {
      const emulator = yield* SlackEmulator
      const request = yield* HttpServerRequest.HttpServerRequest
      if (options.anyone !== true && Option.isSome(request.remoteAddress) && !isLoopback(request.remoteAddress.value)) {
        return HttpServerResponse.text("The emulator answers this machine only", { status: 403 })
      }
      const outcome = yield* emulator.handle({
        method: request.method,
        url: new URL(request.url, "http://emulator"),
        headers: request.headers,
        body: request.text
      })
      return yield* respond(request, outcome)
    })
  )

// -------------------------------------------------------------------------------------
// the service's functions
// -------------------------------------------------------------------------------------

/**
 * The first app.
 *
 * @since 0.1.0
 * @category asking
 */
export const app: Effect.Effect<App, never, SlackEmulator> = Effect.map(SlackEmulator, (emulator) => emulator.app)

/**
 * All apps, as they are now.
 *
 * @since 0.1.0
 * @category asking
 */
export const apps: Effect.Effect<ReadonlyArray<App>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.apps
)

/**
 * A person clicks Allow: what the app's redirect URI gets then, without a browser.
 *
 * @since 0.1.0
 * @category people
 */
export const authorize = (request?: AuthorizeRequest): Effect.Effect<Callback, AuthorizeRefused, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.authorize(request))

/**
 * A person clicks Cancel: the URL that the browser goes to then.
 *
 * @since 0.1.0
 * @category people
 */
export const cancel = (
  request?: AuthorizeRequest
): Effect.Effect<{ readonly url: string }, AuthorizeRefused, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.cancel(request))

/**
 * A long-lived token, as from before the app turned token rotation on, to be exchanged.
 *
 * @since 0.1.0
 * @category people
 */
export const issueLegacyToken = (
  request?: LegacyTokenRequest
): Effect.Effect<Redacted.Redacted, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.issueLegacyToken(request))

/**
 * Revokes an access or refresh token as `auth.revoke` does: a rotating one by itself, a long-lived one with all it
 * stands for.
 *
 * @since 0.1.0
 * @category people
 */
export const revoke = (token: string | Redacted.Redacted): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.revoke(token))

/**
 * Removes an app from a workspace or an organization, with all tokens there.
 *
 * @since 0.1.0
 * @category people
 */
export const uninstall = (query?: InstallationQuery): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.uninstall(query))

/**
 * Deactivates a person, a workspace or an organization by id: their tokens are refused with `account_inactive`.
 *
 * @since 0.1.0
 * @category people
 */
export const deactivate = (id: string): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.deactivate(id))

/**
 * Turns token rotation on for an app (the first, or the one with the client id), which cannot be undone: installs from
 * now on bring rotating tokens, and the long-lived ones can be exchanged.
 *
 * @since 0.1.0
 * @category people
 */
export const enableRotation = (clientId?: string): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.enableRotation(clientId))

/**
 * Turns PKCE on for an app (the first, or the one with the client id), which cannot be undone.
 *
 * @since 0.1.0
 * @category people
 */
export const enablePkce = (clientId?: string): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.enablePkce(clientId))

/**
 * Adds an app.
 *
 * @since 0.1.0
 * @category people
 */
export const addApp = (options?: AppOptions): Effect.Effect<App, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.addApp(options))

/**
 * Adds an organization.
 *
 * @since 0.1.0
 * @category people
 */
export const addOrganization = (
  options?: OrganizationOptions
): Effect.Effect<{ readonly id: string }, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.addOrganization(options))

/**
 * Adds a workspace.
 *
 * @since 0.1.0
 * @category people
 */
export const addWorkspace = (
  options?: WorkspaceOptions
): Effect.Effect<{ readonly id: string }, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.addWorkspace(options))

/**
 * Adds a person.
 *
 * @since 0.1.0
 * @category people
 */
export const addPerson = (options?: PersonOptions): Effect.Effect<{ readonly id: string }, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.addPerson(options))

/**
 * Lets something go wrong. Injections are taken in the order in which they were made, one a call.
 *
 * @example
 * ```ts
 * import { SlackEmulator } from "effect-slack-oauth/testing"
 *
 * // The next refresh or redemption happens, and its answer gets lost.
 * const lostReply = SlackEmulator.inject({
 *   method: "oauth.v2.access",
 *   fault: SlackEmulator.cutAfterStateChange
 * })
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const inject = (injection: Injection): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.inject(injection))

/**
 * Forgets the faults that are still to come.
 *
 * @since 0.1.0
 * @category faults
 */
export const clearFaults: Effect.Effect<void, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.clearFaults
)

/**
 * The calls of the API so far, oldest first.
 *
 * @since 0.1.0
 * @category asking
 */
export const calls: Effect.Effect<ReadonlyArray<Call>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.calls
)

/**
 * All credentials, those that ended too, oldest first.
 *
 * @since 0.1.0
 * @category asking
 */
export const chains: Effect.Effect<ReadonlyArray<Chain>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.chains
)

/**
 * Each time something that works once came again, oldest first.
 *
 * @since 0.1.0
 * @category asking
 */
export const replays: Effect.Effect<ReadonlyArray<Replay>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.replays
)

/**
 * What happened, a line an event, with nothing secret in it: for the output of a test that failed.
 *
 * @since 0.1.0
 * @category asking
 */
export const timeline: Effect.Effect<string, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.timeline
)

/**
 * The lines of the {@link timeline} from now on, as they come.
 *
 * @since 0.1.0
 * @category asking
 */
export const follow: Stream.Stream<string, never, SlackEmulator> = Stream.unwrap(
  Effect.map(SlackEmulator, (emulator) => emulator.follow)
)
