/* A model for Spin of how the store of a queue wakes the sleeper whom a message suits (docs/design/queue.md, "The store"): one lock, a
 * journal whose commit is a step of `sequence`, and for every sleeper a word of its own, `wake`.  Any party may be killed before any of
 * its steps.  A step is one access to shared memory, all sequentially consistent; a system call is one, too.  Only words
 * that nobody but the lock's holder uses are read together with something else.
 *
 * Checked: nobody gets what somebody got before.  And when nothing can move any more: what was sent by who lived to know it was received,
 * or is there; and if something is there and a receiver that it suits lives, one such sleeps no longer than until its second look.
 *
 * Two senders send a message each, of types of their own (TYPES is 2) or of the same (1); of the two receivers each takes one type.
 *
 *     spin -a store_wake.pml && cc -DSAFETY -DCOLLAPSE -O2 -o pan pan.c && ./pan -m1000000
 *
 * What is checked, with options for Spin; and faults, each of which must be found:
 *
 * holds: -DSENDERS=1 -DTYPES=1
 * holds: -DSENDERS=1 -DTYPES=1 -DDEATHS=2
 * holds: -DSENDERS=2 -DTYPES=2
 * fails: -DMARK_LEFT_OUT -DSENDERS=1
 * fails: -DCLEARED_BY_WAKER -DTYPES=1
 * fails: -DPUBLISH_THEN_WAKE -DSENDERS=1 -DDEATHS=2
 * fails: -DWAKE_WORD_AFTER_COMMIT -DSENDERS=1
 * fails: -DONE_SLEEPER_NEVER_LOOKS_AGAIN -DSENDERS=1 -DTYPES=1
 * fails: -DNO_WAKE_ON_JOIN -DSENDERS=1 -DTYPES=1
 * fails: -DJOIN_LEAVES_WORD -DSENDERS=1 -DTYPES=1
 * fails: -DPICKED_BEFORE_JOINED -DSENDERS=1 -DTYPES=1
 * fails: -DCOUNTS_AFTER_LOOK -DSENDERS=1 -DTYPES=1
 * fails: -DLOUD -DSENDERS=1 -DTYPES=1
 * fails: -DLOOKS_PAST_THE_DEAD -DSENDERS=1 -DDEATHS=2
 * fails: -DTAKEOVER_FORGETS
 *
 * With two senders of the same type it takes half a minute and holds. */

#ifndef TYPES
#define TYPES 2
#endif
#ifndef DEATHS /* at most */
#define DEATHS 1
#endif
#ifndef SENDERS /* 1 or 2 */
#define SENDERS 2
#endif
#define RECEIVERS 2
#define PARTIES (SENDERS + RECEIVERS)
#define FIRST SENDERS /* receiver */
#define SECOND (FIRST + 1)
#define BIT(who) (1 << (who))
#define TYPE_OF_MESSAGE(message) ((message) % TYPES)
#define TYPE_OF_RECEIVER(who) (((who) - FIRST) % TYPES)

/* A party's number is its _pid, its tag that and 1. */
bool dead[PARTIES], done[SENDERS];
byte deaths;

#define DIES deaths < DEATHS -> deaths++; dead[_pid] = true; sleep[_pid] = AWAKE; FORGET; goto gone
#define STEP(action) if :: atomic { action } :: atomic { DIES } fi

byte lock; /* 0, or the owner's tag */
#define VACANT (lock == 0 || dead[lock - 1])

/* The journal: what is to be written where.  Committed and not applied, while the two below differ. */
byte record_message;
bool record_value;
byte sequence, applied;

/* The index: which messages are there, a bit for each. */
byte there;
#define OF_TYPE(type) (TYPES == 1 -> 3 : BIT(type))

/* Sleepers. */
byte board; /* a bit for each that sleeps or is about to */
byte wants; /* of these, who may be picked */
byte lonely; /* the tag of who sleeps without a second look */
byte wake[PARTIES];
byte sleep[PARTIES];
#define AWAKE 0
#define FOR_EVER 1
#define FOR_A_WHILE 2 /* until its second look, if it is not woken */
#define OVERSLEPT 3
#define SLEEPS(who) (sleep[who] == FOR_EVER || sleep[who] == FOR_A_WHILE)

/* For the checks. */
bool sent[SENDERS], received[SENDERS];

inline wake_whom(who)
{
    if
    :: SLEEPS(who) -> sleep[who] = AWAKE
    :: else
    fi
}

#define RECOVER \
    STEP(committed = MUST_APPLY); \
    if \
    :: committed -> APPLY \
    :: else \
    fi

#define APPLY \
    STEP(there = (record_value -> there | BIT(record_message) : there & ~BIT(record_message))); \
    STEP(applied = sequence; committed = false)

/* With a lock that was perhaps a dead one's: what that one had committed is applied. */
#ifdef TAKEOVER_FORGETS
#define MUST_APPLY false
#else
#define MUST_APPLY sequence != applied
#endif

#define SUITS(who) ((wants & BIT(who)) != 0 && TYPE_OF_RECEIVER(who) == TYPE_OF_MESSAGE(_pid))

#ifdef LOUD
bool loud; /* in the lock's word */
#define QUIET loud = false
#else
#define QUIET skip
#endif

#define FORGET committed = false; picked = 0

active [SENDERS] proctype sender()
{
    bool committed;
    byte picked;

    STEP(VACANT -> lock = _pid + 1; QUIET);
    RECOVER;
    STEP(
        if
        :: SUITS(FIRST) -> picked = FIRST
        :: else
        fi);
    STEP(
        if
        :: SUITS(SECOND) -> picked = SECOND
        :: picked != 0 || !SUITS(SECOND)
        fi);
    STEP(record_message = _pid; record_value = true);
    if
    :: picked != 0 ->
#ifdef CLEARED_BY_WAKER
        STEP(wants = wants & ~BIT(picked));
#endif
#ifdef LOUD
        STEP(loud = true);
#endif
#if defined(WAKE_WORD_AFTER_COMMIT)
        STEP(sequence++; wake_whom(picked));
        STEP(wake[picked]++);
#elif defined(PUBLISH_THEN_WAKE)
        STEP(wake[picked]++);
        STEP(sequence++);
        STEP(wake_whom(picked));
#else
        STEP(wake[picked]++);
        STEP(sequence++; wake_whom(picked)); /* FUTEX_WAKE_OP: one word is changed, and who sleeps on the other is woken */
#endif
    :: else -> STEP(sequence++)
    fi;
    APPLY;
    STEP(lock = 0; picked = 0; sent[_pid] = true; done[_pid] = true);
gone:
    skip
}

#undef FORGET
#define FORGET committed = false; n = 0; others = 0; seen = 0; message = 0

/* Whether `others` are there, who sleep or are about to; if not, whoever comes is told to tell us. */
#define COUNT_OTHERS \
    STEP(others = board & ~BIT(_pid)); \
    if \
    :: others == 0 -> \
        STEP(lonely = _pid + 1); \
        STEP(others = board & ~BIT(_pid)) \
    :: else \
    fi

#define STRIKE_OFF(who) \
    if \
    :: dead[who] && (board & BIT(who)) != 0 -> STEP(wants = wants & ~BIT(who)); STEP(board = board & ~BIT(who)) \
    :: !dead[who] || (board & BIT(who)) == 0 \
    fi

#define MINE OF_TYPE(TYPE_OF_RECEIVER(_pid))

active [RECEIVERS] proctype receiver()
{
    bool committed;
    byte n, others, seen, message;

receive:
    STEP(VACANT -> lock = _pid + 1);
    RECOVER;
    STEP(n = there & MINE);
    if
    :: n != 0 ->
        STEP(message = ((n & 1) != 0 -> 0 : 1); record_message = message; record_value = false);
        STEP(sequence++; assert(!received[message]); received[message] = true; message = 0; n = 0);
        APPLY;
        STEP(lock = 0; goto receive)
    :: else
    fi;
    STEP(lock = 0);

    /* Joins the sleepers, and tells who is lonely, before anybody may pick us. */
#ifdef PICKED_BEFORE_JOINED
    STEP(wants = wants | BIT(_pid));
#endif
    STEP(board = board | BIT(_pid));
#ifndef NO_WAKE_ON_JOIN
    STEP(n = lonely);
    if
    :: n != 0 ->
#ifndef JOIN_LEAVES_WORD
        STEP(wake[n - 1]++);
#endif
        STEP(wake_whom(n - 1));
        STEP(lonely = 0; n = 0)
    :: else
    fi;
#endif
    STEP(wants = wants | BIT(_pid));

again:
    STEP(seen = wake[_pid]);
#ifndef COUNTS_AFTER_LOOK
    COUNT_OTHERS;
#endif
#ifndef MARK_LEFT_OUT
    /* The outcome of the lock: let go of, or a dead one's, who may have committed.  In other hands is not enough: those may not have applied. */
    STEP(n = lock);
    if
#ifdef LOUD
    :: n != 0 && loud -> n = 0
    :: n != 0 && !loud -> STEP(VACANT -> n = lock)
#else
    :: n != 0 -> STEP(VACANT -> n = lock)
#endif
    :: else
    fi;
#ifndef LOOKS_PAST_THE_DEAD
    if
    :: n != 0 ->
        STEP(VACANT -> lock = _pid + 1; n = 0);
        RECOVER;
        STEP(lock = 0)
    :: else
    fi;
#endif
#endif
    STEP(n = there & MINE);
    if
    :: n != 0 -> atomic { n = 0; others = 0; seen = 0; goto leave }
    :: else
    fi;
#ifdef COUNTS_AFTER_LOOK
    COUNT_OTHERS;
#endif
    STEP( /* futex_wait() compares and queues */
        if
        :: wake[_pid] != seen
        :: wake[_pid] == seen && others == 0 -> sleep[_pid] = FOR_EVER
#ifdef ONE_SLEEPER_NEVER_LOOKS_AGAIN
        :: wake[_pid] == seen && others != 0 && _pid == FIRST -> sleep[_pid] = FOR_EVER
#else
        :: wake[_pid] == seen && others != 0 && _pid == FIRST -> sleep[_pid] = FOR_A_WHILE
#endif
        :: wake[_pid] == seen && others != 0 && _pid != FIRST -> sleep[_pid] = FOR_A_WHILE
        fi;
        others = 0; seen = 0);
    if
    :: atomic { sleep[_pid] == AWAKE -> goto again }
    :: atomic { sleep[_pid] == OVERSLEPT -> sleep[_pid] = AWAKE }
    :: atomic { DIES }
    fi;
    /* Strikes off those who died. */
    STRIKE_OFF(FIRST);
    STRIKE_OFF(SECOND);
    goto again;

leave:
    STEP(wants = wants & ~BIT(_pid));
    STEP(board = board & ~BIT(_pid));
    STEP( /* a compare-and-swap */
        if
        :: lonely == _pid + 1 -> lonely = 0
        :: else
        fi);
    goto receive;
gone:
    skip
}

#define RESTS(who) (done[who] || dead[who])
#define LIES(who) (SLEEPS(who) || dead[who])
#define IS_LEFT(message) ((there & BIT(message)) != 0)
/* It is there, and who would take it lives. */
#define IS_OWED(message, who) (IS_LEFT(message) && TYPE_OF_MESSAGE(message) == TYPE_OF_RECEIVER(who) && !dead[who])

/* A journal that a dead one left counts as applied. */
inline settle()
{
    if
    :: sequence != applied ->
        there = (record_value -> there | BIT(record_message) : there & ~BIT(record_message));
        applied = sequence
    :: else
    fi
}

active proctype watch()
{
    byte who, message;
    bool owed, looking;

    do
    :: atomic { RESTS(0) && RESTS(SENDERS - 1) && LIES(FIRST) && LIES(SECOND) ->
            settle();
            for (message : 0 .. SENDERS - 1) {
                assert(!sent[message] || received[message] || IS_LEFT(message));
                assert(!received[message] || !IS_LEFT(message));
                owed = IS_OWED(message, FIRST) || IS_OWED(message, SECOND);
                looking = false;
                for (who : FIRST .. SECOND) {
                    if
                    :: IS_OWED(message, who) && sleep[who] != FOR_EVER -> looking = true; sleep[who] = OVERSLEPT
                    :: else
                    fi
                }
                assert(!owed || looking)
            }
            who = 0; message = 0; owed = false; looking = false
        }
    :: timeout -> assert(false) /* they wait for each other */
    od
}
