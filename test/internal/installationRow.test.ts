import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as ExpiryIndex from "../../src/internal/expiryIndex.js"
import * as Row from "../../src/internal/installationRow.js"
import { botToken, install, t0, userToken } from "../../src/internal/storeSuite/fixtures.js"

const key = Installation.workspace("A1", "T1")

const after = (hours: number) => DateTime.add(t0, { hours })

const incoming = (at = t0, bot = botToken("1", after(12))) =>
  install({ appId: "A1", teamId: "T1", bot, user: ["U1", userToken("1")], at })

/** The row of an app that is installed: a rotating bot token, and a permanent user token. */
const [, installed] = Row.save(Row.empty(), incoming(), "replace")

const lease = (holder: string, from: number, until: number) =>
  new InstallationStore.Lease({ holder, intent: "refreshing", since: after(from), until: after(until) })

const generationOf = (row: Row.Row, subject: string) => row.slots.get(subject)?.generation

describe("save", () => {
  it("gives every credential a generation that the row has not had", () => {
    const [first, row] = Row.save(Row.empty(6), incoming(), "replace")
    assert.deepStrictEqual(first.credentials.map(({ generation }) => generation), [7, 7])
    const [second] = Row.save(row, incoming(after(1), botToken("2", after(13))), "replace")
    assert.deepStrictEqual(second.credentials.map(({ generation }) => generation), [8, 8])
  })

  it("changes no credential if the same install comes again, also after a refresh", () => {
    const [, again] = Row.save(installed, incoming(), "replace")
    assert.strictEqual(generationOf(again, "bot"), 1)
    const renewed = Installation.Change.Renewed({ token: botToken("2", after(13)), issuedAt: after(1) })
    const [, refreshed] = Row.compareAndSet(again, "bot", 1, renewed)
    const [saved, row] = Row.save(refreshed, incoming(), "replace")
    assert.deepStrictEqual(row.slots.get("bot"), refreshed.slots.get("bot"))
    assert.deepStrictEqual(saved.bot, refreshed.slots.get("bot")?.credential)
  })

  it("leaves the row as it is if everything is to be kept", () => {
    assert.strictEqual(Row.save(installed, incoming(after(1)), "keep")[1], installed)
    const [, removed] = Row.remove(installed, undefined, after(2))
    assert.strictEqual(Row.save(removed, incoming(after(1)), "keep")[1], removed)
  })

  it("keeps the time of the latest install", () => {
    const [, row] = Row.save(installed, incoming(DateTime.subtract(t0, { hours: 1 })), "replace")
    assert.isTrue(DateTime.Equivalence(Option.getOrThrow(row.installation).installedAt, t0))
  })
})

describe("compareAndSet", () => {
  const change = Installation.Change.Dead({ code: "invalid_refresh_token", since: after(1) })

  it("changes the credential of that generation, and no other", () => {
    const [swap, row] = Row.compareAndSet(installed, "bot", 1, change)
    assert.strictEqual(swap._tag, "Swapped")
    assert.strictEqual(generationOf(row, "bot"), 2)
    const [late, same] = Row.compareAndSet(row, "bot", 1, change)
    assert.isTrue(late._tag === "Superseded" && Option.isSome(late.current))
    assert.strictEqual(same, row)
  })

  it("finds nothing where there is no credential", () => {
    const [swap, row] = Row.compareAndSet(installed, "U2", 0, change)
    assert.deepStrictEqual(swap, InstallationStore.Swap.Superseded({ current: Option.none() }))
    assert.strictEqual(row, installed)
  })
})

describe("a lease", () => {
  it("is held until its end, and not at it", () => {
    const [, held] = Row.acquireLease(installed, "bot", lease("one", 0, 2))
    const [early, same] = Row.acquireLease(held, "bot", lease("two", 1, 3))
    assert.isTrue(early._tag === "Held" && early.lease.holder === "one")
    assert.strictEqual(same, held)
    const [late] = Row.acquireLease(held, "bot", lease("two", 2, 4))
    assert.isTrue(late._tag === "Acquired" && Option.getOrThrow(late.previous).holder === "one")
  })

  it("can be renewed and released by its holder", () => {
    const [, held] = Row.acquireLease(installed, "bot", lease("one", 0, 2))
    assert.strictEqual(Row.acquireLease(held, "bot", lease("one", 1, 3))[0]._tag, "Acquired")
    assert.deepStrictEqual(Row.releaseLease(held, "bot", "two"), [false, held])
    const [released, row] = Row.releaseLease(held, "bot", "one")
    assert.isTrue(released && Option.isNone(row.slots.get("bot")?.lease ?? Option.none()))
  })

  it("needs a credential", () => {
    assert.strictEqual(Row.acquireLease(installed, "U2", lease("one", 0, 2))[0]._tag, "Missing")
  })
})

describe("a removal", () => {
  it("changes nothing that is as new as its limit", () => {
    assert.deepStrictEqual(Row.remove(installed, t0, after(1)), [false, installed])
    assert.deepStrictEqual(Row.removeCredential(installed, "bot", t0, after(1)), [false, installed])
    assert.isTrue(Row.remove(installed, after(1), after(1))[0])
    assert.isTrue(Row.removeCredential(installed, "bot", after(1), after(1))[0])
  })

  it("keeps the generations, and nothing else", () => {
    const [, row] = Row.remove(installed, undefined, after(1))
    assert.isTrue(Option.isNone(Row.installationOf(row)))
    assert.deepStrictEqual(Row.credentialsOf(row), [])
    assert.strictEqual(Row.highestGeneration(row), 1)
    const [again] = Row.save(row, incoming(after(2)), "replace")
    assert.deepStrictEqual(again.credentials.map(({ generation }) => generation), [2, 2])
  })

  it("does not change the row that it was given", () => {
    const before = Row.credentialsOf(installed)
    Row.remove(installed, undefined, after(1))
    Row.removeCredential(installed, "bot", undefined, after(1))
    assert.deepStrictEqual(Row.credentialsOf(installed), before)
  })
})

describe("counts", () => {
  it("are of every credential once, by owner and by state", () => {
    assert.deepStrictEqual(Row.count(Row.noCounts, [key, installed], after(13)), {
      installations: 1,
      bots: 1,
      users: 1,
      rotating: 1,
      permanent: 1,
      dead: 0,
      expiring: 1
    })
    assert.strictEqual(Row.count(Row.noCounts, [key, installed], after(12)).expiring, 0)
  })
})

describe("an index by expiry", () => {
  it("follows a credential that is renewed, dies and is removed", () => {
    const index = ExpiryIndex.make()
    const dueBefore = (hours: number) => Array.from(index.before(after(hours)), (info) => info.generation)
    index.update(key, Row.empty(), installed)
    assert.deepStrictEqual([dueBefore(12), dueBefore(13)], [[], [1]])

    const renewal = Installation.Change.Renewed({ token: botToken("2", after(24)), issuedAt: after(12) })
    const [, renewed] = Row.compareAndSet(installed, "bot", 1, renewal)
    index.update(key, installed, renewed)
    assert.deepStrictEqual([dueBefore(13), dueBefore(25)], [[], [2]])

    const death = Installation.Change.Dead({ code: "token_revoked", since: after(13) })
    const [, dead] = Row.compareAndSet(renewed, "bot", 2, death)
    index.update(key, renewed, dead)
    assert.deepStrictEqual(dueBefore(100), [])

    const [, saved] = Row.save(dead, incoming(after(14), botToken("3", after(26))), "replace")
    index.update(key, dead, saved)
    assert.deepStrictEqual(dueBefore(100), [4])
    index.update(key, saved, Row.remove(saved, undefined, after(15))[1])
    assert.deepStrictEqual(dueBefore(100), [])
  })
})
