/** Checks of what a test or a seed describes: ids, secrets, addresses, scopes and faults. */
import { parseUrl } from "../parseUrl.js"
import { isScope } from "../scopeForm.js"
import type * as Faults from "./faults.js"
import { Mistake } from "./finding.js"

/** As much of a wrong value as an error shows. */
const quoted = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)

/**
 * Redirect URLs of an app: absolute, with any scheme and without a fragment. What has a number after the colon, such as
 * `localhost:3000`, lacks its scheme. The JSON Schema of seeds has this pattern.
 */
export const redirectUriPattern = "^[A-Za-z][A-Za-z0-9+.-]*:(?![0-9]+(/|$))[^#\\s]+$"

/** Addresses for events. The JSON Schema of seeds has this pattern. */
export const eventsPattern = "^https?://[^#\\s]+$"

/** Ids: any text in one line. The JSON Schema of seeds has this pattern. */
export const idPattern = "^[^\\x00-\\x1F]+$"

/** Tokens: one word. The JSON Schema of seeds has this pattern. */
export const tokenPattern = "^\\S+$"

const check = (pattern: string) => {
  const expression = new RegExp(pattern)
  return (text: string): boolean => expression.test(text)
}

const isRedirectUri = check(redirectUriPattern)
const isEventsAddress = check(eventsPattern)
const isId = check(idPattern)

export const isToken = check(tokenPattern)

export const checkId = (id: string, place: string, what = "id"): void => {
  if (!isId(id)) throw new Mistake(`SlackEmulator: the ${what} is empty, or has more than one line.`, place)
}

/** Slack takes an empty secret for an absent one. */
export const checkSecret = (secret: string, place: string): void => {
  if (secret === "") {
    throw new Mistake("SlackEmulator: the secret is empty. Leave it out, or choose another one.", place)
  }
}

export const checkRedirectUris = (redirectUris: ReadonlyArray<string>): void =>
  redirectUris.forEach((redirectUri, index) => {
    if (isRedirectUri(redirectUri) && URL.canParse(redirectUri)) return
    throw new Mistake(
      `SlackEmulator: the redirect URL ${
        quoted(redirectUri)
      } is not an absolute URL without a fragment. Write it in full, ` +
        "such as http://localhost:3000/slack.",
      `.redirectUris[${index}]`
    )
  })

/** The address to which events are posted. `fetch` takes no credentials in it. */
export const checkEvents = (address: string | URL): void => {
  const text = String(address)
  const url = isEventsAddress(text) ? parseUrl(text) : undefined
  if (url !== undefined && url.username === "" && url.password === "") return
  throw new Mistake(
    "SlackEmulator: the address for events is not an http or https URL without a fragment, a user name and a password. " +
      "Write it in full, such as http://localhost:3000/slack/events.",
    ".events"
  )
}

export const checkScopes = (scopes: ReadonlyArray<string> | undefined, place = "scopes"): void =>
  scopes?.forEach((scope, index) => {
    if (isScope(scope)) return
    throw new Mistake(
      `SlackEmulator: ${quoted(scope)} is not a scope. Write each scope as a text of its own, such as chat:write.`,
      `.${place}[${index}]`
    )
  })

const checkFault = (fault: Faults.Fault): void => {
  switch (fault._tag) {
    case "ServerError":
      if (Number.isInteger(fault.status) && fault.status >= 500 && fault.status <= 599) return
      throw new Mistake(
        `SlackEmulator: ${fault.status} is not the status of a server error. Take 500 to 599.`,
        ".status"
      )
    case "AfterStateChange":
      return checkFault(fault.fault)
    case "All":
      if (fault.faults.length === 0) throw new Mistake("SlackEmulator: the list of faults is empty.", ".faults")
      return fault.faults.forEach(checkFault)
    default:
      return
  }
}

export const checkInjection = ({ fault, remaining, share }: Faults.Injection): void => {
  checkFault(fault)
  if (!(remaining === Infinity || Number.isSafeInteger(remaining) && remaining > 0)) {
    throw new Mistake("SlackEmulator: times has to be a whole number, 1 or more.", ".times")
  }
  if (!(share >= 0 && share <= 1)) throw new Mistake("SlackEmulator: share has to be a number from 0 to 1.", ".share")
}
