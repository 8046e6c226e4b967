/**
 * base64url without padding (RFC 4648 §5): the form of states, challenges and sealed values.
 */

/** Encodes bytes. */
export const encode = (bytes: Uint8Array): string => {
  let binary = ""
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
}

/**
 * Decodes what {@link encode} writes, and nothing else. Padding, white space, the other alphabet and stray bits at the end
 * (RFC 4648 §3.5) are refused, so that every value has exactly one form.
 */
export const decode = (text: string): Uint8Array<ArrayBuffer> | undefined => {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return undefined
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"))
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
  // Only the last group of characters can have stray bits.
  const lastGroup = text.slice(text.length - text.length % 4)
  return encode(bytes.subarray(bytes.length - bytes.length % 3)) === lastGroup ? bytes : undefined
}
