/**
 * The data that goes into `SlackEmulator` and comes out of it. `SlackEmulator` exports all of it.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Installation, InstallationKey } from "../Installation.js"
import type * as Methods from "../internal/emulator/methods.js"
import type { Fault } from "./SlackEmulatorFault.js"

// -------------------------------------------------------------------------------------
// what the emulator starts with
// -------------------------------------------------------------------------------------

/**
 * An app that the emulator knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface App {
  readonly id: string
  readonly name: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  /** The key of the signature on the events that the emulator sends. */
  readonly signingSecret: Redacted.Redacted
  readonly redirectUris: ReadonlyArray<string>
  /** Whether tokens rotate. */
  readonly rotation: boolean
  /** Whether the app may authenticate with PKCE instead of its secret. */
  readonly pkce: boolean
}

/**
 * An app to create. Every field has a default.
 *
 * @since 0.1.0
 * @category options
 */
export interface AppOptions {
  /** `A…` */
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly clientId?: string | undefined
  readonly clientSecret?: string | Redacted.Redacted | undefined
  readonly signingSecret?: string | Redacted.Redacted | undefined
  /**
   * The redirect URLs that the app lists. Slack redirects to these URLs and to URLs below them, and compares them
   * literally: `127.0.0.1` is not `localhost`, and a port is part of the URL. By default `https://example.com`,
   * `http://localhost:3000` and `http://127.0.0.1:3000`. If an authorize URL has no `redirect_uri`, Slack takes the
   * first one.
   */
  readonly redirectUris?: ReadonlyArray<string> | undefined
  /** The bot scopes that the app may ask for; any scope by default. */
  readonly scopes?: ReadonlyArray<string> | undefined
  /** The user scopes that the app may ask for; any scope by default. */
  readonly userScopes?: ReadonlyArray<string> | undefined
  /** Bot and user scopes that a person may refuse. */
  readonly optionalScopes?: ReadonlyArray<string> | undefined
  /** Whether tokens rotate; `true` by default. */
  readonly rotation?: boolean | undefined
  /** Whether the app uses PKCE, which makes it a public client; `false` by default. */
  readonly pkce?: boolean | undefined
  /** Whether `http://localhost` is a desktop redirect, which needs PKCE and gets no bot; `false` by default. */
  readonly desktopLocalhost?: boolean | undefined
  /** Whether an organization can install the app for all its workspaces; `true` by default. */
  readonly organizationReady?: boolean | undefined
  /** Where events go: the address of the app, or a function. By default the app gets no events. */
  readonly events?: string | URL | EventsHandler | undefined
}

/**
 * An app's event address as a function from request to response, such as a web handler.
 *
 * @since 0.1.0
 * @category models
 */
export type EventsHandler = (request: globalThis.Request) => Promise<Response> | Effect.Effect<Response, unknown>

/**
 * An organization (Enterprise Grid) to create. Every field has a default.
 *
 * @since 0.1.0
 * @category options
 */
export interface OrganizationOptions {
  /** `E…` */
  readonly id?: string | undefined
  readonly name?: string | undefined
}

/**
 * A workspace to create. Every field has a default.
 *
 * @since 0.1.0
 * @category options
 */
export interface WorkspaceOptions {
  /** `T…` */
  readonly id?: string | undefined
  readonly name?: string | undefined
  /** The workspace's URL is `https://<domain>.slack.com`. */
  readonly domain?: string | undefined
  /** The id of the organization that the workspace belongs to; none by default. */
  readonly organization?: string | undefined
  /** Whether people need two-factor authentication to install an app; `false` by default. */
  readonly requiresTwoFactor?: boolean | undefined
}

/**
 * A person to create. Every field has a default.
 *
 * @since 0.1.0
 * @category options
 */
export interface PersonOptions {
  /** `U…` */
  readonly id?: string | undefined
  readonly name?: string | undefined
  /** The ids of the workspaces that the person is in; all workspaces by default. */
  readonly workspaces?: ReadonlyArray<string> | undefined
  /** `true` by default. */
  readonly emailVerified?: boolean | undefined
  /** `true` by default. */
  readonly twoFactor?: boolean | undefined
}

/**
 * Where something belongs: by default to the first app, in the first workspace.
 *
 * @since 0.1.0
 * @category models
 */
export interface InstallationQuery {
  /** The client id of the app; the first app by default. */
  readonly clientId?: string | undefined
  readonly workspace?: string | undefined
  readonly organization?: string | undefined
}

/**
 * An authorization code that exists from the start, as if a person had clicked Allow at that time.
 *
 * @since 0.1.0
 * @category options
 */
export interface CodeOptions extends InstallationQuery {
  readonly code: string
  /** The id of the person who has clicked; the first one in the workspace by default. */
  readonly person?: string | undefined
  /** Bot scopes; `chat:write` by default if there are no user scopes either. */
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly userScopes?: ReadonlyArray<string> | undefined
  readonly redirectUri?: string | undefined
  /** The PKCE challenge, by S256. */
  readonly codeChallenge?: string | undefined
  /** The channel for an incoming webhook; `#general` by default. */
  readonly channel?: string | undefined
}

/**
 * Tokens with given texts.
 *
 * @since 0.1.0
 * @category models
 */
export interface TokenPair {
  /** By default the emulator chooses one. */
  readonly accessToken?: string | Redacted.Redacted | undefined
  /** By default the emulator chooses one, if the token rotates. */
  readonly refreshToken?: string | Redacted.Redacted | undefined
}

/**
 * The credential of a bot, or of a person: the tokens that it has from the start, and the ones that it gets next. With an
 * access token alone, the token is long-lived. With neither token, the credential begins with the next install.
 *
 * @since 0.1.0
 * @category options
 */
export interface TokenOptions extends InstallationQuery, TokenPair {
  /** The id of the person, for a user token. */
  readonly person?: string | undefined
  /** `chat:write` by default. */
  readonly scopes?: ReadonlyArray<string> | undefined
  /** How long the access token works from the start; the app's lifetime by default, and zero for an expired one. */
  readonly expiresIn?: Duration.DurationInput | undefined
  /** The pairs that the next installs, refreshes and exchanges give, in this order. */
  readonly next?: ReadonlyArray<TokenPair> | undefined
  /** The id of the app's bot user there, `U…`. */
  readonly botUserId?: string | undefined
  /** The id of the app's bot there, `B…`. */
  readonly botId?: string | undefined
}

/**
 * What an emulator starts with, and how long its codes and tokens live.
 *
 * @example
 * ```ts
 * import { SlackEmulator } from "effect-slack-oauth/testing"
 *
 * const options: SlackEmulator.Options = {
 *   organizations: [{ id: "E0BIG" }],
 *   workspaces: [{ id: "T0TEA", name: "Tea Room", organization: "E0BIG" }],
 *   accessTokenLifetime: "2 minutes"
 * }
 *
 * const Slack = SlackEmulator.layer(options)
 * ```
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** By default one app, with rotation on. */
  readonly apps?: ReadonlyArray<AppOptions> | undefined
  /** By default none. */
  readonly organizations?: ReadonlyArray<OrganizationOptions> | undefined
  /** By default one. */
  readonly workspaces?: ReadonlyArray<WorkspaceOptions> | undefined
  /** By default one person, who is in every workspace. */
  readonly people?: ReadonlyArray<PersonOptions> | undefined
  /** Authorization codes that exist from the start; by default none. */
  readonly codes?: ReadonlyArray<CodeOptions> | undefined
  /** Credentials that exist from the start, and the tokens that they get next; by default none. */
  readonly tokens?: ReadonlyArray<TokenOptions> | undefined
  /**
   * Methods of the Web API, such as `chat.postMessage`, and what answers them. The emulator checks the token first. Every
   * other method is an `unknown_method`.
   */
  readonly methods?: Readonly<Record<string, MethodHandler>> | undefined
  /** How long an authorization code can be redeemed; 10 minutes by default, as at Slack. */
  readonly codeLifetime?: Duration.DurationInput | undefined
  /** How long a rotating access token works; 12 hours by default, as at Slack. */
  readonly accessTokenLifetime?: Duration.DurationInput | undefined
  /**
   * How long a refresh token can be used again after its first use; one minute by default. Slack documents a short
   * grace period, and not its length.
   */
  readonly refreshGracePeriod?: Duration.DurationInput | undefined
  /** How long a refresh token of an app with PKCE works; 30 days by default, as at Slack. Other apps' do not expire. */
  readonly publicRefreshTokenLifetime?: Duration.DurationInput | undefined
  /**
   * How much the emulator remembers; 10,000 by default: of the latest events in `calls`, `replays` and `timeline`, of
   * deliveries, of chains that have ended, and of token pairs that do not work any more. An older access token that does
   * not work is unknown: `invalid_auth`.
   */
  readonly historySize?: number | undefined
}

// -------------------------------------------------------------------------------------
// methods of the Web API
// -------------------------------------------------------------------------------------

/**
 * A call of a method that the options add. Its token works, and has the scopes that the handler names.
 *
 * @since 0.1.0
 * @category models
 */
export interface MethodCall {
  /** Such as `chat.postMessage`. */
  readonly method: string
  /** Where the app is installed that makes the call. */
  readonly installation: InstallationKey
  /** Whose token it is: `bot`, or the id of a person. */
  readonly subject: string
  /** The scopes of the token. */
  readonly scopes: ReadonlyArray<string>
  /** The arguments without the token: text from a form, and any JSON from a JSON body. */
  readonly parameters: Readonly<Record<string, unknown>>
}

/**
 * What answers a method: a function, an answer that is always the same, or either of them with the scopes that the token
 * needs. Without those scopes the call is refused with `missing_scope`. `ok: true` is added to the answer, unless the
 * answer has an `ok` of its own: `{ ok: false, error: "channel_not_found" }`.
 *
 * @since 0.1.0
 * @category models
 */
export type MethodHandler =
  | ((call: MethodCall) => Effect.Effect<object>)
  | {
    readonly scopes?: ReadonlyArray<string> | undefined
    /** `{}` by default. */
    readonly answer?: Readonly<Record<string, unknown>> | ((call: MethodCall) => Effect.Effect<object>) | undefined
  }

// -------------------------------------------------------------------------------------
// what people and admins do
// -------------------------------------------------------------------------------------

/**
 * An app's request to be installed, and the person's choices on the consent page. If there is a `url`, it is the
 * request, and the fields `clientId` to `codeChallenge` are ignored.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthorizeRequest {
  /** The authorize URL that the app sends people to. */
  readonly url?: string | URL | undefined
  /** The client id of the app; the first app by default. */
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
  /** The id of the organization, to install in all its workspaces. */
  readonly organization?: string | undefined
  /** The id of the person who clicks; the first one in the workspace by default. */
  readonly person?: string | undefined
  /** Optional scopes that the person refuses. */
  readonly withhold?: ReadonlyArray<string> | undefined
  /** The channel for an incoming webhook; `#general` by default. */
  readonly channel?: string | undefined
}

/**
 * What the app's redirect URI receives when a person has clicked Allow.
 *
 * @since 0.1.0
 * @category models
 */
export interface Callback {
  readonly code: string
  /** The redirect URI with `code` and `state`. */
  readonly url: string
  /** The key of the installation that the person allowed. */
  readonly installation: InstallationKey
}

/**
 * What a person sees at the end of an install, and what the app has stored.
 *
 * @since 0.1.0
 * @category models
 */
export interface Installed {
  /** The flow's last response: a redirect that leaves the flow, or a page. */
  readonly response: Response
  /** The installation in the store. `None` if the flow ended with an error, or with a page of the app's `begin`. */
  readonly installation: Option.Option<Installation>
}

/**
 * Slack shows an error page instead of the consent page.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthorizeRefused extends Schema.TaggedError<AuthorizeRefused>("effect-slack-oauth/AuthorizeRefused")(
  "AuthorizeRefused",
  {
    /** The code on the page, such as `bad_redirect_uri`. */
    code: Schema.String,
    /** The explanation on the page. */
    problem: Schema.String
  }
) {
  override get message(): string {
    return `The authorize page says ${this.code}: ${this.problem}`
  }
}

/**
 * The owner of a long-lived token: the person if there is one, otherwise the bot.
 *
 * @since 0.1.0
 * @category models
 */
export interface LegacyTokenRequest extends InstallationQuery {
  /** The id of the person, for a user token. */
  readonly person?: string | undefined
  /** `chat:write` by default. */
  readonly scopes?: ReadonlyArray<string> | undefined
}

/**
 * The methods that can fail on demand, also those that the options add; `authorize` is the consent page.
 *
 * @since 0.1.0
 * @category models
 */
export type Method = Methods.Name | "authorize" | (string & {})

/**
 * A fault, and the calls that it affects: the next call, the next `times` calls, or a `share` of all calls.
 *
 * @since 0.1.0
 * @category faults
 */
export interface Injection {
  readonly fault: Fault | ReadonlyArray<Fault>
  /** By default every method of the API. */
  readonly method?: Method | ReadonlyArray<Method> | undefined
  /** How many calls it affects; by default 1, or without limit if there is a `share`. */
  readonly times?: number | undefined
  /** The share of calls that it affects, chosen at random: from 0 to 1. */
  readonly share?: number | undefined
}

/**
 * An injection that is left.
 *
 * @since 0.1.0
 * @category faults
 */
export interface PendingFault {
  /** A description of the fault. */
  readonly fault: string
  /** `undefined` means every method of the API. */
  readonly methods: ReadonlyArray<string> | undefined
  /** How many more calls it affects; `Infinity` if there is no limit. */
  readonly times: number
  readonly share: number
}

// -------------------------------------------------------------------------------------
// what happened
// -------------------------------------------------------------------------------------

/**
 * A credential over time: the bot's in one workspace or organization, or one person's there.
 *
 * @since 0.1.0
 * @category models
 */
export interface Chain {
  /** From 1, in order of creation. */
  readonly number: number
  readonly appId: string
  readonly kind: "bot" | "user"
  /** The id of the workspace or organization. */
  readonly target: string
  /** The id of the person, for a user token. */
  readonly person: Option.Option<string>
  readonly scopes: ReadonlyArray<string>
  /** How many token pairs and long-lived tokens were issued. */
  readonly generations: number
  /** How many refreshes succeeded. */
  readonly refreshes: number
  /** How often a single-use token was presented again. */
  readonly replays: number
  /** The access tokens that work now, oldest first. Slack keeps at most two. */
  readonly liveAccessTokens: ReadonlyArray<Redacted.Redacted>
  /** The refresh tokens that work now, oldest first; also those in their grace period. */
  readonly liveRefreshTokens: ReadonlyArray<Redacted.Redacted>
  /** Why the whole chain has ended, if it has. */
  readonly ended: Option.Option<"revoked" | "uninstalled" | "deactivated">
}

/**
 * A call that the emulator received. Each secret is replaced by a description of it.
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
  /** How the client authenticated. */
  readonly authentication: "basic" | "body" | "bearer" | "none"
  readonly parameters: Readonly<Record<string, string>>
  /** Whether the URL contained a secret, which logs would keep. */
  readonly secretInUrl: boolean
  /** `ok` or Slack's error code; `not run` if a fault came first. */
  readonly result: string
  /** The fault that affected the call, if there was one. */
  readonly fault: string | undefined
}

/**
 * A single-use code or token was presented a second time.
 *
 * @since 0.1.0
 * @category models
 */
export interface Replay {
  readonly at: DateTime.Utc
  readonly what: "code" | "refresh token" | "legacy token"
  /** A description of the code or token. */
  readonly label: string
  /** Whether it was accepted again, as a refresh token is in its grace period. */
  readonly honoured: boolean
}

// -------------------------------------------------------------------------------------
// events
// -------------------------------------------------------------------------------------

/**
 * An event for an app, such as `{ event: { type: "app_home_opened", user: "U0EMULATED" } }`.
 *
 * @since 0.1.0
 * @category events
 */
export interface EventRequest extends InstallationQuery {
  readonly event: { readonly type: string; readonly [field: string]: unknown }
  /** The id of the event. Give it again to send the same event twice, as Slack may do. */
  readonly id?: string | undefined
  /** When it happened; now by default. Slack may deliver events late. */
  readonly at?: DateTime.Utc | undefined
}

/**
 * A request of the emulator to the event address of an app: an event, or the `url_verification` before the first event.
 *
 * @since 0.1.0
 * @category events
 */
export interface Delivery {
  /** The id of the event, `Ev…`. */
  readonly id: string
  readonly appId: string
  /** The type of the event, or `url_verification`. */
  readonly type: string
  /** The body of the request. */
  readonly body: string
  /** It fails after the last attempt. Slack makes four attempts: the last one is six minutes after the first. */
  readonly state: "pending" | "delivered" | "failed"
  readonly attempts: ReadonlyArray<DeliveryAttempt>
}

/**
 * One attempt to deliver an event.
 *
 * @since 0.1.0
 * @category events
 */
export interface DeliveryAttempt {
  readonly at: DateTime.Utc
  /** 0 for the first attempt, and then the value of `X-Slack-Retry-Num`. */
  readonly retry: number
  /** What went wrong, as `X-Slack-Retry-Reason` says it in the next attempt. */
  readonly problem: DeliveryProblem | undefined
  /** The status of the answer, if there was one. */
  readonly status: number | undefined
  /** The body of the answer, or the error of a handler. */
  readonly answer: string
}

/**
 * Why an attempt failed: no answer within three seconds, no connection, or an answer without a status from 200 to 299.
 *
 * @since 0.1.0
 * @category events
 */
export type DeliveryProblem = "http_timeout" | "connection_failed" | "http_error"

// -------------------------------------------------------------------------------------
// HTTP
// -------------------------------------------------------------------------------------

/**
 * A request to the emulator, in memory or over a server.
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
 * The outcome of a request: an answer, or a connection that breaks before the answer.
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
    /** Whether the connection breaks in the middle of the body. */
    readonly cutInBody: boolean
  }
  | { readonly _tag: "Cut" }
