/**
 * Keys as text: the ids of rows, and what a sealed value is bound to.
 */

/** The key of an installation, as `Installation.InstallationKey` has it. */
export type Key =
  | { readonly _tag: "Workspace"; readonly appId: string; readonly teamId: string }
  | { readonly _tag: "Organization"; readonly appId: string; readonly enterpriseId: string }

/** Slack's ids are letters and digits. Others may come with an import, and must not be able to look like another row. */
const part = encodeURIComponent

/** `A0APP/workspace/T0TEAM` or `A0APP/organization/E0ORG`. */
export const installationRowId = (key: Key): string =>
  key._tag === "Workspace"
    ? `${part(key.appId)}/workspace/${part(key.teamId)}`
    : `${part(key.appId)}/organization/${part(key.enterpriseId)}`

/** The key that {@link installationRowId} made this of. */
export const parseInstallationRowId = (row: string): Key | undefined => {
  const match = /^([^/]+)\/(workspace|organization)\/([^/]+)$/.exec(row)
  if (match === null) return undefined
  const [appId, kind, id] = match.slice(1).map(decodeURIComponent) as [string, string, string]
  return kind === "workspace"
    ? { _tag: "Workspace", appId, teamId: id }
    : { _tag: "Organization", appId, enterpriseId: id }
}

/** What a sealed value of this row is bound to. */
export const credentialRowId = (key: Key, subject: string): string => `${installationRowId(key)}/${part(subject)}`
