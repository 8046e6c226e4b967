/**
 * The pages in the browser: the consent page and the error page. They are plain HTML without scripts, and all values
 * are escaped.
 */
import * as Authorize from "./authorize.js"
import * as World from "./world.js"

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const style = [
  "body{font:16px/1.5 system-ui,sans-serif;color:#1d1c1d;background:#fff;max-width:36rem;margin:2rem auto;padding:0 1rem}",
  "fieldset{border:1px solid #868686;border-radius:.5rem;margin:1rem 0}",
  "label{display:block;margin:.5rem 0}",
  "select,input[type=text]{font:inherit;padding:.25rem;min-width:16rem}",
  "button{font:inherit;padding:.5rem 1.5rem;border-radius:.25rem;border:1px solid #1d1c1d;background:#fff;color:#1d1c1d}",
  "button[value=allow]{background:#005c3c;border-color:#005c3c;color:#fff}",
  ":focus-visible{outline:3px solid #1264a3;outline-offset:2px}",
  "footer{margin-top:2rem;color:#555}"
].join("\n")

const document = (title: string, main: string): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
${style}
</style>
</head>
<body>
<main>
${main}
</main>
<footer>This is a Slack emulator. Nothing here reaches Slack.</footer>
</body>
</html>
`

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
