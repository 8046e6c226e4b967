/** The app's settings at Slack, as `apps.manifest.export` gives them. */
import { isObject } from "../../src/internal/unknown.js"
import { error, type Finding, firstOf, ok, warning } from "./finding.js"
import { redirectUrl } from "./redirectUrl.js"

export interface Wanted {
  readonly redirectUrl: string | undefined
  readonly eventsUrl: string | undefined
  readonly botScopes: ReadonlyArray<string>
  readonly userScopes: ReadonlyArray<string>
  readonly publicClient: boolean
}

const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((inner, key) => isObject(inner) ? inner[key] : undefined, value)

const texts = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : []

const scopes = (live: unknown, wanted: Wanted): Finding => {
  const id = "scopes"
  const listed = (kind: "bot" | "user") => [
    ...texts(at(live, "oauth_config", "scopes", kind)),
    ...texts(at(live, "oauth_config", "scopes", `${kind}_optional`))
  ]
  const missing = [
    ...wanted.botScopes.filter((scope) => !listed("bot").includes(scope)).map((scope) => `${scope} (bot)`),
    ...wanted.userScopes.filter((scope) => !listed("user").includes(scope)).map((scope) => `${scope} (user)`)
  ]
  return firstOf(
    ok(id, "The app at Slack has the scopes that the server asks for."),
    missing.length === 0 ? undefined : error(
      id,
      `The app at Slack does not have: ${missing.join(", ")}.`,
      "Add them under OAuth & Permissions, Scopes. The consent page would say invalid_scope."
    ),
    listed("bot").length > 0 && at(live, "features", "bot_user") === undefined
      ? error(
        id,
        "The app at Slack has bot scopes and no bot user.",
        "Add one on the page App Home, or features.bot_user to the manifest."
      )
      : undefined,
    listed("bot").length + listed("user").length === 0
      ? error(id, "The app at Slack has no scopes.", "Add at least one under OAuth & Permissions, Scopes.")
      : undefined
  )
}

const events = (live: unknown, { eventsUrl }: Wanted): Finding => {
  const id = "event-subscriptions"
  const names = texts(at(live, "settings", "event_subscriptions", "bot_events"))
  const url = at(live, "settings", "event_subscriptions", "request_url")
  const missing = ["app_uninstalled", "tokens_revoked"].filter((name) => !names.includes(name))
  return firstOf(
    ok(id, "The app at Slack sends app_uninstalled and tokens_revoked to the event address."),
    at(live, "settings", "socket_mode_enabled") === true
      ? error(
        id,
        "Socket Mode is on, so events do not come to the event address.",
        "Switch it off on the page Socket Mode, or give its events to Lifecycle.handle."
      )
      : undefined,
    typeof url !== "string" || url === ""
      ? error(id, "The app at Slack has no request URL for events.", "Set it on the page Event Subscriptions.")
      : undefined,
    eventsUrl !== undefined && url !== eventsUrl
      ? error(
        id,
        `Slack sends events to ${String(url)}, and not to ${eventsUrl}.`,
        "Change it on the page Event Subscriptions."
      )
      : undefined,
    missing.length > 0
      ? error(
        id,
        `The app at Slack does not subscribe to ${missing.join(" and ")}.`,
        "Subscribe to bot events on the page Event Subscriptions. Without them dead tokens stay in the store."
      )
      : undefined
  )
}

const rotation = (live: unknown): Finding =>
  at(live, "settings", "token_rotation_enabled") === true
    ? ok("rotation", "Token rotation is on: tokens end after twelve hours, and TokenManager renews them.")
    : warning(
      "rotation",
      "Token rotation is off: a token that leaks works until somebody revokes it.",
      "Read docs/slack-app.md before you switch it on: it cannot be switched off again."
    )

const pkce = (live: unknown, { publicClient }: Wanted): Finding => {
  const id = "pkce"
  const isOn = at(live, "oauth_config", "pkce_enabled") === true
  if (publicClient) {
    return isOn
      ? ok(id, "PKCE is on, and the app is a public client.")
      : error(
        id,
        "The app here is a public client, and PKCE is off at Slack.",
        "Use a client secret (SlackApp.layerConfig). Only a program that cannot keep one needs PKCE, and it cannot be undone."
      )
  }
  return isOn
    ? warning(
      id,
      "PKCE is on: the refresh tokens of this app end 30 days after their last use.",
      "Keep the sweep running, and set refreshTokenLifetime of TokenManager to 30 days."
    )
    : ok(id, "PKCE is off, and the app has a client secret.")
}

export const liveApp = (live: unknown, wanted: Wanted): ReadonlyArray<Finding> => [
  ...(wanted.redirectUrl === undefined
    ? []
    : [redirectUrl(wanted.redirectUrl, texts(at(live, "oauth_config", "redirect_urls")))]),
  scopes(live, wanted),
  events(live, wanted),
  rotation(live),
  pkce(live, wanted)
]
