/** The pages of the app. */
import type * as Installation from "effect-slack-oauth/Installation"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Terminal from "../support/terminal.js"
import type { Entry } from "./journal.js"
import type { Button } from "./slack.js"

const { html } = InstallFlow

/** The name of a workspace or an organization. */
export const nameOf = ({ target }: { readonly target: TokenResponse.TokenResponse["target"] }): string => {
  const party = target._tag === "Workspace" ? target.team : target.enterprise
  return Option.getOrElse(party.name, () => party.id)
}

const text = (at: number) => new Date(at).toISOString().slice(0, 16).replace("T", " ")

const time = (at: number) => html`<time datetime="${new Date(at).toISOString()}">${text(at)}</time>`

// -------------------------------------------------------------------------------------
// the life of a token, as a picture
// -------------------------------------------------------------------------------------

/** How long before its end `TokenManager` refreshes a token, by default. */
const window = 2 * 3_600_000

interface Life {
  readonly generation: number
  readonly issued: number
  /** `Infinity` for a token that does not expire. */
  readonly ends: number
}

interface Tokens {
  readonly credential: Installation.Credential
  /** The current token and those before it that this program has seen, oldest first. */
  readonly seen: ReadonlyArray<Life>
}

/** Remembers the last tokens of each credential. */
export const makeLives = () => {
  const seen = new Map<string, ReadonlyArray<Life>>()
  return {
    of: (key: Installation.InstallationKey, credential: Installation.Credential): Tokens => {
      const id = `${key}/${credential._tag === "BotCredential" ? "bot" : credential.userId}`
      const { generation, issuedAt, token } = credential
      const before = seen.get(id)?.filter((life) => life.generation !== generation) ?? []
      const ends = Option.match(token.expiry, {
        onNone: () => Infinity,
        onSome: ({ expiresAt }) => expiresAt.epochMillis
      })
      const lives = [...before, { generation, issued: issuedAt.epochMillis, ends }].slice(-3)
      seen.set(id, lives)
      return { credential, seen: lives }
    }
  }
}

export type Lives = ReturnType<typeof makeLives>

const left = (millis: number) => Duration.format(Duration.minutes(Math.max(1, Math.round(millis / 60_000))))

/** What has become of a token, and what is next. */
const stateOf = (life: Life, next: Life | undefined, { reauthorization }: Installation.Credential, now: number) => {
  if (next !== undefined) return html`refreshed ${time(next.issued)}`
  if (Option.isSome(reauthorization)) {
    return html`<strong>dead</strong>: ${reauthorization.value.code}, add the app again`
  }
  if (life.ends === Infinity) return "does not expire"
  if (now >= life.ends) return html`<strong>expired</strong> ${time(life.ends)}`
  const due = life.ends - window
  return html`<strong>${now < due ? "fresh" : "due"}</strong> ${now < due ? "until" : "since"} ${
    time(due)
  }, expires in ${left(life.ends - now)}, ${time(life.ends)}`
}

/** Token by token: from its issue to its end. The text beside it says the same. */
const bar = (life: Life, next: Life | undefined, lives: ReadonlyArray<Life>, now: number) => {
  const from = Math.min(...lives.map(({ issued }) => issued))
  const to = Math.max(now, ...lives.map(({ ends }) => ends))
  const x = (at: number) => Math.round(1000 * (at - from) / (to - from)) / 10
  const part = (name: string, start: number, end: number) =>
    end > start && html`<rect class="${name}" x="${x(start)}" width="${x(end) - x(start)}" height="8"/>`
  const used = next?.issued ?? life.ends
  return html`<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">${
    part("fresh", life.issued, Math.min(used, life.ends - window))
  }${part("due", life.ends - window, used)}${part("old", used, life.ends)}<rect class="now" x="${
    x(now) - 0.3
  }" width="0.6" height="8"/></svg>`
}

const tokensOf = ({ credential, seen }: Tokens, now: number) => {
  const subject = credential._tag === "BotCredential" ? "Bot" : `User ${credential.userId}`
  return html`<h4>${subject}</h4>
<p><code>${Terminal.mask(credential.token.accessToken)}</code> ${credential.token.scopes.join(", ")}</p>
<ol aria-label="${`Tokens of ${subject}`}">${
    seen.map((life, index) =>
      html`
<li>Token ${life.generation}: issued ${time(life.issued)}, ${stateOf(life, seen[index + 1], credential, now)}${
        life.ends !== Infinity && bar(life, seen[index + 1], seen, now)
      }</li>`
    )
  }
</ol>
`
}

// -------------------------------------------------------------------------------------
// the pages
// -------------------------------------------------------------------------------------

const style = html`<style>
:root { color-scheme: light dark; --text: #1d1c1d; --back: #fff; --line: #868686; --add: #4a154b; --focus: #1264a3; --fresh: #1f7a4d; --due: #a85f00;
  --old: #c9c9c9 }
@media (prefers-color-scheme: dark) { :root { --text: #e8e8e8; --back: #1a1d21; --add: #7c3a7e; --focus: #6cb8f0; --fresh: #4cc38a; --due: #f0a840; --old: #555 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 50rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { margin-bottom: 0 } h2 { margin-top: 2rem } h3, h4 { margin: 1rem 0 0 } p { margin: .5rem 0 }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px }
.add { display: inline-block; margin: .5rem 0; padding: .6rem 1.2rem; border-radius: .5rem; background: var(--add); color: #fff;
  font-weight: 600; text-decoration: none }
button { font: inherit; padding: .25rem .75rem } form { display: flex; flex-wrap: wrap; gap: .5rem }
.notice { border-left: 4px solid var(--due); padding-left: .75rem }
ol { list-style: none; padding: 0 } time { white-space: nowrap; font-variant-numeric: tabular-nums }
svg { display: block; width: 100%; height: .75rem; margin: .25rem 0 .75rem }
.fresh { fill: var(--fresh) } .due { fill: var(--due) } .old { fill: var(--old) } .now { fill: currentcolor }
table { border-collapse: collapse; width: 100% }
td time { white-space: normal } th, td { border-bottom: 1px solid var(--line); padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top }
</style>`

const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' "
  + "height='16' rx='3' fill='%234a154b'/%3E%3Cpath d='M4 8h8M8 4v8' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E"

const document = (title: string, content: InstallFlow.Html) =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="${icon}">
<title>${title}</title>
${style}
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`

/** A page with one sentence. */
export const plain = (title: string, sentence: string) => document(title, html`<p>${sentence}</p>`)

export interface Content {
  /** The public URL. */
  readonly here: string
  readonly installUrl: string
  readonly now: DateTime.Utc
  readonly installations: ReadonlyArray<{
    readonly installation: Installation.Installation
    /** Whether Slack knows it. */
    readonly known: boolean
    readonly button: Button<any>
    readonly credentials: ReadonlyArray<Tokens>
  }>
  readonly buttons: ReadonlyArray<Button>
  readonly notice: string | undefined
  readonly journal: ReadonlyArray<Entry>
}

export const home = ({ buttons, here, installUrl, installations, journal, notice, now }: Content) => {
  const form = (buttons: ReadonlyArray<Button<any>>, of = "") =>
    html`<form method="post" action="${here}/press">${
      buttons.map(({ id, label }) =>
        html`<button name="button" value="${id}"${of && html` aria-label="${`${label} in ${of}`}"`}>${label}</button>`
      )
    }</form>`
  return document(
    "A Slack app",
    html`<p>It is ${time(now.epochMillis)} (UTC).</p>
${notice !== undefined && html`<p class="notice">${notice}</p>`}
<p><a class="add" href="${installUrl}">Add to Slack</a></p>
<h2>Installations</h2>
${installations.length === 0 && html`<p>None yet.</p>`}${
      installations.map(({ button, credentials, installation, known }) =>
        html`<section><h3>${nameOf(installation)}</h3>
${!known && html`<p><strong>From an earlier run: Slack does not know it any more. Add the app again.</strong></p>`}${
          credentials.map((tokens) => tokensOf(tokens, now.epochMillis))
        }${form([button], nameOf(installation))}</section>
`
      )
    }
${
      buttons.length > 0 && html`<h2>Try</h2>
${form(buttons)}`
    }
<h2>What happened</h2>
${
      journal.length === 0 ? html`<p>Nothing yet.</p>` : html`<table>
<thead><tr><th scope="col">Time</th><th scope="col">Event</th></tr></thead>
<tbody>${
        journal.map(({ at, text }) =>
          html`<tr><td>${time(at.epochMillis)}</td><td>${text}</td></tr>
`
        )
      }</tbody>
</table>`
    }`
  )
}
