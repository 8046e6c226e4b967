/**
 * Reads values whose form is not known: what Slack, a driver or a file gave.
 */

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A field of a value, if it is an object that has one. */
export const get = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined

/** The value of a text in JSON; `undefined` for any other text. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The object of a text in JSON; `undefined` for any other text. */
export const parseObject = (text: string): Record<string, unknown> | undefined => {
  const value = parseJson(text)
  return isObject(value) ? value : undefined
}
