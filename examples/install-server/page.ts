/** The page of the application. */
import type * as Installation from "effect-slack-oauth/Installation"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Terminal from "../support/terminal.js"
import type { Button } from "./controls.js"
import type { Entry } from "./journal.js"

const { html } = InstallFlow

export interface Content {
  readonly now: DateTime.Utc
  readonly installPath: string
  readonly installations: ReadonlyArray<{
    readonly installation: Installation.Installation
    /** Whether Slack does not know it. */
    readonly unknown: boolean
  }>
  readonly buttons: ReadonlyArray<Button>
  readonly notices: ReadonlyArray<string>
  readonly journal: ReadonlyArray<Entry>
}

/** The path of the form that calls Slack. */
export const authTestPath = "/auth.test"

/** The name of a workspace or an organization. */
export const placeOf = ({ target }: { readonly target: TokenResponse.TokenResponse["target"] }): string => {
  const party = target._tag === "Workspace" ? target.team : target.enterprise
  return Option.getOrElse(party.name, () => party.id)
}

// -------------------------------------------------------------------------------------
// parts
// -------------------------------------------------------------------------------------

const time = (at: DateTime.Utc) => {
  const iso = DateTime.formatIso(at)
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace("T", " ")}</time>`
}

const minutes = (millis: number) => Duration.format(Duration.minutes(Math.round(millis / 60_000)))

/** The state of a credential. */
const stateOf = ({ reauthorization, token }: Installation.Credential, now: DateTime.Utc) => {
  if (Option.isSome(reauthorization)) {
    return html`<strong>dead: ${reauthorization.value.code}, add the app again</strong>`
  }
  if (Option.isNone(token.expiry)) return "does not expire"
  const left = DateTime.distance(now, token.expiry.value.expiresAt)
  return left > 0
    ? html`in ${minutes(left)}, ${time(token.expiry.value.expiresAt)}`
    : html`<strong>expired</strong> ${time(token.expiry.value.expiresAt)}`
}

const credentialRow =
  (installation: Installation.Installation, now: DateTime.Utc) => (credential: Installation.Credential) => {
    const subject = credential._tag === "BotCredential" ? "bot" : credential.userId
    return html`<tr>
<th scope="row">${subject === "bot" ? "bot" : `user ${subject}`}</th>
<td><code>${Terminal.mask(credential.token.accessToken)}</code><br>${credential.token.scopes.join(", ")}</td>
<td>${credential.generation}</td>
<td>${time(credential.issuedAt)}</td>
<td>${stateOf(credential, now)}</td>
<td><form method="post" action="${authTestPath}"><input type="hidden" name="credential" value="${`${installation.key}/${subject}`}"><button aria-label="Call auth.test as ${subject} of ${
      placeOf(installation)
    }">Call auth.test</button></form></td>
</tr>
`
  }

const installationSection = (now: DateTime.Utc) => ({ unknown, installation }: Content["installations"][number]) =>
  html`<h3>${placeOf(installation)}</h3>
${
    unknown &&
    html`<p><strong>From an earlier run: Slack does not know it any more. Add the app again.</strong></p>`
  }
<div class="wide"><table>
<thead><tr><th scope="col">Whose</th><th scope="col">Token</th><th scope="col">Generation</th><th scope="col">Since</th>
<th scope="col">Expires</th><th scope="col">Use</th></tr></thead>
<tbody>${installation.credentials.map(credentialRow(installation, now))}</tbody>
</table></div>
`

const buttonForm = ({ label, path }: Button) =>
  html`<form method="post" action="${path}"><button>${label}</button></form>
`

const style = html`<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2rem } h3 { margin-bottom: .25rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8886; padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top }
time, code { white-space: nowrap; font-variant-numeric: tabular-nums }
button { font: inherit; white-space: nowrap; padding: .25rem .75rem; cursor: pointer }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem } .wide { overflow-x: auto }
.notice { border-left: 4px solid #d9a300; padding-left: .75rem }
</style>`

// -------------------------------------------------------------------------------------
// the page
// -------------------------------------------------------------------------------------

export const render = ({ installPath, installations, journal, buttons, notices, now }: Content) =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A Slack app</title>
${style}
</head>
<body>
<main>
<h1>A Slack app</h1>
<p>It is ${time(now)} (UTC).</p>
${notices.map((notice) => html`<p class="notice">${notice}</p>`)}
<ul>
<li><a href="${installPath}">Add to Slack</a></li>
<li><a href="${installPath}?fail">Add to Slack, and let this application fail at first</a>: Slack gives the tokens, the
application fails to store them, and "Try again" gives it the same tokens again</li>
</ul>
<h2>Installations</h2>
${installations.length === 0 ? html`<p>None yet.</p>` : installations.map(installationSection(now))}
${
    buttons.length > 0 && html`<h2>Try</h2>
<div class="buttons">${buttons.map(buttonForm)}</div>
`
  }
<h2>What happened</h2>
${
    journal.length === 0 ? html`<p>Nothing yet.</p>` : html`<ul>
${
      journal.map(({ at, text }) =>
        html`<li>${time(at)} ${text}</li>
`
      )
    }</ul>`
  }
</main>
</body>
</html>
`
