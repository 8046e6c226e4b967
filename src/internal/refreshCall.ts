/**
 * The call that presents a refresh token to Slack.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Installation from "../Installation.js"
import type * as OAuthV2 from "../OAuthV2.js"
import * as OAuthV2Error from "../OAuthV2Error.js"
import * as RetryPolicy from "../RetryPolicy.js"
import type * as SlackApp from "../SlackApp.js"
import type { TokenResponse } from "../TokenResponse.js"
import { withDeadline } from "./deadline.js"

const method = "oauth.v2.access"

/** Asks Slack for the next token of a credential. */
export type RefreshCall = (
  key: Installation.CredentialKey,
  credential: Installation.Credential,
  mayRepeat: Effect.Effect<boolean>
) => Effect.Effect<TokenResponse, OAuthV2Error.AccessError>

/**
 * Makes calls that end within half of the lease time, their repetitions included. One attempt gets a third. `apps` says
 * for which app to speak. A refresh token of an app that it does not know is not sent: Slack would answer that it is
 * dead.
 */
export const make = ({ apps, leaseDuration, slack }: {
  readonly apps: ((appId: string) => SlackApp.Service | undefined) | undefined
  readonly leaseDuration: Duration.Duration
  readonly slack: OAuthV2.Service
}): RefreshCall => {
  const lease = Duration.toMillis(leaseDuration)
  const budget = Duration.millis(Math.ceil(lease / 2))
  const attemptTimeout = Math.ceil(lease / 3)
  return (key, credential, mayRepeat) => {
    const app = apps?.(key.installation.appId)
    if (apps !== undefined && app === undefined) {
      return Effect.fail(OAuthV2Error.fromCode("invalid_client_id", { method }))
    }
    const refreshToken = Installation.refreshTokenOf(credential)
    if (Option.isNone(refreshToken)) {
      return Effect.dieMessage("A credential without a refresh token cannot be refreshed")
    }
    const access = slack.access({
      refreshToken: refreshToken.value,
      installation: Installation.placeOf(key.installation),
      ...(app === undefined ? undefined : { app })
    })
    // Another implementation of the service may have no deadline of its own.
    return withDeadline(
      access.pipe(RetryPolicy.provide(RetryPolicy.background, { attemptTimeout, budget, mayRepeat })),
      budget,
      () => new OAuthV2Error.SlackTimeoutError({ method, timeout: budget })
    )
  }
}
