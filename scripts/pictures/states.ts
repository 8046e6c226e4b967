/** The states of a credential, and what a caller gets in each. */
import { draw, line, rect, text } from "./svg.js"

interface State {
  readonly name: string
  /** What `botToken` and `userToken` give. */
  readonly gives: string
  readonly x: number
  readonly y: number
}

const box = { width: 210, height: 56 }

const states = {
  none: { name: "not installed", gives: "NotInstalled", x: 20, y: 60 },
  fresh: { name: "fresh", gives: "the token, without a call", x: 300, y: 60 },
  due: { name: "due", gives: "the token, and one refresh", x: 580, y: 60 },
  expired: { name: "expired", gives: "waits, or TokenUnavailable", x: 580, y: 210 },
  dead: { name: "dead", gives: "ReauthorizationRequired", x: 300, y: 210 }
} satisfies Record<string, State>

const drawn = Object.values(states).flatMap(({ gives, name, x, y }) => [
  rect(x, y, box.width, box.height, "box", 6),
  text(x + box.width / 2, y + 24, name, "middle strong"),
  text(x + box.width / 2, y + 44, gives, "middle small")
])

export const credentialStates = draw({
  width: 810,
  height: 330,
  title: "The states of a credential",
  description:
    "An install makes a credential fresh. Two hours before its end it is due, and a refresh makes it fresh again. If no refresh " +
    "succeeds, it expires. If Slack refuses the refresh token, it is dead, until the app is installed again. " +
    "After invalid_refresh_token, its last token is served until it ends.",
  body: [
    ...drawn,
    line([[230, 88], [298, 88]], true),
    text(264, 80, "install", "middle small"),
    line([[510, 78], [578, 78]], true),
    text(544, 70, "2 h left", "middle small"),
    line([[580, 102], [512, 102]], true),
    text(544, 120, "refreshed", "middle small"),
    line([[685, 116], [685, 208]], true),
    text(693, 166, "12 h over", "small"),
    line([[580, 238], [512, 238]], true),
    text(546, 230, "refused", "middle small"),
    line([[620, 116], [470, 208]], true),
    text(604, 150, "refused", "small"),
    line([[600, 208], [455, 118]], true),
    text(484, 158, "refreshed", "end small"),
    line([[360, 210], [360, 118]], true),
    text(352, 166, "install", "end small"),
    line([[300, 238], [125, 238], [125, 118]], true),
    text(133, 230, "app_uninstalled", "small"),
    text(
      20,
      290,
      "Below each name: what botToken and userToken give. A transient failure never makes a credential dead.",
      "small"
    ),
    text(
      20,
      312,
      "After invalid_refresh_token, the last token of a dead credential is served until it ends.",
      "small"
    )
  ]
})
