/** Another process that holds the write lock of a libsql file. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { root } from "./bundle.js"

const script = `
import { createClient } from "@libsql/client"
const client = createClient({ url: process.env.URL })
await client.execute("PRAGMA busy_timeout = 5000")
const transaction = await client.transaction("write")
process.stdout.write("locked")
for await (const _ of process.stdin) {}
transaction.close()
client.close()
`

/** Holds the write lock of the file until the scope closes. */
export const holdLock = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const holder = spawn(process.execPath, ["--input-type=module", "--eval", script], {
        cwd: root,
        env: { URL: url },
        stdio: ["pipe", "pipe", "inherit"]
      })
      await Promise.race([
        once(holder.stdout, "data"),
        once(holder, "exit").then(() => Promise.reject(new Error("The lock was not taken")))
      ])
      return holder
    }),
    (holder) =>
      Effect.promise(async () => {
        const exit = once(holder, "exit")
        holder.stdin.end()
        await exit
      })
  )
