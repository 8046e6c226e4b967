/**
 * Mistakes that a shell, a template, a parser or the clipboard makes in the text of a setting. The messages never contain
 * the text, because it may be a secret.
 */

/** Patterns, and the mistake that each one shows, as the end of a sentence. The first pattern that matches counts. */
export type Mistakes = ReadonlyArray<readonly [pattern: RegExp, mistake: string]>

const mistakes: Mistakes = [
  [/^\s*$/, "is empty"],
  [/\$[{(]|\{\{|^\$\w+$|^%\w+%$|^<.*>$/, "is a placeholder that was not replaced"],
  [/^(undefined|null|NaN)$/, "is the word for a missing value"],
  [/["'`“”‘’]/, "has a quotation mark in it"],
  [/[\p{Cf}\p{DI}\u2800]|(?!\s)\p{Cc}/u, "has an invisible character in it"],
  [/\s/, "has white space in it"]
]

/** What is wrong with the value of a setting, and what to do; `undefined` if nothing is wrong. */
export const problemOf = (value: unknown, more: Mistakes = []): string | undefined => {
  const mistake = typeof value === "string"
    ? [...mistakes, ...more].find(([pattern]) => pattern.test(value))?.[1]
    : value === undefined || value === null
    ? "is missing"
    : "is not text"
  return mistake && `${mistake}. Copy it again, and quote it in YAML and JSON only`
}

/**
 * Both halves of a client id are numbers from one increasing sequence, so the second is never shorter than the first. A
 * float has 17 digits: two halves of 12 digits become `628987376727.629`.
 */
export const looksRounded = (clientId: string): boolean => /^\d{9,}\.\d{1,8}$/.test(clientId)
