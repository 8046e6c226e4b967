/*
 * The refresh of one credential by several processes, as `src/internal/rotation.ts` does it, with the store and Slack.
 * Spin searches every order of the steps below. `model/run.mjs` runs it, and `model/README.md` explains it.
 *
 * A step is one `atomic`: one call to the store, one look at the clock, or one thing that Slack or the network does.
 * Between two steps of a process anything else may happen. The name in brackets is the function of `rotation.ts` (or of
 * the named file) that takes the step.
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
#ifdef MUTANT_GIVE_BACK_IN_DOUBT
#define leave() giveBack()
#else
#define leave() if :: holds -> holder = LEFT :: else fi
#endif
#ifdef MUTANT_GIVE_BACK_AFTER_REJECTION
#define afterRejection() giveBack()
#else
/* [resend] What Slack says of the second sending does not tell whether it has acted on the first. */
#define afterRejection() if :: sendings == 1 -> giveBack() :: else -> leave() fi
#endif
#define remember(pair) if :: CACHE -> known[me] = pair :: else fi
#define storeFails (failures < FAILURES)
#define mayBeLost (losses < LOSSES)
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

end: do
  /* [look] */
  :: atomic { at == IDLE && status == ALIVE && due && inHand[me] == 0 ->
       printf("process %d sees that the credential is due\n", me);
       mine = generation; token = stored; remember(stored); at = LOOKED }

  /* [Lease.take] */
  :: atomic { at == LOOKED && status != ABSENT && holder == 0 ->
       printf("process %d takes the lease\n", me); holder = me; past = 0; at = LEASED }
  :: atomic { at == LOOKED && (status == ABSENT || holder != 0) ->
       printf("process %d finds the lease taken\n", me); reset() }
  :: atomic { at == LOOKED && status != ABSENT && holder == 0 && storeFails ->
       printf("process %d takes the lease, and the store does not say so\n", me); failures++; holder = LEFT; reset() }
#ifdef MUTANT_NO_LEASE
  :: atomic { at == LOOKED -> past = 0; at = LEASED }
#endif

  /* [rotateUnderLease] the second look, and the lease names the generation that is sent */
#ifdef MUTANT_NO_SECOND_LOOK
  :: atomic { at == LEASED -> at = READY }
#else
  :: atomic { at == LEASED && status == ALIVE && due ->
       printf("process %d looks again under the lease\n", me);
       if
       :: generation == mine -> at = READY
       :: else -> at = RENAMING
       fi;
       mine = generation; token = stored; remember(stored) }
  :: atomic { at == LEASED && !(status == ALIVE && due) ->
       printf("process %d has nothing to do\n", me); giveBack(); reset() }
  :: atomic { at == LEASED && storeFails ->
       printf("process %d cannot read the store\n", me); failures++; giveBack(); reset() }
#endif
#ifdef MUTANT_NO_LOOK_AFTER_RENAMING
  :: atomic { at == RENAMING && (holder == 0 || holds) && status != ABSENT -> holder = me; past = 0; at = READY }
#else
  :: atomic { at == RENAMING && (holder == 0 || holds) && status != ABSENT ->
       printf("process %d takes the lease for another generation\n", me); holder = me; past = 0; at = LEASED }
#endif
  :: atomic { at == RENAMING && !((holder == 0 || holds) && status != ABSENT) -> giveBack(); reset() }

  /* [rotateUnderLease] the look at the clock. After a third of the lease nothing is sent */
#ifdef MUTANT_NO_CLOCK_BEFORE_SENDING
  :: atomic { at == READY -> at = SENDING }
#else
  :: atomic { at == READY && past == 0 -> printf("process %d looks at its clock\n", me); at = SENDING }
  :: atomic { at == READY && past > 0 -> printf("process %d has no time to send\n", me); giveBack(); reset() }
#endif

  /* [send] */
  :: atomic { at == SENDING && issued < TOKENS ->
       printf("process %d sends refresh token %d\n", me, token);
       checkSending();
       if :: !holds && isSame -> asleepBeforeSending = 1 :: else fi;
       sendings++; at = SENT }

  /* Slack */
  :: atomic { at == SENT && works(token) && issued < TOKENS ->
       if
       :: refreshToken[token] == UNUSED && GRACE == 0 -> refreshToken[token] = ENDED
       :: refreshToken[token] == UNUSED && GRACE != 0 -> refreshToken[token] = GRACED
       :: else
       fi;
       issue();
       inHand[me] = issued;
       printf("Slack gives pair %d to process %d\n", issued, me);
       at = ANSWERED }
  :: atomic { at == SENT && !works(token) -> printf("Slack refuses refresh token %d\n", token); at = REFUSED }
  :: atomic { at == SENT && rejections < REJECTIONS ->
       rejections++; printf("Slack rejects the call of process %d and does nothing\n", me); at = REJECTED }

  /* the network loses the request, a refusal or a pair */
  :: atomic { (at == SENT || at == REFUSED) && mayBeLost ->
       losses++; printf("process %d gets no answer\n", me);
       if :: holds -> inDoubt = token :: else fi; at = LOST }
  :: atomic { at == ANSWERED && mayBeLost ->
       losses++; printf("process %d gets no answer\n", me); inHand[me] = 0;
       if :: lostPairs < 2 -> lostPairs++ :: else fi;
       if :: holds -> inDoubt = token :: else fi; at = LOST }
#ifdef MUTANT_INTERRUPTIBLE_COMMIT
  :: atomic { at == ANSWERED -> printf("process %d is interrupted\n", me); inHand[me] = 0; leave(); reset() }
#endif

  /* [send] mayRepeat: before Slack is asked again after a rejection */
  :: atomic { at == REJECTED -> printf("process %d gives up for now\n", me); afterRejection(); reset() }
#ifdef MUTANT_NO_LOOK_BEFORE_REPEATING
  :: atomic { at == REJECTED -> promise(STILL_STORED, isSame); at = AGAIN }
#else
  :: atomic { at == REJECTED && isSame ->
       promise(STILL_STORED, isSame); printf("process %d sees the same generation\n", me); at = AGAIN }
  :: atomic { at == REJECTED && !isSame ->
       printf("process %d sees that the credential has changed\n", me); giveBack(); reset() }
#endif
#ifdef MUTANT_NO_CLOCK_BEFORE_REPEATING
  :: atomic { at == AGAIN -> sendings--; at = SENDING }
#else
  :: atomic { at == AGAIN && past < 2 ->
       printf("process %d looks at its clock, to repeat the call\n", me); sendings--; at = SENDING }
  :: atomic { at == AGAIN && past == 2 -> printf("process %d has no time to send\n", me); afterRejection(); reset() }
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
  :: atomic { at == LOST && sendings == 1 && (holder == 0 || holds) && status != ABSENT ->
       printf("process %d renews the lease\n", me); holder = me; past = 0; at = RENEWED }
#endif
  :: atomic { at == LOST && sendings == 1 && !((holder == 0 || holds) && status != ABSENT) ->
       printf("process %d finds the lease taken\n", me); giveBack(); reset() }
  :: atomic { at == LOST && sendings == 1 && storeFails ->
       failures++; printf("process %d cannot renew the lease\n", me); leave(); reset() }
  :: atomic { at == LOST && sendings > 1 -> printf("process %d leaves the lease to run out\n", me); leave(); reset() }
#ifdef MUTANT_NO_LOOK_BEFORE_RESEND
  :: atomic { at == RENEWED -> promise(STILL_STORED, isSame); at = READY2 }
#else
  :: atomic { at == RENEWED && isSame ->
       promise(STILL_STORED, isSame); printf("process %d sees the same generation\n", me); at = READY2 }
  :: atomic { at == RENEWED && !isSame ->
       printf("process %d sees that the credential has changed\n", me); giveBack(); reset() }
  :: atomic { at == RENEWED && storeFails ->
       failures++; printf("process %d cannot read the store\n", me); leave(); reset() }
#endif
  :: atomic { at == READY2 && past == 0 -> printf("process %d looks at its clock\n", me); at = SENDING }
  :: atomic { at == READY2 && past > 0 -> printf("process %d has no time to send\n", me); leave(); reset() }

  /* [commit] underLease: a lease that is nearly over is renewed. While another process has it, this one waits */
#ifdef MUTANT_COMMIT_WITHOUT_LEASE
  :: atomic { at == ANSWERED || at == UNSAVED -> at = SAVING }
#else
  :: atomic { (at == ANSWERED || at == UNSAVED) && past < 2 ->
       printf("process %d has the answer and looks at its clock\n", me); at = SAVING }
  :: atomic { (at == ANSWERED || at == UNSAVED) && past == 2 && (holder == 0 || holds) ->
       printf("process %d has the answer and renews the lease\n", me);
       if :: status != ABSENT -> holder = me; past = 0 :: else fi;
       at = SAVING }
#endif

  /* [save] */
#ifdef MUTANT_COMMIT_WITHOUT_COMPARING
  :: atomic { at == SAVING -> mine = generation; store(); inHand[me] = 0; giveBack(); reset() }
#else
  :: atomic { at == SAVING && isSame -> store(); remember(stored); inHand[me] = 0; giveBack(); reset() }
  :: atomic { at == SAVING && storeFails ->
       failures++;
       if
       :: isSame -> store(); printf("process %d gets no answer from the store\n", me)
       :: printf("process %d cannot store its pair\n", me)
       fi;
       remember(inHand[me]);
#ifdef MUTANT_DROP_UNSAVED
       inHand[me] = 0; leave(); reset()
#else
       if :: holds -> inDoubt = token :: else fi;
       at = UNSAVED
#endif
     }
  :: atomic { at == SAVING && !isSame && status != ABSENT && stored == inHand[me] ->
       printf("process %d finds its pair stored\n", me); inHand[me] = 0; giveBack(); reset() }
  :: atomic { at == SAVING && diedOnly && stored != inHand[me] ->
       printf("process %d overrides the mark that the chain is dead\n", me); mine = generation }
  :: atomic { at == SAVING && !isSame && !diedOnly && stored != inHand[me] ->
       printf("process %d drops its pair, because the credential has changed\n", me);
       inHand[me] = 0; giveBack(); reset() }
  :: atomic { at == SAVING && status == ABSENT && stored == inHand[me] -> inHand[me] = 0; giveBack(); reset() }
#endif

  /* [markDead] */
#ifdef MUTANT_BELIEVE_DEATH
  :: atomic { at == REFUSED && status != ABSENT ->
#else
  :: atomic { at == REFUSED && isSame ->
#endif
       promise(SAME_SENT, generation == mine);
       printf("process %d marks the credential dead\n", me); status = DEAD; generation++;
#ifdef MUTANT_DEATH_DELETES
       status = ABSENT;
#endif
       giveBack(); reset() }
  :: atomic { at == REFUSED && !isSame ->
       printf("process %d does not believe that the chain is dead\n", me); giveBack(); reset() }
  :: atomic { at == REFUSED && storeFails ->
       failures++; printf("process %d cannot mark the credential dead\n", me); inDoubt = 0; giveBack(); reset() }

  /* time passes, and the lease runs out */
  :: atomic { past < 2 && at != IDLE && at != LOOKED -> past++ }
  :: atomic { holds && past == 2 &&
       (at == UNSAVED || SLEEP > 1 || (SLEEP == 1 && at != SENDING && at != SAVING)) ->
       printf("process %d sleeps, or waits for the store, and its lease runs out\n", me);
       if :: at != UNSAVED -> slept = 1 :: else fi;
       if :: at == SENDING || at == SAVING -> napped = 1 :: else fi;
       holder = 0; inDoubt = 0 }

  /* the process dies. The next one has another name, so the lease is nobody's */
  :: atomic { deaths < DEATHS && at != IDLE && at != LOOKED ->
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
#if SHOW == 0
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
    refreshToken[1] = UNUSED;
    do
    :: k < PROCESSES -> k++; run Process(k)
    :: else -> break
    od;
    run World();
    run Observer()
  }
}
