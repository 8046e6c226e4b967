/**
 * Installs and refreshes with arctic, and prints the access token. It is a process of its own, because undici, which other
 * tests load, takes the place of Node's `fetch`, and refuses the `Content-Length` that arctic sets.
 */
import * as Arctic from "arctic"

/** The settings of this program. */
export interface Settings {
  readonly slack: string
  readonly clientId: string
  /** Without a secret it uses PKCE. */
  readonly clientSecret: string | null
  readonly redirectUri: string
}

const { clientId, clientSecret, redirectUri, slack } = JSON.parse(process.argv[2] ?? "{}") as Settings
const app = new Arctic.OAuth2Client(clientId, clientSecret, redirectUri)
const state = Arctic.generateState()
const verifier = clientSecret === null ? Arctic.generateCodeVerifier() : null
const scopes = ["chat:write", "commands"]
const authorize = `${slack}/oauth/v2/authorize`
const { S256 } = Arctic.CodeChallengeMethod
const url = verifier === null
  ? app.createAuthorizationURL(authorize, state, scopes)
  : app.createAuthorizationURLWithPKCE(authorize, state, S256, verifier, scopes)

// A person clicks Allow.
const allowed = await fetch(authorize, {
  method: "POST",
  redirect: "manual",
  body: new URLSearchParams({ ...Object.fromEntries(url.searchParams), decision: "allow" })
})
const callback = new URL(allowed.headers.get("location") ?? "").searchParams
if (callback.get("state") !== state) throw new Error("another state came back")

const access = `${slack}/api/oauth.v2.access`
const tokens = await app.validateAuthorizationCode(access, callback.get("code") ?? "", verifier)
const refreshed = await app.refreshAccessToken(access, tokens.refreshToken(), [])
process.stdout.write(refreshed.accessToken())
