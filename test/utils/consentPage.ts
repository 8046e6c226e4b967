/**
 * The consent page in a browser without scripts: the names and values of its controls, and the form that a button
 * submits.
 */

const decode = (text: string): string =>
  text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))

const attributes = (tag: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Array.from(tag.matchAll(/\s([\w-]+)(?:="([^"]*)")?/g), ([, name = "", value = ""]) => [name, decode(value)])
  )

/** All opening tags of a name, with their attributes. */
export const tags = (html: string, name: string): ReadonlyArray<Readonly<Record<string, string>>> =>
  Array.from(html.matchAll(new RegExp(`<${name}\\b[^>]*>`, "g")), ([tag]) => attributes(tag))

/** The text of the page without tags. */
export const textOf = (html: string): string =>
  decode(html.replaceAll(/<style>.*?<\/style>/gs, "").replaceAll(/<[^>]*>/g, " ")).replaceAll(/\s+/g, " ").trim()

/** The form that a browser submits, with changes, when a person presses the button with that value. */
export const submission = (
  html: string,
  button: "allow" | "cancel",
  changes: Readonly<Record<string, string>> = {}
): URLSearchParams => {
  const form = /<form\b.*<\/form>/s.exec(html)?.[0] ?? ""
  const sent = new URLSearchParams()
  for (const { checked, name, type, value } of tags(form, "input")) {
    if (name === undefined || (type === "checkbox" && checked === undefined)) continue
    sent.append(name, value ?? "")
  }
  for (const [, select = "", inner = ""] of form.matchAll(/(<select\b[^>]*>)(.*?)<\/select>/gs)) {
    const options = tags(inner, "option")
    const chosen = options.find(({ selected }) => selected !== undefined) ?? options[0]
    sent.append(attributes(select).name ?? "", chosen?.value ?? "")
  }
  for (const [name, value] of Object.entries(changes)) sent.set(name, value)
  const pressed = tags(form, "button").find(({ value }) => value === button)
  if (pressed === undefined) throw new Error(`the page has no button ${button}: ${textOf(html)}`)
  sent.append(pressed.name ?? "", button)
  return sent
}
