/** Codes and tokens that exist from the start, and the tokens that a credential gets next. */
import * as Duration from "effect/Duration"
import type { CodeOptions, TokenOptions, TokenPair } from "../../testing/SlackEmulatorModel.js"
import { reveal } from "../reveal.js"
import * as Authorize from "./authorize.js"
import { checkId, checkScopes, isToken } from "./checks.js"
import { findApp, findPerson, findTarget, Mistake } from "./finding.js"
import { describedQuery } from "./people.js"
import * as World from "./world.js"

/** Adds a code, as if a person had clicked Allow. */
export const addCode = (world: World.World, turn: World.Turn, { code, ...request }: CodeOptions): void => {
  if (code === "" || world.codes.has(code)) throw new Mistake("SlackEmulator: the code is empty, or exists twice.")
  const judged = Authorize.judge(world, "v2", describedQuery(world, request))
  const target = request.organization ?? request.workspace
  const allowed = judged.ok ? Authorize.allow(world, turn, judged.request, { ...request, target }, code) : judged
  if (!allowed.ok) {
    const { code, message } = allowed.refusal
    throw new Mistake(`SlackEmulator: nobody can get this code, because of ${code}: ${message}.`)
  }
}

const pairOf = ({ accessToken, refreshToken }: TokenPair): World.Pair => ({
  accessToken: reveal(accessToken),
  refreshToken: reveal(refreshToken)
})

/** Adds a credential: its ids, the tokens that it has, and the ones that it gets next. */
export const addTokens = (world: World.World, turn: World.Turn, options: TokenOptions): void => {
  const app = findApp(world, options.clientId)
  const target = findTarget(world, options)
  const person = findPerson(world, options.person)
  const { botId, botUserId, expiresIn, next = [], scopes = ["chat:write"] } = options
  checkScopes(scopes)
  if (botId !== undefined) checkId(botId, ".botId")
  if (botUserId !== undefined) checkId(botUserId, ".botUserId")

  if (botId !== undefined || botUserId !== undefined) {
    const known = app.bots.get(World.idOf(target))
    app.bots.set(World.idOf(target), { id: botId ?? known?.id, userId: botUserId ?? known?.userId })
  }

  const pair = pairOf(options)
  const later = next.map(pairOf)
  const texts = [pair, ...later].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken])
  for (const text of texts) {
    if (text === undefined) continue
    if (!isToken(text) || world.literals.has(text)) {
      throw new Mistake("SlackEmulator: a token is empty, has white space, or exists twice.")
    }
    world.literals.add(text)
  }

  const key = World.keyOf(app, target, person)
  world.next.set(key, [...world.next.get(key) ?? [], ...later])
  if (pair.accessToken === undefined && pair.refreshToken === undefined) return
  World.issue(world, turn, World.chainFor(world, app, target, person, scopes), {
    how: "seed",
    rotates: pair.refreshToken !== undefined,
    publicClient: false,
    pair,
    lifetime: expiresIn === undefined ? undefined : Duration.toMillis(expiresIn)
  })
}
