/** The client id and secret, judged by how Slack answers a code that nobody was given. */
import type * as Slack from "../slack.js"
import { error, type Finding, ok, skipped, warning } from "./finding.js"

const id = "credentials"

const basicInformation = "Copy it again from the app's Basic Information page, without the spaces around it."

/** Judges Slack's answer to a made-up code. No real code was spent. */
export const credentials = (answer: Slack.Result, { baseUrl, publicClient }: {
  readonly baseUrl: string
  readonly publicClient: boolean
}): Finding => {
  if (answer._tag === "NoAnswer") {
    return error(
      id,
      `${baseUrl} ${answer.problem}.`,
      "Check the network, the proxy for outgoing calls, and SLACK_BASE_URL."
    )
  }
  if (answer._tag === "Ok") {
    return error(
      id,
      `${baseUrl} gave tokens for a code that nobody was given. This is not Slack.`,
      "Check SLACK_BASE_URL."
    )
  }
  switch (answer.code) {
    case "invalid_code":
      return ok(id, "Slack knows the client id, and takes the proof.")
    case "bad_client_secret":
      return publicClient
        ? error(
          id,
          "Slack wants a client secret: the app is not a public client (bad_client_secret).",
          "Set SLACK_CLIENT_SECRET, and use SlackApp.layerConfig. Or read docs/slack-app.md on PKCE first."
        )
        : error(id, "SLACK_CLIENT_SECRET is not the secret of this app (bad_client_secret).", basicInformation)
    case "invalid_client_id":
      return error(
        id,
        `${baseUrl} does not know SLACK_CLIENT_ID (invalid_client_id).`,
        `${basicInformation} An app of GovSlack needs SLACK_BASE_URL=https://slack-gov.com.`
      )
    case "pkce_not_allowed":
      return error(
        id,
        "The app has not opted in to PKCE (pkce_not_allowed).",
        "Use a client secret, or opt in at Slack."
      )
    case "ratelimited":
    case "internal_error":
    case "fatal_error":
    case "service_unavailable":
    case "request_timeout":
      return skipped(id, `Slack did not check the credentials: ${answer.code}.`, "Wait a minute, and run it again.")
    case "invalid_auth":
    case "invalid_arguments":
      return error(
        id,
        `Slack did not take the request (${answer.code}): something on the way changes it.`,
        "Look for a proxy that adds or removes headers of outgoing calls."
      )
    default:
      return warning(id, `Slack refused with ${answer.code}.`, "Look the code up in docs/errors.md.")
  }
}
