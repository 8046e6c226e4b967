/** The command `effect-slack-oauth` in a process of its own. */
import { execFile } from "node:child_process"
import { promisify } from "node:util"

const execute = promisify(execFile)

/** Bundles the command into a file. Each test file uses its own, because test files run at the same time. */
export const bundle = (file: string) => execute(process.execPath, ["scripts/bundle-cli.mjs", file])

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
