/**
 * The cookies of a flow: one for each install, so that two tabs work at the same time.
 *
 * A cookie proves that a browser was given a state. It contains the hash of the state, the time of its end, and what the
 * browser carries for the store of pending installs. When the state is used, the cookie says so instead.
 */
import * as Cookies from "../cookies.js"
import { constantTimeEqual } from "../random.js"

/** Browsers keep the cookie longer than an install may take, so that a late callback differs from a forged one. */
const graceSeconds = 60 * 60

/** A browser that begins many installs must not send more cookies than a server reads. */
const maxFlows = 6
const maxCharacters = 6000

/** How long a browser is not sent through authorize a second time because of a callback without a state. */
const bounceSeconds = 5 * 60

export interface FlowCookie {
  readonly name: string
  readonly stateHash: string
  readonly expiresAtSeconds: number
  readonly carried: string
  /** Whether this browser was told before that the state is used. */
  readonly used: boolean
}

/** Replaces what the browser carries, when the state is used. */
const used = "~"

const parseFlow = (name: string, value: string): FlowCookie | undefined => {
  const [, stateHash, expires, carried] = /^([\w-]{43})\.([0-9a-z]{1,9})\.([\w.-]*|~)$/.exec(value) ?? []
  return stateHash === undefined || expires === undefined || carried === undefined
    ? undefined
    : { name, stateHash, expiresAtSeconds: parseInt(expires, 36), carried, used: carried === used }
}

type Begun = Omit<FlowCookie, "name" | "used">

const render = ({ carried, expiresAtSeconds, stateHash }: Begun): string =>
  `${stateHash}.${expiresAtSeconds.toString(36)}.${carried}`

export type FlowCookies = ReturnType<typeof makeFlowCookies>

/**
 * The functions read a `Cookie` header and return `Set-Cookie` lines. The name of a cookie that belongs to an app, and not
 * to a state, contains the client id, because a host may serve several apps.
 */
export const makeFlowCookies = (secure: boolean, clientId: string) => {
  // Only this host can set a cookie with `__Host-`, and only over https (RFC 6265bis §4.1.3.2).
  const prefix = `${secure ? "__Host-" : ""}slack-install-`
  const bounced = `${prefix}${clientId.replace(/[^\w.]/g, "_")}-bounced`
  const nameFor = (stateHash: string) => `${prefix}${stateHash.slice(0, 12)}`
  const set = (name: string, value: string, maxAgeSeconds: number) =>
    Cookies.serialize(name, value, { secure, maxAgeSeconds })
  const drop = (name: string) => set(name, "", 0)

  /** The names of the cookies that a new one replaces: invalid, expired, or the oldest of too many. */
  const crowdedOut = (header: string | null, nowSeconds: number, newCharacters: number): ReadonlyArray<string> => {
    const flows = Array.from(Cookies.parse(header))
      .filter(([name]) => name.startsWith(prefix) && !name.endsWith("-bounced"))
      .map(([name, value]) => ({ name, size: name.length + value.length, flow: parseFlow(name, value) }))
      .sort((a, b) => (b.flow?.expiresAtSeconds ?? 0) - (a.flow?.expiresAtSeconds ?? 0))
    let room = maxCharacters - newCharacters
    return flows
      .filter(({ flow, size }, position) => {
        room -= size
        return flow === undefined || flow.expiresAtSeconds + graceSeconds < nowSeconds || position >= maxFlows - 1 ||
          room < 0
      })
      .map(({ name }) => name)
  }

  return {
    markBounced: set(bounced, "1", bounceSeconds),
    dropBounced: drop(bounced),
    wasBounced: (header: string | null) => Cookies.parse(header).has(bounced),

    /** The cookie that proves that the browser was given the state. */
    find: (header: string | null, stateHash: string): FlowCookie | undefined => {
      const name = nameFor(stateHash)
      const cookie = parseFlow(name, Cookies.parse(header).get(name) ?? "")
      return cookie !== undefined && constantTimeEqual(cookie.stateHash, stateHash) ? cookie : undefined
    },

    /** For an install that begins. */
    begin: (header: string | null, nowSeconds: number, flow: Begun): ReadonlyArray<string> => {
      const value = render(flow)
      const name = nameFor(flow.stateHash)
      return [
        set(name, value, flow.expiresAtSeconds - nowSeconds + graceSeconds),
        ...crowdedOut(header, nowSeconds, name.length + value.length).map(drop)
      ]
    },

    /** For an install whose state is used. A reload still needs the proof, but nothing is carried. */
    finish: (flow: FlowCookie, windowSeconds: number) =>
      set(flow.name, render({ ...flow, carried: used }), windowSeconds),

    drop: ({ name }: FlowCookie) => drop(name)
  }
}
