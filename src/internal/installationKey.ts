/**
 * Keys of installations, read from the ids of rows.
 */
import * as Option from "effect/Option"
import * as Installation from "../Installation.js"
import { parseInstallationRowId } from "./rowId.js"

/** The key of the installation that a row id names; none if the text is not such an id. */
export const keyOfRow = (rowId: string): Option.Option<Installation.InstallationKey> =>
  Option.map(
    Option.fromNullable(parseInstallationRowId(rowId)),
    (key) =>
      key._tag === "Workspace"
        ? Installation.workspace(key.appId, key.teamId)
        : Installation.organization(key.appId, key.enterpriseId)
  )
