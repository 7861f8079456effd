/* A model for Spin of how the ring of a queue wakes sleepers (docs/design/queue.md, "The ring"; src/shared/lock.h, crowd.h):
 * senders with their lock, receivers with theirs, any of whom may be killed before any of their steps.  A step is one access to
 * shared memory, all sequentially consistent; a system call is one, too.  Only words that nobody but a lock's holder
 * uses are read together with something else.
 *
 * Checked: nobody gets what nobody sent, or somebody got before, or out of its sender's order.  And when nothing can move
 * any more: what was sent by who lived to know it was received, or is there; and if something is there and receivers live, one of them
 * sleeps no longer than until its second look, with which things then go on.
 *
 *     spin -a ring.pml && cc -DSAFETY -DCOLLAPSE -O2 -o pan pan.c && ./pan -m1000000
 *
 * What is checked, with options for Spin; and faults, each of which must be found:
 *
 * holds: -DSENDERS=1 -DRECEIVERS=2 -DEACH=2
 * holds: -DSENDERS=1 -DRECEIVERS=2 -DDEATHS=2 -DLOOKS=1
 * holds: -DSENDERS=2 -DRECEIVERS=1 -DDEATHS=2
 * fails: -DMARK_LEFT_OUT -DSENDERS=1 -DEACH=2
 * fails: -DCLEARED_BY_WAKER -DSENDERS=1 -DEACH=2
 * fails: -DWAKE_BEFORE_BUMP -DSENDERS=1 -DEACH=2
 * fails: -DPUBLISH_THEN_WAKE -DSENDERS=1 -DRECEIVERS=1
 * fails: -DONE_SLEEPER_NEVER_LOOKS_AGAIN -DSENDERS=1 -DEACH=2
 * fails: -DNO_WAKE_ON_JOIN -DSENDERS=1 -DEACH=2
 * fails: -DJOIN_LEAVES_WORD -DSENDERS=1 -DEACH=2
 * fails: -DJOIN_COMMITS
 * fails: -DPLACE_READ_ONCE -DSENDERS=1 -DEACH=2
 * fails: -DTAKEOVER_FORGETS_STEP -DRECEIVERS=1
 * fails: -DNEXT_HEADER_LEFT -DRECEIVERS=1
 *
 * As it is, with two of either kind, it takes half a minute and holds.
 *
 * Left out: sleeping for room, which is the same with the sides exchanged; the lap of the ring, but for the headers that it has left. */

#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef RECEIVERS /* 1 to 3 */
#define RECEIVERS 2
#endif
#ifndef EACH /* so many messages does each sender send */
#define EACH 1
#endif
#ifndef DEATHS /* at most */
#define DEATHS 1
#endif
#ifndef LOOKS /* so many sleeps may end by themselves while others still move */
#define LOOKS 0
#endif

#define PARTIES (SENDERS + RECEIVERS)
#define MESSAGES (SENDERS * EACH)
#define FIRST SENDERS /* receiver */
#define BIT(who) (1 << (who))

/* A party's number is its _pid, its tag that and 1. */
bool dead[PARTIES], done[SENDERS];
byte deaths, looks;

#define DIES deaths < DEATHS -> deaths++; dead[_pid] = true; sleep[_pid] = AWAKE; FORGET; goto gone
#define STEP(action) if :: atomic { action } :: atomic { DIES } fi

/* The words of the locks: 0, or the owner's tag, with LOUD. */
#define LOUD 128
#define TAG(word) ((word) & 127)
#define VACANT(word) (TAG(word) == 0 || dead[TAG(word) - 1])
byte in_lock, out_lock;

/* What sleepers compare.  Commits step it by 1, and messages are counted by the lower half alone; who joins the sleepers
 * steps it by JOIN, which commits nothing. */
#ifdef JOIN_COMMITS
#define JOIN 1
#define COUNT(word) (word)
#else
#define JOIN 16
#define COUNT(word) ((word) & 15)
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
    STEP(choice = board != 0);
    if
    :: choice ->
        STEP(in_lock = in_lock | LOUD);
#ifdef CLEARED_BY_WAKER
        STEP(board = 0);
#endif
    :: else
    fi;
    STEP(bytes[in_place] = message);
#ifndef NEXT_HEADER_LEFT
    STEP(state[in_place + 1] = EMPTY);
#endif
    if
    :: choice ->
        STEP(state[in_place] = COUNTED + COUNT(in_sequence));
#if defined(WAKE_BEFORE_BUMP)
        STEP(wake_one());
        STEP(in_sequence++);
#elif defined(PUBLISH_THEN_WAKE)
        STEP(in_sequence++);
        STEP(wake_one());
#else
        STEP(in_sequence++; wake_one()); /* FUTEX_WAKE_OP */
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
#define FORGET found = false; place = 0; n = 0; seen = 0

/* Is a message there?  Then `found`.  Without the lock, its place may be an old one. */
inline look()
{
    STEP(n = state[place]);
    if
    :: n >= COUNTED -> STEP(found = n - COUNTED != COUNT(in_sequence); n = 0)
    :: else -> atomic { found = n == READY; n = 0 }
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
    bool found;

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
        STEP(out_lock = 0; goto receive)
    :: else
    fi;
    STEP(out_lock = 0; place = 0);

    /* Joins the sleepers. */
    STEP(board = board | BIT(_pid));
#ifndef NO_WAKE_ON_JOIN
    STEP(n = lonely);
    if
    :: n != 0 ->
#ifdef JOIN_LEAVES_WORD
        STEP(wake_all());
#else
        STEP(in_sequence = in_sequence + JOIN);
        STEP(wake_all());
#endif
        STEP(lonely = 0; n = 0)
    :: else
    fi;
#endif

again:
    STEP(seen = in_sequence);
#ifndef MARK_LEFT_OUT
    STEP(n = in_lock);
    if
    :: TAG(n) != 0 && (n & LOUD) == 0 -> STEP((in_lock != n || dead[TAG(n) - 1]) -> n = 0)
    :: else -> n = 0
    fi;
#endif
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
    if
    :: found -> goto leave
    :: else -> place = 0
    fi;
    STEP(n = board & ~BIT(_pid));
    if
    :: n == 0 ->
        STEP(lonely = _pid + 1);
        STEP(n = board & ~BIT(_pid))
    :: else
    fi;
    STEP( /* futex_wait() compares and queues */
        if
        :: in_sequence != seen
        :: in_sequence == seen && n == 0 -> sleep[_pid] = FOR_EVER
#ifdef ONE_SLEEPER_NEVER_LOOKS_AGAIN
        :: in_sequence == seen && n != 0 && _pid == FIRST -> sleep[_pid] = FOR_EVER
#else
        :: in_sequence == seen && n != 0 && _pid == FIRST -> sleep[_pid] = FOR_A_WHILE
#endif
        :: in_sequence == seen && n != 0 && _pid != FIRST -> sleep[_pid] = FOR_A_WHILE
        fi;
        n = 0; seen = 0);
    if
    :: atomic { sleep[_pid] == AWAKE -> goto again }
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
    goto again;

leave:
    atomic { found = false; place = 0 };
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
    bool found, living, looking, there[MESSAGES];

    do
    :: atomic { SENDERS_REST && RECEIVERS_LIE ->
            found = false; living = false; looking = false;
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
                living = living || !dead[who];
                if
                :: found && sleep[who] == FOR_A_WHILE -> looking = true; sleep[who] = OVERSLEPT
                :: else
                fi
            }
            assert(!found || !living || looking);
            place = 0; who = 0; found = false; living = false; looking = false
        }
    :: timeout -> assert(false) /* they wait for each other */
    od
}
