import { assert, describe, it } from "@effect/vitest"
import * as Cookies from "../../src/internal/cookies.js"
import { makeFlowCookies } from "../../src/internal/install/flowCookies.js"

/** Every byte, and every character that JavaScript's `trim` removes. */
const characters = [
  ...Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code)),
  ...Array.from({ length: 0x10000 - 0x100 }, (_, code) => String.fromCharCode(code + 0x100))
    .filter((character) => character.trim() === "")
]

/** These end a cookie, or its name: no browser sends them inside of either. */
const delimiters = [";", "="]

const blank = [" ", "\t"]

const hex = (character: string) => `0x${character.charCodeAt(0).toString(16)}`

describe("a Cookie header", () => {
  it("is trimmed of spaces and tabs around names and values, and of no other character", () => {
    assert.isAbove(characters.length, 0x110, "the characters beyond bytes are among them")
    const wrong: Array<string> = []
    for (const character of characters.filter((character) => !delimiters.includes(character))) {
      const stays = blank.includes(character) ? "" : character
      const before = Cookies.parse(`${character}__Host-name=${character}value`)
      if (before.get(`${stays}__Host-name`) !== `${stays}value`) wrong.push(`${hex(character)} before`)
      const after = Cookies.parse(`a=b; __Host-name${character}=value${character}`)
      if (after.get(`__Host-name${stays}`) !== `value${stays}`) wrong.push(`${hex(character)} after`)
      if (after.size !== 2) wrong.push(`${hex(character)} changes the number of cookies`)
    }
    assert.deepStrictEqual(wrong, [])
  })

  it("does not confuse a cookie of another name with the one that only this host can set", () => {
    const cookies = makeFlowCookies(true, "1.2")
    const stateHash = "h".repeat(43)
    const [line = ""] = cookies.begin(null, 0, { stateHash, expiresAtSeconds: 600, carried: "" })
    const [pair = ""] = line.split(";")
    assert.isDefined(cookies.find(pair, stateHash))
    const found = characters.filter((character) => cookies.find(`${character}${pair}`, stateHash) !== undefined)
    // A browser cuts a cookie that it is given at a semicolon, so it sends none that begins with one.
    assert.deepStrictEqual(found.sort(), ["\t", " ", ";"])
    const [name = "", value = ""] = pair.split("=")
    for (const character of characters.filter((character) => ![...blank, ...delimiters].includes(character))) {
      assert.isUndefined(cookies.find(`${name}${character}=${value}`, stateHash), hex(character))
      assert.isUndefined(cookies.find(`${name}=${character}${value}`, stateHash), hex(character))
    }
  })

  it("is read in linear time, however many spaces it has", () => {
    const header = `a=${" ".repeat(50_000)}x${" ".repeat(50_000)}; ${"\t".repeat(50_000)}b=c`
    assert.deepStrictEqual(Array.from(Cookies.parse(header)), [["a", "x"], ["b", "c"]])
  })
})
