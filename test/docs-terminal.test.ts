/** The pictures of a terminal show what the commands print today. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"
import * as Cli from "./utils/cli.js"
import { libsqlUrl } from "./utils/databases.js"
import { commandsIn, withoutNumbers } from "./utils/terminalPicture.js"

const linesOf = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line !== "")

const slack = OAuthV2.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(FetchHttpClient.layer, SlackEmulator.layerSlackAppServed(), SlackEmulator.serve())),
  Layer.provideMerge(SlackEmulator.layer({ apps: [{ rotation: false }], workspaces: [{ id: "T0A" }, { id: "T0B" }] })),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const withStore = (url: string) =>
  Effect.provide(
    SqlInstallationStore.layer.pipe(
      Layer.provide([Libsql.layer({ url: url as `file:${string}` }), TokenCipher.layerPlain])
    )
  )

const install = (workspace: string) =>
  Effect.gen(function*() {
    const { code } = yield* SlackEmulator.authorize({ workspace })
    const response = yield* OAuthV2.access({ code })
    yield* InstallationStore.save(Installation.fromTokenResponse(response, yield* DateTime.now))
  })

/** The variables of the command. */
const settings = (url: string) =>
  Effect.map(SlackApp.SlackApp, ({ baseUrl, clientId, clientSecret }) => ({
    DATABASE_URL: url,
    SLACK_BASE_URL: baseUrl,
    SLACK_CLIENT_ID: clientId,
    SLACK_CLIENT_SECRET: Redacted.value(clientSecret ?? Redacted.make("")),
    SLACK_TOKEN_KEYS: "plain"
  }))

describe("the picture of a terminal with", () => {
  it("manifest shows what the command prints", async () => {
    const [{ args, printed } = { args: [], printed: [] }] = commandsIn("manifest")
    const { code, stderr, stdout } = await Cli.runHere(args)
    assert.strictEqual(code, 0, stderr)
    assert.deepStrictEqual(printed, linesOf(stdout))
  })

  it.scopedLive("migrate-tokens shows what the command prints, with other numbers", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      yield* withStore(url)(Effect.zipRight(install("T0A"), install("T0B")))
      yield* SlackEmulator.enableRotation()
      const env = yield* settings(url)
      const [dryRun, stopped, last] = commandsIn("migrate-tokens")
      // The bar is on stderr, and only in a terminal.
      const printed = (shown: typeof last) =>
        shown?.printed.filter((line) => !line.startsWith("[#")).map(withoutNumbers) ?? []
      for (const shown of [dryRun, last]) {
        const { code, stderr, stdout } = yield* Effect.promise(() => Cli.runHere(shown?.args ?? [], env))
        assert.strictEqual(code, 0, stderr)
        assert.deepStrictEqual(linesOf(stdout).map(withoutNumbers), printed(shown))
      }
      // It is stopped where the last one ends.
      const [end = ""] = printed(last)
      assert.deepStrictEqual(printed(stopped), [`Stopped: ${end} Run it again to exchange the rest.`])
    }).pipe(Effect.provide(slack)))

  it.scopedLive("doctor shows checks of the command, in its order", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      yield* withStore(url)(install("T0A"))
      const env = { ...(yield* settings(url)), PUBLIC_URL: "http://127.0.0.1:1" }
      const [shown] = commandsIn("doctor")
      const { stdout } = yield* Effect.promise(() => Cli.runHere(shown?.args ?? [], env))
      const idsIn = (lines: ReadonlyArray<string>) =>
        lines.flatMap((line) => /^(?:ok|warning|ERROR|skipped) +([\w-]+) /.exec(line)?.[1] ?? [])
      const found = idsIn(linesOf(stdout))
      const drawn = idsIn(shown?.printed ?? [])
      assert.deepStrictEqual(drawn.filter((id) => found.includes(id)), found.filter((id) => drawn.includes(id)))
      // There is no token here for the app's settings at Slack.
      assert.deepStrictEqual(drawn.filter((id) => !found.includes(id)), ["redirect-url"])
      for (const lines of [shown?.printed ?? [], linesOf(stdout)]) {
        assert.match(lines.at(-1) ?? "", /^\d+ errors?, \d+ warnings?, \d+ ok, \d+ skipped\.$/)
      }
    }).pipe(Effect.provide(slack)))
})
