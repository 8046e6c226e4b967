/*
 * The refresh of one credential by several processes, as `src/internal/rotation.ts` does it, with the store and Slack.
 * Spin searches every order of the steps below. `model/run.mjs` runs it, and `model/README.md` explains it.
 *
 * A step is one `atomic`: one call to the store, one look at the clock, or one thing that Slack or the network does.
 * Between two steps of a process anything else may happen. The name in brackets is the function of `rotation.ts` (or of
 * the named file) that takes the step.
 *
 * With `TRACE`, the steps that can be seen from outside are those of a trace of the code, one after the other: `see` is
 * the guard that the next event of the trace is this one. A trace is accepted if its end can be reached.
 *
 * There is no clock. `past` says which part of its lease has passed for a process, and it may grow at any time. A lease
 * can run out only when its holder, by its own clock, is in the last part of it.
 */

/* -- bounds, which run.mjs sets ---------------------------------------------------------------------------------- */

#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef TOKENS
#define TOKENS 4      /* how many pairs Slack gives */
#endif
#ifndef LOSSES
#define LOSSES 0      /* how many requests or answers the network loses */
#endif
#ifndef REJECTIONS
#define REJECTIONS 0  /* how often Slack says that it did nothing, as with `ratelimited` */
#endif
#ifndef DEATHS
#define DEATHS 0      /* how many processes die */
#endif
#ifndef FAILURES
#define FAILURES 0    /* how many calls to the store fail */
#endif
#ifndef INSTALLS
#define INSTALLS 0
#endif
#ifndef ENDS
#define ENDS 0        /* how often the app is uninstalled, or Slack revokes the tokens */
#endif
#ifndef SLEEP
#define SLEEP 0       /* 1: a lease may run out while its holder works. 2: also in the instant after its look */
#endif
#ifndef GRACE
#define GRACE 1       /* the grace period. 0: there is none. 1: it may end at any time. 2: it does not end */
#endif
#ifndef CACHE
#define CACHE 0       /* 1: processes remember the token that they last saw, and serve it */
#endif
#ifndef CHECK
#define CHECK 0       /* the promise to check. 0: all of them */
#endif
#ifndef SHOW
#define SHOW 0        /* the state to look for, by its number in the table at the end */
#endif

/* -- traces ------------------------------------------------------------------------------------------------------- */

/* What can be seen, with what it is about: a generation, a pair, or nothing (0). replay.mjs and the simulation have the
 * same names and numbers. UNTOLD: the store did it and did not say so. FAILS: it did nothing. */
#define READ_ALIVE     1
#define READ_DEAD      2
#define READ_ABSENT    3
#define READ_FAILS     4
#define LEASE_TAKEN    5
#define LEASE_HELD     6
#define LEASE_MISSING  7
#define LEASE_FAILS    8
#define LEASE_UNTOLD   9
#define RELEASED       10
#define NOT_HELD       11
#define RELEASE_FAILS  12
#define RELEASE_UNTOLD 13
#define SEND           14
#define GIVE           15
#define REFUSE         16
#define REJECT         17
#define LOSE           18
#define SAVED          19
#define NOT_SAVED      20
#define SAVE_FAILS     21
#define SAVE_UNTOLD    22
#define MARKED         23
#define NOT_MARKED     24
#define MARK_FAILS     25
#define MARK_UNTOLD    26
#define DIE            27
#define INSTALL_GIVES  28
#define INSTALLED      29
#define END            30
#define REMOVED        31

#ifdef TRACE
c_decl { static unsigned char traceWho[4096], traceWhat[4096], traceAbout[4096]; static int traceLength, traceSeen; }
c_code {
  static void tellSeen(void) { printf("steps of the trace: %d\n", traceSeen); }
  static void readTrace(void) {
    int who, what, about;
    if (traceLength == 0) atexit(tellSeen);
    FILE *file = fopen(getenv("TRACE"), "r");
    while (file && fscanf(file, "%d %d %d", &who, &what, &about) == 3) {
      traceWho[traceLength] = who;
      traceWhat[traceLength] = what;
      traceAbout[traceLength++] = about;
    }
  }
}
short position = 0
bit installPair[TOKENS + 1]    /* the pairs that installs have brought, and the first one: an install may be saved again */
#define see(what, about) \
  c_expr { (now.position < traceLength && traceWho[now.position] == PProcess->me && traceWhat[now.position] == what && \
    traceAbout[now.position] == (about)) }
#define seeWorld(what, about) \
  c_expr { (now.position < traceLength && traceWhat[now.position] == what && traceAbout[now.position] == (about)) }
/* Several installs may be under way: the pair of any of them is stored. */
#define seeInstalled \
  c_expr { (now.position < traceLength && traceWhat[now.position] == INSTALLED && \
    now.installPair[traceAbout[now.position]]) }
#define seen position++; c_code { if (now.position > traceSeen) traceSeen = now.position; }
#else
#define see(what, about) true
#define seeWorld(what, about) true
#define seen skip
#endif

/* -- promises ----------------------------------------------------------------------------------------------------- */

#define NO_LOSS       1
#define ONE_AT_A_TIME 2
#define NOT_REPLACED  3
#define DUE           4
#define ONCE_MORE     5
#define PACED         6
#define REALLY_DEAD   7
#define SAME_SENT     8
#define NOT_DELETED   9
#define STAYS_REMOVED 10
#define OLD_WORKS     11
#define STILL_STORED  12

#define promise(number, claim) assert((claim) || (CHECK != number && CHECK != 0))

#if PROCESSES == 2
#define anyHand(what) (what(1) || what(2))
#elif PROCESSES == 3
#define anyHand(what) (what(1) || what(2) || what(3))
#else
#define anyHand(what) (what(1) || what(2) || what(3) || what(4))
#endif

/* -- the store ---------------------------------------------------------------------------------------------------- */

#define ABSENT 0
#define ALIVE  1
#define DEAD   2
#define LEFT   9   /* the holder of a lease that nobody will give back */

byte status = ALIVE
byte generation = 1
byte stored = 1    /* the pair that is stored */
bit due = 0
byte holder = 0    /* 0: the lease is free */

/* -- Slack -------------------------------------------------------------------------------------------------------- */

#define UNUSED 1
#define GRACED 2  /* used, and in its grace period */
#define ENDED  3

byte issued = 1               /* pairs are numbered in the order in which Slack gave them */
byte ended = 0                /* pairs up to this one ended with an uninstall or a revocation */
byte refreshToken[TOKENS + 1] /* the refresh token of each pair */

byte lastInstall               /* the pair of the last install */
bit installEnded               /* Slack has ended that pair unused, because refreshes brought two newer ones */
bit endedInUse                /* Slack has ended a pair unused that is stored, or that a process has yet to store */

#define works(pair) (refreshToken[pair] == UNUSED || refreshToken[pair] == GRACED)

byte inHand[PROCESSES + 1]     /* the pair that a process alone has, from Slack's answer on */
#define hasThird(p) (inHand[p] != 0 && inHand[p] == issued - 2)

/* Slack gives a pair. It keeps two active ones, so the oldest of three ends. A spent one has its grace period. */
inline issue() {
  issued++;
  refreshToken[issued] = UNUSED;
  if
  :: issued > 2 && refreshToken[issued - 2] == UNUSED ->
     refreshToken[issued - 2] = ENDED;
     if :: issued - 2 == lastInstall -> installEnded = 1 :: else fi;
     if :: anyHand(hasThird) || stored == issued - 2 -> endedInUse = 1 :: else fi
  :: else
  fi
}

inline endAll() {
  ended = issued;
  k = 1;
  do
  :: k <= issued -> refreshToken[k] = ENDED; k++
  :: else -> k = 0; break
  od
}

/* -- the processes ------------------------------------------------------------------------------------------------ */

#define IDLE       0
#define LOOKED     1   /* it has seen a credential that is due, without a lease */
#define LEASED     2
#define RENAMING   3   /* the generation has changed since the first look */
#define READY      4   /* about to look at the clock */
#define SENDING    5   /* in the instant after the look at the clock */
#define SENT       6
#define ANSWERED   7   /* Slack has given a pair */
#define REFUSED    8   /* Slack has said that the chain is dead */
#define REJECTED   9   /* Slack has said that it did nothing */
#define AGAIN     10   /* the generation is still the same after a rejection */
#define LOST      11
#define RENEWED   12   /* it has the lease again, to send once more */
#define READY2    13
#define UNSAVED   14
#define SAVING    15   /* in the instant after the look at the clock */
#define RELEASING 16   /* about to give the lease back. Without TRACE, that is part of the step before it: to the other
                         * processes a lease that comes back later is a slower process */

byte known[PROCESSES + 1]      /* the pair that a process serves from memory */

/* What has happened. The properties depend on these, the protocol does not. */
byte losses, rejections, deaths, failures, installs, ends
byte lostPairs                 /* pairs whose answer was lost, up to 2 */
bit diedWithPair
bit slept                      /* a lease has run out while its holder worked */
bit napped                     /* a process has slept in the instant after its look at the clock */
byte givenToInstall            /* the pair of an install that is not stored yet */
bit asleepBeforeSending        /* a process has sent after its lease ran out */
bit uninstalled
byte inDoubt                   /* a pair that was sent under a lease that has not run out, with an unknown result */
bit replaced[TOKENS + 1]       /* a refresh of this pair has been stored */

#define reset() at = IDLE; mine = 0; token = 0; sendings = 0; past = 0
#define holds (holder == me)
#define giveBack() if :: holds -> holder = 0 :: else fi
#ifdef TRACE
#define finish() at = RELEASING
#define keep() at = UNSAVED; kept = inHand[me]
#else
#define keep() at = UNSAVED
#define finish() giveBack(); reset()
#endif
#ifdef MUTANT_GIVE_BACK_IN_DOUBT
#define leave() finish()
#else
#define leave() if :: holds -> holder = LEFT :: else fi; reset()
#endif
#ifdef MUTANT_GIVE_BACK_AFTER_REJECTION
#define afterRejection() finish()
#else
/* [resend] What Slack says of the second sending does not tell whether it has acted on the first. */
#define afterRejection() if :: sendings == 1 -> finish() :: else -> leave() fi
#endif
#define remember(pair) if :: CACHE -> known[me] = pair :: else fi
#define storeFails (failures < FAILURES)
#define mayBeLost (losses < LOSSES)
#ifdef TRACE
#define hand now.inHand[PProcess->me]
#define readsNothingDue \
  ((status == ALIVE && see(READ_ALIVE, now.generation)) || (status == DEAD && see(READ_DEAD, now.generation)) || \
    (status == ABSENT && see(READ_ABSENT, 0)))
#define readsSame ((status == ALIVE && see(READ_ALIVE, now.generation)) || (status == DEAD && see(READ_DEAD, now.generation)))
#define readsOther (readsSame || (status == ABSENT && see(READ_ABSENT, 0)))
#define cannotTake ((status == ABSENT && see(LEASE_MISSING, 0)) || (isHeld && see(LEASE_HELD, 0)))
#define takeFails (see(LEASE_FAILS, 0) || see(LEASE_UNTOLD, 0))
#define renews ((status == ABSENT && see(LEASE_MISSING, 0)) || (status != ABSENT && see(LEASE_TAKEN, 0)))
#define saveFails (see(SAVE_FAILS, hand) || (isSame && see(SAVE_UNTOLD, hand)))
#define savesTwice (kept != 0 && (at == RELEASING || at == IDLE))
#else
#define readsNothingDue (!(status == ALIVE && due))
#define readsSame true
#define readsOther true
#define cannotTake (!((holder == 0 || holds) && status != ABSENT))
#define takeFails true
#define renews true
#define saveFails true
#endif
#define isHeld (status != ABSENT && holder != 0 && !holds)
#ifdef MUTANT_SAVE_IGNORES_DEAD
#define diedOnly false
#else
#define diedOnly (status == DEAD && generation == mine + 1)
#endif
#define isSame (status != ABSENT && generation == mine)

/* What has to hold when a refresh token is sent. Who slept in the instant after the look is an admitted limit. */
#define checkSending() \
  promise(ONE_AT_A_TIME, holds || napped || !isSame); \
  promise(NOT_REPLACED, !replaced[token] || napped); \
  promise(DUE, due || !isSame || napped); \
  promise(ONCE_MORE, sendings <= 1); \
  promise(PACED, sendings > 0 || inDoubt != token || !isSame || napped)



inline store() {
  promise(STAYS_REMOVED, status != ABSENT);
  printf("process %d stores its pair\n", me);
  replaced[token] = 1;
  status = ALIVE; stored = inHand[me]; due = 0;
  generation = mine + 1
}

proctype Process(byte me) {
  byte at = IDLE, mine, token, sendings, past;
#ifdef TRACE
  byte kept;   /* the last pair that the store did not take at once. Two saves of it may be under way */
#endif

end: do
  /* [look] */
  :: atomic { at == IDLE && status == ALIVE && due && inHand[me] == 0 && see(READ_ALIVE, now.generation) -> seen;
       printf("process %d sees that the credential is due\n", me);
       mine = generation; token = stored; remember(stored); at = LOOKED }

  /* [Lease.take] */
  :: atomic { at == LOOKED && status != ABSENT && holder == 0 && see(LEASE_TAKEN, 0) -> seen;
       printf("process %d takes the lease\n", me); holder = me; past = 0; at = LEASED }
  :: atomic { at == LOOKED && ((status == ABSENT && see(LEASE_MISSING, 0)) || (status != ABSENT && holder != 0 && see(LEASE_HELD, 0))) ->
       seen; printf("process %d finds the lease taken\n", me); reset() }
  :: atomic { at == LOOKED && status != ABSENT && holder == 0 && storeFails && see(LEASE_UNTOLD, 0) -> seen;
       printf("process %d takes the lease, and the store does not say so\n", me); failures++; holder = LEFT; reset() }
#ifdef MUTANT_NO_LEASE
  :: atomic { at == LOOKED -> past = 0; at = LEASED }
#endif

  /* [rotateUnderLease] the second look, and the lease names the generation that is sent */
#ifdef MUTANT_NO_SECOND_LOOK
  :: atomic { at == LEASED -> at = READY }
#else
  :: atomic { at == LEASED && status == ALIVE && due && see(READ_ALIVE, now.generation) -> seen;
       printf("process %d looks again under the lease\n", me);
       if
       :: generation == mine -> at = READY
       :: else -> at = RENAMING
       fi;
       mine = generation; token = stored; remember(stored) }
  :: atomic { at == LEASED && readsNothingDue -> seen;
       printf("process %d has nothing to do\n", me); finish() }
  :: atomic { at == LEASED && storeFails && see(READ_FAILS, 0) -> seen;
       printf("process %d cannot read the store\n", me); failures++; finish() }
#endif
#ifdef MUTANT_NO_LOOK_AFTER_RENAMING
  :: atomic { at == RENAMING && (holder == 0 || holds) && status != ABSENT -> holder = me; past = 0; at = READY }
#else
  :: atomic { at == RENAMING && (holder == 0 || holds) && status != ABSENT && see(LEASE_TAKEN, 0) -> seen;
       printf("process %d takes the lease for another generation\n", me); holder = me; past = 0; at = LEASED }
#endif
  :: atomic { at == RENAMING && cannotTake -> seen; finish() }

  /* [rotateUnderLease] the look at the clock. After a third of the lease nothing is sent */
#ifdef MUTANT_NO_CLOCK_BEFORE_SENDING
  :: atomic { at == READY -> at = SENDING }
#else
  :: atomic { at == READY && past == 0 -> printf("process %d looks at its clock\n", me); at = SENDING }
  :: atomic { at == READY && past > 0 -> printf("process %d has no time to send\n", me); finish() }
#endif

  /* [send] */
  :: atomic { at == SENDING && issued < TOKENS && see(SEND, PProcess->token) -> seen;
       printf("process %d sends refresh token %d\n", me, token);
       checkSending();
       if :: !holds && isSame -> asleepBeforeSending = 1 :: else fi;
       sendings++; at = SENT }

  /* Slack */
  :: atomic { at == SENT && works(token) && issued < TOKENS && see(GIVE, now.issued + 1) -> seen;
       if
       :: refreshToken[token] == UNUSED && GRACE == 0 -> refreshToken[token] = ENDED
       :: refreshToken[token] == UNUSED && GRACE != 0 -> refreshToken[token] = GRACED
       :: else
       fi;
       issue();
       inHand[me] = issued;
       printf("Slack gives pair %d to process %d\n", issued, me);
       at = ANSWERED }
  :: atomic { at == SENT && !works(token) && see(REFUSE, 0) -> seen; printf("Slack refuses refresh token %d\n", token); at = REFUSED }
  :: atomic { at == SENT && rejections < REJECTIONS && see(REJECT, 0) -> seen;
       rejections++; printf("Slack rejects the call of process %d and does nothing\n", me); at = REJECTED }

  /* the network loses the request, a refusal or a pair */
  :: atomic { (at == SENT || at == REFUSED) && mayBeLost && see(LOSE, 0) -> seen;
       losses++; printf("process %d gets no answer\n", me);
       if :: holds -> inDoubt = token :: else fi; at = LOST }
  :: atomic { at == ANSWERED && mayBeLost && see(LOSE, 0) -> seen;
       losses++; printf("process %d gets no answer\n", me); inHand[me] = 0;
       if :: lostPairs < 2 -> lostPairs++ :: else fi;
       if :: holds -> inDoubt = token :: else fi; at = LOST }
#ifdef MUTANT_INTERRUPTIBLE_COMMIT
  :: atomic { at == ANSWERED -> printf("process %d is interrupted\n", me); inHand[me] = 0; leave() }
#endif

  /* [send] mayRepeat: before Slack is asked again after a rejection */
  :: atomic { at == REJECTED -> printf("process %d gives up for now\n", me); afterRejection() }
  /* [callSlack] The time for a call also ends the look before it is repeated. That counts as a lost answer. */
  :: atomic { at == REJECTED -> printf("process %d has no more time for the call\n", me); at = LOST }
#ifdef MUTANT_NO_LOOK_BEFORE_REPEATING
  :: atomic { at == REJECTED -> promise(STILL_STORED, isSame); at = AGAIN }
#else
  :: atomic { at == REJECTED && isSame && readsSame -> seen;
       promise(STILL_STORED, isSame); printf("process %d sees the same generation\n", me); at = AGAIN }
  :: atomic { at == REJECTED && !isSame && readsOther -> seen;
       printf("process %d sees that the credential has changed\n", me); finish() }
#endif
#ifdef MUTANT_NO_CLOCK_BEFORE_REPEATING
  :: atomic { at == AGAIN -> sendings--; at = SENDING }
#else
  :: atomic { at == AGAIN && past < 2 ->
       printf("process %d looks at its clock, to repeat the call\n", me); sendings--; at = SENDING }
  :: atomic { at == AGAIN && past == 2 -> printf("process %d has no time to send\n", me); afterRejection() }
#endif

  /* [resend] a lost answer: the lease is renewed, the credential is read again, and it is sent once more */
#ifdef MUTANT_LOST_IS_DEAD
  :: atomic { at == LOST -> at = REFUSED }
#endif
#ifdef MUTANT_RESEND_FOREVER
  :: atomic { at == LOST && (holder == 0 || holds) && status != ABSENT -> holder = me; past = 0; at = RENEWED }
#endif
#ifdef MUTANT_RESEND_WITHOUT_LEASE
  :: atomic { at == LOST && sendings == 1 && isSame -> at = SENDING }
#else
  :: atomic { at == LOST && sendings == 1 && (holder == 0 || holds) && status != ABSENT && see(LEASE_TAKEN, 0) -> seen;
       printf("process %d renews the lease\n", me); holder = me; past = 0; at = RENEWED }
#endif
  :: atomic { at == LOST && sendings == 1 && cannotTake -> seen;
       printf("process %d finds the lease taken\n", me); finish() }
  :: atomic { at == LOST && sendings == 1 && storeFails && takeFails -> seen;
       failures++; printf("process %d cannot renew the lease\n", me); leave() }
  :: atomic { at == LOST && sendings > 1 -> printf("process %d leaves the lease to run out\n", me); leave() }
#ifdef MUTANT_NO_LOOK_BEFORE_RESEND
  :: atomic { at == RENEWED -> promise(STILL_STORED, isSame); at = READY2 }
#else
  :: atomic { at == RENEWED && isSame && readsSame -> seen;
       promise(STILL_STORED, isSame); printf("process %d sees the same generation\n", me); at = READY2 }
  :: atomic { at == RENEWED && !isSame && readsOther -> seen;
       printf("process %d sees that the credential has changed\n", me); finish() }
  :: atomic { at == RENEWED && storeFails && see(READ_FAILS, 0) -> seen;
       failures++; printf("process %d cannot read the store\n", me); leave() }
#endif
#ifdef MUTANT_NO_CLOCK_BEFORE_RESEND
  :: atomic { at == READY2 -> at = SENDING }
#else
  :: atomic { at == READY2 && past == 0 -> printf("process %d looks at its clock\n", me); at = SENDING }
  :: atomic { at == READY2 && past > 0 -> printf("process %d has no time to send\n", me); leave() }
#endif

  /* [commit] underLease: a lease that is nearly over is renewed. While another process has it, this one waits */
#ifdef MUTANT_COMMIT_WITHOUT_LEASE
  :: atomic { at == ANSWERED || at == UNSAVED -> at = SAVING }
#else
  :: atomic { (at == ANSWERED || at == UNSAVED) && past < 2 ->
       printf("process %d has the answer and looks at its clock\n", me); at = SAVING }
  :: atomic { (at == ANSWERED || at == UNSAVED) && past == 2 && (holder == 0 || holds) && renews -> seen;
       printf("process %d has the answer and renews the lease\n", me);
       if :: status != ABSENT -> holder = me; past = 0 :: else fi;
       at = SAVING }
#endif

  /* [save] */
#ifdef MUTANT_COMMIT_WITHOUT_COMPARING
  :: atomic { at == SAVING -> mine = generation; store(); inHand[me] = 0; finish() }
#else
  :: atomic { at == SAVING && isSame && see(SAVED, hand) -> seen; store(); remember(stored); inHand[me] = 0; finish() }
  :: atomic { at == SAVING && storeFails && saveFails ->
       failures++;
       if
       :: isSame && see(SAVE_UNTOLD, hand) -> store(); printf("process %d gets no answer from the store\n", me)
       :: see(SAVE_FAILS, hand) -> printf("process %d cannot store its pair\n", me)
       fi;
       seen;
       remember(inHand[me]);
#ifdef MUTANT_DROP_UNSAVED
       inHand[me] = 0; leave()
#else
       if :: holds -> inDoubt = token :: else fi;
       keep()
#endif
     }
  :: atomic { at == SAVING && !isSame && status != ABSENT && stored == inHand[me] && see(NOT_SAVED, hand) -> seen;
       printf("process %d finds its pair stored\n", me); inHand[me] = 0; finish() }
  :: atomic { at == SAVING && diedOnly && stored != inHand[me] && see(NOT_SAVED, hand) -> seen;
       printf("process %d overrides the mark that the chain is dead\n", me); mine = generation }
  :: atomic { at == SAVING && !isSame && !diedOnly && stored != inHand[me] && see(NOT_SAVED, hand) -> seen;
       printf("process %d drops its pair, because the credential has changed\n", me);
       inHand[me] = 0; finish() }
  :: atomic { at == SAVING && status == ABSENT && stored == inHand[me] && see(NOT_SAVED, hand) -> seen; inHand[me] = 0; finish() }
#endif

  /* [markDead] */
#ifdef MUTANT_BELIEVE_DEATH
  :: atomic { at == REFUSED && status != ABSENT && see(MARKED, 0) -> seen;
#else
  :: atomic { at == REFUSED && isSame && see(MARKED, 0) -> seen;
#endif
       promise(SAME_SENT, generation == mine);
       printf("process %d marks the credential dead\n", me); status = DEAD; generation++;
#ifdef MUTANT_DEATH_DELETES
       status = ABSENT;
#endif
       finish() }
  :: atomic { at == REFUSED && !isSame && see(NOT_MARKED, 0) -> seen;
       printf("process %d does not believe that the chain is dead\n", me); finish() }
  :: atomic { at == REFUSED && storeFails && see(MARK_FAILS, 0) -> seen;
       failures++; printf("process %d cannot mark the credential dead\n", me); inDoubt = 0; finish() }

  /* time passes, and the lease runs out */
  :: atomic { past < 2 && at != IDLE && at != LOOKED -> past++ }
  :: atomic { holds && past == 2 &&
       (at == UNSAVED || SLEEP > 1 || (SLEEP == 1 && at != SENDING && at != SAVING)) ->
       printf("process %d sleeps, or waits for the store, and its lease runs out\n", me);
       if :: at != UNSAVED -> slept = 1 :: else fi;
       if :: at == SENDING || at == SAVING -> napped = 1 :: else fi;
       holder = 0; inDoubt = 0 }

  /* the process dies. The next one has another name, so the lease is nobody's */
#ifdef TRACE
  /* What makes no difference to others, and can be seen. */
  :: atomic { at == LOOKED && see(LEASE_FAILS, 0) -> seen; reset() }
  :: atomic { at == RENAMING && takeFails -> if :: see(LEASE_UNTOLD, 0) -> holder = me :: else fi; seen; finish() }
  :: atomic { at == REJECTED && see(READ_FAILS, 0) -> seen; afterRejection() }
  :: atomic { (at == ANSWERED || at == UNSAVED) && past == 2 && isHeld && see(LEASE_HELD, 0) -> seen }
  :: atomic { (at == ANSWERED || at == UNSAVED) && past == 2 && takeFails -> seen; inDoubt = token; keep() }
  :: atomic { at == ANSWERED && past == 2 && isHeld -> keep() }
  :: atomic { at == REFUSED && isSame && see(MARK_UNTOLD, 0) -> seen; status = DEAD; generation++; finish() }
  :: atomic { at == RELEASING && holds && see(RELEASED, 0) -> seen; holder = 0; reset() }
  :: atomic { at == RELEASING && !holds && see(NOT_HELD, 0) -> seen; reset() }
  :: atomic { at == RELEASING && holds && see(RELEASE_UNTOLD, 0) -> seen; holder = 0; reset() }
  :: atomic { at == RELEASING && see(RELEASE_FAILS, 0) -> seen;
       /* The second save gives it back, if there is one. */
       if :: holds -> holder = LEFT :: holds && kept != 0 :: else fi;
       reset() }
  /* Two saves of a pair may be under way, a caller's and that in the background. The second finds it stored, or replaced,
   * and may come when the process does something else already. */
  :: atomic { savesTwice && (holder == 0 || holds) && status != ABSENT && see(LEASE_TAKEN, 0) -> seen;
       holder = me; at = RELEASING }
  :: atomic { kept != 0 && (see(NOT_SAVED, PProcess->kept) || see(SAVE_FAILS, PProcess->kept) || see(LEASE_FAILS, 0) ||
         (status != ABSENT && holder != 0 && see(LEASE_HELD, 0)) || (status == ABSENT && see(LEASE_MISSING, 0))) -> seen;
       if :: true :: at == IDLE -> at = RELEASING :: at == RELEASING -> leave() fi }
  :: atomic { savesTwice && (holder == 0 || holds) && see(LEASE_UNTOLD, 0) -> seen; holder = me; leave() }
  :: atomic { (at == IDLE || at == LOOKED) && see(DIE, 0) -> seen; reset() }
#endif
  :: atomic { deaths < DEATHS && at != IDLE && at != LOOKED && see(DIE, 0) -> seen;
       deaths++; printf("process %d dies\n", me);
       if :: inHand[me] != 0 && inHand[me] != stored -> diedWithPair = 1 :: else fi;
       if :: holds && at >= SENT -> inDoubt = token :: else fi;
       if :: holds -> holder = LEFT :: else fi;
       inHand[me] = 0; known[me] = 0; reset() }
  od
}

/* -- the rest of the world ---------------------------------------------------------------------------------------- */

proctype World() {
  byte k;
  bit removing;

end: do
#ifdef TRACE
  /* When it is due, each process decides by its own clock. */
  :: atomic { status == ALIVE && !due -> due = 1 }
  /* The grace period of any token may end: a process that sleeps may send an old one. */
  :: atomic { true -> k = 1;
       do
       :: k <= issued && refreshToken[k] == GRACED -> refreshToken[k] = ENDED; break
       :: k < issued -> k++
       :: k >= issued -> break
       od; k = 0 }
  :: atomic { issued < TOKENS && seeWorld(INSTALL_GIVES, now.issued + 1) -> seen;
       issue(); installPair[issued] = 1 }
  :: atomic { seeInstalled -> c_code { now.stored = traceAbout[now.position]; }; seen;
       generation++; status = ALIVE; due = 0 }
  :: atomic { seeWorld(END, 0) -> seen; endAll() }
  :: atomic { status != ABSENT && seeWorld(REMOVED, 0) -> seen; status = ABSENT; due = 0; holder = 0; inDoubt = 0 }
#endif
  :: atomic { status == ALIVE && !due && givenToInstall == 0 ->
       printf("the time for a refresh comes\n"); due = 1;
       /* By then every process has read the store again: the time between refreshes is longer than `cacheTime`. */
       k = 1; do :: k <= PROCESSES -> known[k] = 0; k++ :: else -> k = 0; break od }
  :: atomic { holder == LEFT -> printf("the lease runs out\n"); holder = 0; inDoubt = 0 }
  :: atomic { GRACE == 1 && refreshToken[stored] == GRACED ->
       printf("the grace period of refresh token %d ends\n", stored); refreshToken[stored] = ENDED }

  /* An install: Slack gives a pair, and `InstallationStore.save` stores it. A lease stays. */
  :: atomic { installs < INSTALLS && givenToInstall == 0 && issued < TOKENS ->
       installs++; issue(); givenToInstall = issued; lastInstall = issued;
       printf("an install brings pair %d\n", issued) }
  :: atomic { givenToInstall != 0 ->
       printf("the install is stored\n");
       generation++; stored = givenToInstall; status = ALIVE; due = 0; removing = 0; givenToInstall = 0 }

  /* An uninstall, and `InstallationStore.remove` when Slack's event comes. The generation stays, the lease goes. */
  :: atomic { ends < ENDS && ended < issued ->
       ends++; printf("the app is uninstalled\n"); endAll(); removing = 1 }
  :: atomic { removing ->
       printf("the credential is removed\n");
       removing = 0; status = ABSENT; uninstalled = 1; due = 0; holder = 0; inDoubt = 0 }
  :: atomic { ends < ENDS && ended < issued -> ends++; printf("Slack revokes the tokens\n"); endAll() }
  od
}


/* -- states that must not be reached, or that have to be found ----------------------------------------------------- */

#define hasWorking(p) works(inHand[p])
#define servesEnded(p) (known[p] > ended && known[p] + 1 < issued)
#define servesOld(p) (known[p] != 0 && known[p] != stored)
#define servesRevoked(p) (known[p] != 0 && known[p] <= ended)

/* Slack has not ended the chain, and yet nobody has a refresh token that works. */
#define chainIsLost \
  (status != ABSENT && stored > ended && !works(stored) && !anyHand(hasWorking) && !works(givenToInstall))

proctype Observer() {
end: do
#ifdef TRACE
  :: atomic { c_expr { now.position == traceLength } -> assert(false) }
#elif SHOW == 0
  :: atomic { chainIsLost && lostPairs == 0 && !diedWithPair && !installEnded -> promise(NO_LOSS, false) }
#if GRACE == 2 && INSTALLS == 0
  :: atomic { chainIsLost && !(endedInUse && (SLEEP || FAILURES)) -> promise(NO_LOSS, false) }
#endif
  :: atomic { status == DEAD && works(stored) -> promise(REALLY_DEAD, false) }
  :: atomic { status == ABSENT && !uninstalled -> promise(NOT_DELETED, false) }
#if CACHE
  :: atomic { anyHand(servesEnded) -> promise(OLD_WORKS, false) }
#endif
#elif SHOW == 1
  :: atomic { chainIsLost && !diedWithPair && losses == 2 -> assert(false) }
#elif SHOW == 2
  :: atomic { chainIsLost && !diedWithPair && losses == 1 -> assert(false) }
#elif SHOW == 3
  :: atomic { chainIsLost && diedWithPair && losses == 0 -> assert(false) }
#elif SHOW == 4
  :: atomic { asleepBeforeSending -> assert(false) }
#elif SHOW == 5
  :: atomic { chainIsLost -> assert(false) }
#elif SHOW == 6
  :: atomic { status == ALIVE && anyHand(servesOld) && !anyHand(servesEnded) && inHand[1] + inHand[2] == 0 ->
       assert(false) }
#elif SHOW == 7
  :: atomic { status == ALIVE && anyHand(servesRevoked) -> assert(false) }
#elif SHOW == 8
  :: atomic { anyHand(servesEnded) -> assert(false) }
#elif SHOW == 9
  :: atomic { chainIsLost && installEnded -> assert(false) }
#elif SHOW == 10
  :: atomic { chainIsLost && !slept -> assert(false) }
#endif
  :: atomic { false -> skip }
  od
}

init {
  byte k = 0;
  atomic {
#ifdef TRACE
    c_code { readTrace(); };
    installPair[1] = 1;
#endif
    refreshToken[1] = UNUSED;
    do
    :: k < PROCESSES -> k++; run Process(k)
    :: else -> break
    od;
    run World();
    run Observer()
  }
}
