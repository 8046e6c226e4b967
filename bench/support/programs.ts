/** Starts the programs of `bench/programs`, which stand next to this code when all is bundled. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"

/** A program that is told and answers by lines of JSON, and ends with this process or when it is told to. */
export const start = (name: string, settings: unknown = {}, flags: ReadonlyArray<string> = []) => {
  const child: ChildProcess & { readonly stdin: NodeJS.WritableStream; readonly stdout: NodeJS.ReadableStream } = spawn(
    process.execPath,
    // Room for the largest fleet, of a million installations.
    [
      "--expose-gc",
      "--max-old-space-size=8192",
      ...flags,
      join(import.meta.dirname, `${name}.js`),
      JSON.stringify(settings)
    ],
    { stdio: ["pipe", "pipe", "inherit"] }
  )
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    /** The next thing that it says. */
    hear: async (): Promise<any> => {
      const { done, value } = await lines.next()
      if (done === true) throw new Error(`${name} ended before it was through`)
      return JSON.parse(value)
    },
    tell: (message: unknown) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, "exit")
      child.kill()
      await ended
    }
  }
}

/** Slack, answering at once. */
export const slack = async () => {
  const { hear, stop } = start("slack")
  const url = `http://127.0.0.1:${await hear()}`
  return {
    url,
    apiUrl: `${url}/api/`,
    /** How many calls there were of each method since this was asked before. */
    requests: async (): Promise<Readonly<Record<string, number>>> =>
      (await fetch(`${url}/requests`)).json() as Promise<Record<string, number>>,
    stop
  }
}
