/** The emulator: refreshes a second, in memory and over HTTP, and the memory of a chain. */
import { Pool } from "undici"
import type { Settings, Started } from "./programs/emulator.js"
import * as Programs from "./support/programs.js"
import { number, type Report } from "./support/report.js"

const atOnce = 32
const milliseconds = 2000

/** Refreshes a second of several clients, each with a chain of its own. */
const overHttp = async ({ clientId, clientSecret, port }: Started): Promise<number> => {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: atOnce })
  const post = async (path: string, form: Readonly<Record<string, string>>, redirected = false) => {
    const response = await pool.request({
      method: "POST",
      path,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ client_id: clientId, ...form }).toString()
    })
    const text = await response.body.text()
    return redirected ? new URL(String(response.headers["location"])).searchParams.get("code") ?? "" : JSON.parse(text)
  }
  const install = async (index: number): Promise<string> => {
    const form = { scope: "chat:write", decision: "allow", target: `T${index}` }
    const code = await post("/oauth/v2/authorize", form, true)
    return (await post("/api/oauth.v2.access", { client_secret: clientSecret, code })).refresh_token
  }
  const tokens = await Promise.all(Array.from({ length: atOnce }, (_, index) => install(index)))
  const run = async (milliseconds: number) => {
    const start = performance.now()
    let done = 0
    await Promise.all(tokens.map(async (_, index) => {
      while (performance.now() - start < milliseconds) {
        const answer = await post("/api/oauth.v2.access", {
          client_secret: clientSecret,
          grant_type: "refresh_token",
          refresh_token: tokens[index] ?? ""
        })
        if (answer.ok !== true) throw new Error(`The emulator answered ${answer.error}`)
        tokens[index] = answer.refresh_token
        done++
      }
    }))
    return done / (performance.now() - start) * 1000
  }
  try {
    // The first round warms up.
    await run(500)
    return await run(milliseconds)
  } finally {
    await pool.close()
  }
}

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const data: Array<{
    readonly chains: number
    readonly inMemory: number
    readonly overHttp: number
    readonly bytesOfChain: number
  }> = []
  for (const chains of [1_000, 100_000]) {
    const settings: Settings = { chains }
    const { hear, stop, tell } = Programs.start("emulator", settings)
    try {
      const started: Started = await hear()
      const inMemory: Array<number> = []
      for (const duration of [500, milliseconds]) {
        tell({ milliseconds: duration })
        inMemory.push((await hear()).done / duration * 1000)
      }
      data.push({
        chains,
        inMemory: inMemory.at(-1) ?? 0,
        overHttp: await overHttp(started),
        bytesOfChain: started.bytesOfChain
      })
    } finally {
      await stop()
    }
  }
  return [{
    title: "The emulator: refreshes a second",
    columns: ["chains", "in memory", "over HTTP", "kB a chain", "MB in all"],
    rows: data.map(({ bytesOfChain, chains, inMemory, overHttp }) => [
      number(chains),
      number(inMemory),
      number(overHttp),
      number(bytesOfChain / 1000),
      number(bytesOfChain * chains / 1e6)
    ]),
    data,
    notes: [
      `In memory one caller, one refresh after the other, from the text of the request to the text of the answer. Over HTTP ` +
      `${atOnce} clients in another process.`,
      "A chain is one installation of a bot: its workspace, its tokens, and the code of its install."
    ]
  }]
}
