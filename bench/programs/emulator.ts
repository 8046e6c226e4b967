/**
 * An emulator on a port, with many chains. It writes its port and the memory of a chain, and for each line that it reads
 * how many refreshes it did in memory.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpServer from "@effect/platform/HttpServer"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { createServer } from "node:http"
import { createInterface } from "node:readline"

/** The settings of this program. */
export interface Settings {
  readonly chains: number
}

/** The first line that it writes. */
export interface Started {
  readonly port: number
  readonly clientId: string
  readonly clientSecret: string
  readonly bytesOfChain: number
}

const { chains } = JSON.parse(process.argv[2] ?? "{}") as Settings
const client = { clientId: "1000000000.1000000001", clientSecret: "emulated-client-secret-1" }

const heap = () => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const ids = Array.from({ length: chains }, (_, index) => `T${index}`)
const runtime = ManagedRuntime.make(
  SlackEmulator.serve().pipe(
    Layer.provideMerge(SlackEmulator.layer({ workspaces: ids.map((id) => ({ id })) })),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
  )
)

const call = (form: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const { handle } = yield* SlackEmulator.SlackEmulator
    const outcome = yield* handle({
      method: "POST",
      url: new URL("http://127.0.0.1/api/oauth.v2.access"),
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: Effect.succeed(
        new URLSearchParams({ client_id: client.clientId, client_secret: client.clientSecret, ...form }).toString()
      )
    })
    const answer = outcome._tag === "Answered" ? JSON.parse(outcome.body) : {}
    if (answer.ok !== true) throw new Error(`The emulator answered ${answer.error}`)
    return answer.refresh_token as string
  })

const started = await runtime.runPromise(Effect.gen(function*() {
  const before = heap()
  const { authorize } = yield* SlackEmulator.SlackEmulator
  const refreshTokens: Array<string> = []
  for (const workspace of ids) refreshTokens.push(yield* call({ code: (yield* authorize({ workspace })).code }))
  const { address } = yield* HttpServer.HttpServer
  const port = address._tag === "TcpAddress" ? address.port : 0
  return { refreshTokens, port, bytesOfChain: (heap() - before) / chains }
}))

const write = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`)
write({ ...client, port: started.port, bytesOfChain: started.bytesOfChain })

let index = 0
for await (const line of createInterface(process.stdin)) {
  const { milliseconds } = JSON.parse(line) as { readonly milliseconds: number }
  const end = performance.now() + milliseconds
  let done = 0
  await runtime.runPromise(Effect.gen(function*() {
    while (performance.now() < end) {
      const chain = index++ % chains
      started.refreshTokens[chain] = yield* call({
        grant_type: "refresh_token",
        refresh_token: started.refreshTokens[chain] ?? ""
      })
      done++
    }
  }))
  write({ done })
}
process.exit()
