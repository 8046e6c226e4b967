/**
 * `effect-slack-oauth migrate-tokens`: long-lived tokens of a store to rotating ones.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CommandFailed, exitCodes, exitCodesInWords, settingFailed } from "./CommandFailed.js"
import { store } from "./database.js"
import * as Progress from "./progress.js"

const options = {
  database: Options.text("database").pipe(
    Options.withFallbackConfig(Config.string("DATABASE_URL")),
    Options.withDefault("file:slack.db"),
    Options.withDescription(
      "The database with the installations: file:slack.db, or postgres://… DATABASE_URL if not given."
    )
  ),
  dryRun: Options.boolean("dry-run").pipe(
    Options.withDescription("Change nothing; only count what would be exchanged.")
  ),
  rate: Options.integer("rate").pipe(
    Options.withDefault(50),
    Options.filterMap(
      (rate) => rate > 0 ? Option.some(rate) : Option.none(),
      "--rate has to be above 0"
    ),
    Options.withDescription("How many calls a minute; 50 if not given, about what Slack allows.")
  )
}

const wordsOf = (result: TokenMigration.Result): string => {
  switch (result._tag) {
    case "AlreadyExchanged":
      return `${result.key}: already exchanged; the new tokens are not in this store. The token works. Install again to have it rotate.`
    case "Dead":
      return `${result.key}: dead (${result.error.code}). Have the app installed again.`
    case "Failed":
      return `${result.key}: ${result.isInDoubt ? "in doubt. " : ""}${result.error.message}`
    default:
      return `${result.key}: ${result._tag}`
  }
}

const summary = (report: TokenMigration.Report, dryRun: boolean): string =>
  dryRun
    ? `${report.pending} long-lived tokens would be exchanged, ${report.failed} cannot be read.`
    : `${report.exchanged} exchanged, ${report.alreadyExchanged} exchanged before, ${report.dead} dead, ` +
      `${report.failed} failed, ${report.skipped} skipped.`

/** A dry run opens each token, so that it also reports a wrong key. */
const readable = (store: InstallationStore.Service) => (result: TokenMigration.Result) =>
  Effect.match(store.credential(result.key), {
    onFailure: (error): TokenMigration.Result =>
      TokenMigration.Result.Failed({ key: result.key, error, isInDoubt: false }),
    onSuccess: () => result
  })

const migration = (dryRun: boolean, rate: number) =>
  Effect.gen(function*() {
    const store = yield* InstallationStore.InstallationStore
    const { permanent } = yield* store.counts()
    const progress = Progress.make(permanent)
    let done = 0
    let report = TokenMigration.emptyReport
    yield* TokenMigration.stream({ dryRun, ratePerMinute: rate }).pipe(
      dryRun ? Stream.mapEffect(readable(store)) : identity,
      Stream.runForEach((result) => {
        report = TokenMigration.addToReport(report, result)
        return progress.show(++done, "tokens")
      }),
      Effect.onInterrupt(() =>
        Effect.zipRight(
          progress.end,
          Console.log(`Stopped: ${summary(report, dryRun)} Run it again, and it goes on with the rest.`)
        )
      ),
      Effect.ensuring(progress.end)
    )
    yield* Console.log(summary(report, dryRun))
    for (const problem of report.problems) yield* Console.log(`  ${wordsOf(problem)}`)
    if (report.failed + report.dead + report.alreadyExchanged > 0) {
      return yield* new CommandFailed({
        message: dryRun
          ? "Not every token can be exchanged; the others are listed above."
          : "Not every token could be exchanged; the others are listed above."
      })
    }
    if (report.skipped > 0) {
      return yield* new CommandFailed({
        message: `${report.skipped} tokens were skipped: another process was using or had changed them. Run it again.`,
        exitCode: exitCodes.unfinished
      })
    }
  })

const slack = OAuthV2.layer.pipe(Layer.provide(SlackApp.layerConfig), Layer.provide(FetchHttpClient.layer))

export const migrateTokens = Command.make(
  "migrate-tokens",
  options,
  ({ database, dryRun, rate }) =>
    migration(dryRun, rate).pipe(
      Effect.provide(store(database, { dryRun })),
      // A dry run needs no app.
      Effect.provide(dryRun ? OAuthV2.layerTest({}) : slack),
      Effect.catchTag("InstallationStoreError", (error) => new CommandFailed({ message: error.message })),
      Effect.catchIf(ConfigError.isConfigError, settingFailed)
    )
).pipe(
  Command.withDescription(
    "Exchange the long-lived tokens of the store for rotating ones. It can be stopped at any time, and goes on where " +
      "it was. SLACK_CLIENT_ID and SLACK_CLIENT_SECRET name the app, SLACK_TOKEN_KEYS has the keys of the store, or " +
      `\`plain\` if it has none. ${exitCodesInWords}`
  )
)
