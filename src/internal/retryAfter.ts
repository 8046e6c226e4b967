/**
 * `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in one of the three forms that a receiver must accept (§5.6.7).
 */

/** Longer hints are cut to a day: they are mistakes, and timers overflow. */
const capMillis = 24 * 60 * 60 * 1000

/** A credential without a valid token is tried again after this time, even if a hint says to wait longer. */
export const longestPause = 5 * 60 * 1000

const httpDate = new RegExp(
  [
    "[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} \\d{2}:\\d{2}:\\d{2} GMT", // IMF-fixdate
    "[A-Z][a-z]+day, \\d{2}-[A-Z][a-z]{2}-\\d{2} \\d{2}:\\d{2}:\\d{2} GMT", // RFC 850
    "[A-Z][a-z]{2} [A-Z][a-z]{2} [ \\d]\\d \\d{2}:\\d{2}:\\d{2} \\d{4}" // asctime
  ].map((form) => `(?:^${form}$)`).join("|")
)

/** Milliseconds to wait, or `undefined` if the header cannot be parsed. A past date is `0`. */
export const parseRetryAfter = (header: string | undefined, nowMillis: number): number | undefined => {
  if (header === undefined) return undefined
  const value = header.trim()
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, capMillis)
  if (!httpDate.test(value)) return undefined
  const at = Date.parse(value.endsWith("GMT") ? value : `${value} GMT`)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - nowMillis), capMillis)
}
