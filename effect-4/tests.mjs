/** Files and folders that do not pass on Effect 4 yet, with what they need. Take a file out once all of it passes. */
export const pending = [
  "cli",
  "test/InstallServer.browser.test.ts",
  "test/TokenRounds.test.ts",
  "test/httpGrid.test.ts",
  "test/sql/Migrations.test.ts",
  "test/sql/transactions.test.ts",
  "test/SlackEmulator.foreign.test.ts",
  "test/cli.doctor.test.ts",
  "test/cli.emulator.test.ts",
  "test/cli.import.test.ts",
  "test/cli.manifest.test.ts",
  "test/cli.migrateTokens.test.ts",
  "test/cli.reencrypt.test.ts",
  "test/doctor.test.ts",
  "test/processes.test.ts",
  "test/readme.test.ts",
  "test/utils/cli.ts"
]
