/** What the command prints, as pictures of a terminal. The texts come from the command's own code. */
import * as AppManifest from "effect-slack-oauth/AppManifest"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as Either from "effect/Either"
import { clock } from "../../cli/doctor/clock.js"
import { credentials } from "../../cli/doctor/credentials.js"
import { redirectUrl } from "../../cli/doctor/redirectUrl.js"
import * as Report from "../../cli/doctor/report.js"
import * as Server from "../../cli/doctor/server.js"
import * as Settings from "../../cli/doctor/settings.js"
import * as Storage from "../../cli/doctor/storage.js"
import { summary } from "../../cli/migrateTokens.js"
import { lineOf } from "../../cli/progress.js"
import { escape } from "./svg.js"

const lineHeight = 18
const characterWidth = 7.8
const widest = 108

/** Long lines continue on the next one, with the indentation of the command's own continuation lines. */
const wrap = (line: string, indent: string): ReadonlyArray<string> => {
  if (line.length <= widest) return [line]
  const at = line.lastIndexOf(" ", widest)
  return [line.slice(0, at), ...wrap(indent + line.slice(at + 1), indent)]
}

const classOf = (line: string): string =>
  line.startsWith("$ ") ? "prompt" : line.startsWith("ERROR") ? "error" : line.startsWith("warning") ? "warn" : ""

const terminal = (title: string, description: string, printed: ReadonlyArray<string>, indent = ""): string => {
  const lines = printed.flatMap((line) => wrap(line, indent))
  const width = Math.ceil(widest * characterWidth) + 40
  const height = lines.length * lineHeight + 60
  const rows = lines.map((line, index) => {
    const kind = classOf(line)
    return `  <text x="20" y="${52 + index * lineHeight}"${kind && ` class="${kind}"`} xml:space="preserve">${
      escape(line)
    }</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">
  <title id="title">${escape(title)}</title>
  <desc id="description">${escape(description)}</desc>
  <style>
    .ground { fill: #0d1117; }
    text { fill: #e6edf3; }
    .prompt { fill: #7ee2a8; }
    .error { fill: #ffb3a8; }
    .warn { fill: #f2d58a; }
    circle { fill: #57606a; }
  </style>
  <rect class="ground" width="${width}" height="${height}" rx="8"/>
  <circle cx="20" cy="20" r="5"/><circle cx="38" cy="20" r="5"/><circle cx="56" cy="20" r="5"/>
${rows.join("\n")}
</svg>
`
}

// -------------------------------------------------------------------------------------
// doctor
// -------------------------------------------------------------------------------------

const hex = "0123456789abcdef0123456789abcdef"

const settings: Settings.Settings = {
  clientId: "123456789012.210987654321",
  clientSecret: hex,
  appId: "A0123ABCDEF",
  signingSecret: hex.replaceAll("0", "f"),
  baseUrl: undefined,
  keys: undefined,
  publicUrl: "https://slack.acme.dev",
  publicClient: false
}

const expected: Server.Expected = {
  url: "https://slack.acme.dev/slack/install",
  redirectUrl: "https://slack.acme.dev/slack/oauth_redirect",
  baseUrl: "https://slack.com",
  clientId: settings.clientId
}

/** A server behind a proxy that changes its cookie. */
const begun: Server.Reply = {
  _tag: "Reply",
  status: 302,
  headers: {
    location: `https://slack.com/oauth/v2/authorize?${new URLSearchParams({
      client_id: settings.clientId ?? "",
      redirect_uri: expected.redirectUrl,
      state: "a-state-with-many-bits"
    })}`
  },
  cookies: ["__Host-slack-install-a=b; Path=/; HttpOnly; Secure; SameSite=Strict"],
  body: ""
}

const now = Date.parse("2026-01-01T12:00:42Z")

const doctor = terminal(
  "The command doctor in a terminal",
  "Most checks are ok. The redirect URL at Slack has a slash too many, a proxy changes the cookie, and the clock is ahead.",
  [
    "$ npx effect-slack-oauth@0 doctor",
    ...Report.asText([
      Settings.clientId(settings),
      Settings.clientSecret(settings),
      Settings.signingSecret(settings),
      Settings.publicUrl(settings),
      redirectUrl(expected.redirectUrl, [`${expected.redirectUrl}/`]),
      credentials({ _tag: "Refused", code: "invalid_code", date: undefined }, {
        baseUrl: expected.baseUrl,
        publicClient: false
      }),
      clock("Thu, 01 Jan 2026 12:00:00 GMT", now),
      Server.install(begun, expected),
      Server.cookie(begun, expected),
      Storage.latency([0.6]),
      Storage.decryption(20, {})
    ]).split("\n")
  ],
  " ".repeat(29)
)

// -------------------------------------------------------------------------------------
// manifest
// -------------------------------------------------------------------------------------

const manifest = terminal(
  "The command manifest in a terminal",
  "It prints the manifest of an app as JSON.",
  [
    "$ npx effect-slack-oauth@0 manifest --name \"My App\" --public-url https://example.com --bot-scopes chat:write",
    ...JSON.stringify(
      Either.getOrThrow(
        AppManifest.make({ name: "My App", publicUrl: "https://example.com", botScopes: ["chat:write"] })
      ),
      null,
      2
    ).split("\n")
  ]
)

// -------------------------------------------------------------------------------------
// migrate-tokens
// -------------------------------------------------------------------------------------

const fleet = 1204

const migrateTokens = terminal(
  "The command migrate-tokens in a terminal",
  "A dry run counts the tokens. The run shows its progress, is stopped, and the next one exchanges the rest.",
  [
    "$ npx effect-slack-oauth@0 migrate-tokens --dry-run",
    summary({ ...TokenMigration.emptyReport, pending: fleet }, true),
    "",
    "$ npx effect-slack-oauth@0 migrate-tokens",
    `${lineOf(fleet, 431, "tokens")}  ^C`,
    `Stopped: ${summary({ ...TokenMigration.emptyReport, exchanged: 431 }, false)} Run it again to exchange the rest.`,
    "",
    "$ npx effect-slack-oauth@0 migrate-tokens",
    lineOf(fleet - 431, fleet - 431, "tokens"),
    summary({ ...TokenMigration.emptyReport, exchanged: fleet - 431 }, false)
  ]
)

export const pictures: Readonly<Record<string, string>> = { doctor, manifest, "migrate-tokens": migrateTokens }
