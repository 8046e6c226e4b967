import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
// @ts-expect-error: a script without types
import * as Llms from "../scripts/llms.mjs"
// @ts-expect-error: a script without types
import * as NpmReadme from "../scripts/npm-readme.mjs"

const root = Path.resolve(import.meta.dirname, "..")
const read = (file: string) => Fs.readFileSync(Path.join(root, file), "utf8")

const manifest = JSON.parse(read("package.json")) as {
  readonly name: string
  readonly version: string
  readonly files: ReadonlyArray<string>
}

const pages = [
  "README.md",
  "SECURITY.md",
  ...Fs.readdirSync(Path.join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)
]

/** Text without its blocks of code. */
const withoutCode = (page: string) => page.replaceAll(/^ *(```+)[^]*?^ *\1$/gm, "")

/** The links of a page to other files, and to places in them. */
const linksOf = (page: string) =>
  Array.from(
    withoutCode(read(page)).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g),
    ([link, file, place]) => ({
      link,
      file: file === "" ? page : Path.posix.join(Path.posix.dirname(page), file ?? ""),
      place
    })
  )

/** The places of a page, as readers of Markdown name headings. */
const placesOf = (page: string) =>
  Array.from(
    withoutCode(read(page)).matchAll(/^#+ (.+)$/gm),
    ([, heading = ""]) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").trim().replaceAll(" ", "-")
  )

const isShipped = (file: string) =>
  file === "README.md" ||
  manifest.files.some((pattern) =>
    pattern === file || file.startsWith(`${pattern}/`) ||
    (pattern.includes("*") && new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`).test(file))
  )

describe("the pages of the package", () => {
  for (const page of pages) {
    it(`link only files and headings that the package has: ${page}`, () => {
      const broken = linksOf(page).filter(({ file, place }) =>
        !isShipped(file) || !Fs.existsSync(Path.join(root, file)) ||
        (place !== undefined && file.endsWith(".md") && !placesOf(file).includes(place))
      )
      assert.deepStrictEqual(broken.map(({ link }) => link), [])
    })
  }

  it("are shipped", () => {
    assert.deepStrictEqual(
      ["docs/slack-app.md", "SECURITY.md", "llms.txt", "CHANGELOG.md"].filter((file) => !isShipped(file)),
      []
    )
  })
})

describe("README.md on npm", () => {
  const readme = read("README.md")
  const npm: string = NpmReadme.absolute(readme, manifest)

  it("has absolute links to the files of its version, and is the same page otherwise", () => {
    const links = Array.from(withoutCode(npm).matchAll(/\]\(([^)#\s]+)[^)]*\)/g), ([, target = ""]) => target)
    assert.isAbove(links.length, 10)
    assert.deepStrictEqual(links.filter((target) => !target.startsWith("https://")), [])
    assert.include(npm, `](https://unpkg.com/${manifest.name}@${manifest.version}/docs/install.md)`)
    assert.strictEqual(NpmReadme.relative(npm, manifest), readme)
    assert.strictEqual(NpmReadme.absolute(npm, manifest), npm)
    const code = (page: string) => Array.from(page.matchAll(/^ *(```+)[^]*?^ *\1$/gm), ([block]) => block)
    assert.deepStrictEqual(code(npm), code(readme))
  })

  it("has relative links here", () => {
    assert.notInclude(readme, "unpkg.com")
  })
})

describe("the install line of this package", () => {
  const major = manifest.version.split(".")[0]
  const [line = ""] = new RegExp(`^npm install effect-slack-oauth@${major} .*vitest.*$`, "m").exec(read("README.md")) ??
    []

  it("has everything that the pages import, in the versions that are tested here", () => {
    const { devDependencies } = JSON.parse(read("package.json")) as {
      readonly devDependencies: Readonly<Record<string, string>>
    }
    const blocks = pages.flatMap((page) =>
      Array.from(read(page).matchAll(/^ *```ts\b[^]*?^ *```$/gm), ([block]) => block)
    )
    const imported = Array.from(
      blocks.join("\n").matchAll(/from "((?:@[\w-]+\/)?[\w-]+)[/\w-]*"/g),
      ([, name = ""]) => name
    )
    // Slack's own packages are there for those who have them.
    const needed = new Set(
      imported.filter((name) => !/^(node|effect-slack-oauth$|@slack\/)/.test(name))
    )
    assert.isAtLeast(needed.size, 3)
    for (const name of needed) assert.include(`${line} `, ` ${name}@${devDependencies[name]} `)
  })
})

describe("llms.txt", () => {
  it("is what its script writes", () => {
    assert.strictEqual(read("llms.txt"), Llms.text, "run npm run docs:llms")
  })

  it("names every page, with a sentence about it", () => {
    const lines = read("llms.txt").split("\n")
    for (const page of pages.filter((page) => page.startsWith("docs/"))) {
      const line = lines.find((line) => line.includes(`](${page}): `)) ?? ""
      assert.match(line, /^- \[.{3,}\]\(.+\): [A-Z`].{20,}\.$/, page)
    }
  })

  it("links only files that the package has", () => {
    const files = Array.from(read("llms.txt").matchAll(/\]\(([^)]+)\)/g), ([, file = ""]) => file)
    assert.deepStrictEqual(files.filter((file) => !isShipped(file)), [])
  })
})
