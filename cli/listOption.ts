/** An option that takes several values. */
import { commaList } from "../src/internal/commaList.js"
import * as Options from "./effect/options.js"

export const listOption = (name: string, description: string) =>
  Options.text(name).pipe(
    Options.repeated,
    Options.map((texts) => texts.flatMap(commaList)),
    Options.withDescription(`${description} Separate them with commas, or repeat the option.`)
  )
