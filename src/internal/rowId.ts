/**
 * Keys as text: the ids of rows, what a sealed value is bound to, and what names a credential in memory and in messages.
 * Different keys have different texts, and every key has one.
 */

/** The key of an installation, as `Installation.InstallationKey` has it. */
export type Key =
  | { readonly _tag: "Workspace"; readonly appId: string; readonly teamId: string }
  | { readonly _tag: "Organization"; readonly appId: string; readonly enterpriseId: string }

/** `encodeURIComponent` refuses half of a surrogate pair. It is written as `%uD800`, which nothing else is. */
const escape = (id: string): string =>
  id.replace(
    /(\p{Cs})|\P{Cs}+/gu,
    (text, half?: string) =>
      half === undefined ? encodeURIComponent(text) : `%u${half.charCodeAt(0).toString(16).toUpperCase()}`
  )

const unescape = (text: string): string =>
  text
    .split(/%u([0-9A-F]{4})/)
    .map((piece, index) =>
      index % 2 === 0 ? decodeURIComponent(piece) : String.fromCharCode(Number.parseInt(piece, 16))
    )
    .join("")

const isPlain = /^[\w.-]*$/

/** Slack's ids are letters and digits. Other ids, from an import or a stranger, must not look like another row. */
const part = (id: string): string => isPlain.test(id) ? id : escape(id)

/** No id of Slack's has control characters or half of a surrogate pair, and not every database can store them. */
export const isStorable = (id: string): boolean => !/[\p{Cc}\p{Cs}]/u.test(id)

/** `A0APP/workspace/T0TEAM` or `A0APP/organization/E0ORG`. */
export const installationRowId = (key: Key): string =>
  key._tag === "Workspace"
    ? `${part(key.appId)}/workspace/${part(key.teamId)}`
    : `${part(key.appId)}/organization/${part(key.enterpriseId)}`

/** The key that {@link installationRowId} made this of; `undefined` for any other text. */
export const parseInstallationRowId = (row: string): Key | undefined => {
  const match = /^([^/]*)\/(workspace|organization)\/([^/]*)$/.exec(row)
  if (match === null) return undefined
  const [appId, kind, id] = match.slice(1) as [string, string, string]
  try {
    const key: Key = kind === "workspace"
      ? { _tag: "Workspace", appId: unescape(appId), teamId: unescape(id) }
      : { _tag: "Organization", appId: unescape(appId), enterpriseId: unescape(id) }
    return installationRowId(key) === row ? key : undefined
  } catch {
    return undefined
  }
}

/** The subject `"bot"` is the bot's. No person has that id at Slack; one who claims it gets another subject. */
export const userSubject = (userId: string): string => userId === "bot" ? "user:bot" : userId

/** `A0APP/workspace/T0TEAM/U0USER`: what a sealed value of this row is bound to. */
export const credentialRowId = (key: Key, subject: string): string => `${installationRowId(key)}/${part(subject)}`
