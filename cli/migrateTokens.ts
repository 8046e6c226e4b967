/**
 * `effect-slack-oauth migrate-tokens`: exchanges the long-lived tokens of a store for rotating ones.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CommandFailed, exitCodes, exitCodesInWords, orSettingFailed } from "./CommandFailed.js"
import { databaseOption, store } from "./database.js"
import * as Command from "./effect/command.js"
import * as Options from "./effect/options.js"
import * as Progress from "./progress.js"

const options = {
  database: databaseOption,
  dryRun: Options.boolean("dry-run").pipe(
    Options.withDescription("Change nothing. Count the tokens that would be exchanged.")
  ),
  rate: Options.integer("rate").pipe(
    Options.withDefault(50),
    Options.filterMap(
      (rate) => rate > 0 ? Option.some(rate) : Option.none(),
      "--rate has to be above 0"
    ),
    Options.withDescription("How many calls a minute. The default is 50, about what Slack allows.")
  )
}

const wordsOf = (result: TokenMigration.Result): string => {
  switch (result._tag) {
    case "AlreadyExchanged":
      return `${result.key}: already exchanged; the new tokens are not in this store. The old token works. Install the app again to make it rotate.`
    case "Dead":
      return `${result.key}: dead (${result.error.code}). Install the app again.`
    case "Failed":
      return `${result.key}: ${result.isInDoubt ? "in doubt. " : ""}${result.error.message}`
    default:
      return `${result.key}: ${result._tag}`
  }
}

/** What a run did, or a dry run would do. */
export const summary = (report: TokenMigration.Report, dryRun: boolean): string =>
  dryRun
    ? `${report.pending} long-lived tokens would be exchanged, ${report.failed} are unreadable.`
    : `${report.exchanged} exchanged, ${report.alreadyExchanged} already exchanged, ${report.dead} dead, ` +
      `${report.failed} failed, ${report.skipped} skipped.`

/** Decrypts the token of a result, so that a dry run reports a wrong key. */
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
          Console.log(`Stopped: ${summary(report, dryRun)} Run it again to exchange the rest.`)
        )
      ),
      Effect.ensuring(progress.end)
    )
    yield* Console.log(summary(report, dryRun))
    for (const problem of report.problems) yield* Console.log(`  ${wordsOf(problem)}`)
    if (report.failed + report.dead + report.alreadyExchanged > 0) {
      return yield* new CommandFailed({
        message: dryRun
          ? "Some tokens cannot be exchanged. They are listed above."
          : "Some tokens could not be exchanged. They are listed above."
      })
    }
    if (report.skipped > 0) {
      return yield* new CommandFailed({
        message:
          `${report.skipped} tokens were skipped, because another process was using or had changed them. Run it again.`,
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
      // A dry run does not call Slack.
      Effect.provide(dryRun ? OAuthV2.layerTest({}) : slack),
      Effect.catchTag("InstallationStoreError", (error) => new CommandFailed({ message: error.message })),
      orSettingFailed
    )
).pipe(
  Command.withDescription(
    "Exchange the long-lived tokens of the store for rotating ones. You can stop it at any time. The next run " +
      "continues. SLACK_CLIENT_ID and SLACK_CLIENT_SECRET name the app. SLACK_TOKEN_KEYS contains the keys of the " +
      `store, or \`plain\` for none. ${exitCodesInWords}`
  )
)
