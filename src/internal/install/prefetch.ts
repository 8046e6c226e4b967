/**
 * What a browser says about why it asks.
 */

/**
 * Whether a request is made ahead of time, before anybody has clicked: `Sec-Purpose` (prefetch and prerender), and what
 * came before it, `Purpose`, `X-Purpose` and `X-Moz`.
 */
export const isPrefetch = (headers: Headers): boolean =>
  ["sec-purpose", "purpose", "x-purpose", "x-moz"]
    .some((name) => /\b(?:prefetch|prerender|preview)\b/i.test(headers.get(name) ?? ""))
