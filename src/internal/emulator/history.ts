/**
 * What happened, without secrets: the calls, their changes, and a timeline for people.
 */
import type * as Model from "../../testing/SlackEmulatorModel.js"
import * as Ring from "./ring.js"

/** When something happened, in milliseconds since the epoch. */
interface Entry {
  readonly at: number
}

/** A call that the emulator received. */
export interface Call extends Entry, Omit<Model.Call, "at"> {
  readonly _tag: "Call"
}

/** A person's decision on the consent page. */
export interface Consent extends Entry {
  readonly _tag: "Consent"
  readonly who: string
  readonly result: string
}

export interface Issued extends Entry {
  readonly _tag: "Issued"
  readonly what: string
  readonly how: string
  readonly scopes: ReadonlyArray<string>
}

export interface Ended extends Entry {
  readonly _tag: "Ended"
  readonly what: string
  readonly why: string
}

/** A single-use code or token was presented a second time. */
export interface Replay extends Entry, Omit<Model.Replay, "at"> {
  readonly _tag: "Replay"
}

/** An attempt to deliver an event to an app. */
export interface Delivered extends Entry {
  readonly _tag: "Delivered"
  readonly what: string
  readonly result: string
}

export type Event = Call | Consent | Issued | Ended | Replay | Delivered

export interface History {
  readonly events: Ring.Ring<Event>
  readonly listeners: Set<(event: Event) => void>
  /** The time of the first event. */
  start: number | undefined
}

export const make = (size: number): History => ({ events: Ring.make(size), listeners: new Set(), start: undefined })

export const add = (history: History, event: Event): void => {
  history.start ??= event.at
  Ring.add(history.events, event)
  for (const listener of history.listeners) listener(event)
}

/** The latest events, oldest first. */
export const latest = ({ events }: History): ReadonlyArray<Event> => Ring.toArray(events)

/** Forgets all events. Listeners stay. */
export const clear = (history: History): void => {
  history.start = undefined
  Ring.clear(history.events)
}

const describe = (event: Event): string => {
  switch (event._tag) {
    case "Call": {
      const parameters = Object.entries(event.parameters)
        .filter(([name]) => name !== "grant_type" && name !== "client_id" && name !== "client_secret")
        .map(([name, value]) => `${name}=${value}`)
      const how = [event.grantType, ...parameters].filter((word) => word !== undefined && word !== "").join(" ")
      const fault = event.fault === undefined ? "" : ` [fault: ${event.fault}]`
      const leak = event.secretInUrl ? " [a secret in the URL]" : ""
      return `${event.method}${how === "" ? "" : ` ${how}`} -> ${event.result}${fault}${leak}`
    }
    case "Consent":
      return `authorize by ${event.who} -> ${event.result}`
    case "Issued":
      return `  issued ${event.what} by ${event.how}`
    case "Ended":
      return `  ended ${event.what}: ${event.why}`
    case "Delivered":
      return `event ${event.what} -> ${event.result}`
    case "Replay":
      return `  replay of a ${event.what}: ${event.label}${event.honoured ? ", honoured" : ", refused"}`
  }
}

const two = (n: number): string => String(Math.floor(n)).padStart(2, "0")

const clock = (time: number): string => {
  const millis = Math.abs(time)
  const rest = String(Math.floor(millis % 1000)).padStart(3, "0")
  // A clock can be set back.
  const sign = time < 0 ? "-" : "+"
  return `${sign}${two(millis / 3_600_000)}:${two(millis / 60_000 % 60)}:${two(millis / 1000 % 60)}.${rest}`
}

/** One line for an event, with the time since the first event. */
export const line = (history: History, event: Event): string =>
  `${clock(event.at - (history.start ?? event.at))} ${describe(event)}`

export const render = (history: History): string => {
  const { dropped } = history.events
  const lines = latest(history).map((event) => line(history, event))
  return [...(dropped > 0 ? [`(${dropped} earlier events dropped)`] : []), ...lines].join("\n")
}

/**
 * Calls a function with each event from now on, and returns a function that stops it. The result of a call is set after
 * its event has been added.
 */
export const listen = (history: History, listener: (event: Event) => void): () => void => {
  history.listeners.add(listener)
  return () => history.listeners.delete(listener)
}
