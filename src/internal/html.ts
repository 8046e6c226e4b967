/**
 * Templates of HTML. They escape everything that is put into them, except HTML of this module.
 */

/** A piece of HTML. */
export class Html {
  constructor(readonly markup: string) {}
  toString(): string {
    return this.markup
  }
}

/** What can be put into a template: text, a number, HTML, a list of these, or nothing. */
export type Part = string | number | Html | ReadonlyArray<Part> | undefined | null | false

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;",
  "`": "&#96;"
}

/** Escapes for element content and for quoted attributes. */
export const escape = (text: string): string => text.replace(/[&<>"'`]/g, (character) => entities[character] ?? "")

/** Makes HTML of a text without escaping it. Only for constants. */
export const raw = (markup: string): Html => new Html(markup)

const render = (part: Part): string => {
  if (part === undefined || part === null || part === false) return ""
  if (part instanceof Html) return part.markup
  if (typeof part === "string" || typeof part === "number") return escape(String(part))
  return part.map(render).join("")
}

/** A template of HTML. Attributes must be quoted. */
export const html = (strings: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Html =>
  new Html(strings.reduce((markup, string, index) => markup + render(parts[index - 1]) + string))
