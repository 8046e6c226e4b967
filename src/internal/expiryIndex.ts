/**
 * Rotating credentials by the hour in which they end, so that a search for those that end soon does not visit the others.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type * as Installation from "../Installation.js"
import type { CredentialInfo } from "../InstallationStore.js"
import { endOf } from "./expiry.js"
import * as Row from "./installationRow.js"

const hour = 60 * 60 * 1000

const hourOf = (millis: number): number => Math.floor(millis / hour)

export interface ExpiryIndex {
  /** Records a change of a row. */
  readonly update: (key: Installation.InstallationKey, before: Row.Row, after: Row.Row) => void
  /** Those that end before a time, in the order of their ends. */
  readonly before: (time: DateTime.Utc) => Iterable<CredentialInfo>
}

export const make = (): ExpiryIndex => {
  const hours = new Map<number, Map<string, CredentialInfo>>()

  const entriesAt = (hour: number): Map<string, CredentialInfo> => {
    const known = hours.get(hour)
    if (known !== undefined) return known
    const entries = new Map<string, CredentialInfo>()
    hours.set(hour, entries)
    return entries
  }

  const remove = (info: CredentialInfo): void => {
    const at = hourOf(endOf(info))
    const entries = hours.get(at)
    entries?.delete(String(info.key))
    if (entries?.size === 0) hours.delete(at)
  }

  const add = (info: CredentialInfo): void => {
    if (Row.stateOf(info) === "rotating") entriesAt(hourOf(endOf(info))).set(String(info.key), info)
  }

  return {
    update: (key, before, after) => {
      for (const [subject, { credential }] of after.slots) {
        const previous = Row.credentialOf(before, subject)
        if (credential === previous) continue
        if (Option.isSome(previous)) remove(Row.infoOf(key, previous.value))
        if (Option.isSome(credential)) add(Row.infoOf(key, credential.value))
      }
    },
    before: (time) => ({
      *[Symbol.iterator]() {
        const millis = DateTime.toEpochMillis(time)
        for (const at of Array.from(hours.keys()).filter((at) => at <= hourOf(millis)).sort((a, b) => a - b)) {
          yield* Array.from(hours.get(at)?.values() ?? [])
            .filter((info) => endOf(info) < millis)
            .sort((a, b) => endOf(a) - endOf(b))
        }
      }
    })
  }
}
