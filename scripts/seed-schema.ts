// Writes emulator-seed.schema.json, the JSON Schema of the emulator's seeds: `npm run docs:seed`. A test compares it with
// the schema in src/testing/SlackEmulatorSeed.ts.
import * as SlackEmulatorSeed from "effect-slack-oauth/testing/SlackEmulatorSeed"
import * as JSONSchema from "effect/JSONSchema"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const seedSchema = (): string => {
  const schema = {
    ...JSONSchema.make(SlackEmulatorSeed.Seed),
    title: "Seed of the Slack emulator of effect-slack-oauth"
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(fileURLToPath(new URL("../emulator-seed.schema.json", import.meta.url)), seedSchema())
}
