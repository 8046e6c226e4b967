/**
 * Compares a manifest with the settings of a live app.
 */
import { isObject } from "../unknown.js"

export interface Difference {
  /** The field, such as `oauth_config.scopes.bot`. */
  readonly path: string
  /** What the manifest has; for a list, the entries that the live app lacks. */
  readonly wanted: unknown
  /** What the live app has; for a list, the entries that the manifest lacks. `undefined` if there is nothing. */
  readonly actual: unknown
  /** Whether a switch is on that cannot be switched off again, or would be. */
  readonly isOneWay: boolean
}

/** Switches that Slack does not switch off again. */
const oneWay = new Set(["settings.token_rotation_enabled", "oauth_config.pkce_enabled"])

/** Lists that Slack leaves out if they are empty. Entries of the live app that the manifest lacks are differences. */
const wholeLists: ReadonlyArray<readonly [object: string, lists: ReadonlyArray<string>]> = [
  ["oauth_config.scopes", ["bot", "user", "bot_optional", "user_optional"]],
  ["settings.event_subscriptions", ["bot_events", "user_events"]]
]

/** What a switch is that is not there. */
const isOff = (value: unknown): boolean => value === undefined || value === null || value === false

const asList = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []

const listDifference = (path: string, wanted: unknown, actual: unknown): ReadonlyArray<Difference> => {
  const missing = asList(wanted).filter((item) => !asList(actual).includes(item))
  const extra = asList(actual).filter((item) => !asList(wanted).includes(item))
  return missing.length + extra.length === 0 ? [] : [{ path, wanted: missing, actual: extra, isOneWay: false }]
}

const compare = (path: string, wanted: unknown, actual: unknown): ReadonlyArray<Difference> => {
  if (Array.isArray(wanted)) return listDifference(path, wanted, actual)
  if (isObject(wanted)) {
    const live = isObject(actual) ? actual : {}
    const more = wholeLists.find(([object]) => object === path)?.[1] ?? []
    return Array.from(new Set([...Object.keys(wanted), ...more])).flatMap((key) => {
      const inner = path === "" ? key : `${path}.${key}`
      return more.includes(key)
        ? listDifference(inner, wanted[key], live[key])
        : compare(inner, wanted[key], live[key])
    })
  }
  const isSame = wanted === actual || (isOff(wanted) && isOff(actual))
  return isSame ? [] : [{ path, wanted, actual: actual ?? undefined, isOneWay: oneWay.has(path) }]
}

export const diff = (manifest: object, live: unknown): ReadonlyArray<Difference> => {
  const settings = isObject(live) ? live : {}
  // PKCE cannot be switched off, so it is compared even if the manifest does not have it.
  const config = isObject(settings["oauth_config"]) ? settings["oauth_config"] : {}
  const wanted = "oauth_config" in manifest && isObject(manifest.oauth_config) ? manifest.oauth_config : {}
  const path = "oauth_config.pkce_enabled"
  return [
    ...compare("", manifest, settings),
    ...("pkce_enabled" in wanted ? [] : compare(path, false, config["pkce_enabled"]))
  ]
}
