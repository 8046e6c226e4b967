/** The URL that a text is, or `undefined`. With `base`, the text may be relative. */
export const parseUrl = (text: string, base?: string): URL | undefined =>
  URL.canParse(text, base) ? new URL(text, base) : undefined
