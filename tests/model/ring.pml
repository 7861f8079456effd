/* A model for Spin of how the ring of a queue wakes who sleeps for messages (docs/design/queue.md, "The ring"; src/shared/lock.h, crowd.h):
 * senders with their lock, receivers with theirs, any of whom may be killed before any of their steps.  A step is one access to
 * shared memory, all sequentially consistent; a system call is one, too.  Only words that nobody but a lock's holder
 * uses are read together with something else.  Whoever has received a message may go away, or want another one.
 *
 * Checked: nobody gets what nobody sent, or somebody got before, or out of its sender's order.  And when nothing can move
 * any more: what was sent by who lived to know it was received, or is there.  If something is there, nobody sleeps unless somebody was
 * killed; and then one of those who sleep does so no longer than until its second look, with which things go on.
 *
 *     spin -a ring.pml && cc -DSAFETY -DCOLLAPSE -O2 -o pan pan.c && ./pan -m1000000
 *
 * What is checked, with options for Spin; and faults, each of which must be found:
 *
 * holds: -DSENDERS=1 -DEACH=2 -DDEATHS=0 -DTIMEOUTS=1
 * holds: -DSENDERS=1 -DEACH=2 -DDEATHS=1
 * holds: -DSENDERS=1 -DEACH=1 -DDEATHS=2 -DLOOKS=1
 * holds: -DSENDERS=2 -DDEATHS=0
 * holds: -DSENDERS=2 -DRECEIVERS=1 -DDEATHS=2
 * fails: -DMARK_LEFT_OUT -DSENDERS=1 -DEACH=2
 * fails: -DFLAG_CLEARED_BY_WAKER_APART -DSENDERS=1 -DEACH=2
 * fails: -DWAKE_BEFORE_BUMP -DSENDERS=1 -DEACH=2
 * fails: -DPUBLISH_THEN_WAKE -DSENDERS=1 -DRECEIVERS=1
 * fails: -DNO_HAND_ON -DSENDERS=1 -DEACH=2 -DDEATHS=0
 * fails: -DHAND_ON_WITHOUT_OUTCOME -DSENDERS=1 -DEACH=2 -DDEATHS=0
 * fails: -DFLAG_NOT_SET_AGAIN -DSENDERS=1 -DEACH=2 -DDEATHS=0
 * fails: -DGIVES_UP_SILENTLY -DSENDERS=1 -DEACH=2 -DDEATHS=0 -DTIMEOUTS=1 -DPASSERS_BY=1
 * fails: -DONE_SLEEPER_NEVER_LOOKS_AGAIN -DSENDERS=1 -DEACH=2
 * fails: -DNO_WAKE_ON_JOIN -DSENDERS=1 -DEACH=2
 * fails: -DJOIN_LEAVES_WORD -DSENDERS=1 -DEACH=2
 * fails: -DJOIN_COMMITS
 * fails: -DPLACE_READ_ONCE -DSENDERS=1 -DEACH=2
 * fails: -DTAKEOVER_FORGETS_STEP -DRECEIVERS=1
 * fails: -DNEXT_HEADER_LEFT -DRECEIVERS=1
 *
 * Left out: sleeping for room (ring_room.pml); the lap of the ring, but for the headers that it has left. */

#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef RECEIVERS /* 1 to 3 */
#define RECEIVERS 2
#endif
#ifndef PASSERS_BY /* so many others each receive one message at some time, if it is there, and never sleep */
#define PASSERS_BY 0
#endif
#ifndef EACH /* so many messages does each sender send */
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
#define MESSAGES (SENDERS * EACH)
#define FIRST SENDERS /* receiver */
#define BIT(who) (1 << (who))

/* A party's number is its _pid, its tag that and 1. */
bool dead[PARTIES], done[PARTIES];
byte deaths, looks, timeouts;

#define DIES deaths < DEATHS -> deaths++; dead[_pid] = true; sleep[_pid] = AWAKE; FORGET; goto gone
#define STEP(action) if :: atomic { action } :: atomic { DIES } fi

/* The words of the locks: 0, or the owner's tag, with LOUD. */
#define LOUD 128
#define TAG(word) ((word) & 127)
#define VACANT(word) (TAG(word) == 0 || dead[TAG(word) - 1])
byte in_lock, out_lock;

/* What sleepers compare.  Bit 0: somebody sleeps.  Adding 1 to that takes it away, and counts.  Who joins the sleepers adds
 * JOIN, which commits nothing. */
#define ASLEEP 1
#define COMMIT 2
#ifdef JOIN_COMMITS
#define JOIN COMMIT
#define COUNT(word) ((word) >> 1)
#else
#define JOIN 16
#define COUNT(word) (((word) & 15) >> 1)
#endif
byte in_sequence;

/* Headers.  COUNTED + n: it is there once the sequence does not count n any more.  The last lap has left READY. */
#define EMPTY 0
#define READY 1
#define COUNTED 2
#define IS_THERE(header) ((header) == READY || (header) >= COUNTED && (header) - COUNTED != COUNT(in_sequence))
byte state[6] = { EMPTY, READY, READY, READY, READY, READY };
byte bytes[6];
byte in_place;

/* The receivers' place: the one that counts is what the sequence's parity says. */
byte out_places[2], out_sequence;
#define OUT_PLACE out_places[out_sequence & 1]

/* Sleepers. */
byte board;  /* a bit for each party */
byte lonely; /* the tag of who sleeps without a second look */
byte sleep[PARTIES];
#define AWAKE 0
#define FOR_EVER 1
#define FOR_A_WHILE 2 /* until its second look, if it is not woken */
#define OVERSLEPT 3
#define SLEEPS(who) (sleep[who] == FOR_EVER || sleep[who] == FOR_A_WHILE)

/* For the checks. */
bool sent[MESSAGES], received[MESSAGES];

#define WAKE(who) SLEEPS(who) -> sleep[who] = AWAKE

inline wake_all()
{
    if :: WAKE(FIRST) :: else fi;
#if RECEIVERS > 1
    if :: WAKE(FIRST + 1) :: else fi;
#endif
#if RECEIVERS > 2
    if :: WAKE(FIRST + 2) :: else fi;
#endif
}

/* The kernel wakes one; which, is its own affair. */
inline wake_one()
{
    if
    :: WAKE(FIRST)
#if RECEIVERS > 1
    :: WAKE(FIRST + 1)
#endif
#if RECEIVERS > 2
    :: WAKE(FIRST + 2)
#endif
    :: else
    fi
}

#define FORGET choice = false; message = 0

active [SENDERS] proctype sender()
{
    byte message = _pid * EACH;
    bool choice;

next:
    STEP(VACANT(in_lock) -> choice = in_lock != 0; in_lock = _pid + 1);
    if
    :: choice -> /* taken over */
        STEP(choice = IS_THERE(state[in_place]));
#ifndef TAKEOVER_FORGETS_STEP
        if
        :: choice ->
            STEP(state[in_place] = READY);
            STEP(in_place++)
        :: else
        fi
#endif
    :: else
    fi;
    STEP(choice = in_sequence & ASLEEP);
    if
    :: choice -> STEP(in_lock = in_lock | LOUD)
    :: else
    fi;
    STEP(bytes[in_place] = message);
#ifndef NEXT_HEADER_LEFT
    STEP(state[in_place + 1] = EMPTY);
#endif
    if
    :: choice ->
        /* Only the lock's holder takes the flag away, so that it is there still. */
        STEP(state[in_place] = COUNTED + COUNT(in_sequence));
#if defined(WAKE_BEFORE_BUMP)
        STEP(wake_one());
        STEP(in_sequence++);
#elif defined(PUBLISH_THEN_WAKE)
        STEP(in_sequence++);
        STEP(wake_one());
#elif defined(FLAG_CLEARED_BY_WAKER_APART)
        STEP(in_sequence = in_sequence + COMMIT; wake_one());
        STEP(in_sequence = in_sequence & ~ASLEEP);
#else
        STEP(assert(in_sequence & ASLEEP); in_sequence++; wake_one()); /* FUTEX_WAKE_OP */
#endif
    :: else
    fi;
    STEP(state[in_place] = READY);
    STEP(in_place++);
    atomic {
        if
        :: in_lock = 0;
            choice = false;
            sent[message] = true;
            message++;
            if
            :: message < (_pid + 1) * EACH -> goto next
            :: else -> done[_pid] = true; message = 0
            fi
        :: DIES
        fi
    };
gone:
    skip
}

#undef FORGET
#define FORGET found = false; vain = false; owes = false; place = 0; n = 0; seen = 0

/* Is a message there?  Then `found`.  Without the lock, its place may be an old one. */
inline look()
{
    STEP(n = state[place]);
    if
    :: n >= COUNTED -> STEP(found = n - COUNTED != COUNT(in_sequence); n = 0)
    :: else -> atomic { found = n == READY; n = 0 }
    fi
}

/* The same without the lock. */
inline look_without()
{
    do
    :: STEP(n = out_sequence);
       STEP(place = out_places[n & 1]);
#ifdef PLACE_READ_ONCE
       break
#else
       if
       :: atomic { out_sequence == n -> break }
       :: atomic { out_sequence != n -> skip }
       :: atomic { DIES }
       fi
#endif
    od;
    n = 0;
    look();
    place = 0
}

/* The outcome of what a sender may have under way, who perhaps has not seen the flag; or else `vain`. */
inline await_outcome()
{
    STEP(n = in_lock);
    if
    :: TAG(n) != 0 && (n & LOUD) == 0 ->
        if
        :: atomic { in_lock != n || dead[TAG(n) - 1] -> n = 0 }
        :: atomic { in_lock == n && timeouts < TIMEOUTS -> timeouts++; vain = true; n = 0 }
        :: atomic { DIES }
        fi
    :: else -> n = 0
    fi
}

#define STRIKE_OFF(who) \
    if \
    :: atomic { dead[who] && (board & BIT(who)) != 0 -> board = board & ~BIT(who) } \
    :: !dead[who] || (board & BIT(who)) == 0 \
    fi

active [RECEIVERS] proctype receiver()
{
    byte place, n, seen;
    bool found, vain, owes;

receive:
    STEP(VACANT(out_lock) -> out_lock = _pid + 1; place = OUT_PLACE);
    look();
    if
    :: found ->
        STEP(n = bytes[place]);
        STEP(out_places[1 - (out_sequence & 1)] = place + 1);
        STEP(out_sequence++;
            assert(place < MESSAGES && !received[n] && (n % EACH == 0 || received[n - 1]));
            received[n] = true; n = 0; place = 0; found = false);
        STEP(out_lock = 0);
#ifndef NO_HAND_ON
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
                :: !vain -> look_without()
                :: else
                fi;
                if
                :: found || vain -> STEP(wake_one(); found = false; vain = false)
                :: else
                fi
            :: else
            fi
        :: else
        fi;
#endif
        if
        :: goto receive
        :: goto away
        fi
    :: else
    fi;
    STEP(out_lock = 0; place = 0);

    /* Joins the sleepers. */
    STEP(board = board | BIT(_pid));
#ifndef NO_WAKE_ON_JOIN
    STEP(n = lonely);
    if
    :: n != 0 ->
#ifndef JOIN_LEAVES_WORD
        STEP(in_sequence = in_sequence + JOIN);
#endif
        STEP(wake_all());
        STEP(lonely = 0; n = 0)
    :: else
    fi;
#endif

again:
    STEP(in_sequence = in_sequence | ASLEEP; seen = in_sequence);
    STEP(n = board & ~BIT(_pid));
    if
    :: n == 0 ->
        STEP(lonely = _pid + 1);
        STEP(n = board & ~BIT(_pid))
    :: else
    fi;
    atomic { owes = n != 0; n = 0 }; /* patience, for now */
#ifndef MARK_LEFT_OUT
    await_outcome();
#endif
    look_without();
    if
    :: found || vain -> goto leave
    :: else
    fi;
    STEP( /* futex_wait() compares and queues */
        if
        :: in_sequence != seen
        :: in_sequence == seen && !owes -> sleep[_pid] = FOR_EVER
#ifdef ONE_SLEEPER_NEVER_LOOKS_AGAIN
        :: in_sequence == seen && owes && _pid == FIRST -> sleep[_pid] = FOR_EVER
#else
        :: in_sequence == seen && owes && _pid == FIRST -> sleep[_pid] = FOR_A_WHILE
#endif
        :: in_sequence == seen && owes && _pid != FIRST -> sleep[_pid] = FOR_A_WHILE
        fi;
        owes = false; seen = 0);
    if
    :: atomic { sleep[_pid] == AWAKE -> goto awake }
    :: atomic { SLEEPS(_pid) && timeouts < TIMEOUTS -> timeouts++; sleep[_pid] = AWAKE; vain = true; goto awake }
    :: atomic { looks < LOOKS && sleep[_pid] == FOR_A_WHILE -> looks++; sleep[_pid] = AWAKE }
    :: atomic { sleep[_pid] == OVERSLEPT -> sleep[_pid] = AWAKE }
    :: atomic { DIES }
    fi;
    /* Strikes off those who died. */
    STRIKE_OFF(FIRST);
#if RECEIVERS > 1
    STRIKE_OFF(FIRST + 1);
#endif
#if RECEIVERS > 2
    STRIKE_OFF(FIRST + 2);
#endif
awake:
    look_without();
    if
    :: found || vain -> goto leave
    :: else -> goto again
    fi;

leave:
    atomic { vain = vain && !found; found = false; owes = false; seen = 0 };
    STEP( /* a compare-and-swap */
        if
        :: lonely == _pid + 1 -> lonely = 0
        :: else
        fi);
    STEP(board = board & ~BIT(_pid));
    STEP(n = board);
#ifdef GIVES_UP_SILENTLY
    if
    :: vain -> n = 0
    :: else
    fi;
#endif
    if
    :: n != 0 ->
        n = 0;
#ifndef FLAG_NOT_SET_AGAIN
        STEP(in_sequence = in_sequence | ASLEEP);
#endif
        if
        :: vain -> STEP(wake_one())
        :: else
        fi
    :: else
    fi;
    if
    :: atomic { vain -> vain = false; goto away }
    :: atomic { !vain -> owes = true; goto receive }
    fi;

away:
    atomic { owes = false; done[_pid] = true };
gone:
    skip
}

#if PASSERS_BY > 0
/* All in one, as nothing in between matters to others that a receiver does not do, too. */
active [PASSERS_BY] proctype passer_by()
{
    atomic {
        VACANT(out_lock) && IS_THERE(state[OUT_PLACE]) ->
            assert(!received[bytes[OUT_PLACE]]);
            received[bytes[OUT_PLACE]] = true;
            out_places[1 - (out_sequence & 1)] = OUT_PLACE + 1;
            out_sequence++;
            out_lock = 0
    }
}
#endif

#define RESTS(who) (done[who] || dead[who])
#define LIES(who) (SLEEPS(who) || RESTS(who))
#if SENDERS > 1
#define SENDERS_REST (RESTS(0) && RESTS(1))
#else
#define SENDERS_REST RESTS(0)
#endif
#if RECEIVERS > 2
#define RECEIVERS_LIE (LIES(FIRST) && LIES(FIRST + 1) && LIES(FIRST + 2))
#elif RECEIVERS > 1
#define RECEIVERS_LIE (LIES(FIRST) && LIES(FIRST + 1))
#else
#define RECEIVERS_LIE LIES(FIRST)
#endif

active proctype watch()
{
    byte place, who;
    bool found, sleeping, looking, there[MESSAGES];

    do
    :: atomic { SENDERS_REST && RECEIVERS_LIE ->
            found = false; sleeping = false; looking = false;
            place = OUT_PLACE;
            do
            :: place < MESSAGES && IS_THERE(state[place]) -> there[bytes[place]] = true; found = true; place++
            :: else -> break
            od;
            for (who : 0 .. MESSAGES - 1) {
                assert(!sent[who] || received[who] || there[who]);
                assert(!received[who] || !there[who]);
                there[who] = false
            }
            for (who : FIRST .. PARTIES - 1) {
                sleeping = sleeping || SLEEPS(who);
                if
                :: found && sleep[who] == FOR_A_WHILE -> looking = true; sleep[who] = OVERSLEPT
                :: else
                fi
            }
            assert(!found || !sleeping || deaths > 0 && looking);
            place = 0; who = 0; found = false; sleeping = false; looking = false
        }
    :: timeout -> assert(false) /* they wait for each other */
    od
}
