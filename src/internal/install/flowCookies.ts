/**
 * The cookies of install flows: one for each flow, so that two tabs do not get into each other's way.
 *
 * A cookie is the proof that a browser was given a state. It holds the state's hash, until when, and what the store of
 * pending installs lets the browser carry, if anything. Once the state is used, it says so instead.
 */
import * as Cookies from "../cookies.js"
import { constantTimeEqual } from "../random.js"

/** Browsers keep the cookie for longer than the install may take, so that lateness can be told from fraud. */
const graceSeconds = 60 * 60

/** A browser that begins again and again must not end up with more cookies than a server reads. */
const maxFlows = 6
const maxCharacters = 6000

/** How long a browser is remembered as having been sent through authorize without asking. */
const bounceSeconds = 5 * 60

export interface FlowCookie {
  readonly name: string
  readonly stateHash: string
  readonly expiresAtSeconds: number
  readonly carried: string
  /** Whether this browser has been told what came of the state. */
  readonly used: boolean
}

/** Instead of what the browser carries. */
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

/**
 * The functions below take a `Cookie` header and return `Set-Cookie` lines. The client id tells the apps of a host apart
 * where a cookie belongs to an app, and not to a state.
 */
export type FlowCookies = ReturnType<typeof makeFlowCookies>

export const makeFlowCookies = (secure: boolean, clientId: string) => {
  // `__Host-`: only this very host, over https, can have set it (RFC 6265bis §4.1.3.2).
  const prefix = `${secure ? "__Host-" : ""}slack-install-`
  const bounced = `${prefix}${clientId.replace(/[^\w.]/g, "_")}-bounced`
  const nameFor = (stateHash: string) => `${prefix}${stateHash.slice(0, 12)}`
  const set = (name: string, value: string, maxAgeSeconds: number) =>
    Cookies.serialize(name, value, { secure, maxAgeSeconds })
  const drop = (name: string) => set(name, "", 0)

  /** The flows of a browser that have to make room for another. */
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

    /** The proof that the browser was given the state. */
    find: (header: string | null, stateHash: string): FlowCookie | undefined => {
      const name = nameFor(stateHash)
      const cookie = parseFlow(name, Cookies.parse(header).get(name) ?? "")
      return cookie !== undefined && constantTimeEqual(cookie.stateHash, stateHash) ? cookie : undefined
    },

    /** For a flow that begins; older flows make room if they have to. */
    begin: (header: string | null, nowSeconds: number, flow: Begun): ReadonlyArray<string> => {
      const value = render(flow)
      const name = nameFor(flow.stateHash)
      return [
        set(name, value, flow.expiresAtSeconds - nowSeconds + graceSeconds),
        ...crowdedOut(header, nowSeconds, name.length + value.length).map(drop)
      ]
    },

    /** For a flow whose state is used: still the proof, for who loads the page again, but no longer the install. */
    finish: (flow: FlowCookie, windowSeconds: number) =>
      set(flow.name, render({ ...flow, carried: used }), windowSeconds),

    drop: ({ name }: FlowCookie) => drop(name)
  }
}
