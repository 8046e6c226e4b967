/** The latest events, for the page and the terminal. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Terminal from "../support/terminal.js"

export interface Entry {
  readonly at: DateTime.Utc
  readonly text: string
}

export class Journal extends Context.Tag("Journal")<Journal, {
  readonly write: (text: string) => Effect.Effect<void>
  /** Latest first. */
  readonly latest: Effect.Effect<ReadonlyArray<Entry>>
}>() {}

export const write = (text: string) => Effect.flatMap(Journal, (journal) => journal.write(text))

export const layer = Layer.sync(Journal, () => {
  const entries: Array<Entry> = []
  return {
    write: (text) =>
      Effect.flatMap(DateTime.now, (at) => {
        entries.unshift({ at, text })
        entries.splice(20)
        return Terminal.note(text)
      }),
    latest: Effect.sync(() => [...entries])
  }
})
