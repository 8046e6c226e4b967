/** Names of grants, so that no process has to report the grant itself. */
import { createHash } from "node:crypto"

/** The name of a grant: its SHA-256. */
export const grantOf = (grant: string | Uint8Array): string => createHash("sha256").update(grant).digest("hex")
