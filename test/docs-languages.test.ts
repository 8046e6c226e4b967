/**
 * Runs the guides of docs/emulator-languages.md against the bundled command: the shell and Python here, Go and Ruby if they
 * are on this machine. What is not is printed.
 */
import { execFile, spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as Cli from "./utils/cli.js"
import { parseBlocks } from "./utils/docs.js"

const file = resolve(".tmp/cli-languages/main.js")
const folder = resolve(".tmp/docs-languages")
const page = "docs/emulator-languages.md"

const blocks = parseBlocks(page, readFileSync(page, "utf8"))
const files = blocks.flatMap(({ code, comment }) =>
  comment?.startsWith("file: ") === true ? [{ name: comment.slice("file: ".length), code }] : []
)
const fileOf = (name: string) => files.find((file) => file.name === name)?.code ?? assert.fail(name)
const commands = (comment: string) => blocks.filter((block) => block.comment === comment).map(({ code }) => code)

const isHere = (command: string, ...args: ReadonlyArray<string>): boolean => spawnSync(command, args).status === 0

/** A language that is not on this machine. */
const absent = (language: string) => process.stdout.write(`There is no ${language} here: its guide is not run.\n`)

/** Runs a command of the page. `npx effect-slack-oauth@0` is the bundled command. */
const shell = (text: string, url = "http://127.0.0.1:4000") =>
  promisify(execFile)("bash", ["-euo", "pipefail", "-c", text.replaceAll("http://127.0.0.1:4000", url)], {
    cwd: folder,
    env: { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, SLACK_EMULATOR: undefined }
  })

describe("docs/emulator-languages.md", () => {
  let emulator: Awaited<ReturnType<typeof Cli.startEmulator>>

  beforeAll(async () => {
    await Cli.bundle(file)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(join(folder, "bin"), { recursive: true })
    const npx = join(folder, "bin", "npx")
    writeFileSync(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${file}" "$@"\n`)
    chmodSync(npx, 0o755)
    for (const { code, name } of files) writeFileSync(join(folder, name), `${code}\n`)

    const [command = "", ...others] = commands("start")
    assert.deepStrictEqual(others, [])
    assert.match(command, /^npx effect-slack-oauth@0 emulator --port 4000 /)
    const args = command.trim().split(" ").slice("npx effect-slack-oauth@0 emulator --port 4000".split(" ").length)
    emulator = await Cli.startEmulator(file, args.map((arg) => arg === "seed.json" ? join(folder, arg) : arg))
  })

  afterAll(() => emulator.stop())

  it("has a shell whose commands do what the page says", async () => {
    const [install = "", later = ""] = commands("run").filter((command) => command.includes("curl"))
    const installed = await shell(install, emulator.url)
    assert.include(installed.stdout, "\"access_token\":\"xoxe.xoxb-1-test-1\"")
    assert.include(installed.stdout, "\"ts\":\"1767225600.000100\"")
    const refreshed = await shell(later, emulator.url)
    for (
      const words of [
        "\"access_token\":\"xoxe.xoxb-1-test-2\"",
        "\"user_id\":\"U0EMULATED\"",
        "{\"ok\":true}",
        "apps.uninstall"
      ]
    ) {
      assert.include(refreshed.stdout, words)
    }
    assert.notInclude(refreshed.stdout, "\"ok\":false")
  })

  it("has a pytest fixture, and tests that pass with it", async () => {
    if (!isHere("python3", "-m", "pytest", "--version")) return absent("Python with pytest")
    const command = commands("run").find((command) => command.includes("pytest")) ?? assert.fail("no command")
    const { stdout } = await shell(`${command.trim()} -p no:cacheprovider`)
    assert.match(stdout, /\b(3 passed, 1 skipped|4 passed)/)
  })

  it("has a test in Go that passes", async () => {
    if (!isHere("go", "version")) return absent("Go")
    const code = fileOf("slack_test.go").replaceAll("http://127.0.0.1:4000", emulator.url)
    writeFileSync(join(folder, "slack_test.go"), `${code}\n`)
    const { stdout } = await shell(
      "gofmt -l . && (test -e go.mod || go mod init tea) && go vet . && go test -count=1 ."
    )
    assert.match(stdout, /^ok\s/m)
    assert.notInclude(stdout, "slack_test.go", "gofmt names files that it would change")
  })

  it("has a test in Ruby that passes", async () => {
    if (!isHere("ruby", "-e", "require 'minitest'")) return absent("Ruby with minitest")
    writeFileSync(
      join(folder, "test_slack.rb"),
      fileOf("test_slack.rb").replaceAll("http://127.0.0.1:4000", emulator.url)
    )
    assert.include((await shell("ruby -wc test_slack.rb && ruby test_slack.rb")).stdout, "0 failures, 0 errors")
  })
})
