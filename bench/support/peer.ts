/** `@slack/oauth` with a local server instead of Slack, and without its log. */
import SlackOAuth from "@slack/oauth"
import { LogLevel } from "@slack/web-api"

/** Logs nothing. */
export const silent: SlackOAuth.Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => LogLevel.ERROR,
  setName: () => undefined
}

export const makeProvider = (
  baseUrl: string,
  store: SlackOAuth.InstallationStore = new SlackOAuth.MemoryInstallationStore()
) => {
  const provider = new SlackOAuth.InstallProvider({
    clientId: "1.1",
    clientSecret: "bench-secret",
    stateSecret: "bench-state-secret",
    installationStore: store,
    authorizationUrl: `${baseUrl}/oauth/v2/authorize`,
    clientOptions: { slackApiUrl: `${baseUrl}/api/`, retryConfig: { retries: 0 } },
    directInstall: true,
    logger: silent
  })
  return { provider, store }
}
