/* What lies in an object's control memory, byte for byte.  Version 1.
 *
 *      0 ┌──────────────────────────────────────────────┐
 *        │ identity   what this is; never changes       │
 *     64 ├──────────────────────────────────────────────┤
 *        │ ledger     members so far, comings, goings   │
 *    128 ├──────────────────────────────────────────────┤
 *        │ lock       the inner lock                    │
 *    192 ├──────────────────────────────────────────────┤
 *        │ journal    commit word, 16 records           │
 *    512 ├──────────────────────────────────────────────┤
 *        │ sleepers   one bit a member                  │
 *   1024 ├──────────────────────────────────────────────┤
 *        │ listeners  one bit a member                  │
 *   1536 ├──────────────────────────────────────────────┤
 *        │ mutex      the lock that users take          │
 *   1600 ├──────────────────────────────────────────────┤
 *        │ notice     version of the data               │
 *   1664 ├──────────────────────────────────────────────┤
 *        │ label      its name at creation, for people  │
 *   1920 ├──────────────────────────────────────────────┤
 *        │ stream     pipes: both sides, shape, boards  │
 *        │ queue      queues: shape, both sides, boards │
 *        │ semaphore  semaphores: their word            │
 *        │ gate       mutexes, segments: who waits      │
 *        │ barrier    barriers: their round, in the gate│
 *   4096 ├──────────────────────────────────────────────┤
 *        │ members    4,096 entries of 64 bytes         │
 * 266240 ├──────────────────────────────────────────────┤
 *        │ index      queues with a store: store.h      │
 *        └──────────────────────────────────────────────┘
 *
 * What decides about removal is not in here but in the control file's inode, which only its owner
 * can change: the sticky bit of its mode says "temporary", its number is the ID in the names of the
 * object's other files.
 *
 * Data are in a file of their own, so that who may only read them can still be a full member here.
 * Only the first 8 KiB and the pages of members that came are ever backed by memory.
 *
 * Who may write what, and what a reader may conclude:
 *
 *   identity             the creator, before the object has a name.  Read once at open, with pread.
 *   ledger.*             whoever holds the inner lock, through the journal.  Exact at rest:
 *                        attaches = detaches + deaths + entries with `joined` set.
 *   lock.word            compare-and-swap from 0 to one's tag; a dead owner's tag to one's own.
 *   journal.*            the holder of the inner lock.  A commit word that is not 0 when the lock is
 *                        taken from a dead owner means: apply the records, again if need be.
 *   sleepers, listeners  a member its own bit, the reaper a dead member's.  Set: wake it.
 *   mutex.word           as lock.word; UNREPAIRED stays until the data were declared whole.
 *   mutex.taken, .thread the owner.
 *   mutex.sentry, condition.sentry  see lobby.h: who waits, its own tag in place of 0 or of a dead one's; and 0 in place of its own.
 *   mutex.waits          anybody, atomically.
 *   notice.version       anybody, by adding 1: that is the commit of a notice.
 *   notice.changed       anybody, just before; for people.
 *   label                the creator, before the object has a name.
 *   semaphore.most, .count  the creator, before the object has a name.  Read once at open.
 *   semaphore.word       anybody, by compare-and-swap; and who has semaphore.lock, by adding a unit.
 *   semaphore.lock       as lock.word.
 *   semaphore.lonely     who begins to sleep alone, and who joins it, see crowd.h.
 *   semaphore.sleeps     anybody, atomically.
 *   stream.in.*, .out.*  pipes: who holds that side's lock, which is as lock.word.  `position` is the
 *                        commit.  But `turn`, as lock.word, whose holder alone sleeps; `sleeps`,
 *                        anybody, atomically.  The journal, for the first to come to a pipe that
 *                        nobody held: empty.
 *   stream.shape         exponent, resizes, kept_from: who holds both locks.  departures, arrivals: anybody, by adding 1.
 *                        rung: who gives a token, and who is about to sleep or has taken it.
 *                        stuffed: a writer who fills the FIFO, a reader who takes a token out.
 *                        polled: a reader who begins to.  tapped: who looks on, its own tag in
 *                        place of 0, and 0 in place of that.
 *   stream.readers, .writers   as sleepers.
 *   gate.flags           the creator, before the object has a name; read once at open.
 *   gate.done            who has the mutex: 1, for good.
 *   gate.waiters         as sleepers.
 *   gate.inherit         see inherit.h: `word`, who takes it, its thread's number in place of 0 or a dead one's; the kernel.  `owner` and
 *                        `state`, who has it.  `namespace` as gate.flags.
 *   condition.mutex, .mutex_name  as gate.flags.
 *   condition.sequence   anybody, by adding 1: that is the commit of a telling.
 *   condition.waits      anybody, atomically.
 *   gate.rwlock          see rwlock.h: `door`, who has the mutex; but a dead one's is opened by whoever finds it.  `closings`,
 *                        who has the mutex.  `drain`, anybody, by adding 1.  The sentries as mutex.sentry.
 *   gate.readers         as sleepers: who waits for the door.
 *   gate.barrier         whoever holds the inner lock, through the journal.  But `sentry`, as mutex.sentry; `waits`, anybody,
 *                        atomically.
 *   queue.shape          the creator, before the object has a name; read once at open.  But `removals`, who removes the
 *                        name, by adding 1; `tapped`, as stream.shape.tapped.
 *   queue.in.*, .out.*   who holds that side's lock, which is as lock.word, with LOCK_LOUD while its holder commits by
 *                        waking; what is there and who commits how is in ring.h.
 *   queue.*.lonely       who sleeps alone, its tag; who joins it, 0.  See crowd.h.
 *   queue.receivers, .senders, .room   as sleepers: who sleeps for messages, for room, and polls for room.
 *   entry.generation     who holds the slot's byte lock, once, before it is a member.
 *   entry.joined         the journal; the member itself after a fork.  Not 0: the slot is taken.
 *                        Alive or dead is what the kernel says of the byte lock, nothing else.
 *   entry.namespace, .role   who holds the byte lock, before `joined` is set; the member of a pipe
 *                        adds to its role when it has its end.  With a membership in a parcel, the
 *                        role that it will have.
 *   entry.wake, .wants, .sleeping, .type   see store.h.
 *   entry.thread         the member, for people.
 *   entry.holds, .since  the member, see rwlock.h; `holds` also as entry.mark.
 *   entry.mark           the member: how many of its threads are between looking for sleepers and
 *                        committing.  The reaper, once it is dead. */
#ifndef FERRY_LAYOUT_H
#define FERRY_LAYOUT_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_VERSION  1u
#define LAYOUT_FEATURES 0u /* feature bits that this code knows */

#define LAYOUT_MEMBERS         4096u
#define LAYOUT_JOURNAL_RECORDS 16u
#define LAYOUT_INDEX_MOST      (UINT64_C(1) << 30)
#define LAYOUT_BOARD_WORDS     (LAYOUT_MEMBERS / 64)
#define LAYOUT_BROKEN_ROUNDS   16u

/* Flags in the identity. */
#define LAYOUT_ANONYMOUS 1u
#define LAYOUT_RECORDS   2u /* a pipe whose writes keep their boundaries */
#define LAYOUT_FLAGS     (LAYOUT_ANONYMOUS | LAYOUT_RECORDS)

/* In an entry's role, beside FERRY_READ and FERRY_WRITE: it has the end of the FIFO that this takes. */
#define LAYOUT_HAS_END 0x100u

/* And of a queue: nobody else sends, or receives. */
#define LAYOUT_SOLE_SENDER   0x200u
#define LAYOUT_SOLE_RECEIVER 0x400u

/* And of a mutex: its holder waits for its children. */
#define LAYOUT_FOR_CHILDREN 0x800u

/* The byte behind the members' lock bytes: held by whoever is removing the name. */
#define LAYOUT_REMOVAL_BYTE ((off_t)LAYOUT_MEMBERS)

/* Behind these, another byte for each member: held beside its own while the membership is in a parcel. */
#define LAYOUT_OFFER_BYTES ((off_t)LAYOUT_MEMBERS * 2)

struct layout_identity {
    uint8_t magic[8];
    uint32_t version;
    uint32_t kind;     /* enum ferry_kind */
    uint32_t features; /* all must be known to the opener */
    uint32_t flags;
    uint64_t size_bytes;  /* of the data file */
    uint64_t created;     /* a stamp */
    uint64_t index_bytes; /* of what lies behind the members in the control file */
    uint32_t mode;        /* of the data, at creation */
    uint32_t reserved2;
    uint64_t checksum; /* of all of the above */
};

struct layout_ledger {
    _Atomic uint64_t attaches;
    _Atomic uint64_t detaches;
    _Atomic uint64_t deaths;
    _Atomic uint64_t last_attach; /* a stamp */
    _Atomic uint64_t last_detach; /* a stamp */
    _Atomic uint64_t high;        /* entries from here on were never used */
    uint64_t reserved[2];
};

struct layout_lock {
    _Atomic uint32_t word;
};

struct layout_record {
    _Atomic uint64_t offset; /* of a 64-bit field of the control memory */
    _Atomic uint64_t value;  /* what it becomes */
};

struct layout_journal {
    _Atomic uint32_t commit; /* number of records to apply; 0 at rest */
    uint32_t reserved[15];
    struct layout_record records[LAYOUT_JOURNAL_RECORDS];
};

struct layout_board {
    _Atomic uint64_t words[LAYOUT_BOARD_WORDS];
};

struct layout_mutex {
    _Atomic uint32_t word;
    _Atomic uint32_t thread; /* which one of its owner's */
    _Atomic uint64_t taken;
    _Atomic uint64_t waits;
    _Atomic uint32_t sentry; /* the tag of who watches the owner for all who wait; see lobby.h */
    uint32_t reserved1;
    uint64_t reserved2[4];
};

struct layout_notice {
    _Atomic uint32_t version;
    uint32_t reserved1;
    _Atomic uint64_t changed; /* a stamp */
    uint64_t reserved2[6];
};

/* One side of a stream.  What the other side looks at all the time is by itself; processors fetch lines
 * in pairs. */
struct layout_side {
    _Atomic uint64_t
        position; /* bytes since the stream was made; what lies before it is in place */
    uint64_t apart1[15];
    struct layout_lock lock;
    struct layout_lock turn; /* whose turn it is to sleep */
    _Atomic uint32_t full;   /* in: the pipe was found full */
    uint32_t reserved1;
    _Atomic uint64_t told;    /* in: the position that sleepers were told of */
    _Atomic uint64_t claimed; /* in: how far the lock's holder may be writing */
    _Atomic uint64_t calls;
    _Atomic uint64_t sleeps;
    uint64_t reserved2[2];
    uint64_t apart2[8];
};

struct layout_shape {
    _Atomic uint32_t exponent; /* the ring has 2^exponent bytes, and lies there in the data */
    _Atomic uint32_t
        departures; /* of ends: whoever holds the other one asks whether that was the last */
    _Atomic uint32_t arrivals;  /* of writers */
    _Atomic uint32_t rung;      /* a token is in the FIFO, and no reader has looked in vain since */
    _Atomic uint32_t stuffed;   /* the FIFO is full, and no reader has made room since */
    _Atomic uint32_t polled;    /* readers poll, or did */
    _Atomic uint32_t tapped;    /* somebody looks on */
    _Atomic uint32_t resizes;   /* how often it got another ring */
    _Atomic uint64_t kept_from; /* what lies before it was not taken into this ring */
    uint64_t reserved2[3];
};

struct layout_stream {
    struct layout_side in;
    struct layout_side out;
    struct layout_shape shape;
    uint64_t apart[8];
    struct layout_board readers;
    struct layout_board writers;
};

/* How a queue was made. */
struct layout_queue_shape {
    _Atomic uint32_t engine;   /* LAYOUT_RING or LAYOUT_STORE */
    _Atomic uint32_t flags;    /* FERRY_TYPES … FERRY_UNBOUNDED */
    _Atomic uint32_t overflow; /* enum ferry_overflow */
    _Atomic uint32_t messages; /* so many fit */
    _Atomic uint64_t bytes;    /* so many bytes of messages fit, … */
    _Atomic uint64_t largest;  /* … and of each */
    _Atomic uint32_t removals; /* how often somebody has begun to remove the name */
    _Atomic uint32_t tapped;   /* somebody looks on */
    uint64_t reserved[11];
};
enum { LAYOUT_RING = 1, LAYOUT_STORE = 2 };

/* One side of a queue with a ring; of one with a store only what is for people. */
struct layout_queue_side {
    struct layout_lock lock;
    _Atomic uint32_t sequence;  /* what the other side sleeps on */
    _Atomic uint64_t places[2]; /* in: the first alone.  See ring.h */
    _Atomic uint32_t lonely;    /* the tag of one who sleeps for this side alone */
    uint32_t reserved1;
    _Atomic uint64_t claimed; /* in: how far the lock's holder may be writing, for who taps */
    _Atomic uint64_t backed; /* unbounded: how far the ring has memory, or it has been given back */
    _Atomic uint32_t numbers[2]; /* out: of the messages at `places` */
    /* For people. */
    _Atomic uint64_t messages; /* that went through here since it was made */
    _Atomic uint64_t bytes;    /* of these */
    uint64_t apart1[7];
    _Atomic uint64_t dropped;       /* in: newest ones; out: oldest ones */
    _Atomic uint64_t refused;       /* in */
    _Atomic uint64_t most_messages; /* in: that were there at a time */
    _Atomic uint64_t most_bytes;    /* in */
    _Atomic uint64_t sleeps;
    _Atomic uint64_t withdrawn; /* out: taken back by who sent them, since nobody came */
    uint64_t reserved2[10];
};

struct layout_queue {
    struct layout_queue_shape shape;
    struct layout_queue_side in;
    struct layout_queue_side out;
    struct layout_board receivers; /* asleep for messages */
    struct layout_board senders;   /* asleep for room */
    struct layout_board room;      /* who polls for room; who polls for messages is a listener */
};

/* See semaphore.h.  Ends before the boards of the other kinds, from which members are struck off whatever this is. */
struct layout_semaphore {
    _Atomic uint32_t most; /* units, that it was made for */
    _Atomic uint32_t
        count; /* so many are a set, see semaphore_set.h; 0: a single one, whose word follows */
    uint32_t reserved1[14];
    _Atomic uint32_t word;
    struct layout_lock lock; /* of who ends "none" beside others who are to be told */
    _Atomic uint32_t lonely; /* the tag of one who sleeps alone */
    uint32_t reserved2;
    _Atomic uint64_t sleeps; /* for people */
    uint64_t reserved3[5];
    uint64_t reserved4[64];
};

/* Mutexes that lend priorities, see inherit.h. */
struct layout_inherit {
    _Atomic uint32_t word;  /* the kernel's */
    _Atomic uint32_t state; /* of the data */
    _Atomic uint64_t owner; /* its thread's number, and its tag */
    uint64_t reserved[6];
    _Atomic uint64_t namespace; /* the pid namespace of all members */
};

/* See condition.h. */
struct layout_condition {
    _Atomic uint32_t sequence;
    _Atomic uint32_t sentry; /* see lobby.h */
    _Atomic uint64_t waits;  /* for people */
    uint64_t reserved[6];
    _Atomic uint64_t mutex; /* the ID of what it belongs to, … */
    char mutex_name[256];   /* … and its name, for people */
};

/* Reader-writer locks, see rwlock.h.  What all readers look at all the time is by itself. */
struct layout_rwlock {
    _Atomic uint32_t door;     /* 0: open; the tag of who writes or is about to; top bits: how */
    _Atomic uint32_t closings; /* how often it was closed */
    uint32_t reserved1[14];
    _Atomic uint32_t drain; /* steps for a writer that waits for readers */
    _Atomic uint32_t door_sentry;
    _Atomic uint32_t drain_sentry;
    uint32_t reserved2[13];
};

/* See barrier.h. */
struct layout_barrier {
    _Atomic uint64_t rounds; /* below: the number of this one; above: how many were broken */
    uint64_t reserved1[7];
    _Atomic uint64_t arrived; /* in this round */
    _Atomic uint64_t count;   /* so many make it complete; 0: as it was made for */
    _Atomic uint64_t told;    /* so many of the ledger's deaths were told of */
    _Atomic uint64_t waits;   /* for people */
    _Atomic uint32_t sentry;  /* see lobby.h */
    uint32_t reserved2;
    uint64_t reserved3[3];
    _Atomic uint64_t broken[LAYOUT_BROKEN_ROUNDS]; /* the numbers of the last rounds that were */
};

/* Mutexes and what stands on them: how they were made, and who waits.  Of a segment, who waits for its lock. */
struct layout_gate {
    _Atomic uint32_t flags; /* FERRY_RECURSIVE … */
    _Atomic uint32_t count;
    _Atomic uint32_t done; /* what is to be done once has been */
    uint32_t reserved1[13];
    union {
        struct layout_inherit inherit;
        struct layout_condition condition;
        struct layout_barrier barrier;
        uint64_t apart[72];
        struct layout_rwlock rwlock;
    };
    struct layout_board waiters;
    struct layout_board readers; /* of a reader-writer lock: who waits to be one */
};

struct layout_entry {
    _Atomic uint64_t joined; /* a stamp; 0: free */
    _Atomic uint64_t namespace;
    _Atomic uint32_t generation;
    _Atomic uint32_t role;
    _Atomic uint32_t mark;
    _Atomic uint32_t wake;     /* queues with a store: what it sleeps on */
    _Atomic uint32_t wants;    /* … for a message of this selection, enum ferry_selection, … */
    _Atomic uint32_t sleeping; /* … one thread of it; more: for any */
    _Atomic uint64_t type;     /* … and this type */
    _Atomic uint32_t thread;   /* locks: which of its threads waits */
    _Atomic uint32_t holds;    /* reader-writer locks: how many of its threads read … */
    _Atomic uint32_t since;    /* … and the closing that the last one found that wants to */
    uint32_t reserved[1];
};

struct layout {
    struct layout_identity identity;
    struct layout_ledger ledger;
    struct layout_lock lock;
    uint32_t apart[15];
    struct layout_journal journal;
    struct layout_board sleepers;
    struct layout_board listeners;
    struct layout_mutex mutex;
    struct layout_notice notice;
    char label[256];
    union {
        struct {
            struct layout_stream stream;
            uint8_t reserved[512];
        };
        struct layout_queue queue;
        struct layout_semaphore semaphore;
        struct layout_gate gate;
    };
    struct layout_entry members[LAYOUT_MEMBERS];
};

/* What is reserved at creation; the rest of the table follows as members come. */
#define LAYOUT_RESERVED_AT_FIRST 8192u
#define LAYOUT_ENTRIES_AT_FIRST                                                                    \
    ((LAYOUT_RESERVED_AT_FIRST - offsetof(struct layout, members)) / sizeof(struct layout_entry))

static_assert(sizeof(struct layout_identity) == 64, "layout");
static_assert(offsetof(struct layout, ledger) == 64, "layout");
static_assert(offsetof(struct layout, lock) == 128, "layout");
static_assert(offsetof(struct layout, journal) == 192, "layout");
static_assert(offsetof(struct layout, sleepers) == 512, "layout");
static_assert(offsetof(struct layout, listeners) == 1024, "layout");
static_assert(offsetof(struct layout, mutex) == 1536, "layout");
static_assert(offsetof(struct layout, notice) == 1600, "layout");
static_assert(offsetof(struct layout, label) == 1664, "layout");
static_assert(offsetof(struct layout, stream) == 1920, "layout");
static_assert(sizeof(struct layout_side) == 256, "layout");
static_assert(offsetof(struct layout, stream.in.lock) == 2048, "layout");
static_assert(offsetof(struct layout, stream.out) == 2176, "layout");
static_assert(offsetof(struct layout, stream.shape) == 2432, "layout");
static_assert(offsetof(struct layout, stream.readers) == 2560, "layout");
static_assert(sizeof(struct layout_queue_shape) == 128, "layout");
static_assert(sizeof(struct layout_queue_side) == 256, "layout");
static_assert(offsetof(struct layout, queue.in) == 2048, "layout");
static_assert(offsetof(struct layout, queue.out) == 2304, "layout");
static_assert(sizeof(struct layout_semaphore) == 640, "layout");
static_assert(offsetof(struct layout, semaphore.word) == 1984, "layout");
/* Of all kinds, so that who is found dead is struck off from them whatever this is. */
static_assert(offsetof(struct layout, queue.receivers) == offsetof(struct layout, stream.readers),
              "layout");
static_assert(offsetof(struct layout, queue.senders) == offsetof(struct layout, stream.writers),
              "layout");
static_assert(offsetof(struct layout, gate.barrier) == 1984, "layout");
static_assert(sizeof(struct layout_barrier) <= sizeof(((struct layout_gate *)0)->apart), "layout");
static_assert(offsetof(struct layout, gate.waiters) == offsetof(struct layout, stream.readers),
              "layout");
static_assert(offsetof(struct layout, gate.readers) == offsetof(struct layout, stream.writers),
              "layout");
static_assert(offsetof(struct layout, gate.rwlock) == 1984, "layout");
static_assert(sizeof(struct layout_rwlock) == 128, "layout");
static_assert(offsetof(struct layout, members) == 4096, "layout");
static_assert(sizeof(struct layout_entry) == 64, "layout");
static_assert(sizeof(struct layout) == 266240, "layout");
static_assert(sizeof(_Atomic uint64_t) == 8 && sizeof(_Atomic uint32_t) == 4, "plain atomics");
static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "atomics without locks");

/* A stamp is a moment and a process in one word, so that one store writes both: milliseconds since
 * 1970 in the upper 42 bits, the pid (at most 2^22 - 1 on Linux) in the lower 22.  Never 0. */
static inline uint64_t layout_stamp(int64_t unix_ms, int32_t pid)
{
    return (uint64_t)unix_ms << 22 | ((uint64_t)(uint32_t)pid & 0x3FFFFF);
}

static inline int64_t layout_stamp_unix_ms(uint64_t stamp)
{
    return (int64_t)(stamp >> 22);
}

static inline int32_t layout_stamp_pid(uint64_t stamp)
{
    return (int32_t)(stamp & 0x3FFFFF);
}

/* Fills in magic, version, features and checksum of a new identity. */
void layout_seal(struct layout_identity *identity);

/* Checks a private copy of an identity: 0, -EPROTO (a layout we do not know) or -EBADMSG (not
 * Ferry's, or damaged), with an explanation. */
int layout_check(const struct layout_identity *identity);

/* The n-th field of a kind's objects for `ferry show --raw`; NULL behind the last.  Entries of the member table are
 * described once, at offset 0 of the entry. */
struct layout_field {
    uint32_t offset, width;
    const char *group, *name, *meaning;
};
const struct layout_field *layout_field(uint32_t kind, size_t index);
const struct layout_field *layout_entry_field(size_t index);

#endif
