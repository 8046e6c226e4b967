/** Ids of Slack's form: capitals and digits. */

/** Ten capitals and digits that follow from a text (cyrb53). The same text gives the same ones. */
export const idFrom = (text: string): string => {
  let high = 0xDEADBEEF
  let low = 0x41C6CE57
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  const hash = 4294967296 * (2097151 & low) + (high >>> 0)
  return hash.toString(36).toUpperCase().padStart(10, "0").slice(-10)
}
