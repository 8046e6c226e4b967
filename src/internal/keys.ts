/**
 * Keys from a program or a setting. The messages about a wrong key do not contain the key.
 */
import type * as Redacted from "effect/Redacted"
import { settingList } from "./commaList.js"
import { reveal } from "./reveal.js"
import * as Sealing from "./sealing.js"
import { problemOf } from "./settings.js"

export interface Key {
  readonly id: string
  /** 32 bytes in base64 or base64url. */
  readonly key: string | Redacted.Redacted
}

/** The name of a key in a message. If somebody swapped id and key, the id is the secret. */
const nameOf = ({ id }: Key, position: number): string =>
  Sealing.isKeyId(id) && Sealing.parseKey(id) === undefined ? id : `number ${position}`

/** A keyring from keys, the current one first, or what is wrong with them. */
export const toKeyring = (keys: readonly [current: Key, ...older: ReadonlyArray<Key>]): Sealing.KeyringResult => {
  const materials: Array<Sealing.KeyMaterial> = []
  for (const [index, key] of keys.entries()) {
    const given: unknown = reveal(key.key)
    const text = typeof given === "string" ? given.trim() : given
    const problem = problemOf(text)
    const bytes = problem === undefined ? Sealing.parseKey(String(text)) : undefined
    if (bytes === undefined) {
      const what = problem ?? "is not 32 bytes in base64: openssl rand -base64 32"
      return { ok: false, problem: `The key ${nameOf(key, index + 1)} ${what}` }
    }
    materials.push({ id: key.id, bytes })
  }
  const [current, ...older] = materials
  return current === undefined ? { ok: false, problem: "There is no key" } : Sealing.makeKeyring(current, older)
}

/** The entries of a list of keys: `id:key`, with commas between them. */
export const keyEntries = settingList

/** Reads entries, or says what is wrong with the list. */
export const readEntries = (
  entries: ReadonlyArray<string>
): { readonly ok: true; readonly keys: ReadonlyArray<Key> } | { readonly ok: false; readonly problem: string } => {
  const keys: Array<Key> = []
  for (const entry of entries) {
    const problem = problemOf(entry)
    if (problem !== undefined) return { ok: false, problem: `The list of keys ${problem}` }
    const colon = entry.indexOf(":")
    if (colon < 1) return { ok: false, problem: "Write each key as id:base64, and separate keys with commas" }
    keys.push({ id: entry.slice(0, colon), key: entry.slice(colon + 1) })
  }
  return { ok: true, keys }
}
