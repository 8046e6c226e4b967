/** Many concurrent readers of one expired token. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { strict as assert } from "node:assert"
import { type Candidate, compare, spread } from "./support/compare.js"
import * as Fleet from "./support/fleet.js"
import { makeProvider } from "./support/peer.js"
import * as Programs from "./support/programs.js"
import { atMost, number, type Report, withSpread } from "./support/report.js"

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const slack = await Programs.slack()
  const runtime = ManagedRuntime.make(
    TokenManager.layer().pipe(
      Layer.provideMerge(InstallationStore.layerMemory),
      Layer.provideMerge(OAuthV2.layer),
      Layer.provide(SlackApp.layer({ clientId: "1.1", clientSecret: "bench-secret", baseUrl: slack.url })),
      Layer.provide(FetchHttpClient.layer)
    )
  )
  const { provider, store } = makeProvider(slack.url)
  // Each storm uses another installation, whose number is in no token of the server.
  let next = 1_000_000_000
  const longAgo = Date.now() - 3_600_000

  /** The most requests and different tokens in one storm of so many readers. */
  interface Made {
    requests: number
    tokens: number
  }

  const storm =
    (made: Made, readers: number, begin: (number: number) => Promise<() => Promise<Array<string | undefined>>>) =>
    async () => {
      const number = next++
      const readAll = await begin(number)
      await slack.requests()
      return async () => {
        const tokens = await readAll()
        return async () => {
          assert.equal(tokens.length, readers)
          assert.ok(tokens.every((token) => token !== undefined && token !== Fleet.tokenOf(number)))
          const { "oauth.v2.access": requests = 0 } = await slack.requests()
          made.requests = Math.max(made.requests, requests)
          made.tokens = Math.max(made.tokens, new Set(tokens).size)
        }
      }
    }

  const ours = (readers: number) => async (number: number) => {
    await runtime.runPromise(InstallationStore.save(Fleet.installation(number, longAgo)))
    const read = Effect.map(TokenManager.botToken(Fleet.keyOf(number)), Redacted.value)
    return () =>
      runtime.runPromise(Effect.forEach(Array.from({ length: readers }), () => read, { concurrency: "unbounded" }))
  }

  const theirs = (readers: number) => async (number: number) => {
    await store.storeInstallation(Fleet.peerInstallation(number, longAgo))
    return () =>
      Promise.all(
        Array.from({ length: readers }, async () => (await provider.authorize(Fleet.peerQuery(number))).botToken)
      )
  }

  try {
    const lines: Array<
      { readonly name: string; readonly readers: number; readonly made: Made; readonly ms: ReadonlyArray<number> }
    > = []
    for (const readers of [20, 1000, 10_000]) {
      const candidates: ReadonlyArray<Candidate & { readonly made: Made }> = [
        ...(readers > 1000 ? [] : [["@slack/oauth authorize", theirs] as const]),
        ["TokenManager.botToken", ours] as const
      ].map(([name, readersOf]) => {
        const made: Made = { requests: 0, tokens: 0 }
        return { name, made, prepare: storm(made, readers, readersOf(readers)) }
      })
      const rows = await compare(candidates, { times: 1, rounds: 7 })
      rows.forEach(({ name, samples }, index) =>
        lines.push({ name, readers, made: candidates[index]!.made, ms: samples.map(({ wall }) => wall / 1000) })
      )
    }
    const most = Math.max(
      ...lines.filter(({ name }) => name.startsWith("TokenManager")).map(({ made }) => made.requests)
    )
    return [{
      title: "All readers at once of one expired token",
      columns: ["", "readers", "requests", "different tokens", "ms to the last reader"],
      rows: lines.map(({ made, ms, name, readers }) => [
        name,
        number(readers).replace(/\.0+$/, ""),
        String(made.requests),
        String(made.tokens),
        withSpread(spread(ms))
      ]),
      data: lines,
      targets: [atMost("requests for one token, whatever the number of readers:", most, 1, "request")],
      notes: [
        "Both call over fetch, and have their stores in memory. The server answers at once; the further away Slack is, the more a request costs.",
        "By the rules of `SlackEmulator`, only the last two of the tokens that Slack's package got work in the end. Slack's package was not tried with 10,000 readers."
      ]
    }]
  } finally {
    await runtime.dispose()
    await slack.stop()
  }
}
