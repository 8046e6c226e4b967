/**
 * Writes the summary of docs/performance.md from the tables of the page: `npm run docs:pictures` runs it. A test fails
 * when the page has another summary.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { digits, type Look, page, reader } from "./performance/tables.js"

/** "1.2 times the time", or "0.74 times the time". */
const times = (value: number): string => `${digits(value)} times the time`

const milliseconds = (microseconds: number): string => `${digits(microseconds / 1000)} ms`

/** Ten lines for users, from the numbers of the page. */
export const summaryOf = (look: Look): string => {
  const reads = (row: string) => look("read", "Reading a fresh token", row, "reads a second")
  const storm = (row: string, column: string) =>
    look("storm", "All readers at once of one expired token", [row, "1,000"], column)
  const call = "oauth.v2.access, one at a time"
  const cost = "Beyond effect and @effect/platform, minified and gzipped"
  const program = "A whole program for Node in one file, minified and gzipped"
  const start = "Import in a new process"
  const fleet = "24 hours of a fleet that was installed in one minute"
  const operations = (row: string, column: string) =>
    look("scale", "Store operations a second, all processes together", [row, "1"], column)
  return [
    `**A token that is not about to expire** costs no I/O: about ${
      digits(reads("botToken, Postgres"))
    } reads a second in ` +
    `one process, also with Postgres. Slack's package asks its store each time: ${
      digits(reads("authorize, Postgres"))
    } a second.`,
    `**An expired token and 1,000 callers**: Slack gets ${
      storm("TokenManager.botToken", "requests")
    } request, and the last ` +
    `caller has its token after ${
      digits(storm("TokenManager.botToken", "ms to the last reader"))
    } ms. With Slack's package ` +
    `Slack gets ${storm("@slack/oauth authorize", "requests").toLocaleString("en")} requests, and it takes ${
      digits(storm("@slack/oauth authorize", "ms to the last reader"))
    } ms.`,
    `**A call** on undici takes ${milliseconds(look("call", call, "OAuthV2 on undici", "wall µs"))} on this machine, ${
      times(look("call", call, "OAuthV2 on undici", "wall ×"))
    } of Slack's client. Slack's own time, some hundred milliseconds, is added to both.`,
    `**A call on fetch** takes ${times(look("call", call, "OAuthV2 on fetch", "wall ×"))} of Slack's client.`,
    `**On Effect 4** a call on undici takes ${
      times(
        look("majors", "oauth.v2.access on Node 24, one at a time", "OAuthV2 on undici", "Effect 4: wall µs") /
          look("majors", "oauth.v2.access on Node 24, one at a time", "@slack/web-api", "Effect 4: wall µs")
      )
    } of Slack's client.`,
    `**The callback of an install** takes ${
      times(look("install", "The callback", "InstallFlow.callback on undici", "wall ×"))
    } of Slack's package on undici, and ${
      digits(look("install", "The callback", "InstallFlow.callback on fetch", "wall ×"))
    } times on fetch. It makes one call to Slack, and Slack's package makes two.`,
    `**A store** saves ${digits(operations("libsql", "save"))} installations a second in a libsql file and ${
      digits(operations("Postgres", "save"))
    } in Postgres, and reads ${digits(operations("libsql", "credential"))} and ${
      digits(operations("Postgres", "credential"))
    } credentials. Each commit waits for the disk.`,
    `**10,000 apps that were installed in one minute**: the busiest hour of the day has ${
      digits(look("scale", fleet, "10,000", "busiest hour by average"))
    } times the refreshes of an average hour.`,
    `**In a bundle**, the core adds ${
      digits(look("cost", cost, "SlackApp, OAuthV2 and all they need", "kB"))
    } kB to a program ` +
    `that uses Effect. A whole program has ${
      digits(look("cost", program, "OAuthV2.access over fetch", "kB"))
    } kB, and ${digits(look("cost", program, "@slack/web-api", "kB"))} kB with Slack's client.`,
    `**The import** takes ${
      digits(look("cost", start, "effect-slack-oauth/OAuthV2", "ms"))
    } ms in a new process, of which ${
      digits(look("cost", start, "what OAuthV2 imports of effect and platform", "ms"))
    } ms are Effect. Slack's client takes ${digits(look("cost", start, "@slack/web-api", "ms"))} ms.`
  ].map((line) => `- ${line}`).join("\n")
}

/** The page with a new summary. */
export const withSummary = (text: string): string =>
  text.replace(
    /(<!-- summary -->\n)[^]*?(<!-- \/summary -->)/,
    (_, start: string, end: string) => `${start}${summaryOf(reader(text))}\n${end}`
  )

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(page, withSummary(readFileSync(page, "utf8")))
}
