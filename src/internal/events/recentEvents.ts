/**
 * The events that a process handles, or has handled lately, by their ids. Slack repeats an event until it gets an answer:
 * at once, after a minute and after five. An event that failed is forgotten, so that its repetition is handled.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

/** How an event ended: it needs no repetition, or the application failed, or the store did. */
export type Result = "done" | "failed" | "unavailable"

/** One event. */
export interface Entry {
  /** How the event ended. All requests with this event wait for it. */
  readonly result: Deferred.Deferred<Result>
  /** When it ended; `undefined` while it runs. */
  endedAt: number | undefined
  /** Whether Slack was told not to repeat it. */
  isAcknowledged: boolean
}

/** How many events that have ended are remembered. */
const most = 10_000

export interface RecentEvents {
  /** The entry of an event, and whether it was just made; `undefined` for a new event after `close`. */
  readonly enter: (
    id: string | undefined,
    window: number
  ) => Effect.Effect<readonly [entry: Entry, isNew: boolean] | undefined>
  /** Ends an event. */
  readonly end: (id: string | undefined, entry: Entry, result: Result) => Effect.Effect<void>
  /** Admits no new event, and waits for those that run. */
  readonly close: Effect.Effect<void>
}

export const make = (): RecentEvents => {
  /** Events with an id. One that has ended is moved to the end, so that those which ended first come first. */
  const entries = new Map<string, Entry>()
  const running = new Set<Entry>()
  let isClosed = false

  const forgetOld = (now: number, window: number): void => {
    for (const [id, { endedAt }] of entries) {
      if (endedAt === undefined) continue
      if (entries.size <= most && endedAt + window > now) return
      entries.delete(id)
    }
  }

  return {
    enter: (id, window) =>
      Effect.zipWith(Clock.currentTimeMillis, Deferred.make<Result>(), (now, result) => {
        forgetOld(now, window)
        const known = id === undefined ? undefined : entries.get(id)
        if (known !== undefined) return [known, false]
        if (isClosed) return undefined
        const entry: Entry = { result, endedAt: undefined, isAcknowledged: false }
        if (id !== undefined) entries.set(id, entry)
        running.add(entry)
        return [entry, true]
      }),
    end: (id, entry, result) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        entry.endedAt = now
        running.delete(entry)
        if (id !== undefined && entries.get(id) === entry) {
          entries.delete(id)
          if (result === "done") entries.set(id, entry)
        }
        return Effect.asVoid(Deferred.succeed(entry.result, result))
      }),
    close: Effect.suspend(() => {
      isClosed = true
      return Effect.forEach(running, ({ result }) => Deferred.await(result), { discard: true })
    })
  }
}
