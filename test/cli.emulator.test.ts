import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { dirname } from "node:path"
import { createInterface } from "node:readline"
import { stripVTControlCharacters } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasColours } from "../cli/output.js"
import * as Cli from "./utils/cli.js"
import * as Consent from "./utils/consentPage.js"
import { receiveEvents } from "./utils/eventReceiver.js"

const file = ".tmp/cli/main.js"

const command = (...args: ReadonlyArray<string>) => Cli.run(file, args)

describe("the command effect-slack-oauth", () => {
  beforeAll(() => Cli.bundle(file))

  it("has a help text with all options", async () => {
    const { code, stdout } = await command("emulator", "--help")
    assert.strictEqual(code, 0)
    for (
      const option of [
        "--port",
        "--host",
        "--client-id",
        "--client-secret",
        "--redirect-uri",
        "--no-rotation",
        "--pkce",
        "--access-token-lifetime",
        "--refresh-grace-period",
        "--control",
        "--quiet",
        "--seed",
        "--app",
        "--organization",
        "--workspace",
        "--user",
        "--legacy-token",
        "--method",
        "--events-url"
      ]
    ) {
      assert.include(stdout, option)
    }
    assert.include((await command("--help")).stdout, "emulator")
    assert.match((await command("--version")).stdout, /\d+\.\d+\.\d+/)
  })

  it("ends with 0 after a help text and with 1 after a wrong command line, and writes no colours to a pipe", async () => {
    for (
      const [args, code, words] of [
        [["migrate-tokens", "--help"], 0, "Exit codes: 0 all done; 1 something failed"],
        [["--version"], 0, "."],
        [["immigrate-tokens"], 1, "'migrate-tokens'"],
        [["migrate-tokens", "--rate", "0"], 1, "--rate has to be above 0"]
      ] as const
    ) {
      const ended = await command(...args)
      assert.strictEqual(ended.code, code)
      assert.include((ended.stdout + ended.stderr).replaceAll(/\s+/g, " "), words)
      assert.notInclude(ended.stdout + ended.stderr, "\u001b")
    }
  })

  it("uses colours only on a terminal, and never with NO_COLOR", () => {
    assert.isFalse(hasColours({}, {}))
    assert.isTrue(hasColours({ isTTY: true }, { NO_COLOR: "" }))
    assert.isFalse(hasColours({ isTTY: true }, { NO_COLOR: "1" }))
  })

  it("reports that a port is in use", async () => {
    const occupant = createServer()
    await new Promise<void>((resolve) => occupant.listen(0, "127.0.0.1", resolve))
    const { port } = occupant.address() as AddressInfo
    try {
      const { code, stderr, stdout } = await command("emulator", "--port", String(port))
      assert.strictEqual(code, 1)
      assert.strictEqual(
        stderr.trim(),
        `Port ${port} on 127.0.0.1 is in use. Stop the program that uses it, or choose another port with --port (0 for any free port).`
      )
      assert.notInclude(stdout, "SLACK_BASE_URL")
    } finally {
      occupant.close()
    }
  })

  for (
    const [what, args, words] of [
      ["a port out of range", ["--port", "70000"], "--port has to be a number from 0 to 65535"],
      ["a lifetime that is not a duration", ["--access-token-lifetime", "soon"], "has to be a duration"],
      ["an address of another machine", ["--host", "192.0.2.1"], "This machine has no address 192.0.2.1"],
      ["an empty client id", ["--client-id", "", "--port", "0"], "the client id is empty"],
      [
        "a client id that Slack cannot have issued",
        ["--client-id", "6.2e+11", "--port", "0"],
        "is a number that a parser"
      ],
      ["an option that does not exist", ["--speed", "1"], "--speed"],
      ["a method without a name", ["--method", "=1"], "--method has to be a method"],
      ["an answer that is not JSON", ["--method", "api.test=ok"], "--method has to be a method"],
      ["a method of the emulator itself", ["--method", "auth.test", "--port", "0"], "methods cannot have auth.test"],
      ["a workspace that exists twice", ["--workspace", "T0A", "--workspace", "T0A", "--port", "0"], "exists twice"],
      ["a seed that is not there", ["--seed", "/nowhere.json"], "/nowhere.json"],
      ["a seed that is not JSON", ["--seed", "README.md", "--port", "0"], "The seed is not a JSON object."],
      ["a seed of another form", ["--seed", "package.json", "--port", "0"], "Look at name"]
    ] as const
  ) {
    it(`refuses ${what} with one line`, async () => {
      const { code, stderr, stdout } = await command("emulator", ...args)
      assert.strictEqual(code, 1)
      assert.include(stderr + stdout, words)
      assert.strictEqual((stderr + stdout).trim().split("\n").length, 1)
    })
  }

  it("says what is wrong with a command line in the same words on each major of Effect", async () => {
    for (
      const [args, words] of [
        [
          ["immigrate-tokens"],
          "Invalid subcommand for effect-slack-oauth - use one of 'doctor', 'manifest', 'emulator', 'import', 'migrate-tokens', 'reencrypt'"
        ],
        [["import", "python"], "Missing argument <database>"],
        [["manifest", "--public-url", "https://example.com"], "Expected to find option: '--name'"],
        [["emulator", "--speed", "1"], "Received unknown argument: '--speed'"],
        [["emulator", "now"], "Received unknown argument: 'now'"],
        [["emulator", "--prot", "1"], "Received unknown argument: '--prot'"],
        [["emulator", "--port"], "Received unknown argument: '--port'"],
        [["emulator", "--quiet=maybe"], "Received unknown argument: 'maybe'"],
        [["emulator", "--log-level", "loud"], "Received unknown argument: '--log-level'"],
        [["manifest", "--nmae", "Tea"], "The flag '--nmae' is not recognized. Did you mean '--name'?"],
        [["manifest", "--name"], "Expected a value following option: '--name'"],
        [["emulator", "--port", "any"], "'any' is not a integer"],
        [["emulator", "--port", "1.5"], "'1.5' is not a integer"],
        [["emulator", "--port", "70000"], "--port has to be a number from 0 to 65535"],
        [["emulator", "--port", "1", "--port", "2"], "Received unknown argument: '--port'"],
        [["emulator", "--seed", "/nowhere.json"], "Path '/nowhere.json' must exist"],
        [["emulator", "--seed", "src"], "Expected path 'src' to be a regular file"]
      ] as const
    ) {
      const { code, stderr, stdout } = await Cli.runHere(args)
      assert.deepStrictEqual([stripVTControlCharacters(stderr).trim().replaceAll(/\s+/g, " "), stdout, code], [
        words,
        "",
        1
      ])
    }
  })

  it("ends with 143 when it is terminated", async () => {
    const child = spawn(process.execPath, [file, "emulator", "--port", "0"], { env: { PATH: process.env.PATH } })
    try {
      const ended = once(child, "close")
      await Promise.race([once(child.stdout, "data"), ended])
      child.kill("SIGTERM")
      assert.strictEqual((await ended)[0], 143)
    } finally {
      child.kill("SIGKILL")
    }
  })

  it("ends at once, whatever it has not answered yet", async () => {
    const emulator = await Cli.startEmulator(file, ["--control"])
    const inject = await fetch(`${emulator.url}/control/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ faults: [{ type: "delay", duration: "1 hour" }] })
    })
    assert.strictEqual(inject.status, 200)
    const answer = fetch(`${emulator.url}/api/auth.test`).then(() => "answered", () => "cut")
    // The fault is taken when the call has begun.
    for (let left = [""]; left.length > 0;) {
      left = await fetch(`${emulator.url}/control/faults`).then((response) => response.json())
    }
    await emulator.stop()
    assert.strictEqual(await answer, "cut")
  })

  describe("with a seed and options", () => {
    const seed = ".tmp/cli-seed/seed.json"

    it("starts with both, and a program in another language needs nothing else", async () => {
      mkdirSync(dirname(seed), { recursive: true })
      writeFileSync(
        seed,
        JSON.stringify({
          apps: [{ clientId: "111.222", clientSecret: "a-secret", redirectUris: ["http://localhost:8000"] }],
          workspaces: [{ id: "T0SEED", name: "Seed" }],
          tokens: [{ refreshToken: "xoxe-1-seed", next: [{ accessToken: "xoxe.xoxb-1-next" }] }]
        })
      )
      const app = await receiveEvents()

      const emulator = await Cli.startEmulator(file, [
        ...["--seed", seed, "--events-url", app.url],
        ...["--app", "A0MORE=More", "--organization", "E0BIG=Big", "--workspace", "T0EAST=East", "--user", "U0ADA=Ada"],
        "--control",
        ...["--legacy-token", "xoxp-legacy", "--method", "chat.postMessage={\"ts\":\"1.2\"}", "--method", "api.test"]
      ])
      try {
        const call = async (method: string, form: Record<string, string>, token?: string) => {
          const answer = await fetch(`${emulator.url}/api/${method}`, {
            method: "POST",
            body: new URLSearchParams(form),
            headers: token === undefined ? {} : { authorization: `Bearer ${token}` }
          })
          return await answer.json()
        }
        const client = { client_id: "111.222", client_secret: "a-secret" }
        const refreshed = await call("oauth.v2.access", {
          ...client,
          grant_type: "refresh_token",
          refresh_token: "xoxe-1-seed"
        })
        assert.deepInclude(refreshed, { access_token: "xoxe.xoxb-1-next", team: { id: "T0SEED", name: "Seed" } })
        assert.deepStrictEqual(await call("chat.postMessage", {}, "xoxe.xoxb-1-next"), { ok: true, ts: "1.2" })
        assert.deepStrictEqual(await call("api.test", {}, "xoxe.xoxb-1-next"), { ok: true })
        assert.deepInclude(await call("oauth.v2.exchange", client, "xoxp-legacy"), { ok: true, user_id: "U0ADA" })

        const query = new URLSearchParams({ client_id: "111.222", scope: "commands" })
        const page = await fetch(`${emulator.url}/oauth/v2/authorize?${query}`).then((response) => response.text())
        for (const words of ["Seed", "East", "Big (whole organization)"]) assert.include(Consent.textOf(page), words)

        const moved = await fetch(`${emulator.url}/control/clock`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ by: "11 hours" })
        })
        assert.strictEqual(moved.status, 200)
        assert.isBelow((await call("auth.test", {}, "xoxe.xoxb-1-next")).expires_in, 3601)

        await call("apps.uninstall", { ...client, token: "xoxe.xoxb-1-next" })
        for (let patience = 0; patience < 500 && app.types.length < 3; patience++) {
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        const sent = await fetch(`${emulator.url}/control/events`).then((response) => response.json())
        assert.strictEqual(sent.length, 3)
        assert.sameMembers([...app.types], ["url_verification", "tokens_revoked", "app_uninstalled"])
        assert.notInclude(emulator.lines.join("\n"), "xoxe.xoxb-1-next")
      } finally {
        await emulator.stop()
        app.close()
      }
    })
  })

  describe("as an emulator", () => {
    let child: ChildProcess
    const lines: Array<string> = []

    const line = async (matching: RegExp): Promise<string> => {
      for (let patience = 0; patience < 500; patience++) {
        const found = lines.find((line) => matching.test(line))
        if (found !== undefined) return found
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      throw new Error(`no line like ${matching} in\n${lines.join("\n")}`)
    }

    const setting = async (name: string) => (await line(new RegExp(`^ *${name}=`))).split("=")[1] ?? ""

    beforeAll(() => {
      const args = ["emulator", "--port", "0", "--workspace", "Tea Room", "--workspace", "TEA Attic"]
      child = spawn(process.execPath, [file, ...args], {
        env: { PATH: process.env.PATH },
        stdio: ["ignore", "pipe", "inherit"]
      })
      if (child.stdout !== null) createInterface(child.stdout).on("line", (line) => lines.push(line))
    })

    afterAll(async () => {
      child.kill("SIGINT")
      const [code] = await once(child, "exit")
      assert.strictEqual(code, 130)
    })

    it("prints the variables for an app, and works with them", async () => {
      const base = await setting("SLACK_BASE_URL")
      const id = await setting("SLACK_CLIENT_ID")
      const secret = await setting("SLACK_CLIENT_SECRET")
      assert.match(base, /^http:\/\/127\.0\.0\.1:\d+$/)

      const authorizeUrl = (await line(/oauth\/v2\/authorize\?/)).trim()
      const page = await fetch(authorizeUrl).then((response) => response.text())
      assert.include(Consent.textOf(page), "Tea Room")
      assert.include(Consent.textOf(page), "TEA Attic")

      const allowed = await fetch(authorizeUrl, {
        method: "POST",
        body: Consent.submission(page, "allow"),
        redirect: "manual"
      })
      const code = new URL(allowed.headers.get("location") ?? "").searchParams.get("code") ?? ""
      const answer = await fetch(`${base}/api/oauth.v2.access`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
        body: new URLSearchParams({ code })
      }).then((response) => response.json())
      assert.strictEqual(answer.team.name, "Tea Room")

      await line(/^\+\d\d:\d\d:\d\d\.\d{3} oauth\.v2\.access authorization_code .* -> ok$/)
      assert.notInclude(lines.join("\n"), answer.access_token, "the output contains no tokens")
      assert.notInclude(lines.join("\n"), code)
    })

    it("accepts multipart forms, which curl -F sends", async () => {
      const form = new FormData()
      for (const [name, value] of Object.entries({ code: "a-code", client_id: "1.1" })) form.append(name, value)
      const base = await setting("SLACK_BASE_URL")
      const answer = await fetch(`${base}/api/oauth.v2.access`, { method: "POST", body: form })
      assert.deepStrictEqual(await answer.json(), { ok: false, error: "invalid_client_id" })
    })
  })
})
