/**
 * What happened, with nothing secret in it: the calls, what they changed, and a timeline for a person to read.
 */

/** A call that the emulator got. */
export interface Call {
  readonly _tag: "Call"
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  /** `authorization_code` or `refresh_token`, for `oauth.v2.access`. */
  readonly grantType: string | undefined
  readonly clientId: string | undefined
  /** How the client proved itself. */
  readonly authentication: "basic" | "body" | "bearer" | "none"
  /** The parameters, where a secret is replaced by what it stands for. */
  readonly parameters: Readonly<Record<string, string>>
  /** Whether a secret stood in the URL, where logs would keep it. */
  readonly secretInUrl: boolean
  /** `ok`, Slack's code, or what a fault made of it, such as `HTTP 503` or `cut before reading`. */
  readonly result: string
  /** The fault that was played, if one was. */
  readonly fault: string | undefined
}

/** A person at the consent page. */
export interface Consent {
  readonly _tag: "Consent"
  readonly at: number
  readonly who: string
  readonly result: string
}

export interface Issued {
  readonly _tag: "Issued"
  readonly at: number
  readonly what: string
  readonly how: string
  readonly scopes: ReadonlyArray<string>
}

export interface Ended {
  readonly _tag: "Ended"
  readonly at: number
  readonly what: string
  readonly why: string
}

/** Something that works once came a second time. */
export interface Replay {
  readonly _tag: "Replay"
  readonly at: number
  readonly what: "code" | "refresh token" | "legacy token"
  /** What it stands for. */
  readonly label: string
  /** Whether it was honoured all the same, which happens to refresh tokens inside the grace period. */
  readonly honoured: boolean
}

export type Event = Call | Consent | Issued | Ended | Replay

export interface History {
  readonly size: number
  readonly listeners: Set<(event: Event) => void>
  /** When the first event was. */
  start: number | undefined
  events: Array<Event>
  dropped: number
}

export const make = (size: number): History => ({
  size,
  listeners: new Set(),
  start: undefined,
  events: [],
  dropped: 0
})

export const add = (history: History, event: Event): void => {
  history.start ??= event.at
  history.events.push(event)
  for (const listener of history.listeners) listener(event)
  // Cut in halves rather than one by one, which would cost the length of the list each time.
  if (history.events.length > 2 * history.size) {
    history.dropped += history.events.length - history.size
    history.events = history.events.slice(-history.size)
  }
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
    case "Replay":
      return `  replay of a ${event.what}: ${event.label}${event.honoured ? ", honoured" : ", refused"}`
  }
}

const two = (n: number): string => String(Math.floor(n)).padStart(2, "0")

const clock = (millis: number): string => {
  const rest = String(Math.floor(millis % 1000)).padStart(3, "0")
  return `+${two(millis / 3_600_000)}:${two(millis / 60_000 % 60)}:${two(millis / 1000 % 60)}.${rest}`
}

/** An event in a line, with the time since the first one. */
export const line = (history: History, event: Event): string =>
  `${clock(event.at - (history.start ?? event.at))} ${describe(event)}`

export const render = (history: History): string => {
  const { dropped, events } = history
  const lines = events.map((event) => line(history, event))
  return [...(dropped > 0 ? [`(${dropped} earlier events dropped)`] : []), ...lines].join("\n")
}
