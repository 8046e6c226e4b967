/**
 * Keeps secrets out of text that came from elsewhere.
 *
 * Slack's messages, and those of proxies on the way, may quote what was sent. They are worth keeping in an
 * error, so what is secret in them is masked first.
 */

const mask = "<redacted>"

/** Everything that looks like a Slack token: `xoxb-`, `xoxp-`, `xoxe-1-`, `xoxe.xoxb-1-`, `xapp-`, `xwfp-`. */
const slackToken = /\b(?:xox[a-z]|xapp|xwfp)(?:\.xox[a-z])?-[\w%.-]+/gi

/** The path of an incoming webhook is a credential too. */
const webhookUrl = /(hooks\.slack(?:-gov)?\.com(?:\/|%2f))[\w/%.-]+/gi

/** Returns a function that masks the given secrets, their encoded forms, and whatever looks like a Slack secret. */
export const makeScrubber = (secrets: ReadonlyArray<string>): (text: string) => string => {
  const literals = new Set<string>()
  for (const secret of secrets) {
    if (secret === "") continue
    literals.add(secret)
    literals.add(encodeURIComponent(secret))
    literals.add(new URLSearchParams({ "": secret }).toString().slice(1))
  }
  const longestFirst = Array.from(literals).sort((a, b) => b.length - a.length)
  return (text) => {
    let out = text
    for (const literal of longestFirst) {
      out = out.replaceAll(literal, mask)
    }
    return out.replace(slackToken, mask).replace(webhookUrl, `$1${mask}`)
  }
}
