// The mutation score of what a refresh rests on: `npm run mutation`. Stryker changes the code in each place where it can,
// and runs the tests that reach that place. A change that no test notices survives. At least 90 % have to be noticed.
//
//   npm run mutation -- retry   only this group of files (retry, calls, rotation, manager, serving, state)
//   --cores N                   on so many cores; 1 by default
//
// It is installed into .tmp/stryker, because `npm ci` has to be quick. It remembers what it has found: a second run tests
// only what has changed since. The reports with the survivors are .tmp/stryker/GROUP.html.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"

const folder = ".tmp/stryker"
/** The last line for Node 20. */
const version = "9.6.1"
const least = 90

/** The files of each group, and the tests that reach them and need no process of their own. */
const groups = {
  retry: {
    files: ["src/internal/retry.ts", "src/RetryPolicy.ts"],
    tests: ["RetryPolicy", "options"]
  },
  calls: {
    files: ["src/OAuthV2.ts"],
    tests: ["OAuthV2", "RetryPolicy", "httpGrid", "ornaments", "secrets"]
  },
  rotation: {
    files: ["src/internal/rotation.ts"],
    tests: [
      "internal/rotation",
      "TokenManager",
      "TokenManager.cuts",
      "TokenManager.deadlines",
      "TokenManager.ends",
      "TokenMigration",
      "simulation"
    ]
  },
  manager: {
    files: ["src/TokenManager.ts"],
    tests: [
      "TokenManager",
      "TokenManager.callers",
      "TokenManager.deadlines",
      "TokenManager.ends",
      "TokenManager.places",
      "options"
    ]
  },
  serving: {
    files: ["src/internal/freshTokens.ts", "src/internal/unsavedTokens.ts", "src/internal/closing.ts"],
    tests: [
      "TokenManager",
      "TokenManager.callers",
      "TokenManager.closing",
      "TokenManager.cuts",
      "TokenManager.deadlines",
      "TokenManager.ends",
      "TokenManager.places"
    ]
  },
  state: {
    files: ["src/internal/credentialState.ts"],
    tests: ["internal/credentialState"]
  }
}

const { positionals, values } = parseArgs({
  options: { cores: { type: "string", default: "1" } },
  allowPositionals: true
})
const names = positionals.length > 0 ? positionals : Object.keys(groups)

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

/** Runs Stryker on a group. Returns how its mutants ended. */
const run = (name) => {
  const { files, tests } = groups[name]
  writeFileSync(
    `${folder}/${name}.json`,
    JSON.stringify({
      mutate: files,
      testRunner: "vitest",
      plugins: [`${process.cwd()}/${folder}/node_modules/@stryker-mutator/vitest-runner/dist/src/index.js`],
      vitest: { configFile: "scripts/mutation.vitest.ts", related: false },
      coverageAnalysis: "perTest",
      concurrency: Number(values.cores),
      incremental: true,
      incrementalFile: `${folder}/${name}.found.json`,
      tempDirName: `${folder}/sandbox`,
      ignorePatterns: ["*", "!/src/**", "!/test/**", "!/scripts/**", "!/*.json", "!/*.ts"],
      reporters: ["clear-text", "html", "json"],
      clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
      htmlReporter: { fileName: `${folder}/${name}.html` },
      jsonReporter: { fileName: `${folder}/${name}.report.json` },
      timeoutMS: 20_000
    })
  )
  const { status } = spawnSync(
    process.execPath,
    [`${folder}/node_modules/@stryker-mutator/core/bin/stryker.js`, "run", `${folder}/${name}.json`],
    { stdio: "inherit", env: { ...process.env, MUTATION_TESTS: tests.join(",") } }
  )
  if (status !== 0) throw new Error(`Stryker ended with ${status}`)
  const report = JSON.parse(readFileSync(`${folder}/${name}.report.json`, "utf8"))
  return Object.entries(report.files).flatMap(([file, { mutants }]) =>
    mutants.map(({ static: isStatic, status, testsCompleted }) => {
      // No test has run, because the module did not load. The runner takes that for a success.
      const isBroken = isStatic && status === "Survived" && testsCompleted === 0
      return { file, status: isBroken ? "Killed" : status }
    })
  )
}

/** Prints how many of the mutants were noticed. */
const print = (name, mutants) => {
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length
  const [noticed, missed] = [count("Killed", "Timeout"), count("Survived", "NoCoverage")]
  const score = 100 * noticed / (noticed + missed)
  console.log(`${name}: ${noticed} of ${noticed + missed} noticed, ${score.toFixed(1)} %`)
  return score
}

const found = names.flatMap(run)
for (const file of new Set(found.map(({ file }) => file))) print(file, found.filter((mutant) => mutant.file === file))
if (print("all", found) < least) process.exitCode = 1
