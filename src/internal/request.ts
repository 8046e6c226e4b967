/**
 * Requests to Slack: their parameters, and where the client's credentials are. What Slack could only refuse is refused
 * here.
 */
import { encodeForm } from "./form.js"

export interface Client {
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** The header of HTTP Basic, for a client with a secret. */
  readonly authorization: string | undefined
}

export interface Grant {
  readonly code?: string | undefined
  readonly redirectUri?: string | undefined
  readonly codeVerifier?: string | undefined
  readonly refreshToken?: string | undefined
  readonly grantType?: string | undefined
  readonly extra: Readonly<Record<string, string>>
}

export interface Legacy {
  readonly token: string | undefined
  readonly extra: Readonly<Record<string, string>>
}

/** What is sent: the form, and whether the client proves itself by HTTP Basic or in the form. */
export interface Form {
  readonly ok: true
  readonly form: string
  readonly credentials: "basic" | "body"
}

/** A request to send, or the code with which Slack would refuse it, and why. */
export type Prepared = Form | { readonly ok: false; readonly code: string; readonly reason: string }

const refuse = (code: string, reason: string): Prepared => ({
  ok: false,
  code,
  reason: `${reason}; nothing was sent`
})

const ownParameters = /^(client_(id|secret)|code(_verifier)?|grant_type|redirect_uri|refresh_token|token)$/

const refuseCollision = (extra: Readonly<Record<string, string>>): Prepared | undefined => {
  const name = Object.keys(extra).find((name) => ownParameters.test(name))
  return name === undefined
    ? undefined
    : refuse("invalid_arguments", `extra sets ${name}, which has a field of its own`)
}

const prepareAccess = (client: Client, form: Readonly<Record<string, string | undefined>>): Prepared =>
  client.authorization === undefined
    // A public client sends only its id, and PKCE proves who it is (RFC 6749 §2.3.1, Slack's PKCE page).
    ? { ok: true, form: encodeForm({ client_id: client.clientId, ...form }), credentials: "body" }
    : { ok: true, form: encodeForm(form), credentials: "basic" }

/** `oauth.v2.access`: a code, a refresh token, or an extension grant (RFC 6749 §4.5) in `extra`. */
export const access = (client: Client, grant: Grant): Prepared => {
  const collision = refuseCollision(grant.extra)
  if (collision !== undefined) return collision
  if (grant.code !== undefined && grant.refreshToken !== undefined) {
    return refuse("invalid_arguments", "the request has a code and a refresh token; give one of them")
  }

  if (grant.code !== undefined) {
    if (grant.code === "") return refuse("invalid_code", "the code is empty")
    if (grant.codeVerifier === "") return refuse("invalid_code_verifier", "the code verifier is empty")
    if (grant.grantType !== undefined && grant.grantType !== "authorization_code") {
      return refuse("invalid_grant_type", "a code goes with the grant type authorization_code")
    }
    return prepareAccess(client, {
      grant_type: "authorization_code",
      code: grant.code,
      redirect_uri: grant.redirectUri,
      code_verifier: grant.codeVerifier,
      ...grant.extra
    })
  }

  if (grant.refreshToken !== undefined) {
    if (grant.refreshToken === "") return refuse("invalid_refresh_token", "the refresh token is empty")
    if (grant.grantType !== undefined && grant.grantType !== "refresh_token") {
      return refuse("invalid_grant_type", "a refresh token goes with the grant type refresh_token")
    }
    return prepareAccess(client, { grant_type: "refresh_token", refresh_token: grant.refreshToken, ...grant.extra })
  }

  if (grant.grantType === undefined) {
    return refuse("invalid_arguments", "the request has neither a code nor a refresh token")
  }
  if (grant.grantType === "authorization_code" || grant.grantType === "refresh_token") {
    return refuse("invalid_grant_type", `the grant type ${grant.grantType} comes without its grant`)
  }
  return prepareAccess(client, { grant_type: grant.grantType, ...grant.extra })
}

/** `oauth.v2.exchange`: the legacy token, and id and secret in the body, since Slack documents nothing else there. */
export const exchange = (client: Client, legacy: Legacy): Prepared => {
  const collision = refuseCollision(legacy.extra)
  if (collision !== undefined) return collision
  if (legacy.token === undefined || legacy.token === "") {
    return refuse("invalid_arguments", "the request has no token to exchange")
  }
  if (client.clientSecret === undefined) {
    return refuse("bad_client_secret", "the app has no client secret, and an exchange needs it")
  }
  return {
    ok: true,
    form: encodeForm({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      token: legacy.token,
      ...legacy.extra
    }),
    credentials: "body"
  }
}
