/** The latest events, for the page and the terminal. */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
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

const length = 20

export const layer = Layer.effect(
  Journal,
  Effect.map(Ref.make(Chunk.empty<Entry>()), (entries) => ({
    write: (text) =>
      Effect.flatMap(DateTime.now, (at) =>
        Effect.zipRight(
          Ref.update(entries, (entries) => Chunk.take(Chunk.prepend(entries, { at, text }), length)),
          Terminal.note(text)
        )),
    latest: Effect.map(Ref.get(entries), Chunk.toReadonlyArray)
  }))
)
