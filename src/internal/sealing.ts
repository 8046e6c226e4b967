/**
 * Authenticated encryption of short texts: AES-256-GCM through `crypto.subtle`, with key ids so that keys can change.
 *
 * A sealed (encrypted) text is `v1.<key id>.<nonce and ciphertext, base64url>`. The version, the key id and the associated
 * data are authenticated. The associated data names the place of the text, such as a row or a cookie. It is not stored, and
 * has to be the same when the text is opened (decrypted). So a text that is moved to another place cannot be opened there.
 *
 * Nonces are 96 random bits, which is safe for 2^32 texts under one key (NIST SP 800-38D §8.3).
 */
import * as Base64Url from "./base64url.js"

const version = "v1"
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

// -------------------------------------------------------------------------------------
// keys
// -------------------------------------------------------------------------------------

/** One key: the id that is written into its texts, and 32 bytes. */
export interface KeyMaterial {
  readonly id: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Keys. All of them open, the current one also seals. Each is imported once, when it is first used. */
export interface Keyring {
  readonly current: string
  readonly find: (id: string) => Promise<CryptoKey | undefined>
}

/** 32 bytes from base64 or base64url, with or without padding; `undefined` for anything else. */
export const parseKey = (text: string): Uint8Array<ArrayBuffer> | undefined => {
  const bytes = Base64Url.decode(text.trim().replaceAll("+", "-").replaceAll("/", "_").replace(/={1,2}$/, ""))
  return bytes?.length === keyBytes ? bytes : undefined
}

/** Whether a text can be the id of a key. */
export const isKeyId = (text: string): boolean => /^[\w-]{1,64}$/.test(text)

export type KeyringResult =
  | { readonly ok: true; readonly keyring: Keyring }
  | { readonly ok: false; readonly problem: string }

const refuse = (problem: string): KeyringResult => ({ ok: false, problem })

/** A keyring from the current key and the older ones, or what is wrong with them. The problem contains no key. */
export const makeKeyring = (current: KeyMaterial, older: ReadonlyArray<KeyMaterial> = []): KeyringResult => {
  const materials = new Map<string, KeyMaterial>()
  for (const key of [current, ...older]) {
    if (!isKeyId(key.id)) return refuse("A key id has 1 to 64 letters, digits, hyphens and underscores")
    if (materials.has(key.id)) return refuse(`Two keys have the id ${key.id}`)
    if (key.bytes.length !== keyBytes) return refuse(`The key ${key.id} has ${key.bytes.length} bytes, not ${keyBytes}`)
    materials.set(key.id, { id: key.id, bytes: key.bytes.slice() })
  }

  // Stores the keys and not promises of them: on some edge runtimes a request cannot await a promise of another one.
  const imported = new Map<string, CryptoKey>()
  const find = async (id: string): Promise<CryptoKey | undefined> => {
    const known = imported.get(id)
    const material = materials.get(id)
    if (known !== undefined || material === undefined) return known
    const key = await crypto.subtle.importKey("raw", material.bytes, "AES-GCM", false, ["encrypt", "decrypt"])
    imported.set(id, key)
    return key
  }
  return { ok: true, keyring: { current: current.id, find } }
}

// -------------------------------------------------------------------------------------
// sealing and opening
// -------------------------------------------------------------------------------------

/** The text, or why the sealed text could not be opened. */
export type Opened =
  | { readonly ok: true; readonly text: string; readonly keyId: string }
  | { readonly ok: false; readonly reason: "unknownKey"; readonly keyId: string }
  /** A different key has this id, or the text was altered or moved. */
  | { readonly ok: false; readonly reason: "notAuthentic"; readonly keyId: string }
  | { readonly ok: false; readonly reason: "malformed" }

const utf8 = new TextEncoder()

const parameters = (nonce: Uint8Array<ArrayBuffer>, keyId: string, associatedData: string) => ({
  name: "AES-GCM",
  iv: nonce,
  tagLength: tagBytes * 8,
  additionalData: utf8.encode(`${version}.${keyId}.${associatedData}`)
})

/** Seals a text under the current key. */
export const seal = async (keyring: Keyring, text: string, associatedData: string): Promise<string> => {
  const keyId = keyring.current
  const key = await keyring.find(keyId)
  if (key === undefined) throw new Error(`The keyring has no key ${keyId}`)
  const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes))
  const ciphertext = await crypto.subtle.encrypt(parameters(nonce, keyId, associatedData), key, utf8.encode(text))
  const sealed = new Uint8Array(nonceBytes + ciphertext.byteLength)
  sealed.set(nonce)
  sealed.set(new Uint8Array(ciphertext), nonceBytes)
  return `${version}.${keyId}.${Base64Url.encode(sealed)}`
}

/** Every text that {@link seal} returns for this keyring begins with this. */
export const prefixOf = (keyring: Keyring): string => `${version}.${keyring.current}.`

/** The id of the key that sealed a text; `undefined` if the text is not sealed. */
export const keyIdOf = (sealed: string): string | undefined => /^v1\.([\w-]{1,64})\.[\w-]+$/.exec(sealed)?.[1]

/** Opens a sealed text. It does not throw, whatever the text is. */
export const open = async (keyring: Keyring, sealed: string, associatedData: string): Promise<Opened> => {
  const keyId = keyIdOf(sealed)
  if (keyId === undefined) return { ok: false, reason: "malformed" }
  const bytes = Base64Url.decode(sealed.slice(version.length + keyId.length + 2))
  if (bytes === undefined || bytes.length < nonceBytes + tagBytes) return { ok: false, reason: "malformed" }
  const key = await keyring.find(keyId)
  if (key === undefined) return { ok: false, reason: "unknownKey", keyId }
  try {
    const plain = await crypto.subtle.decrypt(
      parameters(bytes.slice(0, nonceBytes), keyId, associatedData),
      key,
      bytes.subarray(nonceBytes)
    )
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain), keyId }
  } catch {
    return { ok: false, reason: "notAuthentic", keyId }
  }
}
