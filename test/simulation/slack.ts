/**
 * Slack, as far as tokens go: installs, refreshes, what each ends, and the grace period of a refresh token. By
 * `docs/emulator-rules.md`, and written apart from the emulator, so that a mistake there does not hide one here.
 */
import type { Agenda } from "./agenda.js"

export const appId = "A0SIMULATED"

/** The bot's credential in a workspace, or that of the one person there. */
export type Subject = "bot" | "U0PERSON"

const accessLifetime = 12 * 3_600_000

/** An access token, and the refresh token that came with it. */
export interface Pair {
  readonly chain: Chain
  /** From 1. */
  readonly number: number
  /** The pair whose refresh token brought it; none for an install. */
  readonly from: Pair | undefined
  readonly access: string
  readonly refresh: string
  readonly issuedAt: number
  readonly expiresAt: number
  /** When its refresh token was first used. */
  spentAt: number | undefined
  /** Whether it was ended as the oldest of three. */
  accessEnded: boolean
  refreshEnded: boolean
}

export interface Chain {
  readonly workspace: string
  readonly subject: Subject
  readonly name: string
  /** The pairs that may be of use, oldest first. */
  pairs: ReadonlyArray<Pair>
  issued: number
  end: "uninstalled" | "revoked" | undefined
}

export type Answer = { readonly body: string; readonly pairs: ReadonlyArray<Pair>; readonly code: string | undefined }

export interface Slack {
  readonly graceMillis: number
  /** The chain of a credential, unless the app is not installed. */
  readonly chainOf: (workspace: string, subject: Subject) => Chain | undefined
  readonly byAccess: (token: string) => Pair | undefined
  readonly byRefresh: (token: string) => Pair | undefined
  /** Whether the refresh token of a pair works now. */
  readonly works: (pair: Pair) => boolean
  readonly isLive: (pair: Pair) => boolean
  readonly install: (workspace: string, subjects: ReadonlyArray<Subject>) => Answer
  readonly refresh: (token: string) => Answer
  readonly end: (workspace: string, why: "uninstalled" | "revoked") => void
}

const refuse = (code: string): Answer => ({ body: JSON.stringify({ ok: false, error: code }), pairs: [], code })

const tokensOf = ({ access, chain, refresh }: Pair) => ({
  access_token: access,
  token_type: chain.subject === "bot" ? "bot" : "user",
  scope: "chat:write",
  refresh_token: refresh,
  expires_in: accessLifetime / 1000
})

const bodyOf = (workspace: string, bot: Pair | undefined, user: Pair | undefined): string =>
  JSON.stringify({
    ok: true,
    app_id: appId,
    team: { id: workspace, name: workspace },
    enterprise: null,
    is_enterprise_install: false,
    ...bot && { ...tokensOf(bot), bot_user_id: "U0BOT" },
    authed_user: { id: "U0PERSON", ...user && tokensOf(user) }
  })

export const make = (agenda: Agenda, graceMillis: number): Slack => {
  const chains = new Map<string, Chain>()
  const begun = new Map<string, number>()
  const accessTokens = new Map<string, Pair>()
  const refreshTokens = new Map<string, Pair>()

  const isLive = (pair: Pair): boolean =>
    pair.chain.end === undefined && !pair.accessEnded && agenda.now() < pair.expiresAt

  const works = (pair: Pair): boolean =>
    pair.chain.end === undefined && !pair.refreshEnded &&
    (pair.spentAt === undefined || agenda.now() < pair.spentAt + graceMillis)

  const isActive = (pair: Pair): boolean =>
    isLive(pair) || (pair.chain.end === undefined && !pair.refreshEnded && pair.spentAt === undefined)

  const issue = (chain: Chain, from: Pair | undefined): Pair => {
    const number = ++chain.issued
    const suffix = `${chain.name.replaceAll(/\W+/g, "-")}-${number}`
    const pair: Pair = {
      chain,
      number,
      from,
      access: `xoxe.xox${chain.subject === "bot" ? "b" : "p"}-1-test-${suffix}`,
      refresh: `xoxe-1-test-${suffix}`,
      issuedAt: agenda.now(),
      expiresAt: agenda.now() + accessLifetime,
      spentAt: undefined,
      accessEnded: false,
      refreshEnded: false
    }
    accessTokens.set(pair.access, pair)
    refreshTokens.set(pair.refresh, pair)
    chain.pairs = [...chain.pairs.filter((pair) => isActive(pair) || works(pair)), pair]
    // Slack keeps two active tokens of a chain, and ends the oldest when there is a third.
    const active = chain.pairs.filter(isActive)
    for (const surplus of active.slice(0, Math.max(0, active.length - 2))) {
      surplus.accessEnded = true
      if (surplus.spentAt === undefined) surplus.refreshEnded = true
    }
    return pair
  }

  const chainFor = (workspace: string, subject: Subject): Chain => {
    const key = `${workspace} ${subject}`
    const known = chains.get(key)
    if (known !== undefined) return known
    const count = (begun.get(key) ?? 0) + 1
    begun.set(key, count)
    const chain: Chain = { workspace, subject, name: `${key} ${count}`, pairs: [], issued: 0, end: undefined }
    chains.set(key, chain)
    return chain
  }

  return {
    graceMillis,
    chainOf: (workspace, subject) => chains.get(`${workspace} ${subject}`),
    byAccess: (token) => accessTokens.get(token),
    byRefresh: (token) => refreshTokens.get(token),
    works,
    isLive,
    install: (workspace, subjects) => {
      const [bot, user] = (["bot", "U0PERSON"] as const).map((subject) =>
        subjects.includes(subject) ? issue(chainFor(workspace, subject), undefined) : undefined
      )
      return { body: bodyOf(workspace, bot, user), pairs: [bot, user].flatMap((pair) => pair ?? []), code: undefined }
    },
    refresh: (token) => {
      const spent = refreshTokens.get(token)
      if (spent === undefined) return refuse("invalid_refresh_token")
      if (spent.chain.end !== undefined) return refuse("token_revoked")
      if (!works(spent)) return refuse("invalid_refresh_token")
      spent.spentAt ??= agenda.now()
      const pair = issue(spent.chain, spent)
      const isBot = spent.chain.subject === "bot"
      return {
        body: bodyOf(spent.chain.workspace, isBot ? pair : undefined, isBot ? undefined : pair),
        pairs: [pair],
        code: undefined
      }
    },
    end: (workspace, why) => {
      for (const [key, chain] of chains) {
        if (chain.workspace !== workspace) continue
        chain.end = why
        chains.delete(key)
      }
    }
  }
}
