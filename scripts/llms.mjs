// Writes llms.txt, a list of the pages and modules for programs that read documentation: `npm run docs:llms`. A test fails
// when the file is not what this gives. See https://llmstxt.org.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const read = (file) => readFileSync(join(root, file), "utf8")

/** Text without pictures, links, comments and line ends. */
const plain = (text) =>
  text.replaceAll(/<!--[^]*?-->|!\[[^\]]*\]\([^)]*\)/g, "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(
    /\s+/g,
    " "
  ).trim()

const firstSentence = (text) => /^.*?[.:](?= |$)/.exec(text)?.[0].replace(/:$/, ".") ?? text

const paragraphs = (page) => page.split(/\n\n+/).map(plain).filter((text) => /^[A-Z`]/.test(text))

const titleOf = (page) => /^# (.+)$/m.exec(page)?.[1] ?? ""

/** The rows of the table under a heading, as cells. */
const rowsUnder = (page, heading) => {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? ""
  return Array.from(section.matchAll(/^\| (.+) \|$/gm), ([, row]) => row.split(" | ")).slice(2)
}

const readme = read("README.md")
/** In the order in which the README names them. */
const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"))
  .map((name) => ({ name, place: readme.indexOf(`](docs/${name}`, readme.indexOf("\n## Documentation\n")) }))
  .sort((a, b) => a.place - b.place)
  .map(({ name }) => name)

const summary = paragraphs(readme).find((text) => text.startsWith("Slack OAuth V2 as"))
const installs = Array.from(readme.matchAll(/^With (Effect \d)[^]*?```sh\n(npm install [^\n]+)\n/gm))

export const text = `# effect-slack-oauth

> ${summary}

${installs.map(([, major, line]) => `${major}: \`${line}\``).join("\n\n")}

## Pages

- [effect-slack-oauth](README.md): install lines, the first program, errors, retries, a whole example, all modules.
${
  pages.map((name) => {
    const page = read(`docs/${name}`)
    const body = page.slice(page.indexOf("\n"))
    return `- [${titleOf(page)}](docs/${name}): ${firstSentence(paragraphs(body)[0] ?? "")}`
  }).join("\n")
}
- [Changelog](CHANGELOG.md): what changed, and what a user has to do.
- [Security](SECURITY.md): how to report a problem, and which versions are supported.

## Modules

Each is imported as \`import { OAuthV2 } from "effect-slack-oauth"\` or by itself, from \`effect-slack-oauth/OAuthV2\`.

${rowsUnder(readme, "Modules").map(([name, what]) => `- ${name}: ${plain(what)}`).join("\n")}
`

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(root, "llms.txt"), text)
