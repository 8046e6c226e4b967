/**
 * Faults: the ways in which a call can fail, how several faults combine, and which call gets which.
 */
import * as Wire from "./wire.js"

export type Fault =
  | {
    readonly _tag: "Code"
    readonly code: string
    readonly messages: ReadonlyArray<string>
    readonly needed: ReadonlyArray<string> | undefined
    readonly provided: ReadonlyArray<string> | undefined
  }
  /** `retryAfter` in seconds. */
  | { readonly _tag: "RateLimited"; readonly retryAfter: number | undefined }
  | { readonly _tag: "ServerError"; readonly status: number }
  | { readonly _tag: "Text"; readonly body: string }
  /** In milliseconds. */
  | { readonly _tag: "Delay"; readonly millis: number }
  | { readonly _tag: "CutBeforeReading" }
  | { readonly _tag: "CutAfterStateChange" }
  | { readonly _tag: "CutInBody" }
  | { readonly _tag: "AfterStateChange"; readonly fault: Fault }
  | { readonly _tag: "All"; readonly faults: ReadonlyArray<Fault> }

/** The combined effect of a call's faults. The fields are in the order in which they apply. */
export interface Plan {
  readonly label: string
  readonly delayBefore: number
  readonly cutBeforeReading: boolean
  /** The answer that replaces the rules: they do not run. */
  readonly instead: Wire.Response | undefined
  readonly delayAfter: number
  /** The answer that replaces the rules' answer after they have run. */
  readonly afterwards: Wire.Response | undefined
  readonly cutAfterStateChange: boolean
  readonly cutInBody: boolean
}

const serverErrorPage = (status: number): string =>
  `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Server Error | Slack</title></head>
<body><h1>Server Error</h1><p>The emulator was told to fail (HTTP ${status}).</p></body></html>
`

const answerOf = (fault: Fault): Wire.Response | undefined => {
  switch (fault._tag) {
    case "Code":
      return Wire.json({
        ok: false,
        error: fault.code,
        ...(fault.needed === undefined ? undefined : { needed: fault.needed.join(",") }),
        ...(fault.provided === undefined ? undefined : { provided: fault.provided.join(",") }),
        ...(fault.messages.length === 0 ? undefined : { response_metadata: { messages: fault.messages } })
      })
    case "RateLimited":
      return {
        ...Wire.json(
          { ok: false, error: "ratelimited" },
          fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) }
        ),
        status: 429
      }
    case "ServerError":
      return Wire.html(fault.status, serverErrorPage(fault.status))
    case "Text":
      return { ...Wire.json(undefined, { "content-type": "text/plain; charset=utf-8" }), body: fault.body }
    default:
      return undefined
  }
}

export const labelOf = (fault: Fault): string => {
  switch (fault._tag) {
    case "Code":
      return fault.code
    case "RateLimited":
      return fault.retryAfter === undefined ? "HTTP 429" : `HTTP 429, retry after ${fault.retryAfter} s`
    case "ServerError":
      return `HTTP ${fault.status}`
    case "Text":
      return "text in a 200"
    case "Delay":
      return `delay of ${fault.millis} ms`
    case "CutBeforeReading":
      return "cut before reading"
    case "CutAfterStateChange":
      return "cut after the state changed"
    case "CutInBody":
      return "cut in the body"
    case "AfterStateChange":
      return `${labelOf(fault.fault)} after the state changed`
    case "All":
      return fault.faults.map(labelOf).join(" and ")
  }
}

const nothing: Plan = {
  label: "",
  delayBefore: 0,
  cutBeforeReading: false,
  instead: undefined,
  delayAfter: 0,
  afterwards: undefined,
  cutAfterStateChange: false,
  cutInBody: false
}

const extend = (plan: Plan, fault: Fault, after: boolean): Plan => {
  switch (fault._tag) {
    case "All":
      return fault.faults.reduce((plan, fault) => extend(plan, fault, after), plan)
    case "AfterStateChange":
      return extend(plan, fault.fault, true)
    case "Delay":
      return after
        ? { ...plan, delayAfter: plan.delayAfter + fault.millis }
        : { ...plan, delayBefore: plan.delayBefore + fault.millis }
    case "CutBeforeReading":
      return after ? { ...plan, cutAfterStateChange: true } : { ...plan, cutBeforeReading: true }
    case "CutAfterStateChange":
      return { ...plan, cutAfterStateChange: true }
    case "CutInBody":
      return { ...plan, cutInBody: true }
    default: {
      const answer = answerOf(fault)
      return after ? { ...plan, afterwards: answer } : { ...plan, instead: answer }
    }
  }
}

export const plan = (fault: Fault | undefined): Plan | undefined =>
  fault === undefined ? undefined : { ...extend(nothing, fault, false), label: labelOf(fault) }

// -------------------------------------------------------------------------------------
// which call gets which
// -------------------------------------------------------------------------------------

export interface Injection {
  /** The methods that it affects; `undefined` means all methods of the API. */
  readonly methods: ReadonlyArray<string> | undefined
  /** The share of matching calls that it affects, from 0 to 1. */
  readonly share: number
  readonly fault: Fault
  /** How many more calls it affects. */
  remaining: number
}

/** Takes the fault of the first injection that affects this call. */
export const take = (
  injections: Array<Injection>,
  method: string,
  random: () => number
): Fault | undefined => {
  for (const injection of injections) {
    const matches = injection.methods === undefined ? method !== "authorize" : injection.methods.includes(method)
    if (!matches || injection.remaining <= 0 || random() >= injection.share) continue
    injection.remaining--
    if (injection.remaining <= 0) injections.splice(injections.indexOf(injection), 1)
    return injection.fault
  }
  return undefined
}
