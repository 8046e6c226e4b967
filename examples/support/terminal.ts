/** Output on the terminal: headings, results, and failures with their remedy. */
import type * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { stdout } from "node:process"

const paint = (code: number) => (text: string): string =>
  stdout.hasColors?.() === true ? `\u001b[${code}m${text}\u001b[0m` : text

const bold = paint(1)
const dim = paint(2)
const red = paint(31)
const green = paint(32)
const yellow = paint(33)

/** A heading. */
export const heading = (text: string) => Console.log(`\n${bold(text)}`)

/** A result. */
export const success = (text: string) => Console.log(`  ${green("✓")} ${text}`)

/** An explanation. */
export const note = (text: string) => Console.log(`  ${dim(text)}`)

/** A failed call: its tag, its remedy, and whether Slack can have acted. */
export const failure = (error: OAuthV2Error.OAuthV2Error) =>
  Console.log(
    [
      `  ${red("✗")} ${red(error._tag)}  remedy ${yellow(error.remedy)}  outcome ${yellow(error.outcome)}${
        error.retryAfter === undefined ? "" : `  retry after ${yellow(Duration.format(error.retryAfter))}`
      }`,
      `    ${dim(error.message)}`
    ].join("\n")
  )

/** The kind of a token, without the token. */
export const mask = (token: Redacted.Redacted): string => {
  const kind = /^xox[a-z](?:\.xox[a-z])?-(?:1-)?/.exec(Redacted.value(token))?.[0] ?? ""
  return `${kind}${"•".repeat(8)}`
}

/** Runs a call that has to fail, and prints the failure. */
export const expectFailure = <A, R>(call: Effect.Effect<A, OAuthV2Error.OAuthV2Error, R>) =>
  Effect.matchEffect(call, {
    onFailure: failure,
    onSuccess: () => Effect.dieMessage("This call was expected to fail")
  })
