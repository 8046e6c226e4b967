/**
 * Scopes of a flow: what it asks for, what its address may ask for, and what was granted.
 */
import * as Option from "effect/Option"
import * as AuthorizeUrl from "../../AuthorizeUrl.js"
import type { ScopeReport, Scopes } from "../../InstallFlow.js"
import type * as TokenResponse from "../../TokenResponse.js"

export const isEmpty = ({ bot, user }: Scopes): boolean => bot.length === 0 && user.length === 0

const includesAll = (all: ReadonlyArray<string>, some: ReadonlyArray<string>): boolean =>
  some.every((scope) => all.includes(scope))

/** Whether all of `some` are among `all`. */
export const covers = (all: Scopes, some: Scopes): boolean =>
  includesAll(all.bot, some.bot) && includesAll(all.user, some.user)

const without = (all: ReadonlyArray<string>, some: ReadonlyArray<string>): ReadonlyArray<string> =>
  all.filter((scope) => !some.includes(scope))

/** The query of an install address that asks for these scopes. */
export const toQuery = ({ bot, user }: Scopes): URLSearchParams => {
  const query = new URLSearchParams()
  if (bot.length > 0) query.set("scope", bot.join(","))
  if (user.length > 0) query.set("user_scope", user.join(","))
  return query
}

/** The scopes that the query of an install address asks for. */
export const fromQuery = (query: URLSearchParams): Scopes => ({
  bot: AuthorizeUrl.scopes(query.getAll("scope")),
  user: AuthorizeUrl.scopes(query.getAll("user_scope"))
})

/** The scopes that Slack granted. */
export const granted = ({ bot, user }: TokenResponse.TokenResponse): Scopes => ({
  bot: Option.match(bot, { onNone: () => [], onSome: ({ scopes }) => scopes }),
  user: Option.match(user, { onNone: () => [], onSome: ({ scopes }) => scopes })
})

/** Where a flow asks for more scopes. */
export interface Origin {
  readonly installUrl: string
  /** The scopes that its address may ask for. */
  readonly flowScopes: Scopes
}

/** Compares what was asked for with what was granted. */
export const report = (requested: Scopes, granted: Scopes, { flowScopes, installUrl }: Origin): ScopeReport => {
  const missing: Scopes = { bot: without(requested.bot, granted.bot), user: without(requested.user, granted.user) }
  const restUrl = covers(flowScopes, missing) ? `${installUrl}?${toQuery(missing)}` : installUrl
  return { requested, granted, missing, restUrl: isEmpty(missing) ? Option.none() : Option.some(restUrl) }
}
