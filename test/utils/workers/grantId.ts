import { createHash } from "node:crypto"

/** What a grant is called in the records of a round. */
export const grantOf = (grant: string | Uint8Array): string => createHash("sha256").update(grant).digest("hex")
