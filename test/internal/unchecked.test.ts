/** What this package makes without checks is what a constructor and a schema make. */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { botToken, install, userToken } from "../../src/internal/storeSuite/fixtures.js"
import { unchecked } from "../../src/internal/unchecked.js"
import { accessResponses } from "../fixtures/tokenResponses.js"

/** The classes of what a value has, by their places. */
const classesIn = (value: unknown, place = ""): ReadonlyArray<string> =>
  typeof value !== "object" || value === null
    ? []
    : [
      `${place}: ${value.constructor.name}`,
      ...Object.entries(value).flatMap(([key, inner]) => classesIn(inner, `${place}/${key}`))
    ]

const encode = Schema.encodeSync(TokenResponse.TokenResponse)

describe("an answer of Slack, which is decoded without constructors", () => {
  for (const { name, wire } of accessResponses) {
    it(`is what the constructor and the schema make of it: ${name}`, () => {
      const decoded = Either.getOrThrow(TokenResponse.fromBody(wire, DateTime.unsafeMake(0)))
      const made = new TokenResponse.TokenResponse({ ...decoded })
      const read = Schema.decodeSync(TokenResponse.TokenResponse)(encode(decoded))
      for (const other of [made, read]) {
        assert.sameMembers([...classesIn(other)], [...classesIn(decoded)])
        assert.deepStrictEqual(encode(other), encode(decoded))
      }
    })
  }
})

describe("a constructor that does not check", () => {
  const installation = install({ appId: "A1", teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })

  it("makes what the checking one makes, and both keep the instances that they get", () => {
    for (const options of [unchecked, undefined]) {
      const copy = new Installation.Installation({ ...installation }, options)
      assert.deepStrictEqual(classesIn(copy), classesIn(installation))
      assert.strictEqual(Option.getOrThrow(copy.bot), Option.getOrThrow(installation.bot))
      assert.strictEqual(copy.users[0], installation.users[0])
      assert.strictEqual(copy.target, installation.target)
    }
  })
})
