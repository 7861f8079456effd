/* A model for Spin of how the ring of a queue wakes who sleeps for room (docs/design/queue.md, "The ring"; src/shared/ring_wait.c):
 * as in ring.pml, with the sides exchanged, but that a receiver that wakes nobody commits by a plain store to the very word that others
 * sleep on, which may write over what is done to it meanwhile.
 *
 * A sender looks for room and sends with the senders' lock, so that each of these is one step here.  A queue has room for ROOM, and is
 * full at first.
 *
 * Checked: when nothing can move any more, nobody sleeps beside enough room for it, unless somebody was killed; and then one of those
 * who sleep does so no longer than until its second look, with which things go on.
 *
 *     spin -a ring_room.pml && cc -DSAFETY -DCOLLAPSE -O2 -o pan pan.c && ./pan -m1000000
 *
 * What is checked, with options for Spin; and faults, each of which must be found:
 *
 * holds: -DDEATHS=0 -DBATCH=2 -DTIMEOUTS=1
 * holds: -DDEATHS=0 -DPASSERS_BY=1 -DNEEDS=2
 * holds: -DDEATHS=1 -DBATCH=2 -DRECEIVERS=2
 * fails: -DMARK_LEFT_OUT -DDEATHS=0
 * fails: -DFLAG_CLEARED_BY_WAKER_APART -DDEATHS=0 -DEACH=2
 * fails: -DWAKE_BEFORE_BUMP -DDEATHS=0
 * fails: -DPUBLISH_THEN_WAKE -DSENDERS=1
 * fails: -DNO_HAND_ON -DDEATHS=0
 * fails: -DHAND_ON_WITHOUT_OUTCOME -DDEATHS=0
 * fails: -DOVERWRITTEN_UNSEEN -DDEATHS=0 -DBATCH=2
 * fails: -DUNUSED_IS_KEPT -DDEATHS=0 -DPASSERS_BY=1 -DNEEDS=2
 * fails: -DFLAG_NOT_SET_AGAIN -DDEATHS=0
 * fails: -DNOT_PASSED_ON -DDEATHS=0 -DNEEDS=2
 * fails: -DNO_WAKE_ON_JOIN
 * fails: -DJOIN_LEAVES_WORD
 *
 * Left out: what the locks are to who does not sleep (ring.pml). */

#ifndef SENDERS /* 1 to 3, who sleep */
#define SENDERS 2
#endif
#ifndef PASSERS_BY /* so many others each send one message at some time, if there is room, and never sleep */
#define PASSERS_BY 0
#endif
#ifndef RECEIVERS
#define RECEIVERS 1
#endif
#ifndef ROOM
#define ROOM 2
#endif
#ifndef NEEDS /* so much room does the first sender need for one message */
#define NEEDS 1
#endif
#ifndef BATCH /* so many does each sender send at once, if there is room */
#define BATCH 1
#endif
#ifndef EACH /* so often does each sender send */
#define EACH 1
#endif
#ifndef DEATHS /* at most */
#define DEATHS 1
#endif
#ifndef LOOKS /* so many sleeps may end by themselves, for a second look, while others still move */
#define LOOKS 0
#endif
#ifndef TIMEOUTS /* so many waits may come to the end of their time */
#define TIMEOUTS 0
#endif

#define PARTIES (SENDERS + RECEIVERS)
#define BIT(who) (1 << (who))

bool dead[PARTIES], done[SENDERS];
byte deaths, looks, timeouts;

#define DIES deaths < DEATHS -> deaths++; dead[_pid] = true; FORGET; goto gone
#define STEP(action) if :: atomic { action } :: atomic { DIES } fi

/* The word of the receivers' lock: 0, or the owner's tag, with LOUD. */
#define LOUD 128
#define TAG(word) ((word) & 127)
#define VACANT(word) (TAG(word) == 0 || dead[TAG(word) - 1])
byte out_lock;

/* What sleepers compare.  Bit 0: somebody sleeps.  Adding 1 to that takes it away, and counts; where it is not set, a commit is
 * a store of COMMIT more than was read.  Who joins the sleepers adds JOIN. */
#define ASLEEP 1
#define COMMIT 2
#define JOIN 16
#define COUNT(word) (((word) & 15) >> 1)
byte out_sequence;

/* The receivers' place: the one that counts is what the sequence's parity says. */
byte out_places[2];
#define OUT_PLACE out_places[COUNT(out_sequence) & 1]

byte in_place = ROOM;
#define FREE (ROOM - (in_place - OUT_PLACE))
#define NEED(who) ((who) == 0 -> NEEDS : 1)

/* Sleepers. */
byte board;  /* a bit for each party */
byte lonely; /* the tag of who sleeps without a second look */
byte sleep[SENDERS];
#define AWAKE 0
#define FOR_EVER 1
#define FOR_A_WHILE 2 /* until its second look, if it is not woken */
#define OVERSLEPT 3
#define SLEEPS(who) (sleep[who] == FOR_EVER || sleep[who] == FOR_A_WHILE)

#define WAKE(who) SLEEPS(who) -> sleep[who] = AWAKE

inline wake_all()
{
    if :: WAKE(0) :: else fi;
#if SENDERS > 1
    if :: WAKE(1) :: else fi;
#endif
#if SENDERS > 2
    if :: WAKE(2) :: else fi;
#endif
}

/* The kernel wakes one; which, is its own affair. */
inline wake_one()
{
    if
    :: WAKE(0)
#if SENDERS > 1
    :: WAKE(1)
#endif
#if SENDERS > 2
    :: WAKE(2)
#endif
    :: else
    fi
}

#define FORGET sleep[_pid] = AWAKE; found = false; vain = false; owes = false; again = false; n = 0; seen = 0; sends = 0

/* Is there enough room?  Then `found`. */
#define look(need) STEP(found = FREE >= need)

/* The outcome of what a receiver may have under way, who perhaps has not seen the flag; or else `vain`. */
inline await_outcome()
{
    STEP(n = out_lock);
    if
    :: TAG(n) != 0 && (n & LOUD) == 0 ->
        if
        :: atomic { out_lock != n || dead[TAG(n) - 1] -> n = 0 }
        :: atomic { out_lock == n && timeouts < TIMEOUTS -> timeouts++; vain = true; n = 0 }
        :: atomic { DIES }
        fi
    :: else -> atomic { n = 0 }
    fi
}

#define STRIKE_OFF(who) \
    if \
    :: atomic { dead[who] && (board & BIT(who)) != 0 -> board = board & ~BIT(who) } \
    :: !dead[who] || (board & BIT(who)) == 0 \
    fi

/* Who was woken for others, too, wakes one of them if there is more, or was since it set the flag for them: a commit under way
 * may have written over that. */
inline hand_on()
{
#ifdef NO_HAND_ON
    owes = false
#else
    if
    :: owes ->
        STEP(owes = false; n = board);
        if
        :: n != 0 ->
            n = 0;
#ifndef HAND_ON_WITHOUT_OUTCOME
            await_outcome();
#endif
            if
            :: !vain -> look(1)
            :: else
            fi;
#ifndef OVERWRITTEN_UNSEEN
            STEP(found = found || COUNT(out_sequence) != COUNT(seen));
#endif
            if
            :: found || vain -> STEP(wake_one(); found = false; vain = false)
            :: else
            fi
        :: else
        fi;
        seen = 0
    :: else
    fi
#endif
}

active [SENDERS] proctype sender()
{
    byte n, seen, sends;
    bool found, vain, owes, again;

send:
    STEP(
        n = 0;
        do
        :: n < BATCH && FREE >= (n == 0 -> NEED(_pid) : 1) -> n++; in_place++
        :: else -> break
        od;
        found = n > 0; n = 0);
    if
    :: found ->
        atomic { found = false; sends++ };
        hand_on();
        if
        :: sends < EACH -> goto send
        :: goto away
        fi
    :: else
    fi;
#ifndef UNUSED_IS_KEPT
    hand_on(); /* what we were woken for was not enough, or somebody else was faster */
#endif

    /* Joins the sleepers. */
    STEP(board = board | BIT(_pid));
#ifndef NO_WAKE_ON_JOIN
    STEP(n = lonely);
    if
    :: n != 0 ->
#ifndef JOIN_LEAVES_WORD
        STEP(out_sequence = out_sequence + JOIN);
#endif
        STEP(wake_all());
        STEP(lonely = 0; n = 0)
    :: else
    fi;
#endif

rest:
    STEP(out_sequence = out_sequence | ASLEEP; seen = out_sequence);
    STEP(n = board & ~BIT(_pid));
    if
    :: n == 0 ->
        STEP(lonely = _pid + 1);
        STEP(n = board & ~BIT(_pid))
    :: else
    fi;
    atomic { again = n != 0; n = 0 };
#ifndef MARK_LEFT_OUT
    await_outcome();
#endif
    look(NEED(_pid));
    if
    :: found || vain -> goto leave
    :: else
    fi;
    STEP( /* futex_wait() compares and queues */
        if
        :: out_sequence != seen
        :: out_sequence == seen && !again -> sleep[_pid] = FOR_EVER
        :: out_sequence == seen && again -> sleep[_pid] = FOR_A_WHILE
        fi;
        again = false);
    if
    :: atomic { sleep[_pid] == AWAKE -> goto awake }
    :: atomic { SLEEPS(_pid) && timeouts < TIMEOUTS -> timeouts++; sleep[_pid] = AWAKE; vain = true; goto awake }
    :: atomic { looks < LOOKS && sleep[_pid] == FOR_A_WHILE -> looks++; sleep[_pid] = AWAKE }
    :: atomic { sleep[_pid] == OVERSLEPT -> sleep[_pid] = AWAKE }
    :: atomic { DIES }
    fi;
    /* Strikes off those who died. */
    STRIKE_OFF(0);
#if SENDERS > 1
    STRIKE_OFF(1);
#endif
#if SENDERS > 2
    STRIKE_OFF(2);
#endif
awake:
    look(NEED(_pid));
    if
    :: !found ->
#ifndef NOT_PASSED_ON
        STEP(n = COUNT(out_sequence) != COUNT(seen));
        if
        :: n -> n = 0; STEP(wake_one()) /* it may be enough for another one */
        :: else
        fi;
#endif
        seen = 0;
        if
        :: vain
        :: else -> goto rest
        fi
    :: else
    fi;

leave:
    atomic { vain = vain && !found; found = false; again = false; seen = 0 };
    STEP( /* a compare-and-swap */
        if
        :: lonely == _pid + 1 -> lonely = 0
        :: else
        fi);
    STEP(board = board & ~BIT(_pid));
    STEP(n = board);
    if
    :: n != 0 ->
        n = 0;
#ifdef FLAG_NOT_SET_AGAIN
        STEP(seen = out_sequence);
#else
        STEP(seen = out_sequence; out_sequence = out_sequence | ASLEEP);
#endif
        if
        :: vain -> STEP(wake_one())
        :: else
        fi
    :: else
    fi;
    if
    :: atomic { vain -> vain = false; goto away }
    :: atomic { !vain -> owes = true; goto send }
    fi;

away:
    atomic { owes = false; seen = 0; sends = 0; done[_pid] = true };
gone:
    skip
}

#undef FORGET
#define FORGET n = 0

active [RECEIVERS] proctype receiver()
{
    byte n;

receive:
    STEP(VACANT(out_lock) && OUT_PLACE < in_place -> out_lock = _pid + 1);
    STEP(n = out_sequence);
    STEP(out_places[1 - (COUNT(n) & 1)] = out_places[COUNT(n) & 1] + 1);
    if
    :: n & ASLEEP ->
        STEP(out_lock = out_lock | LOUD; n = 0);
#if defined(WAKE_BEFORE_BUMP)
        STEP(wake_one());
        STEP(out_sequence++);
#elif defined(PUBLISH_THEN_WAKE)
        STEP(out_sequence++);
        STEP(wake_one());
#elif defined(FLAG_CLEARED_BY_WAKER_APART)
        STEP(out_sequence = out_sequence + COMMIT; wake_one());
        STEP(out_sequence = out_sequence & ~ASLEEP);
#else
        STEP(assert(out_sequence & ASLEEP); out_sequence++; wake_one()); /* FUTEX_WAKE_OP */
#endif
    :: else ->
        STEP(out_sequence = n + COMMIT; n = 0)
    fi;
    STEP(out_lock = 0; goto receive);

gone:
    skip
}

#if PASSERS_BY > 0
active [PASSERS_BY] proctype passer_by()
{
    atomic { FREE > 0 -> in_place++ }
}
#endif

#define LIES(who) (SLEEPS(who) || done[who] || dead[who])
#if SENDERS > 2
#define SENDERS_LIE (LIES(0) && LIES(1) && LIES(2))
#elif SENDERS > 1
#define SENDERS_LIE (LIES(0) && LIES(1))
#else
#define SENDERS_LIE LIES(0)
#endif

active proctype watch()
{
    byte who;
    bool found, looking;

    do
    :: atomic { SENDERS_LIE && VACANT(out_lock) ->
            for (who : 0 .. SENDERS - 1) {
                if
                :: SLEEPS(who) && FREE >= NEED(who) -> found = true
                :: else
                fi;
                if
                :: FREE > 0 && sleep[who] == FOR_A_WHILE -> looking = true
                :: else
                fi
            }
            assert(!found || deaths > 0 && looking);
            for (who : 0 .. SENDERS - 1) {
                if
                :: found && sleep[who] == FOR_A_WHILE -> sleep[who] = OVERSLEPT
                :: else
                fi
            }
            who = 0; found = false; looking = false
        }
    :: timeout -> assert(false) /* they wait for each other */
    od
}
