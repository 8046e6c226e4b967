/** A process that migrates the database `STORE_URL` at the time `START_AT`, and prints which migrations it ran. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { connect } from "../databases.js"

Effect.sleep(Math.max(0, Number(process.env.START_AT) - Date.now())).pipe(
  Effect.zipRight(Migrations.run),
  Effect.flatMap((ran) => Console.log(JSON.stringify(ran))),
  Effect.provide(connect(process.env.STORE_URL!)),
  NodeRuntime.runMain
)
