/** Starts the programs of `bench/programs`. After bundling they are next to this file. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"

/** A program that reads and writes lines of JSON. It ends with this process, or when it is told to. */
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
    /** The next line that it writes. */
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

/** A Slack that answers at once. */
export const slack = async () => {
  const { hear, stop } = start("slack")
  const url = `http://127.0.0.1:${await hear()}`
  return {
    url,
    apiUrl: `${url}/api/`,
    /** The number of calls of each method since the last time that this ran. */
    requests: async (): Promise<Readonly<Record<string, number>>> =>
      (await fetch(`${url}/requests`)).json() as Promise<Record<string, number>>,
    stop
  }
}
