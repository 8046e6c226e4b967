/**
 * The built-in pages of a flow.
 */
import { type Html, html, raw } from "../html.js"
import { sha256Base64 } from "../random.js"

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; color: #1d1c1d; background: #fff; display: grid; min-height: 100vh; place-items: center; }
main { max-width: 32rem; padding: 2rem; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; }
a { color: #1264a3; }
a:focus-visible { outline: 3px solid #1264a3; outline-offset: 3px; }
.button { display: inline-block; padding: 0.6rem 1.2rem; border-radius: 0.5rem; background: #4a154b; color: #fff;
  font-weight: 600; text-decoration: none; }
@media (prefers-color-scheme: dark) { body { color: #e8e8e8; background: #1a1d21; } a, a:focus-visible { color: #7fc4f5; outline-color: #7fc4f5; }
  .button { color: #fff; background: #7c3a7e; } }
`

/** The picture in the browser's tab. Without one, browsers ask the application's server for `/favicon.ico`. */
const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' "
  + "height='16' rx='3' fill='%234a154b'/%3E%3Cpath d='M4 8h8M8 4v8' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E"

/** Forbids to load, run and frame anything. The only style is that of this module, and pictures are part of the page. */
export const contentSecurityPolicy = async (): Promise<string> =>
  [
    "default-src 'none'",
    `style-src 'sha256-${await sha256Base64(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

/** A page with its title and content. */
export const page = (title: string, content: Html): Html =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="${icon}">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`

/** The page before an install, for a flow with `landing`. */
export const landing = (beginUrl: string): Html =>
  page(
    "Add to Slack",
    html`<p>You will be asked on Slack's own page what to allow.</p>
<p><a class="button" href="${beginUrl}">Add to Slack</a></p>`
  )

export interface InstalledView {
  readonly where: string
  readonly slackUrl: string
  readonly missing: ReadonlyArray<string>
  readonly restUrl: string | undefined
}

/** The page after an install. */
export const installed = ({ missing, restUrl, slackUrl, where }: InstalledView): Html =>
  page(
    "Installed",
    html`<p>The app is installed in <strong>${where}</strong>.</p>
<p><a class="button" href="${slackUrl}">Open Slack</a></p>
${
      missing.length > 0 &&
      html`<p>Not allowed were: ${missing.join(", ")}. ${
        restUrl !== undefined && html`<a href="${restUrl}">Ask for them again</a>`
      }</p>`
    }`
  )

interface Words {
  readonly title: string
  readonly text: string
}

const notFromSlack: Words = {
  title: "That did not work",
  text: "The address of this page is not one that Slack sends people to. Nothing was installed."
}

/** What the page of a failure says, by the tag of the error. Others have the words of `notFromSlack`. */
const words: Readonly<Record<string, Words>> = {
  InstallPrefetched: {
    title: "One moment",
    text: "This page was loaded ahead of time. Load it again to go on."
  },
  InstallStateMissing: {
    title: "Please start here",
    text: "The install was not started on this site, so it cannot be finished safely. Nothing was installed."
  },
  InstallStateForeign: {
    title: "Please start again",
    text: "This install was not started in this browser, or it was finished some time ago. "
      + "If the app is in Slack already, there is nothing left to do."
  },
  InstallStateUsed: {
    title: "This link has been used",
    text: "It works once. If you saw that the app was installed, there is nothing left to do. Otherwise start again."
  },
  InstallStateGone: {
    title: "Please start again",
    text:
      "This site does not know this install any more. Start again; this does no harm if the app is in Slack already."
  },
  InstallStateExpired: {
    title: "That took a little long",
    text: "For safety an install has to be finished within some minutes. Nothing was installed."
  },
  InstallDenied: {
    title: "Not installed",
    text: "You decided not to allow the app. Nothing was installed, and nothing has changed."
  },
  InstallRefused: {
    title: "Slack did not allow it",
    text: "Slack refused the install. If it happens again, tell the people who made the app."
  },
  InstallStoreFailed: {
    title: "Please try again",
    text: "This site has a problem right now. Wait a moment, then load this page again."
  },
  InstallTimeout: {
    title: "This takes a little longer",
    text: "This site is still working on it. Wait a moment, then load this page again."
  },
  InstallNotCompleted: {
    title: "Almost there",
    text: "Slack has installed the app, but this site could not finish. Load this page again to try once more."
  },
  InstallUnexpected: {
    title: "Something is wrong on this site",
    text: "The install could not continue. You did nothing wrong."
  }
}

/** What the page of a failed exchange says, by the remedy of Slack's error. */
const exchangeWords: Readonly<Record<string, Words>> = {
  retry: {
    title: "Slack is not answering",
    text: "Slack could not finish the install right now. Wait a moment, then try again."
  },
  restart: {
    title: "Please start again",
    text: "Slack did not accept this attempt; it may have taken too long, or was made twice. Nothing was installed."
  },
  askAdmin: {
    title: "An administrator has to help",
    text: "Your Slack workspace or organization does not permit this install. Ask one of its administrators."
  },
  reauthorize: {
    title: "Slack did not allow it",
    text: "Slack refused the install for this account. Try again while signed in with another."
  }
}

const otherExchange: Words = {
  title: "Something is wrong on this site",
  text: "The app's settings at Slack are wrong. Tell the people who made the app. You did nothing wrong."
}

export interface FailureView {
  readonly tag: string
  /** Slack's remedy, for a failed exchange. */
  readonly remedy: string | undefined
  readonly nextStep: "restart" | "reload" | "none"
  readonly installUrl: string
}

/** The page of a failure. The link to load it again is empty, so the page repeats nothing of the request. */
export const failure = ({ installUrl, nextStep, remedy, tag }: FailureView): Html => {
  const { text, title } = remedy === undefined ? words[tag] ?? notFromSlack : exchangeWords[remedy] ?? otherExchange
  return page(
    title,
    html`<p>${text}</p>
${nextStep === "reload" && html`<p><a class="button" href="">Try again</a></p>`}
${nextStep === "restart" && html`<p><a class="button" href="${installUrl}">Start again</a></p>`}`
  )
}

/** The page at an unknown path. */
export const notFound = (): Html => page("Not found", html`<p>There is no page at this address.</p>`)

/** The page while there is no flow. */
export const unavailable = (): Html =>
  page("Please try again", html`<p>This site has a problem right now. Wait a moment, then load this page again.</p>`)
