/**
 * Random secrets, and digests. The randomness comes from the platform's cryptographic source, never from a seed: somebody
 * who can predict a state or a verifier can take over an install.
 */
import * as Base64Url from "./base64url.js"

/** 256 random bits as 43 characters: a state, a code verifier. */
export const randomToken = (): string => Base64Url.encode(crypto.getRandomValues(new Uint8Array(32)))

/** Whether a text can be a {@link randomToken} or a {@link sha256}. */
export const isToken = (text: string): boolean => /^[\w-]{43}$/.test(text)

const digest = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))

/** SHA-256 of a text's UTF-8 bytes, in base64url. */
export const sha256 = async (text: string): Promise<string> => Base64Url.encode(await digest(text))

/** SHA-256 of a text's UTF-8 bytes, in the base64 that a Content-Security-Policy takes. */
export const sha256Base64 = async (text: string): Promise<string> => btoa(String.fromCharCode(...await digest(text)))

/** Compares two texts. The time that it takes does not show where they differ. */
export const constantTimeEqual = (a: string, b: string): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index)
  return difference === 0
}
