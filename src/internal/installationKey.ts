/**
 * Keys of installations and credentials: from the ids of rows, and from subjects.
 */
import * as Option from "effect/Option"
import * as Installation from "../Installation.js"
import { parseInstallationRowId } from "./rowId.js"
import { unchecked } from "./unchecked.js"

/** The key of the installation that a row id names; none if the text is not such an id. */
export const keyOfRow = (rowId: string): Option.Option<Installation.InstallationKey> =>
  Option.map(
    Option.fromNullable(parseInstallationRowId(rowId)),
    (key) =>
      key._tag === "Workspace"
        ? Installation.workspace(key.appId, key.teamId)
        : Installation.organization(key.appId, key.enterpriseId)
  )

/** The key of a subject's credential. */
export const credentialKeyOf = (
  installation: Installation.InstallationKey,
  subject: string
): Installation.CredentialKey => new Installation.CredentialKey({ installation, subject }, unchecked)
