/**
 * The encoding of a request: a form in the body, and the client's id and secret in one place.
 */

/** `application/x-www-form-urlencoded` with nothing after it: a charset makes Slack warn (`superfluous_charset`). */
export const contentType = "application/x-www-form-urlencoded"

/** Encodes a form body; absent parameters are left out. */
export const encodeForm = (params: Readonly<Record<string, string | undefined>>): string => {
  let form = ""
  for (const name of Object.keys(params)) {
    const value = params[name]
    if (value !== undefined) form += `${form && "&"}${formEncode(name)}=${formEncode(value)}`
  }
  return form
}

/** One name or value as a form has it. Most consist of characters that need no encoding. */
export const formEncode = (text: string): string =>
  /^[\w.*-]*$/.test(text) ? text : new URLSearchParams({ "": text }).toString().slice(1)

/** `Authorization: Basic` for a client: id and secret are form-encoded before base64 (RFC 6749 §2.3.1). */
export const basicAuthorization = (clientId: string, clientSecret: string): string =>
  `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`
