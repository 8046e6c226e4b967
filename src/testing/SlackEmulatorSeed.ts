/**
 * Seeds: what `SlackEmulator` starts with, as JSON, so that a program in any language can write it. The command reads a seed
 * with `--seed FILE`. The fields are those of `SlackEmulator.Options`.
 *
 * The package has the JSON Schema of a seed, `effect-slack-oauth/emulator-seed.schema.json`, with which editors complete and
 * check one.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { decoder, described, patterned } from "../internal/effect/schemas.js"
import { eventsPattern, idPattern, redirectUriPattern, tokenPattern } from "../internal/emulator/checks.js"
import { scopePattern } from "../internal/scopeForm.js"
import { parseJson } from "../internal/unknown.js"
import type { Options } from "./SlackEmulatorModel.js"

const text = (description: string) => Schema.optional(described(Schema.String, description))

const flag = (description: string) => Schema.optional(described(Schema.Boolean, description))

/** A text in a form that the emulator checks, and the JSON Schema has too. */
const formed = (pattern: string, description: string) => Schema.optional(described(patterned(pattern), description))

const id = (description: string) => formed(idPattern, description)

const token = (description: string) => formed(tokenPattern, description)

/** A text that is not empty. */
const secret = (description: string) => formed(".", description)

const formedTexts = (pattern: string, description: string) =>
  Schema.optional(described(Schema.Array(patterned(pattern)), description))

const ids = (description: string) => formedTexts(idPattern, description)

const scopes = (description: string) => formedTexts(scopePattern, description)

const duration = (description: string) =>
  Schema.optional(
    described(Schema.Union(Schema.Number, Schema.String), `${description} Such as "90 seconds", or milliseconds.`)
  )

const App = Schema.Struct({
  id: id("A…"),
  name: text("The name on the consent page."),
  clientId: id("By default the emulator chooses one."),
  clientSecret: secret("By default the emulator chooses one."),
  signingSecret: secret("The key of the signature on events."),
  redirectUris: formedTexts(
    redirectUriPattern,
    "The redirect URLs that the app lists, with their ports. By default https://example.com, http://localhost:3000 and http://127.0.0.1:3000."
  ),
  scopes: scopes("The bot scopes that the app may ask for; any by default."),
  userScopes: scopes("The user scopes that the app may ask for; any by default."),
  optionalScopes: scopes("Scopes that a person may refuse."),
  rotation: flag("Whether tokens rotate; true by default."),
  pkce: flag("Whether the app uses PKCE, which makes it a public client; false by default."),
  desktopLocalhost: flag("Whether http://localhost is a desktop redirect, which needs PKCE; false by default."),
  organizationReady: flag("Whether an organization can install the app; true by default."),
  events: formed(eventsPattern, "The address for events; by default the app gets none.")
})

const Organization = Schema.Struct({
  id: id("E…"),
  name: text("The name of the organization.")
})

const Workspace = Schema.Struct({
  id: id("T…"),
  name: text("The name of the workspace."),
  domain: text("The workspace's URL is https://<domain>.slack.com."),
  organization: id("The id of the organization that the workspace belongs to; none by default."),
  requiresTwoFactor: flag("Whether people need two-factor authentication to install an app.")
})

const Person = Schema.Struct({
  id: id("U…"),
  name: text("The name of the person."),
  workspaces: ids("The ids of the workspaces that the person is in; all by default."),
  emailVerified: flag("true by default."),
  twoFactor: flag("true by default.")
})

const place = {
  clientId: id("The client id of the app; the first app by default."),
  workspace: id("The id of the workspace; the first one by default."),
  organization: id("The id of the organization, if the app is installed there."),
  person: id("The id of the person.")
}

const Code = Schema.Struct({
  code: described(Schema.String, "The code that the app redeems with oauth.v2.access."),
  ...place,
  scopes: scopes("Bot scopes; chat:write by default if there are no user scopes either."),
  userScopes: scopes("User scopes."),
  redirectUri: text("The redirect_uri of the authorize URL."),
  codeChallenge: text("The PKCE challenge, by S256."),
  channel: text("The channel of an incoming webhook.")
})

const pair = {
  accessToken: token("The text of the access token."),
  refreshToken: token("The text of the refresh token.")
}

const Tokens = Schema.Struct({
  ...place,
  ...pair,
  scopes: scopes("chat:write by default."),
  expiresIn: duration("How long the access token works from the start; 0 for an expired one."),
  next: Schema.optional(
    described(Schema.Array(Schema.Struct(pair)), "The pairs that the next installs, refreshes and exchanges give.")
  ),
  botUserId: id("The id of the app's bot user there, U…"),
  botId: id("The id of the app's bot there, B…")
})

const Method = Schema.Struct({
  scopes: scopes("The scopes that the token needs."),
  answer: Schema.optional(
    described(Schema.Record({ key: Schema.String, value: Schema.Unknown }), "The answer. \"ok\": true is added.")
  )
})

const list = <A, I>(schema: Schema.Schema<A, I>, description: string) =>
  Schema.optional(described(Schema.Array(schema), description))

/**
 * A seed. Each field has a default, so `{}` is a seed with one app, one workspace and one person.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Seed = Schema.Struct({
  $schema: text("The address of the JSON Schema, for editors."),
  apps: list(App, "By default one app, with rotation on."),
  organizations: list(Organization, "By default none."),
  workspaces: list(Workspace, "By default one."),
  people: list(Person, "By default one person, who is in every workspace."),
  codes: list(Code, "Authorization codes that exist from the start."),
  tokens: list(
    Tokens,
    "Credentials that exist from the start. An access token alone is long-lived. With neither token, the credential begins with the next install."
  ),
  methods: Schema.optional(
    described(
      Schema.Record({ key: Schema.String, value: Method }),
      "Methods of the Web API, such as chat.postMessage, and what answers them."
    )
  ),
  codeLifetime: duration("How long a code can be redeemed; 10 minutes by default."),
  accessTokenLifetime: duration("How long a rotating access token works; 12 hours by default."),
  refreshGracePeriod: duration(
    "How long a refresh token can be used again after its first use; one minute by default."
  ),
  publicRefreshTokenLifetime: duration("How long a refresh token of an app with PKCE works; 30 days by default."),
  historySize: Schema.optional(described(Schema.Number, "How many events the emulator remembers; 10,000 by default."))
})

/**
 * A seed.
 *
 * @since 0.1.0
 * @category models
 */
export type Seed = typeof Seed.Type

/**
 * The text is not JSON, or has not the form of a seed. `paths` says where, such as `apps.0.redirectUris`, and never contains
 * a value. If it is empty, the text is not a JSON object.
 *
 * @since 0.1.0
 * @category errors
 */
export class SlackEmulatorSeedRefused
  extends Schema.TaggedError<SlackEmulatorSeedRefused>()("SlackEmulatorSeedRefused", {
    paths: Schema.Array(Schema.String)
  })
{
  override get message(): string {
    return this.paths.length === 0
      ? "The seed is not a JSON object."
      : `The seed does not have the right form. Look at ${
        this.paths.join(", ")
      }. A key that the schema does not have is ` +
        "refused too, because it may be misspelt."
  }
}

const decode = decoder(Seed, { closed: true })

/** The text of a duration is checked with the other options. */
const asDuration = (value: number | string | undefined) => value as Duration.DurationInput | undefined

/**
 * The options that a seed describes. `SlackEmulator.layer` checks what they say of one another.
 *
 * @example
 * ```ts
 * import { Either } from "effect"
 * import { SlackEmulatorSeed } from "effect-slack-oauth/testing"
 *
 * const options = SlackEmulatorSeed.parse(`{ "workspaces": [{ "id": "T0TEA", "name": "Tea Room" }] }`)
 *
 * console.log(Either.map(options, ({ workspaces }) => workspaces?.length)) // Right(1)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (json: string): Either.Either<Options, SlackEmulatorSeedRefused> => {
  // Editors on Windows write a byte order mark.
  const decoded = decode(parseJson(json.replace(/^\uFEFF/, "")))
  if (Either.isLeft(decoded)) return Either.left(new SlackEmulatorSeedRefused({ paths: decoded.left }))
  const { $schema: _, ...seed } = decoded.right
  return Either.right({
    ...seed,
    tokens: seed.tokens?.map((tokens) => ({ ...tokens, expiresIn: asDuration(tokens.expiresIn) })),
    codeLifetime: asDuration(seed.codeLifetime),
    accessTokenLifetime: asDuration(seed.accessTokenLifetime),
    refreshGracePeriod: asDuration(seed.refreshGracePeriod),
    publicRefreshTokenLifetime: asDuration(seed.publicRefreshTokenLifetime)
  })
}
