/** The tests, on the code without the rule of one mutant: `MUTANT` names it. For `npm run simulate -- --mutants`. */
import { defineConfig } from "vitest/config"
import { mutants } from "../test/simulation/mutants.mjs"
import project from "../vitest.config.ts"

const mutant = mutants.find(({ name }) => name === process.env.MUTANT)
if (mutant === undefined) throw new Error(`There is no mutant ${process.env.MUTANT}`)

export default defineConfig({
  ...project,
  plugins: [{
    name: "without a rule",
    enforce: "pre",
    transform: (code, id) =>
      mutant.edits.filter(({ file }) => id.endsWith(`/${file}`))
        .reduce((text, { find, replace }) => text.replace(find, () => replace), code)
  }],
  test: { ...project.test, globalSetup: [], reporters: ["dot"] }
})
