/**
 * Writes docs/errors.md from the table of codes: `npm run docs:errors`. A test fails if the page differs from what this
 * writes.
 */
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as Duration from "effect/Duration"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Codes from "../src/internal/codes.js"

type Row = readonly [code: string, tag: string, methods: string, remedy: string, outcome: string, meaning: string]

const list = (values: Iterable<string>) => Array.from(new Set(values)).join(", ")

const table = (rows: ReadonlyArray<Row>): string =>
  [["code", "tag", "methods", "remedy", "outcome", "what it means and what to do"], Array(6).fill("---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n")

const documented = (remedy: OAuthV2Error.Remedy): ReadonlyArray<Row> =>
  Object.values(Codes)
    .filter((entry) => entry.remedy === remedy)
    .map(({ code, methods, outcome, tag, text }) => [
      `\`${code}\``,
      `\`${tag}\``,
      list(methods.map((method) => method.replace("oauth.v2.", ""))),
      `\`${remedy}\``,
      `\`${outcome}\``,
      text
    ])

/** A row for a class whose remedy or outcome depends on what happened. There is an example of each. */
const row = (meaning: string, ...examples: ReadonlyArray<OAuthV2Error.ClientError>): Row => {
  const each = (property: "_tag" | "remedy" | "outcome") => list(examples.map((error) => `\`${error[property]}\``))
  const code = examples.some((error) => error._tag === "SlackUndocumentedError")
    ? "Slack's own"
    : list(examples.map((error) => `\`${error.code}\``))
  return [code, each("_tag"), "access, exchange", each("remedy"), each("outcome"), meaning]
}

const method = "oauth.v2.access"

const client: ReadonlyArray<Row> = [
  row(
    "Slack refused with a code that it does not document for this method. The error keeps it in `code`. Look it up in " +
      "Slack's reference, and report it here.",
    new OAuthV2Error.SlackUndocumentedError({ method, code: "new_code" })
  ),
  row(
    "There was no answer, or only a part of one. The outcome is `rejected` if the request cannot have reached Slack: the " +
      "name did not resolve, the connection was refused, or the TLS handshake failed. Otherwise it is `unknown`. `reason` " +
      "is the platform's name for the failure. Check the network and the base URL.",
    new OAuthV2Error.SlackTransportError({ method, outcome: "rejected" }),
    new OAuthV2Error.SlackTransportError({ method, outcome: "unknown" })
  ),
  row(
    "An attempt took longer than the retry policy allows (`timeout`). Slack may have acted on the call.",
    new OAuthV2Error.SlackTimeoutError({ method, timeout: Duration.seconds(10) })
  ),
  row(
    "The answer has neither tokens nor an error of Slack: a page of a proxy, a redirect, incomplete JSON, or JSON of " +
      "another shape. `status`, `contentType` and `paths` say what did not fit. The remedy is `retry` for a status of 500 " +
      "and above, and `report` otherwise. The outcome is `rejected` for a status from 300 to 499, and `unknown` otherwise. " +
      "Check the base URL, and look for a proxy on the way.",
    ...[502, 302, 200].map((status) => new OAuthV2Error.SlackUnexpectedResponse({ method, status }))
  )
]

const remedies: Record<OAuthV2Error.Remedy, string> = {
  retry:
    "Wait, and repeat the call if the outcome is `rejected`. The retry policy has already repeated it as often as it allows.",
  restart: "The code is not valid, and there was no token to lose: send the person through install again.",
  reauthorize: "The stored credential is dead, and no call restores it: have the app installed again.",
  configure: "A setting of the app is wrong, in the program or at Slack. The call fails until somebody changes it.",
  askAdmin: "A policy of the workspace or organization forbids the call. Only its people can change that.",
  report: "This package or the calling program has a bug, or a proxy on the way changes requests.",
  none: "There is nothing to do: an earlier call has done it."
}

export const page = `# Errors

<!-- Written by \`npm run docs:errors\` from src/internal/codes.ts. Change it there. -->

Every failure of \`oauth.v2.access\` and \`oauth.v2.exchange\` is a tagged error: one class for each of the ${
  Object.values(Codes).length
} codes that Slack
documents, and four for what is not on Slack's list. \`Effect.catchTag\` takes the tag, \`OAuthV2Error.catchRemedy\` the
remedy.

The **remedy** says what to do about it. The tables below are in its order.

The **outcome** says whether Slack acted on the call. \`rejected\`: it did not, so the code or token that was sent is still
valid, unless the error is about that code or token. \`unknown\`: it may have. Codes, refresh tokens and legacy tokens work
once, so the one that was sent may be spent, and no retry policy sends it again on a guess.

Two statuses have a meaning of their own. HTTP 429 is \`SlackRateLimited\`, whatever its body. HTTP 503 without a code from
Slack is \`SlackServiceUnavailable\` with the outcome \`unknown\`, because a proxy may answer it after Slack has acted.

A call that Slack could only refuse, such as one with an empty code, is not sent. It fails with Slack's error, without a
\`status\`.

${
  Object.entries(remedies).map(([remedy, meaning]) =>
    `## \`${remedy}\`\n\n${meaning}\n\n${table(documented(remedy as OAuthV2Error.Remedy))}`
  ).join("\n\n")
}

## Errors without a documented code

Both methods can fail with these. The first has Slack's code; the codes of the others are this package's own.

${table(client)}

Slack's own lists: [oauth.v2.access](https://docs.slack.dev/reference/methods/oauth.v2.access),
[oauth.v2.exchange](https://docs.slack.dev/reference/methods/oauth.v2.exchange).
`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../docs/errors.md", import.meta.url), page)
}
