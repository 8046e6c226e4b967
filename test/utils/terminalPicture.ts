/** The lines of a picture of a terminal in docs/pictures. */
import * as Fs from "node:fs"
import * as Path from "node:path"

const folder = Path.resolve(import.meta.dirname, "../../docs/pictures")

const unescape = (text: string): string =>
  text.replaceAll("&quot;", "\"").replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll("&amp;", "&")

/** What the terminal shows: commands, each with the lines that it prints. */
export const commandsIn = (
  name: string
): ReadonlyArray<{ readonly args: ReadonlyArray<string>; readonly printed: ReadonlyArray<string> }> => {
  const svg = Fs.readFileSync(Path.join(folder, `terminal-${name}.svg`), "utf8")
  const lines = Array.from(
    svg.matchAll(/<text [^>]*xml:space="preserve">(.*)<\/text>/g),
    ([, text = ""]) => unescape(text)
  )
  const prompt = "$ npx effect-slack-oauth@0 "
  return lines.flatMap((line, index) => {
    if (!line.startsWith(prompt)) return []
    const next = lines.findIndex((line, other) => other > index && line.startsWith(prompt))
    const printed = lines.slice(index + 1, next === -1 ? lines.length : next)
    const words = Array.from(line.slice(prompt.length).matchAll(/"([^"]*)"|\S+/g), ([word, quoted]) => quoted ?? word)
    return [{ args: words, printed: printed.filter((line) => line !== "") }]
  })
}

/** A text in which each number is the same. */
export const withoutNumbers = (text: string): string => text.replaceAll(/\d+/g, "1")
