/** The clock of this machine against Slack's. */
import { error, type Finding, ok, skipped, warning } from "./finding.js"

const id = "clock"

/** Requests from Slack are refused if they are older or newer than this. */
const signatureSeconds = 300

/** `date` is the header `Date` of an answer, which has whole seconds, and `now` the time when the answer came. */
export const clock = (date: string | undefined, now: number): Finding => {
  const there = date === undefined ? Number.NaN : Date.parse(date)
  if (Number.isNaN(there)) {
    return skipped(id, "There was no answer with a Date to compare the clock with.", "Run it with access to Slack.")
  }
  const seconds = Math.round((now - there) / 1000)
  const off = Math.abs(seconds)
  const words = `The clock of this machine is ${off} seconds ${seconds > 0 ? "ahead of" : "behind"} Slack's.`
  const todo = "Switch on time synchronization (NTP), such as: timedatectl set-ntp true."
  if (off > signatureSeconds - 60) {
    return error(id, `${words} Events of Slack are refused at 300 seconds, and tokens are refreshed too late.`, todo)
  }
  return off > 10 ? warning(id, words, todo) : ok(id, "The clock of this machine agrees with Slack's.")
}
