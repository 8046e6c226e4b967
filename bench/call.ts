/** One call of `oauth.v2.access`, against Slack's own client and against bare HTTP clients. */
import { FetchHttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { WebClient } from "@slack/web-api"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { OAuthV2, SlackApp } from "effect-slack-oauth"
import { Agent, request } from "undici"
import { type Candidate, compare } from "./support/compare.js"
import { ofRows, type Report } from "./support/report.js"
import * as Server from "./support/server.js"

const form = "grant_type=refresh_token&refresh_token=xoxe-1-bench-refresh"
const authorization = `Basic ${Buffer.from("1.1:bench-secret").toString("base64")}`
const headers = { authorization, "content-type": "application/x-www-form-urlencoded", accept: "application/json" }

const parallel = (once: () => Promise<unknown>, width: number): Candidate["run"] => async (times) => {
  let left = times
  const worker = async () => {
    while (left-- > 0) await once()
  }
  await Promise.all(Array.from({ length: width }, worker))
}

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const server = await Server.start()
  const url = `${server.url}/api/oauth.v2.access`
  const app = SlackApp.layer({ clientId: "1.1", clientSecret: "bench-secret", baseUrl: server.url })
  const slack = OAuthV2.layer.pipe(Layer.provide(app))
  const onUndici = ManagedRuntime.make(slack.pipe(Layer.provide(NodeHttpClient.layerUndici)))
  const onFetch = ManagedRuntime.make(slack.pipe(Layer.provide(FetchHttpClient.layer)))
  const refreshToken = Redacted.make("xoxe-1-bench-refresh")
  const access = OAuthV2.access({ refreshToken })
  const peer = new WebClient(undefined, { slackApiUrl: `${server.url}/api/`, retryConfig: { retries: 0 } })
  const dispatcher = new Agent()

  const candidates: ReadonlyArray<readonly [string, () => Promise<unknown>]> = [
    ["@slack/web-api", () =>
      peer.oauth.v2.access({
        client_id: "1.1",
        client_secret: "bench-secret",
        grant_type: "refresh_token",
        refresh_token: "xoxe-1-bench-refresh"
      })],
    ["OAuthV2 on undici", () => onUndici.runPromise(access)],
    ["OAuthV2 on fetch", () => onFetch.runPromise(access)],
    ["bare undici", async () => (await request(url, { dispatcher, method: "POST", headers, body: form })).body.json()],
    ["bare fetch", async () => (await fetch(url, { method: "POST", headers, body: form })).json()]
  ]

  try {
    // Layers are built before anything is measured.
    await onUndici.runPromise(Effect.void)
    await onFetch.runPromise(Effect.void)
    const reports: Array<Report> = []
    for (const [title, width] of [["one at a time", 1], ["50 at once", 50]] as const) {
      const rows = await compare(
        candidates.map(([name, once]) => ({ name, run: parallel(once, width) })),
        { times: 1500, rounds: 11 }
      )
      const median = (name: string) => rows.find((row) => row.name === name)!
      const overFetch = median("OAuthV2 on fetch").wall.median / median("bare fetch").wall.median
      const cpu = median("OAuthV2 on undici").cpu.median - 1.25 * median("bare undici").cpu.median
      reports.push(ofRows(`oauth.v2.access, ${title}`, rows, [
        `on fetch: ${overFetch.toFixed(2)} × the wall time of bare fetch`,
        `on undici: 1.25 × the CPU of bare undici ${cpu < 0 ? "−" : "+"} ${Math.abs(cpu).toFixed(0)} µs`
      ]))
    }
    return reports
  } finally {
    server.stop()
    await Promise.all([onUndici.dispose(), onFetch.dispose(), dispatcher.close()])
  }
}
