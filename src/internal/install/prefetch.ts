/**
 * Whether a browser loads a page before a person opens it. It says so in `Sec-Purpose` (prefetch and prerender), or in
 * one of the older `Purpose`, `X-Purpose` and `X-Moz`.
 */
export const isPrefetch = (headers: Headers): boolean =>
  ["sec-purpose", "purpose", "x-purpose", "x-moz"]
    .some((name) => /\b(?:prefetch|prerender|preview)\b/i.test(headers.get(name) ?? ""))
