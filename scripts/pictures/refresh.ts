/** The steps of a refresh, from a credential that is fresh to the next generation. */
import { draw, line, rect, text } from "./svg.js"

interface State {
  readonly name: string
  /** Where it is, or what it means. */
  readonly about: string
  readonly isStored: boolean
  readonly x: number
  readonly y: number
}

const box = { width: 152, height: 56 }

const states = {
  fresh: { name: "fresh", about: "generation g", isStored: true, x: 20, y: 80 },
  due: { name: "due", about: "", isStored: false, x: 262, y: 80 },
  leased: { name: "leased", about: "“refresh generation g”", isStored: true, x: 504, y: 80 },
  sent: { name: "sent", about: "Slack may have acted", isStored: false, x: 746, y: 80 },
  dead: { name: "dead", about: "with Slack's code", isStored: true, x: 988, y: 80 },
  doubt: { name: "in doubt", about: "the lease stays", isStored: true, x: 504, y: 215 },
  answered: { name: "answered", about: "one process has the pair", isStored: false, x: 746, y: 330 },
  unsaved: { name: "unsaved", about: "served from memory", isStored: false, x: 383, y: 330 },
  next: { name: "fresh", about: "generation g+1", isStored: true, x: 20, y: 330 }
} satisfies Record<string, State>

const drawn = Object.values(states).flatMap(({ about, isStored, name, x, y }) => [
  rect(x, y, box.width, box.height, isStored ? "good" : "box", 6),
  text(x + box.width / 2, y + (about === "" ? 33 : 24), name, "middle strong"),
  ...about === "" ? [] : [text(x + box.width / 2, y + 44, about, "middle small")]
])

export const refreshSteps = draw({
  width: 1160,
  height: 480,
  title: "The steps of a refresh",
  description:
    "A fresh credential is due after ten hours. A process takes its lease, looks at it again, and sends the refresh token. " +
    "If Slack answers, the new pair is committed, and the lease is given back. If the store fails, the pair is unsaved, and is " +
    "saved later. If the answer is lost, the token is sent once more, after another look. If that answer is lost too, the " +
    "refresh is in doubt until its lease expires. If Slack rejects the call for the moment, the lease is given back. If Slack " +
    "says that the token does not work, the credential is dead until the app is installed again.",
  body: [
    ...drawn,
    line([[172, 108], [260, 108]], true),
    text(216, 100, "2 h are left", "middle small"),
    line([[414, 108], [502, 108]], true),
    text(458, 100, "lease taken", "middle small"),
    line([[656, 108], [744, 108]], true),
    text(700, 100, "second look", "middle small"),
    line([[898, 108], [986, 108]], true),
    text(942, 100, "refused", "middle small"),
    line([[1064, 80], [1064, 20], [60, 20], [60, 78]], true),
    text(562, 14, "installed again", "middle small"),
    line([[580, 80], [580, 54], [132, 54], [132, 78]], true),
    text(356, 47, "another process was faster: lease given back", "middle small"),
    line([[782, 80], [782, 58], [862, 58], [862, 78]], true),
    text(822, 50, "lost once: lease renewed, third look, sent again", "middle small"),
    line([[772, 136], [772, 172], [376, 172], [376, 138]], true),
    text(574, 165, "rejected for the moment: lease given back", "middle small"),
    line([[800, 136], [800, 243], [658, 243]], true),
    text(728, 235, "lost again, or the", "middle small"),
    text(728, 261, "process dies", "middle small"),
    line([[504, 243], [300, 243], [300, 138]], true),
    text(402, 235, "the lease expires", "middle small"),
    line([[852, 136], [852, 328]], true),
    text(862, 240, "Slack answers", "small"),
    line([[746, 358], [537, 358]], true),
    text(642, 350, "the store fails", "middle small"),
    line([[383, 358], [174, 358]], true),
    text(279, 350, "saved later", "middle small"),
    line([[822, 386], [822, 420], [96, 420], [96, 388]], true),
    text(459, 412, "commit: by compare-and-set from generation g, then the lease is given back", "middle small"),
    rect(20, 446, 16, 16, "good", 3),
    text(44, 459, "stored", "small"),
    rect(130, 446, 16, 16, "box", 3),
    text(154, 459, "in the memory of a process: a crash loses it", "small")
  ]
})
