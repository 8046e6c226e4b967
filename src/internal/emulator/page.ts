/**
 * The pages in the browser: the consent page and the error page. They are plain HTML without scripts, and all values
 * are escaped.
 */
import * as Authorize from "./authorize.js"
import * as World from "./world.js"

export const escape = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const style = [
  ":root{color-scheme:light dark;--text:#1d1c1d;--back:#fff;--line:#868686;--faint:#555;--allow:#005c3c;--focus:#1264a3}",
  "@media (prefers-color-scheme:dark){:root{--text:#e8e8e8;--back:#1a1d21;--line:#8a8f98;--faint:#b0b3b8;--focus:#6cb8f0}}",
  "body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:36rem;margin:2rem auto;" +
  "padding:0 1rem;overflow-wrap:anywhere}",
  "body.wide{max-width:60rem}",
  "fieldset{border:1px solid var(--line);border-radius:.5rem;margin:1rem 0;min-width:0}",
  "ul{padding-left:1.25rem}",
  "label{display:block;margin:.5rem 0}",
  "select,input[type=text]{font:inherit;padding:.25rem;width:16rem;max-width:100%;box-sizing:border-box}",
  "button{font:inherit;padding:.5rem 1.5rem;border-radius:.25rem;border:1px solid var(--line);background:var(--back);" +
  "color:var(--text)}",
  "button[value=allow]{background:var(--allow);border-color:var(--allow);color:#fff}",
  "a{color:var(--focus)}",
  ".table{overflow-x:auto}",
  "table{border-collapse:collapse;width:100%}",
  "th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);overflow-wrap:normal}",
  ":focus-visible{outline:3px solid var(--focus);outline-offset:2px}",
  "footer{margin-top:2rem;color:var(--faint)}"
].join("\n")

export const document = (title: string, main: string, { wide = false } = {}): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/favicon.ico">
<title>${escape(title)}</title>
<style>
${style}
</style>
</head>
<body${wide ? " class=\"wide\"" : ""}>
<main>
${main}
</main>
<footer>This is a Slack emulator. Nothing here reaches Slack.</footer>
</body>
</html>
`

/** A small picture for the browser's tab. */
export const favicon = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">" +
  "<rect width=\"16\" height=\"16\" rx=\"3\" fill=\"#4a154b\"/>" +
  "<path d=\"M3 6h10M3 10h10M6 3v10M10 3v10\" stroke=\"#fff\" stroke-width=\"1.5\"/></svg>"

/** Where Slack would open, after an install or from a link. */
export const opened = (app: World.App, place: string | undefined): string =>
  document(
    `${app.name} would open here`,
    `<h1>${escape(app.name)} would open here</h1>
<p>Slack would now show the app ${place === undefined ? "" : `in <strong>${escape(place)}</strong> `}to the person.
You can close this page.</p>`
  )

/** An address at which the emulator has nothing. */
export const unknown = (path: string): string =>
  document(
    "Nothing here",
    `<h1>Nothing here</h1>
<p>The emulator has nothing at <code>${escape(path.slice(0, 200))}</code>.</p>
<p>It has the consent page at <code>/oauth/v2/authorize</code> and Slack's methods below <code>/api/</code>. Start an install
from your app, which knows the parameters of the consent page.</p>`
  )

/** The error page, for a request that Slack refuses. */
export const refused = ({ code, message }: Authorize.Refusal): string =>
  document(
    `Error: ${code}`,
    `<h1>Something went wrong</h1>
<p role="alert">${escape(message)}.</p>
<p>Error code: <code>${escape(code)}</code></p>`
  )

const hidden = (name: string, value: string | undefined): string =>
  value === undefined ? "" : `<input type="hidden" name="${name}" value="${escape(value)}">\n`

const select = (
  name: string,
  text: string,
  options: ReadonlyArray<{ readonly value: string; readonly text: string }>,
  selected: string | undefined
): string => {
  const [first] = options
  if (first === undefined) return ""
  if (options.length === 1) {
    return `<p>${text}: <strong>${escape(first.text)}</strong></p>\n${hidden(name, first.value)}`
  }
  const items = options.map((option) =>
    `<option value="${escape(option.value)}"${option.value === selected ? " selected" : ""}>${
      escape(option.text)
    }</option>`
  )
  return `<label for="${name}">${text}</label>
<select id="${name}" name="${name}">
${items.join("\n")}
</select>
`
}

const scopeList = (
  legend: string,
  scopes: ReadonlyArray<string>,
  optional: ReadonlyArray<string>
): string => {
  if (scopes.length === 0) return ""
  const item = (scope: string) =>
    optional.includes(scope)
      ? `<li><label><input type="checkbox" name="grant" value="${escape(scope)}" checked> <code>${
        escape(scope)
      }</code> (optional)</label></li>`
      : `<li><code>${escape(scope)}</code></li>`
  return `<fieldset>
<legend>${legend}</legend>
<ul>
${scopes.map(item).join("\n")}
</ul>
</fieldset>
`
}

const nameOf = (target: World.Target): string =>
  target._tag === "Workspace" ? target.workspace.name : `${target.organization.name} (whole organization)`

/** The page on which a person allows an app or cancels. Its form posts to the page's own URL. */
export const consent = (world: World.World, request: Authorize.Request): string => {
  const { app } = request
  const people = Array.from(world.people.values()).filter((person) => person.active)
  return document(
    `${app.name} is requesting permission`,
    `<h1>${escape(app.name)} is requesting permission to access Slack</h1>
<form method="post">
${hidden("client_id", app.clientId)}${hidden("scope", request.scopes.join(","))}${
      hidden("user_scope", request.userScopes.join(","))
    }${hidden("redirect_uri", request.namedRedirectUri)}${hidden("state", request.state)}${
      hidden("team", request.team)
    }${hidden("code_challenge", request.challenge)}${
      hidden("code_challenge_method", request.challenge === undefined ? undefined : "S256")
    }${
      select(
        "target",
        "Install in",
        Authorize.targets(world, app).map((target) => ({ value: World.idOf(target), text: nameOf(target) })),
        request.team
      )
    }${
      select(
        "person",
        "Signed in as",
        people.map((person) => ({ value: person.id, text: person.name })),
        undefined
      )
    }${scopeList("The app itself will be able to use", request.scopes, app.optionalScopes)}${
      scopeList("On your behalf, the app will be able to use", request.userScopes, app.optionalScopes)
    }${
      request.scopes.includes("incoming-webhook")
        ? `<label for="channel">Channel that the app may post to</label>
<input type="text" id="channel" name="channel" value="#general">
`
        : ""
    }<p>
<button type="submit" name="decision" value="cancel">Cancel</button>
<button type="submit" name="decision" value="allow">Allow</button>
</p>
</form>`
  )
}
