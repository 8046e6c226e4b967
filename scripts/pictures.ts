/**
 * Draws docs/pictures: `npm run docs:pictures`. The pictures show what the code does: they are made from its functions and
 * its texts. A test fails when a file is not what this gives.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { modulesPicture } from "./pictures/modules.js"
import { performancePicture } from "./pictures/performance.js"
import { refreshSteps } from "./pictures/refresh.js"
import { credentialStates } from "./pictures/states.js"
import { stormPicture } from "./pictures/storm.js"
import { sweep } from "./pictures/sweep.js"
import * as Terminal from "./pictures/terminal.js"
import { tokenLife } from "./pictures/tokenLife.js"

/** The pictures by the names of their files. */
export const pictures: Readonly<Record<string, string>> = {
  "credential-states.svg": credentialStates,
  "modules.svg": modulesPicture,
  "performance.svg": performancePicture,
  "refresh.svg": refreshSteps,
  "storm.svg": stormPicture,
  "sweep.svg": sweep,
  "token-life.svg": tokenLife,
  ...Object.fromEntries(Object.entries(Terminal.pictures).map(([name, svg]) => [`terminal-${name}.svg`, svg]))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL("../docs/pictures/", import.meta.url)
  mkdirSync(folder, { recursive: true })
  for (const [name, svg] of Object.entries(pictures)) writeFileSync(new URL(name, folder), svg)
}
