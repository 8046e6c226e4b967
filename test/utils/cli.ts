/** The command `effect-slack-oauth`, in a process of its own or in this one. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import { createInterface } from "node:readline"
import { promisify } from "node:util"
import { run as runCommand } from "../../cli/command.js"
import { printer } from "../../cli/effect/printing.js"

const execute = promisify(execFile)

/** The package for Effect 4 is a folder below. */
const bundler = ["scripts", "../scripts"].map((folder) => `${folder}/bundle-cli.mjs`).find(Fs.existsSync) ?? ""

/** Bundles the command into a file. Each test file uses its own, because test files run at the same time. */
export const bundle = (file: string) => execute(process.execPath, [bundler, file])

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the bundled command to its end. It sees only `PATH` and the given variables. */
export const run = (
  file: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>> = {}
): Promise<Ended> =>
  execute(process.execPath, [file, ...args], { env: { PATH: process.env.PATH, ...env }, timeout: 30_000 }).then(
    ({ stderr, stdout }) => ({ code: 0, stderr, stdout }),
    ({ code, stderr, stdout }) => ({ code, stderr, stdout })
  )

/** Runs `emulator` on a free port, until it is stopped. `url` is the base URL that it prints. */
export const startEmulator = async (file: string, args: ReadonlyArray<string> = []) => {
  const child = spawn(process.execPath, [file, "emulator", "--port", "0", ...args], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const lines: Array<string> = []
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        lines.push(line)
        const found = /SLACK_BASE_URL=(\S+)/.exec(line)?.[1]
        if (found !== undefined) resolve(found)
      })
    }
    child.once("exit", () => reject(new Error(lines.join("\n"))))
  })
  const stop = async () => {
    child.kill("SIGINT")
    if (child.exitCode === null) await once(child, "exit")
  }
  return { url, lines, stop }
}

/** Runs the command in this process, which is ten times as fast. It sees only the given variables. */
export const runHere = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>> = {}
): Promise<Ended> => {
  const printed = { stdout: "", stderr: "" }
  const to = (stream: keyof typeof printed) => (...words: ReadonlyArray<unknown>) => {
    printed[stream] += `${words.map(String).join(" ")}\n`
  }
  const variables = Object.entries(env).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const])
  return Effect.runPromise(
    runCommand(args).pipe(
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(variables))),
      Effect.provide(printer({ log: to("stdout"), error: to("stderr") })),
      Effect.provide(NodeContext.layer),
      Effect.map((code) => ({ code, ...printed }))
    )
  )
}
