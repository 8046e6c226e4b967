/**
 * The code of a driver's failure. The driver's message is left out, because it may quote the statement.
 */
import { get } from "./unknown.js"

/** The driver's code (`ECONNREFUSED`, `SQLITE_BUSY`, an SQLSTATE), however deep it is wrapped. */
export const codeOf = (error: unknown, depth = 0): string | undefined => {
  const code = get(error, "code")
  if (typeof code === "string" && /^\w{1,40}$/.test(code)) return code
  const cause = get(error, "cause")
  return cause === undefined || depth > 8 ? undefined : codeOf(cause, depth + 1)
}
