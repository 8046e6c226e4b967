// The code without one of its rules. Each edit names a text that is in its file once, so a rule that moves is noticed.

const rotation = "src/internal/rotation.ts"

/** One rule, removed by edits. */
const mutant = (name, rule, ...edits) => ({
  name,
  rule,
  edits: edits.map((edit) => edit.length === 3 ? edit : [rotation, ...edit]).map(([file, find, replace]) => ({
    file,
    find,
    replace
  }))
})

export const mutants = [
  mutant("NO_LEASE", "`Lease`: one process at a time", [
    `return Effect.fail({ _tag: "Busy", remaining: result.remaining })`,
    "takenAt = asked; return Effect.void"
  ]),
  mutant("NO_SECOND_LOOK", "`rotateUnderLease`: a second look, under the lease", [
    "const credential = yield* look(rotation)",
    "const credential = seen"
  ]),
  mutant("NO_LOOK_AFTER_RENAMING", "`rotateUnderLease`: a look after each lease, also one for another generation", [
    "return yield* rotateUnderLease(rotation, credential)\n",
    "\n"
  ]),
  mutant("NO_CLOCK_BEFORE_SENDING", "`rotateUnderLease`: after a third of the lease nothing is sent", [
    `if ((yield* rotation.lease.isPast("beforeCall")) || rotation.isTooLate?.()) return`,
    "if (false) return"
  ]),
  mutant("NO_LOOK_BEFORE_REPEATING", "`send`: a look before a call that Slack rejected is repeated", [
    "Effect.matchEffect(lookAgain(rotation, credential), {",
    "Effect.matchEffect(Effect.void, {"
  ]),
  mutant("NO_CLOCK_BEFORE_REPEATING", "`send`: a look at the clock after that", [
    `Effect.map(rotation.lease.isPast("beforeCommit"), (isPast) => !isPast && !rotation.isTooLate?.())`,
    "Effect.succeed(true)"
  ]),
  mutant(
    "RESEND_WITHOUT_LEASE",
    "`resend`: only under a renewed lease",
    ["rotation.lease.take(credential.generation).pipe(", "Effect.void.pipe("],
    [
      "(isPast) => isPast || rotation.isTooLate?.() ? Effect.succeed(first) : send(rotation, credential)",
      "() => send(rotation, credential)"
    ]
  ),
  mutant("NO_LOOK_BEFORE_RESEND", "`resend`: only after another look", [
    "    Effect.zipRight(lookAgain(rotation, credential)),\n",
    ""
  ]),
  mutant("NO_CLOCK_BEFORE_RESEND", "`resend`: only if there is time for a call", [
    "(isPast) => isPast || rotation.isTooLate?.() ? Effect.succeed(first) : send(rotation, credential)",
    "() => send(rotation, credential)"
  ]),
  mutant("RESEND_FOREVER", "`resend`: once more, and not again", [
    "Effect.map((second) => isSettled(rotation, second) ? second : first)",
    "Effect.flatMap((second) => isLost(second) ? resend(rotation, credential, second) : Effect.succeed(second))"
  ]),
  mutant("LOST_IS_DEAD", "`send`: a lost answer is no refusal", [
    `error.outcome === "rejected" && rotation.isDeath(error)\n      ?`,
    `error.outcome === "unknown" || rotation.isDeath(error)\n      ?`
  ]),
  mutant("GIVE_BACK_IN_DOUBT", "`givingBack`: a lease in doubt runs out by itself", [
    "isInDoubt(result) ? Effect.void : lease.giveBack",
    "lease.giveBack"
  ]),
  mutant("GIVE_BACK_AFTER_REJECTION", "`resend`: a rejection does not settle an earlier sending", [
    "isSettled(rotation, second) ? second : first",
    "second"
  ]),
  mutant(
    "INTERRUPTIBLE_COMMIT",
    "`send`: nothing interrupts from the call to the commit",
    [
      "        Effect.uninterruptible(\n          Effect.zipRight(",
      "        (\n          Effect.zipRight("
    ],
    [
      "src/internal/freshTokens.ts",
      "context.fork(Effect.uninterruptible(shared), scope)",
      "context.fork(Effect.interruptible(shared), scope)"
    ],
    ["src/internal/freshTokens.ts", "const work = Effect.uninterruptible(", "const work = Effect.interruptible("]
  ),
  mutant("COMMIT_WITHOUT_LEASE", "`underLease`: the commit is under a lease", [
    `renew(now + LeaseTime.millisOf("waiting", leaseDuration))`,
    "Effect.void"
  ]),
  mutant("COMMIT_WITHOUT_COMPARING", "`save`: by compare-and-set from the generation that was sent", [
    "return !isAlive && current.generation === generation + 1\n",
    "return true\n"
  ]),
  mutant("SAVE_IGNORES_DEAD", "`save`: a new token overrides a mark that the chain is dead", [
    "return !isAlive && current.generation === generation + 1\n",
    "return false\n"
  ]),
  mutant("SAVE_AGAIN_REPLACES", "`isRepeated`: an install that was saved before changes nothing", [
    "src/internal/installationRow.ts",
    "if (slot !== undefined && isRepeated(slot, origin)) continue\n",
    "\n"
  ]),
  mutant("DROP_UNSAVED", "`UnsavedTokens`: what the store did not take is kept", [
    "src/internal/unsavedTokens.ts",
    "saves.set(entry, saveOnce)\n",
    "\n"
  ]),
  mutant("BELIEVE_DEATH", "`markDead`: only if the generation that was sent is stored", [
    "store.compareAndSet(key, credential.generation, Installation.Change.Dead(",
    "Effect.flatMap(store.credential(key), (now) => " +
    "store.compareAndSet(key, Option.getOrElse(now, () => credential).generation, Installation.Change.Dead("
  ], [
    "Change.Dead({ code: error.code, since }))\n",
    "Change.Dead({ code: error.code, since })))\n"
  ]),
  mutant("CLOCK_ALONE", "`isPast`: by the clock, and by `uptime`, whichever shows more", [
    "Math.max(clock - takenAt[0], up - takenAt[1])",
    "(clock - takenAt[0])"
  ]),
  mutant("UPTIME_ALONE", "`isPast`: by the clock, and by `uptime`, whichever shows more", [
    "Math.max(clock - takenAt[0], up - takenAt[1])",
    "(up - takenAt[1])"
  ]),
  mutant("TIMERS_FIRST", "`after`: a deadline that is over lets the process read what has arrived", [
    "src/internal/deadline.ts",
    "Math.max(0, Math.min(uptimeOf(clock) - due, catchUp))",
    "0"
  ]),
  mutant("SERVE_EXPIRED", "`isValid`: a token is served to its expiry and not longer", [
    "src/internal/credentialState.ts",
    "now < endOfToken(credential.token) &&\n",
    "\n"
  ])
]
