import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { encodeForm } from "../../src/internal/form.js"

const { constant, dictionary, oneof, string, stringMatching } = FastCheck

const text = oneof(string({ unit: "binary" }), stringMatching(/^[-\w.*~!'() +&=%]*$/))

describe("a form", () => {
  it.prop("is what URLSearchParams writes, without what is undefined", [
    dictionary(text, oneof(text, constant(undefined)))
  ], ([fields]) => {
    const present = Object.entries(fields).flatMap(([name, value]) => value === undefined ? [] : [[name, value]])
    assert.strictEqual(encodeForm(fields), new URLSearchParams(present).toString())
  })
})
