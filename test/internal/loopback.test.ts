import { assert, describe, it } from "@effect/vitest"
import { isLoopback } from "../../src/internal/loopback.js"

const accepts = (hosts: ReadonlyArray<string>) => assert.deepStrictEqual(hosts.filter((host) => !isLoopback(host)), [])

const refuses = (hosts: ReadonlyArray<string>) => assert.deepStrictEqual(hosts.filter(isLoopback), [])

describe("isLoopback", () => {
  it("accepts the host of a URL on this machine", () => {
    accepts(["localhost", "app.localhost", "127.0.0.1", "127.1.2.3", new URL("http://[::1]:3000").hostname])
  })

  it("accepts the address of a socket on this machine", () => {
    accepts(["::1", "127.0.0.1", "::ffff:127.0.0.1"])
  })

  it("refuses other hosts, and names that only look like this machine", () => {
    refuses(["", "example.com", "10.0.0.1", "0.0.0.0", "::", "[::]", "::ffff:10.0.0.1", "[::ffff:7f00:1]"])
    refuses(["localhost.example.com", "notlocalhost", ".localhost", "127.example.com", "127.0.0.1.example.com", "127"])
  })
})
