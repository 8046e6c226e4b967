/** `npm run stress` runs all long rounds, and `npm run stress -- tokens` runs one set. Each round prints what it counted. */
const rounds: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<void> }>>> = {
  store: () => import("./store.js"),
  tokens: () => import("./tokens.js"),
  outages: () => import("./outages.js"),
  requests: () => import("./requests.js")
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(rounds, name))
if (unknown.length > 0) {
  console.error(`There are no rounds called ${unknown.join(", ")}. There are: ${Object.keys(rounds).join(", ")}`)
  process.exit(1)
}

for (const [name, load] of Object.entries(rounds)) {
  if (asked.length === 0 || asked.includes(name)) await (await load()).run()
}
