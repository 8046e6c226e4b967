// The mutation score of what a refresh rests on: `npm run mutation`. Stryker changes the code in each place where it can,
// and runs the tests that reach that place. A change that no test notices survives. At least 90 % have to be noticed.
//
//   --files a.ts,b.ts   only these files
//   --cores N           on so many cores; 1 by default
//
// It is installed into .tmp/stryker, because `npm ci` has to be quick. It remembers what it has found: a second run tests
// only what has changed since. The report with the survivors is .tmp/stryker/report.html.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"

const folder = ".tmp/stryker"
/** The last line for Node 20. */
const version = "9.6.1"

const files = [
  "src/TokenManager.ts",
  "src/internal/rotation.ts",
  "src/OAuthV2.ts",
  "src/internal/retry.ts",
  "src/RetryPolicy.ts"
]

const { values } = parseArgs({
  options: { files: { type: "string", default: files.join(",") }, cores: { type: "string", default: "1" } }
})

if (!existsSync(`${folder}/node_modules/@stryker-mutator/vitest-runner`)) {
  mkdirSync(folder, { recursive: true })
  const dependencies = { "@stryker-mutator/core": version, "@stryker-mutator/vitest-runner": version }
  // Vitest itself is found in this project's own node_modules.
  writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true, dependencies }))
  execFileSync("npm", ["install", "--legacy-peer-deps", "--no-audit", "--no-fund", "--no-package-lock"], {
    cwd: folder,
    stdio: "inherit"
  })
}

writeFileSync(
  `${folder}/stryker.config.json`,
  JSON.stringify({
    mutate: values.files.split(","),
    testRunner: "vitest",
    plugins: [`${process.cwd()}/${folder}/node_modules/@stryker-mutator/vitest-runner/dist/src/index.js`],
    vitest: { configFile: "scripts/mutation.vitest.ts", related: false },
    coverageAnalysis: "perTest",
    concurrency: Number(values.cores),
    incremental: true,
    incrementalFile: `${folder}/incremental.json`,
    tempDirName: `${folder}/sandbox`,
    ignorePatterns: ["*", "!/src/**", "!/test/**", "!/scripts/**", "!/*.json", "!/*.ts"],
    reporters: ["clear-text", "html", "json"],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    htmlReporter: { fileName: `${folder}/report.html` },
    jsonReporter: { fileName: `${folder}/report.json` },
    timeoutMS: 20_000,
    thresholds: { high: 95, low: 90, break: 90 }
  })
)

process.exitCode = spawnSync(
  process.execPath,
  [`${folder}/node_modules/@stryker-mutator/core/bin/stryker.js`, "run", `${folder}/stryker.config.json`],
  { stdio: "inherit" }
).status ?? 1
