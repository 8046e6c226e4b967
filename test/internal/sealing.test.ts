import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Base64Url from "../../src/internal/base64url.js"
import * as Sealing from "../../src/internal/sealing.js"

const key = (id: string, fill: number): Sealing.KeyMaterial => ({ id, bytes: new Uint8Array(32).fill(fill) })

const keyring = (current: Sealing.KeyMaterial, older: ReadonlyArray<Sealing.KeyMaterial> = []): Sealing.Keyring => {
  const result = Sealing.makeKeyring(current, older)
  if (!result.ok) throw new Error(result.problem)
  return result.keyring
}

const one = keyring(key("k1", 1))

describe("base64url", () => {
  it("decodes every byte that it encoded, without padding", () => {
    FastCheck.assert(FastCheck.property(FastCheck.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = Base64Url.encode(bytes)
      assert.match(text, /^[\w-]*$/)
      assert.deepStrictEqual(Base64Url.decode(text), new Uint8Array(bytes))
    }))
  })

  it("agrees with the vectors of RFC 4648", () => {
    assert.deepStrictEqual(
      ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map((text) => Base64Url.encode(new TextEncoder().encode(text))),
      ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]
    )
    assert.strictEqual(Base64Url.encode(new Uint8Array([0xfb, 0xff])), "-_8")
  })

  it("has one form for a value: padding, white space, stray bits and the other alphabet are refused", () => {
    for (const text of ["Zg==", "Zg ", " Zg", "Zh", "Zm9", "Z", "+/8", "Zg\n", "Zm9v.", "é"]) {
      assert.isUndefined(Base64Url.decode(text), JSON.stringify(text))
    }
  })
})

describe("keys", () => {
  it("are read from base64 and base64url, padded or not", () => {
    const bytes = new Uint8Array(32).map((_, index) => 0xff - index)
    const standard = btoa(String.fromCharCode(...bytes))
    for (const text of [standard, standard.replace("=", ""), Base64Url.encode(bytes), ` ${standard}\n`]) {
      assert.deepStrictEqual(Sealing.parseKey(text), bytes)
    }
  })

  it("of another length, or not in base64, are refused", () => {
    for (
      const text of ["", "secret", Base64Url.encode(new Uint8Array(31)), Base64Url.encode(new Uint8Array(33)), "%"]
    ) {
      assert.isUndefined(Sealing.parseKey(text))
    }
  })

  it("with the same id, an invalid id or a wrong length are refused, and the problem shows no key", () => {
    const problems = [
      Sealing.makeKeyring(key("a", 1), [key("a", 2)]),
      Sealing.makeKeyring(key("", 1)),
      Sealing.makeKeyring(key("a.b", 1)),
      Sealing.makeKeyring({ id: "short", bytes: new Uint8Array(16) })
    ]
    assert.deepStrictEqual(problems.map((result) => result.ok ? "" : result.problem), [
      "Two keys have the id a",
      "A key id has 1 to 64 letters, digits, hyphens and underscores",
      "A key id has 1 to 64 letters, digits, hyphens and underscores",
      "The key short has 16 bytes, not 32"
    ])
  })

  it("do not change when the caller changes the bytes afterwards", async () => {
    const bytes = new Uint8Array(32).fill(1)
    const ring = keyring({ id: "k1", bytes })
    bytes.fill(9)
    const opened = await Sealing.open(one, await Sealing.seal(ring, "text", ""), "")
    assert.isTrue(opened.ok)
  })

  it("are imported once", async () => {
    const ring = keyring(key("k1", 1))
    assert.strictEqual(await ring.find("k1"), await ring.find("k1"))
    assert.strictEqual((await ring.find("k1"))?.extractable, false)
  })
})

describe("sealing", () => {
  it("opens any text with the same associated data", () =>
    FastCheck.assert(
      FastCheck.asyncProperty(
        FastCheck.fullUnicodeString(),
        FastCheck.fullUnicodeString(),
        async (text, associatedData) => {
          const sealed = await Sealing.seal(one, text, associatedData)
          assert.match(sealed, /^v1\.k1\.[\w-]+$/)
          assert.deepStrictEqual(await Sealing.open(one, sealed, associatedData), { ok: true, text, keyId: "k1" })
        }
      )
    ))

  it("opens what another implementation of the format sealed", async () => {
    // AES-256-GCM by OpenSSL: key 01…01, nonce 00…00, additional data "v1.k1.row"
    const sealed = "v1.k1.AAAAAAAAAAAAAAAAx1rgvlhPZsznXQYbnOfAomI58m9MVyTnRw"
    assert.deepStrictEqual(await Sealing.open(one, sealed, "row"), { ok: true, text: "xoxb-test", keyId: "k1" })
  })

  it("seals the same text differently each time", async () => {
    const sealed = await Promise.all(Array.from({ length: 100 }, () => Sealing.seal(one, "same", "place")))
    assert.strictEqual(new Set(sealed).size, 100)
  })

  it("opens what an older key sealed, and says which key it was", async () => {
    const sealed = await Sealing.seal(one, "old", "")
    const opened = await Sealing.open(keyring(key("k2", 2), [key("k1", 1)]), sealed, "")
    assert.deepStrictEqual(opened, { ok: true, text: "old", keyId: "k1" })
  })

  it("distinguishes an unknown key from a wrong key", async () => {
    const sealed = await Sealing.seal(one, "text", "")
    assert.deepStrictEqual(await Sealing.open(keyring(key("k2", 1)), sealed, ""), {
      ok: false,
      reason: "unknownKey",
      keyId: "k1"
    })
    assert.deepStrictEqual(await Sealing.open(keyring(key("k1", 2)), sealed, ""), {
      ok: false,
      reason: "notAuthentic",
      keyId: "k1"
    })
  })

  it("does not open with other associated data, or with another id for the same key", async () => {
    const sealed = await Sealing.seal(one, "text", "row 1")
    assert.deepInclude(await Sealing.open(one, sealed, "row 2"), { ok: false, reason: "notAuthentic" })
    const renamed = sealed.replace("v1.k1.", "v1.k2.")
    assert.deepInclude(await Sealing.open(keyring(key("k2", 1)), renamed, "row 1"), { reason: "notAuthentic" })
  })

  it("does not open if any byte was changed", async () => {
    const sealed = await Sealing.seal(one, "xoxb-test-token", "row")
    const bytes = Base64Url.decode(sealed.slice("v1.k1.".length)) ?? new Uint8Array()
    assert.strictEqual(bytes.length, 12 + "xoxb-test-token".length + 16)
    for (const index of bytes.keys()) {
      const changed = bytes.map((byte, at) => at === index ? byte ^ 1 : byte)
      const opened = await Sealing.open(one, `v1.k1.${Base64Url.encode(changed)}`, "row")
      assert.deepInclude(opened, { ok: false, reason: "notAuthentic" }, `byte ${index}`)
    }
  })

  it("reports any other text as malformed, and does not throw", async () => {
    const sealed = await Sealing.seal(one, "text", "")
    const texts = ["", "xoxb-test", "v1", "v1.k1", "v1.k1.", "v1..AAAA", "v2.k1.AAAA", "v1.k1.AAAA", `${sealed}=`]
    for (
      const text of [...texts, `${sealed}\n`, ` ${sealed}`, sealed.replace("v1", "v9"), "v1.k 1.AAAA", "v1.k1.ÄÄÄÄ"]
    ) {
      assert.deepStrictEqual(await Sealing.open(one, text, ""), { ok: false, reason: "malformed" }, text)
    }
  })
})
