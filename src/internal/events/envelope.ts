/**
 * What the body of a request of the Events API says, field by field. Slack adds fields and types without notice, so a field
 * that has another form counts as absent.
 */
import type * as Installation from "../../Installation.js"
import type * as Lifecycle from "../../Lifecycle.js"
import { isObject, parseObject } from "../unknown.js"

type Fields = Readonly<Record<string, unknown>>

const text = (value: unknown): string | undefined => typeof value === "string" && value !== "" ? value : undefined

/** The JSON object that a body has; `undefined` if it has none. */
export const parse = (body: Uint8Array): Fields | undefined => parseObject(new TextDecoder().decode(body))

/** The answer to Slack's test of the address. */
export const challengeOf = ({ challenge, type }: Fields): string | undefined =>
  type === "url_verification" ? text(challenge) : undefined

/** How often Slack has sent the event of a request before. */
export const attemptOf = (headers: Headers): number => {
  const number = headers.get("x-slack-retry-num") ?? ""
  return /^\d{1,3}$/.test(number) ? Number(number) : 0
}

/** Where an event belongs: to the first installation that may see it. */
const placeOf = (envelope: Fields): Installation.Place & { readonly appId: string } => {
  const first = Array.isArray(envelope.authorizations) ? envelope.authorizations[0] : undefined
  const place = isObject(first) ? first : envelope
  return {
    appId: text(envelope.api_app_id) ?? "",
    teamId: text(place.team_id) ?? text(envelope.team_id),
    enterpriseId: text(place.enterprise_id) ?? text(envelope.enterprise_id),
    isEnterpriseInstall: place.is_enterprise_install === true
  }
}

/** The event in an envelope; `undefined` if it has none, as `app_rate_limited`. */
export const eventOf = (envelope: Fields, attempt: number): Lifecycle.Event | undefined => {
  const { event } = envelope
  if (envelope.type !== "event_callback" || !isObject(event)) return undefined
  const type = text(event.type)
  return type === undefined ? undefined : {
    type,
    id: text(envelope.event_id),
    place: placeOf(envelope),
    channel: text(event.channel),
    user: text(event.user),
    text: text(event.text),
    ts: text(event.ts),
    threadTs: text(event.thread_ts),
    event,
    envelope,
    attempt
  }
}
