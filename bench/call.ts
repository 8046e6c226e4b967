/** One call of `oauth.v2.access`, against Slack's own client and against bare HTTP clients. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { WebClient } from "@slack/web-api"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { strict as assert } from "node:assert"
import { Agent, request } from "undici"
import { type Candidate, compare, type Options, type Row, wallRatio } from "./support/compare.js"
import { owners, profile } from "./support/profile.js"
import * as Programs from "./support/programs.js"
import { atMost, number, ofRows, type Report } from "./support/report.js"

const form = "grant_type=refresh_token&refresh_token=xoxe-1-bench-refresh"
const authorization = `Basic ${Buffer.from("1.1:bench-secret").toString("base64")}`
const contentType = "application/x-www-form-urlencoded"
const headers = { authorization, "content-type": contentType, accept: "application/json" }

interface Answer {
  readonly access_token?: string
}

const tokenOf = (answer: unknown) => (answer as Answer).access_token

/** Makes calls, and returns the token of each. */
const calls = (once: () => Promise<string | undefined>, width: number): Candidate["prepare"] => (times) => async () => {
  const tokens: Array<string | undefined> = []
  let left = times
  const caller = async () => {
    while (left-- > 0) tokens.push(await once())
  }
  await Promise.all(Array.from({ length: width }, caller))
  return () => {
    assert.ok(tokens.every((token) => token?.startsWith("xoxe.xoxb-1-bench-")))
    assert.equal(new Set(tokens).size, times, "each call brought a token of its own")
  }
}

type Call = readonly [name: string, once: () => Promise<string | undefined>]

/** The clients, each with a call that returns its token. */
const open = async () => {
  const slack = await Programs.slack()
  const url = `${slack.apiUrl}oauth.v2.access`
  const app = SlackApp.layer({ clientId: "1.1", clientSecret: "bench-secret", baseUrl: slack.url })
  const live = Layer.provideMerge(OAuthV2.layer, app)
  const onUndici = ManagedRuntime.make(Layer.provideMerge(live, NodeHttpClient.layerUndici))
  const onFetch = ManagedRuntime.make(Layer.provideMerge(live, FetchHttpClient.layer))
  const refreshToken = Redacted.make("xoxe-1-bench-refresh")
  const peer = new WebClient(undefined, { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } })
  const dispatcher = new Agent()

  const access = Effect.map(
    Effect.suspend(() => OAuthV2.access({ refreshToken })),
    ({ bot }) => bot._tag === "Some" ? Redacted.value(bot.value.accessToken) : undefined
  )
  const platform = Effect.flatMap(
    Effect.suspend(() =>
      HttpClient.execute(
        HttpClientRequest.post(url, {
          headers: { authorization, accept: "application/json" },
          body: HttpBody.text(form, contentType)
        })
      )
    ),
    ({ text }) => Effect.map(text, (text) => tokenOf(JSON.parse(text)))
  )

  const all: ReadonlyArray<Call> = [
    ["@slack/web-api", async () =>
      tokenOf(
        await peer.oauth.v2.access({
          client_id: "1.1",
          client_secret: "bench-secret",
          grant_type: "refresh_token",
          refresh_token: "xoxe-1-bench-refresh"
        })
      )],
    ["OAuthV2 on undici", () => onUndici.runPromise(access)],
    ["OAuthV2 on fetch", () => onFetch.runPromise(access)],
    ["@effect/platform on undici", () => onUndici.runPromise(platform)],
    ["@effect/platform on fetch", () => onFetch.runPromise(platform)],
    [
      "bare undici",
      async () => tokenOf(await (await request(url, { dispatcher, method: "POST", headers, body: form })).body.json())
    ],
    ["bare fetch", async () => tokenOf(await (await fetch(url, { method: "POST", headers, body: form })).json())]
  ]
  const stop = async () => {
    await Promise.all([onUndici.dispose(), onFetch.dispose(), dispatcher.close()])
    await slack.stop()
  }
  return { all, stop }
}

const ways = [["one at a time", 1], ["50 at once", 50]] as const

const measure = (all: ReadonlyArray<Call>, width: number, options: Options) =>
  compare(all.map(([name, once]) => ({ name, prepare: calls(once, width) })), options)

/** Only the measurements, of the clients that are named. */
export const measureCalls = async (
  names: ReadonlyArray<string>,
  options: Options
): Promise<ReadonlyArray<{ readonly way: string; readonly rows: ReadonlyArray<Row> }>> => {
  const { all, stop } = await open()
  try {
    const named = all.filter(([name]) => names.includes(name))
    const measured = []
    for (const [way, width] of ways) measured.push({ way, rows: await measure(named, width, options) })
    return measured
  } finally {
    await stop()
  }
}

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const { all, stop } = await open()
  try {
    const reports: Array<Report> = []
    for (const [title, width] of ways) {
      const rows = await measure(all, width, { times: 500, rounds: 45, warmUp: 4 })
      const ratio = (one: string, other: string) => wallRatio(rows, one, other).median
      reports.push(ofRows(`oauth.v2.access, ${title}`, rows, {
        targets: [
          atMost("on undici, wall time by @slack/web-api:", ratio("OAuthV2 on undici", "@slack/web-api"), 1, "×"),
          atMost(
            "on undici, wall time by @effect/platform:",
            ratio("OAuthV2 on undici", "@effect/platform on undici"),
            1.3,
            "×"
          ),
          atMost(
            "on fetch, wall time by @effect/platform:",
            ratio("OAuthV2 on fetch", "@effect/platform on fetch"),
            1.2,
            "×"
          )
        ]
      }))
    }

    const profiles: Array<{ readonly name: string; readonly took: Awaited<ReturnType<typeof profile>> }> = []
    for (const [name, once] of all) profiles.push({ name, took: await profile(3000, once) })
    reports.push({
      title: "Where the time of a call goes, one at a time, in µs",
      columns: ["", ...profiles.map(({ name }) => name)],
      rows: owners.map((owner) => [owner, ...profiles.map(({ took }) => number(took[owner]))]),
      data: profiles,
      notes: [
        "A profiler says in whose code the time was spent, over 3,000 calls each after the rounds above. Profiling takes time too, so compare only the columns of this table."
      ]
    })
    return reports
  } finally {
    await stop()
  }
}
