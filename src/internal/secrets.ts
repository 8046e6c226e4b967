/**
 * Masks secrets in text from other programs.
 *
 * Messages of Slack, and of proxies on the way to it, may quote the request. Errors keep these messages, so the secrets in
 * them are masked first.
 */
import { formEncode } from "./form.js"

const mask = "<redacted>"

/** Everything that looks like a Slack token: `xoxb-`, `xoxp-`, `xoxe-1-`, `xoxe.xoxb-1-`, `xapp-`, `xwfp-`. */
const slackToken = /\b(?:xox[a-z]|xapp|xwfp)(?:\.xox[a-z])?-[\w%.-]+/gi

/** The path of an incoming webhook is a credential too. */
const webhookUrl = /(hooks\.slack(?:-gov)?\.com(?:\/|%2f))[\w/%.-]+/gi

/** All forms in which a message may quote the secrets, the longest first. */
const literalsOf = (secrets: ReadonlyArray<string | undefined>): ReadonlyArray<string> => {
  const literals = new Set<string>()
  for (const secret of secrets) {
    if (!secret) continue
    literals.add(secret)
    literals.add(encodeURIComponent(secret))
    literals.add(formEncode(secret))
  }
  return Array.from(literals).sort((a, b) => b.length - a.length)
}

/**
 * Returns a function that masks the given secrets, their encoded forms, and everything that looks like a secret of Slack.
 * The preparation happens at the first call: only failures call it.
 */
export const makeScrubber = (secrets: () => ReadonlyArray<string | undefined>): (text: string) => string => {
  let literals: ReadonlyArray<string> | undefined
  return (text) => {
    literals ??= literalsOf(secrets())
    let out = text
    for (const literal of literals) {
      out = out.replaceAll(literal, mask)
    }
    return out.replace(slackToken, mask).replace(webhookUrl, `$1${mask}`)
  }
}

/** Masks everything that looks like a secret of Slack. */
export const maskTokens = makeScrubber(() => [])
