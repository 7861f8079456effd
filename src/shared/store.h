/* The store's index, line for line, behind the table of members in the control file: docs/design/queue.md.
 *
 *   line 0 ┌──────────────────────────────────────────────────────┐
 *          │ head      commit word, half a line                   │
 *          │ journal   510 records: a word of the index, a value  │
 *      128 ├──────────────────────────────────────────────────────┤
 *          │ books     how much is in it; who comes first         │
 *      129 ├──────────────────────────────────────────────────────┤
 *          │ roots     of the tries; how much memory there is     │
 *      130 ├──────────────────────────────────────────────────────┤
 *          │ sizes     which sizes of free extents there are; the │
 *          │           first of each small one                    │
 *      131 ├──────────────────────────────────────────────────────┤
 *          │ heads     the first free extent of each larger one   │
 *      143 ├──────────────────────────────────────────────────────┤
 *          │ (zero)    number 0 is none                           │
 *      144 ├──────────────────────────────────────────────────────┤
 *          │ extents   memory: free, a member's, or a message     │
 *          ├──────────────────────────────────────────────────────┤
 *          │ lists     messages of one type and priority          │
 *          └──────────────────────────────────────────────────────┘
 *
 * A line is 64 bytes, eight words.  Extents and lists go by numbers, from 1.
 *
 * Who may write what: all of it, whoever holds the store's lock, which is in.lock of the queue; everything from `books` on,
 * through the journal alone (store_pages.c), but for extents and lists that nothing leads to, and the last three words of an extent
 * that is no message.
 *
 *   head.commit    not 0: the journal has been committed, and is to be applied by the lock's owner or, if it is dead, by who
 *                  takes it next.
 *   in.lock.word   as lock.word.  LOCK_LOUD: the journal has been committed by waking somebody, and is to be applied by who
 *                  takes the lock next, or its owner.
 *   out.sequence   steps when there is room: senders sleep on it.
 *   in.sequence    steps when the name is removed.
 *   entry.wake     who has a message for that member, or woke it otherwise, by adding 1.  The member sleeps on it.
 *   entry.wants, .type, .sleeping   the member, before it is on the board of receivers.
 *
 * What a peer wrote there may be anything: a line is copied once, or words of it are looked at one by one; numbers are
 * checked where they are used, and all loops have bounds of their own. */
#ifndef FERRY_STORE_H
#define FERRY_STORE_H

#include "shared/flow.h"

enum {
    STORE_LINE_BYTES = 64,
    STORE_WORDS = 8,     /* in a line */
    STORE_RECORDS = 510, /* the first two in the line of the commit word */
    STORE_BOOKS = (STORE_RECORDS + 2) * 16 / STORE_LINE_BYTES,
    STORE_ROOTS,
    STORE_SIZES,
    STORE_HEADS,
    STORE_LEVELS = 24, /* of sizes, each twice the one before it … */
    STORE_STEPS = 8,   /* … in so many steps */
    STORE_HEADS_A_LINE = 16,
    /* Those of the first level are in the line of sizes; their places here are not used. */
    STORE_EXTENTS = STORE_HEADS + STORE_LEVELS * STORE_STEPS / STORE_HEADS_A_LINE,
    STORE_TRIES = 3,
};

/* Memory is handed out in units of so many bytes. */
#define STORE_UNIT UINT64_C(64)

struct store_record {
    _Atomic uint64_t word; /* in words from the beginning of the index */
    _Atomic uint64_t value;
};

/* In `wants` of a member's entry, beside enum ferry_selection: its threads sleep for different things, or it looks without
 * taking.  It is woken beside the one that a message is for. */
enum { STORE_VAGUE = 4 };

/* Whose an extent is. */
#define STORE_NOBODYS UINT32_C(0)                 /* no extent at all */
#define STORE_FREE    (UINT32_C(1) << 30)         /* memory that is to be had */
#define STORE_QUEUED  (UINT32_C(1) << 31)         /* a message */
#define STORE_TAKEN   (STORE_FREE | STORE_QUEUED) /* with a tag: a receiver's */
/* A tag alone: a sender's, who is writing into it.  It counts as if it were in the queue. */

struct store_books {
    uint32_t messages, held; /* in the queue; and senders' */
    uint64_t bytes;
    uint64_t held_bytes;
    uint64_t numbers; /* messages so far */
    uint32_t spare_extent,
        fresh_extent;        /* the first that is nobody's; all from here on never were anybody's */
    uint32_t oldest, newest; /* with priorities; else that is the head of the first list */
    uint32_t owned, owners;  /* the first that is a member's, and how many are */
    uint32_t spare_list, fresh_list;
};

struct store_roots {
    uint32_t tries[STORE_TRIES];
    uint32_t backed;    /* unbounded: so many pages of the data have memory */
    uint64_t tapped_to; /* how far the copies for who looks on are written, in bytes */
    uint32_t reserved[10];
};

struct store_sizes {
    uint32_t levels; /* a bit for each that has a step */
    uint8_t steps[STORE_LEVELS];
    uint32_t small[STORE_STEPS]; /* heads */
    uint32_t reserved;
};

/* An extent of memory, and the message in it.  While it is nobody's, `next` leads to the next such. */
struct store_extent {
    uint32_t start, units;
    uint32_t before, after;  /* neighbours in memory */
    uint32_t next, previous; /* a message's list has `next` alone; free extents of one size */
    uint32_t older, newer;   /* with priorities: messages by arrival; or what members have */
    uint32_t owner, size;
    uint32_t stamp, priority;
    uint64_t type;
    uint64_t number;
};

/* The messages of one type and priority, and its place in the tries (store_trie.c).  While there are none, `head` leads to
 * the next such. */
struct store_list {
    uint64_t type;
    uint64_t first; /* the number of its first message */
    uint32_t head, tail;
    uint32_t priority;
    uint8_t bits[STORE_TRIES];
    uint8_t reserved1;
    uint32_t children[STORE_TRIES][2];
    uint64_t reserved2;
};

/* The word of an extent and of a list by which those that are nobody's hang together. */
enum { STORE_CHAIN_WORD = 2 };

union store_line {
    uint64_t words[STORE_WORDS];
    struct store_books books;
    struct store_roots roots;
    struct store_sizes sizes;
    uint32_t heads[STORE_HEADS_A_LINE];
    struct store_extent extent;
    struct store_list list;
};

struct store_index {
    _Atomic uint32_t commit;      /* so many records are to be applied; 0 at rest */
    _Atomic uint32_t records;     /* … and so many, if LOCK_LOUD is in the lock word */
    _Atomic uint64_t tap_claimed; /* who holds the lock: how far it may be writing them */
    _Atomic uint32_t tap_backed;  /* likewise: there is memory for them */
    uint32_t reserved[3];
    struct store_record journal[STORE_RECORDS];
    _Atomic uint64_t words[]; /* from STORE_BOOKS on */
};

static_assert(sizeof(union store_line) == STORE_LINE_BYTES, "layout");
static_assert(sizeof(struct store_books) == STORE_LINE_BYTES, "layout");
static_assert(sizeof(struct store_roots) == STORE_LINE_BYTES, "layout");
static_assert(sizeof(struct store_sizes) == STORE_LINE_BYTES, "layout");
static_assert(sizeof(struct store_extent) == STORE_LINE_BYTES, "layout");
static_assert(sizeof(struct store_list) == STORE_LINE_BYTES, "layout");
static_assert(offsetof(struct store_extent, next) == STORE_CHAIN_WORD * 8, "layout");
static_assert(offsetof(struct store_list, head) == STORE_CHAIN_WORD * 8, "layout");
static_assert(offsetof(struct store_list, children) == 4 * 8, "layout");
static_assert(offsetof(struct store_index, words) == STORE_BOOKS * STORE_LINE_BYTES, "layout");
static_assert(STORE_BOOKS == 128 && STORE_EXTENTS == 143, "layout");
static_assert(LAYOUT_MEMBERS < (1u << TAG_SLOT_BITS) && TAG_MASK < STORE_FREE, "tags fit");

/* What an index of a queue of this shape has, computed by each member for itself. */
struct store_shape {
    uint32_t extents, lists; /* so many, from number 1 on */
    uint32_t lists_at;       /* the line of list number 0 */
    uint32_t lines;
    uint32_t units;
};

/* The tries (store_trie.c). */
enum {
    TRIE_TYPES, /* by type, and the highest priority first */
    TRIE_FIRSTS, /* of each type the list of the highest priority: by priority, highest first, and first message */
    TRIE_LOWS, /* only where the oldest of the lowest priority may have to go: by priority, lowest first, and first message */
};

struct store_shape store_shape_of(const struct flow_shape *shape);

#endif
