/**
 * Keeps secrets out of text that came from elsewhere.
 *
 * Slack's messages, and those of proxies on the way, may quote what was sent. They are worth keeping in an
 * error, so what is secret in them is masked first.
 */
import { formEncode } from "./form.js"

const mask = "<redacted>"

/** Everything that looks like a Slack token: `xoxb-`, `xoxp-`, `xoxe-1-`, `xoxe.xoxb-1-`, `xapp-`, `xwfp-`. */
const slackToken = /\b(?:xox[a-z]|xapp|xwfp)(?:\.xox[a-z])?-[\w%.-]+/gi

/** The path of an incoming webhook is a credential too. */
const webhookUrl = /(hooks\.slack(?:-gov)?\.com(?:\/|%2f))[\w/%.-]+/gi

/** All forms in which the secrets may be quoted, the longest first. */
const literalsOf = (secrets: ReadonlyArray<string>): ReadonlyArray<string> => {
  const literals = new Set<string>()
  for (const secret of secrets) {
    if (secret === "") continue
    literals.add(secret)
    literals.add(encodeURIComponent(secret))
    literals.add(formEncode(secret))
  }
  return Array.from(literals).sort((a, b) => b.length - a.length)
}

/**
 * Returns a function that masks the given secrets, their encoded forms, and whatever looks like a Slack secret. It
 * prepares itself at the first text, which only failures bring.
 */
export const makeScrubber = (secrets: ReadonlyArray<string>): (text: string) => string => {
  let literals: ReadonlyArray<string> | undefined
  return (text) => {
    literals ??= literalsOf(secrets)
    let out = text
    for (const literal of literals) {
      out = out.replaceAll(literal, mask)
    }
    return out.replace(slackToken, mask).replace(webhookUrl, `$1${mask}`)
  }
}
