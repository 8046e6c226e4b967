/**
 * Writes docs/errors.md from the table of codes: `npm run docs:errors`. A test fails when the page is not what this
 * gives.
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

/** A row for a class whose remedy or outcome may depend on what happened: the examples show all that there are. */
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
    "Slack said no with a code that it does not document for this method; `code` keeps it. Look it up in Slack's " +
      "reference, and report it here.",
    new OAuthV2Error.SlackUndocumentedError({ method, code: "new_code" })
  ),
  row(
    "No answer, or only a part of one. `rejected` when the request cannot have arrived: the name did not resolve, the " +
      "connection was refused, TLS did not come about. `unknown` once it may have left. `reason` is the platform's name " +
      "for what broke. Check the network and the base URL.",
    new OAuthV2Error.SlackTransportError({ method, outcome: "rejected" }),
    new OAuthV2Error.SlackTransportError({ method, outcome: "unknown" })
  ),
  row(
    "One attempt took longer than the retry policy allows (`timeout`). Slack may have acted on the call all the same.",
    new OAuthV2Error.SlackTimeoutError({ method, timeout: Duration.seconds(10) })
  ),
  row(
    "The answer is neither tokens nor one of Slack's errors: a page of a proxy, a redirect, half a JSON text, JSON of " +
      "another shape. `status`, `contentType` and `paths` say where it did not fit. From status 500 on the remedy is " +
      "`retry`, otherwise `report`; the outcome is `rejected` from 300 to 499, otherwise `unknown`. Check the base URL, " +
      "and look for a proxy on the way.",
    ...[502, 302, 200].map((status) => new OAuthV2Error.SlackUnexpectedResponse({ method, status }))
  )
]

const remedies: Record<OAuthV2Error.Remedy, string> = {
  retry:
    "Wait, and repeat the call if the outcome is `rejected`. The retry policy has done so already, as far as it goes.",
  restart: "The grant is no good, but nothing is lost: send the person through install again.",
  reauthorize: "The stored credential is dead. No call will bring it back: have the app installed again.",
  configure: "The app is set up wrongly, here or at Slack. The call fails until someone changes that.",
  askAdmin: "A policy of the workspace or organization is in the way, or something that only its people can settle.",
  report: "A bug, in this package or in the calling program, or a machine on the way that rewrites requests.",
  none: "Nothing is wrong: what the call was to do has been done before."
}

export const page = `# Errors

<!-- Written by \`npm run docs:errors\` from src/internal/codes.ts. Change it there. -->

Every failure of \`oauth.v2.access\` and \`oauth.v2.exchange\` is a tagged error: one class for each of the ${
  Object.values(Codes).length
} codes that Slack
documents, and four for what is not on Slack's list. \`Effect.catchTag\` takes the tag, \`OAuthV2Error.catchRemedy\` the
remedy.

The **remedy** says what to do about it. The tables below are in its order.

The **outcome** says whether Slack did anything. After \`rejected\` it did not: unless the error is about the code or token
itself, that is still good. After \`unknown\` it may have: codes, refresh tokens and legacy tokens work once, and the one
that was sent may be spent. No retry policy sends it again on a guess.

Two statuses have a meaning of their own: HTTP 429 is \`SlackRateLimited\`, whatever its body, and HTTP 503 without a code
from Slack is \`SlackServiceUnavailable\` with the outcome \`unknown\`, because a machine on the way may say so after Slack
has acted. A call that Slack could only refuse, such as one with an empty code, fails here
with Slack's error without being sent; then \`status\` is absent.

${
  Object.entries(remedies).map(([remedy, meaning]) =>
    `## \`${remedy}\`\n\n${meaning}\n\n${table(documented(remedy as OAuthV2Error.Remedy))}`
  ).join("\n\n")
}

## Beside Slack's list

These come with either method. Their code is this package's own, except for the first.

${table(client)}

Slack's own lists: [oauth.v2.access](https://docs.slack.dev/reference/methods/oauth.v2.access),
[oauth.v2.exchange](https://docs.slack.dev/reference/methods/oauth.v2.exchange).
`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../docs/errors.md", import.meta.url), page)
}
