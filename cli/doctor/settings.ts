/** The settings that an app starts with: whether each can be what it is meant to be. */
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { settingList } from "../../src/internal/commaList.js"
import { isLoopback } from "../../src/internal/loopback.js"
import { parseUrl } from "../../src/internal/parseUrl.js"
import { parsePublicUrl } from "../../src/internal/publicUrl.js"
import { looksRounded } from "../../src/internal/settings.js"
import { settingFailed } from "../CommandFailed.js"
import { error, type Finding, ok, skipped, warning } from "./finding.js"

/** The variables that `doctor` reads, with their texts. */
export interface Settings {
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly appId: string | undefined
  readonly signingSecret: string | undefined
  readonly baseUrl: string | undefined
  readonly keys: string | undefined
  readonly publicUrl: string | undefined
  /** Whether the app is a public client, which has no client secret. */
  readonly publicClient: boolean
}

const onPage = "It is on the app's Basic Information page at Slack"

/** What `SlackApp` says of one setting; `undefined` if it takes it. */
const refusal = (options: Partial<SlackApp.Options>): string | undefined =>
  Either.match(SlackApp.make({ clientId: "1.2", ...options }), {
    onLeft: (problem) => settingFailed(problem).message.replace(/^\w+: /, ""),
    onRight: () => undefined
  })

const isHex = (text: string): boolean => /^[\da-f]{32}$/.test(text)

export const clientId = ({ clientId }: Settings): Finding => {
  const id = "client-id"
  if (clientId === undefined) return error(id, "SLACK_CLIENT_ID is not set.", `${onPage}, such as 123456.7890.`)
  const problem = refusal({ clientId })
  if (problem !== undefined) return error(id, problem, onPage + ", such as 123456.7890.")
  if (looksRounded(clientId)) {
    return warning(
      id,
      `SLACK_CLIENT_ID (${clientId}) looks rounded by a parser.`,
      "Copy it again, and write it in quotation marks in YAML and JSON."
    )
  }
  return /^\d+\.\d+$/.test(clientId)
    ? ok(id, `SLACK_CLIENT_ID is ${clientId}.`)
    : warning(
      id,
      "SLACK_CLIENT_ID is not two numbers with a dot between them.",
      `${onPage}. An emulator may have another.`
    )
}

export const clientSecret = ({ clientSecret, publicClient, signingSecret }: Settings): Finding => {
  const id = "client-secret"
  if (publicClient) {
    return clientSecret === undefined
      ? ok(id, "The app is a public client, and has no client secret.")
      : warning(
        id,
        "SLACK_CLIENT_SECRET is set, and a public client does not use it.",
        "Remove it, so that it cannot leak. Leave out --public-client if the app does have a secret."
      )
  }
  if (clientSecret === undefined) {
    return error(
      id,
      "SLACK_CLIENT_SECRET is not set.",
      `${onPage}. If the app has none (PKCE), use SlackApp.layerConfigPublic, and --public-client here.`
    )
  }
  const problem = refusal({ clientSecret })
  if (problem !== undefined) return error(id, problem, `${onPage}.`)
  if (clientSecret === signingSecret) {
    return error(
      id,
      "SLACK_CLIENT_SECRET and SLACK_SIGNING_SECRET are the same text.",
      "One of them was copied twice. Copy both again from the app's Basic Information page."
    )
  }
  return isHex(clientSecret)
    ? ok(id, "SLACK_CLIENT_SECRET has the form of Slack's.")
    : warning(id, "SLACK_CLIENT_SECRET is not 32 hexadecimal digits.", `${onPage}. An emulator may have another.`)
}

export const appId = ({ appId }: Settings): Finding => {
  const id = "app-id"
  if (appId === undefined) {
    return warning(
      id,
      "SLACK_APP_ID is not set, so InstallationStore.resolve needs an app id in each place.",
      `${onPage}, such as A0123ABCDEF.`
    )
  }
  const problem = refusal({ appId })
  return problem === undefined
    ? ok(id, `SLACK_APP_ID is ${appId}.`)
    : error(id, problem, `${onPage}, such as A0123ABCDEF.`)
}

export const signingSecret = ({ signingSecret }: Settings): Finding => {
  const id = "signing-secret"
  if (signingSecret === undefined) {
    return error(
      id,
      "SLACK_SIGNING_SECRET is not set, so the event address does not start.",
      `${onPage}, under Signing Secret.`
    )
  }
  const todo = `${onPage}, under Signing Secret.`
  const problem = refusal({ signingSecret })
  if (problem !== undefined) return error(id, problem, todo)
  const secrets = settingList(signingSecret)
  if (secrets.length === 0) return error(id, "SLACK_SIGNING_SECRET has no secret in it.", todo)
  return secrets.every(isHex)
    ? ok(id, "SLACK_SIGNING_SECRET has the form of Slack's.")
    : warning(id, "SLACK_SIGNING_SECRET is not 32 hexadecimal digits.", `${onPage}. An emulator may have another.`)
}

export const baseUrl = ({ baseUrl }: Settings): Finding => {
  const id = "base-url"
  if (baseUrl === undefined) return ok(id, "SLACK_BASE_URL is not set: the app uses https://slack.com.")
  const problem = refusal({ baseUrl })
  if (problem !== undefined) return error(id, problem, "Leave it out for slack.com. GovSlack is https://slack-gov.com.")
  const { host, hostname } = new URL(baseUrl)
  if (isLoopback(hostname)) {
    return warning(id, `SLACK_BASE_URL is this machine (${host}): an emulator.`, "Remove it for the real Slack.")
  }
  return ["slack.com", "slack-gov.com"].includes(host)
    ? ok(id, `SLACK_BASE_URL is ${host}.`)
    : error(
      id,
      `SLACK_BASE_URL is ${host}, which is not Slack's. It would get every code and secret of the app.`,
      "Leave it out for slack.com. GovSlack is https://slack-gov.com."
    )
}

/** `SLACK_TOKEN_KEYS`, read as the app reads it. */
export const keys = ({ keys }: Settings): Effect.Effect<Finding> => {
  const id = "token-keys"
  const howTo = "Set SLACK_TOKEN_KEYS to an id, a colon, and the output of: openssl rand -base64 32"
  if (keys === undefined) return Effect.succeed(error(id, "SLACK_TOKEN_KEYS is not set.", `${howTo}.`))
  return TokenCipher.config.pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["SLACK_TOKEN_KEYS", keys]]))),
    Effect.match({
      onFailure: (problem) => error(id, settingFailed(problem).message, `${howTo}.`),
      onSuccess: ({ encrypts }) =>
        !encrypts
          ? warning(id, "SLACK_TOKEN_KEYS is plain: tokens are stored as plain text.", `${howTo}.`)
          : /(^|,)\s*plain\s*$/.test(keys)
          ? warning(
            id,
            "SLACK_TOKEN_KEYS still permits tokens in plain text.",
            "Run `effect-slack-oauth reencrypt`, and remove `plain` from the end."
          )
          : ok(id, "SLACK_TOKEN_KEYS has keys that can be used.")
    })
  )
}

/** Hosts whose name is another one after each start. */
const temporary = /\.(trycloudflare\.com|loca\.lt|ngrok\.io|ngrok-free\.app|serveo\.net|lhr\.life)$/

export const publicUrl = ({ baseUrl, publicUrl }: Settings): Finding => {
  const id = "public-url"
  if (publicUrl === undefined) {
    return skipped(id, "PUBLIC_URL is not set.", "Give --public-url to check the addresses of the server.")
  }
  const url = parsePublicUrl(publicUrl)
  if (!url.ok) {
    return error(id, `The public URL cannot be used: ${url.problem}.`, "Write it like https://example.com.")
  }
  const { hostname } = new URL(url.base)
  if (isLoopback(hostname)) {
    const emulated = isLoopback(parseUrl(baseUrl ?? "")?.hostname ?? "")
    return emulated
      ? ok(id, "The public URL is this machine, and so is Slack: an emulator.")
      : error(
        id,
        "The public URL is this machine. Slack takes https only, and cannot reach it.",
        "Start a tunnel, such as cloudflared tunnel --url http://localhost:3000, and use its https address."
      )
  }
  if (/(^|\.)example\.(com|org|net)$/.test(hostname)) {
    return error(id, `The public URL is ${url.base}, the example of the guides.`, "Use the address of your server.")
  }
  return temporary.test(hostname)
    ? warning(
      id,
      `The public URL is a tunnel (${hostname}), which may have another name after its next start.`,
      "Use a tunnel with a fixed name, or change the redirect URL at Slack each time."
    )
    : ok(id, `The public URL is ${url.base}.`)
}
