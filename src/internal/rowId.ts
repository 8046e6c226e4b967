/**
 * Keys of installations and credentials as text: ids of rows, associated data of encrypted values, and names in memory and
 * in messages. Every key has a text, and different keys have different texts.
 */

/** The key of an installation, as `Installation.InstallationKey` has it. */
export type Key =
  | { readonly _tag: "Workspace"; readonly appId: string; readonly teamId: string }
  | { readonly _tag: "Organization"; readonly appId: string; readonly enterpriseId: string }

/** `encodeURIComponent` throws for half of a surrogate pair. Here it becomes `%uD800`, as nothing else does. */
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

/** Slack's ids have letters and digits only. Other ids, from an import or a request, must not equal the text of another. */
const part = (id: string): string => isPlain.test(id) ? id : escape(id)

/** Slack's ids have no control characters and no half of a surrogate pair. Not every database can store those. */
export const isStorable = (id: string): boolean => !/[\p{Cc}\p{Cs}]/u.test(id)

/** `A0APP/workspace/T0TEAM` or `A0APP/organization/E0ORG`. */
export const installationRowId = (key: Key): string =>
  key._tag === "Workspace"
    ? `${part(key.appId)}/workspace/${part(key.teamId)}`
    : `${part(key.appId)}/organization/${part(key.enterpriseId)}`

/** The inverse of {@link installationRowId}; `undefined` for any other text. */
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

/** The subject `"bot"` is reserved for the bot. No person has that id at Slack; one who does gets another subject. */
export const userSubject = (userId: string): string => userId === "bot" ? "user:bot" : userId

/** A subject as a part of such a text, and the inverse. It has neither white space nor commas. */
export const subjectPart = part
export const parseSubjectPart = unescape

/** `A0APP/workspace/T0TEAM/U0USER`. */
export const credentialRowId = (key: Key, subject: string): string => rowIdIn(installationRowId(key), subject)

/** The same, for an installation whose id is known. */
export const rowIdIn = (installation: string, subject: string): string => `${installation}/${part(subject)}`

/** `A0APP/workspace/T0TEAM#metadata`. No other row has a text with a `#`. */
export const metadataRowId = (installation: string): string => `${installation}#metadata`
