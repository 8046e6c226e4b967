/**
 * What a database says of a failure, without what it was asked: a driver's message may quote the statement.
 */

const get = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined

/** The driver's code (`ECONNREFUSED`, `SQLITE_BUSY`, an SQLSTATE), however deep it is wrapped. */
export const codeOf = (error: unknown, depth = 0): string | undefined => {
  const code = get(error, "code")
  if (typeof code === "string" && /^\w{1,40}$/.test(code)) return code
  const cause = get(error, "cause")
  return cause === undefined || depth > 8 ? undefined : codeOf(cause, depth + 1)
}

/** Postgres: a deadlock or a serialization failure, which undid the statement. */
const passing = /^(40001|40P01)$/

/** Whether the statement certainly did nothing, and may go through the next time. */
export const isPassing = (error: unknown): boolean => passing.test(codeOf(error) ?? "")
