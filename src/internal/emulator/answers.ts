/** Answers of the API in Slack's JSON. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TokenResponse from "../../TokenResponse.js"
import type * as Methods from "./methods.js"
import * as Wire from "./wire.js"
import * as World from "./world.js"

const party = ({ id, name }: { readonly id: string; readonly name: string }): TokenResponse.Party => ({
  id,
  name: Option.some(name)
})

/**
 * Slack writes how long a token lives and not until when. So one schema, made for the epoch, serves all answers: their
 * `expiresAt` is the lifetime.
 */
const toWire = Schema.encodeSync(TokenResponse.FromWire(DateTime.unsafeMake(0)))

const expiryIn = (generation: World.Generation, now: number): Option.Option<TokenResponse.Expiry> =>
  generation.refreshToken === undefined
    ? Option.none()
    : Option.some(
      new TokenResponse.Expiry({
        expiresAt: DateTime.unsafeMake(generation.expiresAt - now),
        refreshToken: Option.some(Redacted.make(generation.refreshToken))
      })
    )

/** Encodes tokens with the schema that the client decodes them with. */
const writeTokens = (
  method: string,
  { app, bot, person, target, user, webhook }: Methods.Tokens,
  warnings: ReadonlyArray<string>,
  now: number
): unknown => {
  const response = new TokenResponse.TokenResponse({
    appId: app.id,
    target: target._tag === "Organization"
      ? new TokenResponse.Organization({ enterprise: party(target.organization) })
      : new TokenResponse.Workspace({
        team: party(target.workspace),
        enterprise: Option.map(Option.fromNullable(target.workspace.organization), party)
      }),
    bot: Option.map(Option.fromNullable(bot), (generation) =>
      new TokenResponse.BotToken({
        accessToken: Redacted.make(generation.accessToken),
        scopes: generation.chain.scopes,
        botUserId: Option.some(World.botUserId(generation.chain)),
        expiry: expiryIn(generation, now)
      })),
    user: Option.map(Option.fromNullable(user), (generation) =>
      new TokenResponse.UserToken({
        accessToken: Redacted.make(generation.accessToken),
        scopes: generation.chain.scopes,
        userId: Option.map(Option.fromNullable(generation.chain.person), ({ id }) => id),
        expiry: expiryIn(generation, now)
      })),
    authedUserId: Option.map(Option.fromNullable(person), ({ id }) => id),
    incomingWebhook: Option.map(Option.fromNullable(webhook), (webhook) =>
      new TokenResponse.IncomingWebhook({
        url: Redacted.make(webhook.url),
        channel: webhook.channel,
        channelId: Option.some(webhook.channelId),
        configurationUrl: webhook.configurationUrl
      })),
    warnings
  })
  const wire = toWire(response)
  if (method === "oauth.v2.access") return wire
  // Slack's schema for an exchange does not have this field.
  const { is_enterprise_install: _, ...rest } = wire
  return rest
}

const withWarnings = (body: Readonly<Record<string, unknown>>, warnings: ReadonlyArray<string>) =>
  warnings.length === 0 ? body : { ...body, warning: warnings.join(","), response_metadata: { warnings } }

export const write = (
  method: string,
  answer: Methods.Result,
  warnings: ReadonlyArray<string>,
  now: number
): Wire.Response => {
  switch (answer._tag) {
    case "Tokens":
      return Wire.json(writeTokens(method, answer.tokens, warnings, now))
    case "Success":
      return Wire.json(withWarnings(answer.body, warnings), answer.headers)
    case "Failure":
      return Wire.json(withWarnings(
        answer.body ?? {
          ok: false,
          error: answer.code,
          ...(answer.messages.length === 0 ? undefined : { response_metadata: { messages: answer.messages } })
        },
        warnings
      ))
  }
}
