/** The overview behind the control switch: apps, chains, calls and faults, for people. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Service } from "../../testing/SlackEmulator.js"
import * as Page from "./page.js"
import * as Wire from "./wire.js"

/** As many rows as a person reads. */
const most = 100

const table = (
  title: string,
  columns: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string | number>>
): string => {
  const cells = (open: string, texts: ReadonlyArray<string | number>, close: string) =>
    texts.map((text) => `${open}${Page.escape(String(text))}${close}`).join("")
  const shown = rows.slice(-most)
  const heading = `<h2>${title}</h2>\n`
  if (shown.length === 0) return `${heading}<p>None.</p>`
  return `${heading}${rows.length > most ? `<p>The last ${most} of ${rows.length}.</p>\n` : ""}<div class="table" ` +
    `role="region" aria-label="${title}" tabindex="0"><table>
<thead><tr>${cells("<th scope=\"col\">", columns, "</th>")}</tr></thead>
<tbody>
${shown.map((row) => `<tr>${cells("<td>", row, "</td>")}</tr>`).join("\n")}
</tbody></table></div>`
}

/** It has no secrets: the tokens are in `/control/chains`. */
export const make = (emulator: Service): Effect.Effect<Wire.Response> =>
  Effect.map(
    Effect.all({
      apps: emulator.apps,
      chains: emulator.chains,
      calls: emulator.calls,
      faults: emulator.faults,
      events: emulator.events
    }),
    ({ apps, calls, chains, events, faults }) =>
      Wire.html(
        200,
        Page.document(
          "Slack emulator",
          [
            "<h1>Slack emulator</h1>",
            "<p>Programs control it in JSON: <a href=\"/control/openapi.json\">the OpenAPI document</a>.</p>",
            table(
              "Apps",
              ["id", "name", "client id", "rotation", "PKCE"],
              apps.map((app) => [app.id, app.name, app.clientId, app.rotation ? "on" : "off", app.pkce ? "on" : "off"])
            ),
            table(
              "Chains",
              ["number", "credential", "place", "refreshes", "replays", "tokens that work", "ended"],
              chains.map((chain) => [
                chain.number,
                Option.getOrElse(chain.person, () => "bot"),
                chain.target,
                chain.refreshes,
                chain.replays,
                `${chain.liveAccessTokens.length} access, ${chain.liveRefreshTokens.length} refresh`,
                Option.getOrElse(chain.ended, () => "")
              ])
            ),
            table(
              "Calls",
              ["time", "method", "grant", "result", "fault"],
              calls.map((call) => [
                DateTime.formatIso(call.at),
                call.method,
                call.grantType ?? "",
                call.result,
                call.fault ?? ""
              ])
            ),
            table(
              "Events",
              ["id", "app", "type", "state", "attempts"],
              events.map(({ appId, attempts, id, state, type }) => [id, appId, type, state, attempts.length])
            ),
            table(
              "Faults",
              ["fault", "methods", "calls", "share"],
              faults.map(({ fault, methods = ["all"], share, times }) => [
                fault,
                methods.join(", "),
                Number.isFinite(times) ? times : "no limit",
                share
              ])
            )
          ].join("\n"),
          { wide: true }
        )
      )
  )
