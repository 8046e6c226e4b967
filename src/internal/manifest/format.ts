/**
 * Slack's format of a manifest, with its limits.
 *
 * @see https://github.com/slackapi/manifest-schema/blob/main/schemas/manifest.schema.2.0.0.json
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { decoder, where } from "../effect/schemas.js"

const text = (shortest: number, longest: number) =>
  where(Schema.String, ({ length }) => length >= shortest && length <= longest)

const list = (longest: number, itemLength: number) =>
  where(Schema.Array(text(0, itemLength)), ({ length }) => length <= longest)

const hasNoRepetition = (items: ReadonlyArray<string>): boolean => new Set(items).size === items.length

/** Slack's own schema also takes http here, and its page then refuses it. */
const address = where(Schema.String, (url) => url.startsWith("https://") && url.length <= 3500)

const DisplayInformation = Schema.Struct({
  name: text(1, 35),
  description: Schema.optional(text(1, 140)),
  long_description: Schema.optional(text(175, 4000)),
  background_color: Schema.optional(where(Schema.String, (color) => /^#[\da-f]{3}([\da-f]{3})?$/i.test(color)))
})

const Features = Schema.Struct({
  app_home: Schema.optional(Schema.Struct({
    home_tab_enabled: Schema.optional(Schema.Boolean),
    messages_tab_enabled: Schema.optional(Schema.Boolean),
    messages_tab_read_only_enabled: Schema.optional(Schema.Boolean)
  })),
  bot_user: Schema.optional(Schema.Struct({
    display_name: text(1, 80),
    always_online: Schema.optional(Schema.Boolean)
  })),
  shortcuts: Schema.optional(where(
    Schema.Array(Schema.Struct({
      name: text(1, 24),
      type: Schema.Literal("message", "global"),
      callback_id: text(1, 255),
      description: text(1, 150)
    })),
    ({ length }) => length >= 1 && length <= 10
  )),
  slash_commands: Schema.optional(where(
    Schema.Array(Schema.Struct({
      command: where(Schema.String, (command) => /^\/.{1,31}$/.test(command)),
      url: Schema.optional(address),
      description: text(1, 2000),
      usage_hint: Schema.optional(text(1, 1000)),
      should_escape: Schema.optional(Schema.Boolean)
    })),
    ({ length }) => length >= 1 && length <= 50
  )),
  unfurl_domains: Schema.optional(where(
    Schema.Array(where(Schema.String, (domain) => /^(?![.-])[-a-z\d.]+[a-z\d]$/.test(domain) && domain.length <= 255)),
    (domains) => domains.length >= 1 && domains.length <= 5 && hasNoRepetition(domains)
  ))
})

const Scopes = Schema.Struct({
  bot: Schema.optional(list(255, 50)),
  user: Schema.optional(list(255, 50)),
  bot_optional: Schema.optional(list(255, 50)),
  user_optional: Schema.optional(list(255, 50))
})

const OAuthConfig = Schema.Struct({
  redirect_urls: Schema.optional(where(list(1000, 2500), hasNoRepetition)),
  scopes: Schema.optional(Scopes),
  token_management_enabled: Schema.optional(Schema.Boolean),
  pkce_enabled: Schema.optional(Schema.Boolean)
})

const Settings = Schema.Struct({
  allowed_ip_address_ranges: Schema.optional(where(
    Schema.Array(where(
      Schema.String,
      (range) =>
        /^(\d{1,3}\.){3}\d{1,3}(\/\d{1,2})?$/.test(range) &&
        range.split(/[./]/).every((part, index) => Number(part) <= (index === 4 ? 32 : 255))
    )),
    (ranges) => ranges.length >= 1 && ranges.length <= 50 && hasNoRepetition(ranges)
  )),
  event_subscriptions: Schema.optional(Schema.Struct({
    request_url: Schema.optional(address),
    bot_events: Schema.optional(where(list(100, 50), hasNoRepetition)),
    user_events: Schema.optional(where(list(100, 50), hasNoRepetition))
  })),
  interactivity: Schema.optional(Schema.Struct({
    is_enabled: Schema.Boolean,
    request_url: Schema.optional(address),
    message_menu_options_url: Schema.optional(address)
  })),
  incoming_webhooks: Schema.optional(Schema.Struct({ incoming_webhooks_enabled: Schema.optional(Schema.Boolean) })),
  org_deploy_enabled: Schema.optional(Schema.Boolean),
  socket_mode_enabled: Schema.optional(Schema.Boolean),
  token_rotation_enabled: Schema.optional(Schema.Boolean),
  is_mcp_enabled: Schema.optional(Schema.Boolean)
})

export const Manifest = Schema.Struct({
  _metadata: Schema.optional(Schema.Struct({
    major_version: Schema.optional(Schema.Int),
    minor_version: Schema.optional(Schema.Int)
  })),
  display_information: DisplayInformation,
  features: Schema.optional(Features),
  oauth_config: Schema.optional(OAuthConfig),
  settings: Schema.optional(Settings)
})

export type Manifest = typeof Manifest.Type

/** What belongs at a path. The first pattern that matches counts. A path that matches none is not in the format. */
const rules: ReadonlyArray<readonly [pattern: RegExp, rule: string]> = [
  [/^display_information$/, "has to be there, with a name"],
  [/^display_information\.name$/, "has to be a text of 1 to 35 characters"],
  [/^display_information\.description$/, "has to be a text of 1 to 140 characters"],
  [/^display_information\.long_description$/, "has to be a text of 175 to 4000 characters"],
  [/^display_information\.background_color$/, "has to be a color, such as #4a154b"],
  [/^features\.bot_user\.display_name$/, "has to be a text of 1 to 80 characters"],
  [/^features\.slash_commands\.\d+\.command$/, "has to begin with a slash, and have at most 32 characters"],
  [/(_url|\.url)$/, "has to be an https URL"],
  [/^features\.slash_commands$/, "has to have 1 to 50 commands"],
  [/^features\.shortcuts$/, "has to have 1 to 10 shortcuts"],
  [/^features\.unfurl_domains/, "has to have 1 to 5 domains, each once"],
  [/^oauth_config\.redirect_urls/, "has to have at most 1000 URLs, each once"],
  [/^oauth_config\.scopes\.\w+\.\d+$/, "has to be a scope of at most 50 characters"],
  [/^oauth_config\.scopes\.(bot|user)(_optional)?$/, "has to have at most 255 scopes"],
  [/^settings\.event_subscriptions\.(bot|user)_events/, "has to have at most 100 events, each once"],
  [/^settings\.allowed_ip_address_ranges/, "has to have 1 to 50 ranges of IPv4 addresses, each once"],
  [/_enabled$|^settings\.interactivity\.is_enabled$|always_online$|should_escape$/, "has to be true or false"],
  [/^(features|oauth_config|settings|_metadata)$/, "has to be an object"],
  [/^features\.(shortcuts|slash_commands)\.\d+\./, "is missing, or has a length or a value that Slack does not take"]
]

const wordsOf = (path: string): string =>
  `${path} ${rules.find(([pattern]) => pattern.test(path))?.[1] ?? "is not in Slack's format of a manifest"}.`

const decodeClosed = decoder(Manifest, { closed: true })

/** A manifest that Slack takes, or what is wrong with it. */
export const decode = (value: unknown): Either.Either<Manifest, ReadonlyArray<string>> =>
  Either.mapLeft(
    decodeClosed(value),
    (paths) => paths.length === 0 ? ["A manifest has to be an object."] : paths.map(wordsOf)
  )
