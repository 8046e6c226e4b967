/**
 * What a call allocates, with an HTTP client in memory. Bytes, unlike microseconds, do not depend on what else the machine
 * does. Node has to be started with a young generation that holds a whole round, see `bench/allocations.ts`: no garbage is
 * collected in a round then, and the heap grows by what was allocated.
 */
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"
import * as Redacted from "effect/Redacted"
import { accessAnswer } from "../support/answers.js"

const times = 500
const rounds = 9

const body = JSON.stringify(accessAnswer(1))

/** The smallest answer that platform's client accepts. */
const answer = () => ({ status: 200, text: () => Promise.resolve(body) }) as Response

const client = HttpClient.make((request) => Effect.sync(() => HttpClientResponse.fromWeb(request, answer())))
const inMemory = Layer.succeed(HttpClient.HttpClient, client)
const app = SlackApp.layer({ clientId: "1.1", clientSecret: "bench-secret" })
const runtime = ManagedRuntime.make(Layer.provideMerge(OAuthV2.layer, Layer.merge(app, inMemory)))
const refreshToken = Redacted.make("xoxe-1-bench-refresh")

const request = HttpClientRequest.get("https://slack.com/api/oauth.v2.access")
/** A text like that of a response, which is read without I/O. */
const keptText = (response: HttpClientResponse.HttpClientResponse) => {
  const { source } = response as unknown as { readonly source: Response }
  let text: Promise<string> | undefined
  return Effect.tryPromise(() => text ??= source.text())
}

const labels = [MetricLabel.make("method", "oauth.v2.access"), MetricLabel.make("result", "ok")]
const counter = Metric.counter("bench_calls")
const tagged = counter.pipe(Metric.tagged("method", "oauth.v2.access"), Metric.tagged("result", "ok"))

type Once = Effect.Effect<unknown, unknown, HttpClient.HttpClient | OAuthV2.OAuthV2>

const candidates: ReadonlyArray<readonly [name: string, once: Once]> = [
  ["nothing", Effect.void],
  [
    "a call by @effect/platform",
    Effect.suspend(() =>
      HttpClient.execute(
        HttpClientRequest.post("https://slack.com/api/oauth.v2.access", {
          headers: { authorization: "Basic MS4xOmJlbmNoLXNlY3JldA==", accept: "application/json" },
          body: HttpBody.text(
            "grant_type=refresh_token&refresh_token=xoxe-1-bench-refresh",
            "application/x-www-form-urlencoded"
          )
        })
      )
    ).pipe(Effect.flatMap(({ text }) => Effect.map(text, (text) => JSON.parse(text) as unknown)))
  ],
  ["a call by OAuthV2", Effect.suspend(() => OAuthV2.access({ refreshToken }))],
  ["platform's text of an answer", Effect.suspend(() => HttpClientResponse.fromWeb(request, answer()).text)],
  ["the same, if it kept the promise", Effect.suspend(() => keptText(HttpClientResponse.fromWeb(request, answer())))],
  ["an update of a tagged metric", Effect.suspend(() => Metric.increment(tagged))],
  ["the same, if it kept its labels", Effect.sync(() => counter.unsafeUpdate(1, labels))]
]

interface Sample {
  readonly bytes: number
  readonly cpu: number
}

const measure = async (once: Once): Promise<Sample> => {
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const cpu = process.cpuUsage()
  for (let index = 0; index < times; index++) await runtime.runPromise(once)
  const { system, user } = process.cpuUsage(cpu)
  return { bytes: (process.memoryUsage().heapUsed - before) / times, cpu: (system + user) / times }
}

// The compiler of V8 changes what code allocates, so there is a long warm-up.
for (let round = 0; round < rounds; round++) {
  for (const [, once] of candidates) await measure(once)
}

const rows = candidates.map(([name]) => ({ name, samples: [] as Array<Sample> }))
for (let round = 0; round < rounds; round++) {
  for (let turn = 0; turn < candidates.length; turn++) {
    const index = (turn + round) % candidates.length
    rows[index]!.samples.push(await measure(candidates[index]![1]))
  }
}
await runtime.dispose()
process.stdout.write(`${JSON.stringify(rows)}\n`)
