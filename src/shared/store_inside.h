/* What the files of the store share.  See store.h for what lies in memory, store.c for the operations. */
#ifndef FERRY_STORE_INSIDE_H
#define FERRY_STORE_INSIDE_H

#include <pthread.h>
#include <string.h>

#include "shared/store.h"

/* So many loans, and so many taken messages, each handle may have. */
enum { STORE_HELD_MOST = 64 };

/* What a handle has of the memory. */
struct store_holding {
    void *bytes; /* NULL: this place is free */
    uint32_t extent, start, units, size;
};

/* A handle's view. */
struct store {
    struct flow *flow;
    struct slots *slots;
    struct layout_lock *lock;
    struct store_index *index;
    struct store_shape shape;
    unsigned char *data;
    pthread_mutex_t guard; /* of the holdings */
    struct store_holding loans[STORE_HELD_MOST], taken[STORE_HELD_MOST];
    pthread_mutex_t wishes; /* guards what our entry says that we sleep for */
    unsigned sleepers;
    _Atomic uint32_t frees; /* so often */
    _Atomic uint32_t extents_known,
        lists_known; /* unbounded: lines of the index that have memory */
    uint64_t tap_position, tap_number, tap_missed; /* of who looks on, with the guard */
    _Atomic bool has_lost;   /* memory of ours that could not be freed in time */
    struct flow_clock clock; /* with the lock */
};

static inline struct store *store_of(const struct flow *flow)
{
    return flow->inside;
}

/* What is copied with the lock held. */
enum { STORE_SMALL_BYTES = 1024 };

static inline unsigned char *store_bytes(const struct store *store, uint32_t start)
{
    return store->data + start * STORE_UNIT;
}

/* ---- Pages: lines are copied, changed in private, and written back as one (store_pages.c) ---- */

enum {
    PAGES_MOST = 64,    /* places for lines; the first is for what makes no sense … */
    PAGES_BOOKS = 1,    /* … and the second for what every operation needs */
    PAGES_HASHES = 128, /* more than lines, so that they seldom hide one another */
};

/* The way down a trie to where a key is, or would be: the lists whose branches are passed, and on which side. */
enum { TRIE_KEY_BITS = 96 };
struct trie_key {
    uint64_t upper;
    uint32_t lower;
};
struct trie_way {
    struct trie_key key;
    uint32_t depth;
    uint32_t leaf; /* the list at its end; 0: there is none */
    uint32_t lists[TRIE_KEY_BITS];
    uint8_t bits[TRIE_KEY_BITS], sides[TRIE_KEY_BITS];
};

/* A line as it will be. */
struct store_copy {
    union store_line line;
    uint32_t number;
    uint16_t changed; /* a bit for each word … */
    uint16_t loose;   /* … that nobody reads as long as others are as they are: written at once */
};
#define PAGES_FRESH (0xFFu & ~(1u << STORE_CHAIN_WORD)) /* all are, but that by which it is found */

struct pages {
    struct store *store;
    bool damaged;  /* what was read made no sense: nothing will be written */
    uint32_t ways; /* a bit for each trie whose way is as it was gone last */
    uint32_t count;
    uint8_t places
        [PAGES_HASHES]; /* by a line's number modulo that: the place of the last such; 0: none */
    struct store_copy copies[PAGES_MOST];
    struct trie_way way[STORE_TRIES];
};

/* Takes the lock and does what was committed but not applied.  `end` is for the lock.  -ETIMEDOUT. */
int store_lock_slowly(struct store *store, deadline end);
void store_wake_for_lock(struct store *store);

static inline int store_lock(struct store *store, deadline end)
{
    uint32_t free = 0;
    /* Acquire pairs with the release in store_unlock(). */
    if (atomic_compare_exchange_strong_explicit(&store->lock->word, &free, store->slots->tag,
                                                memory_order_acquire, memory_order_relaxed))
        return 0;
    return store_lock_slowly(store, end);
}

static inline void store_unlock(struct store *store)
{
    /* Release pairs with the acquire of who takes it next.  Not 0 but the owner: others sleep for it. */
    uint32_t word = atomic_exchange_explicit(&store->lock->word, 0, memory_order_release);
    if (word != store->slots->tag)
        store_wake_for_lock(store);
}

/* The words of a line, which there must be. */
static inline _Atomic uint64_t *store_words(const struct store *store, uint32_t line)
{
    return &store->index->words[(line - STORE_BOOKS) * (size_t)STORE_WORDS];
}

static inline void pages_copy(struct pages *pages, uint32_t place, uint32_t line)
{
    struct store_copy *copy = &pages->copies[place];
    copy->number = line;
    copy->changed = copy->loose = 0;
    /* Relaxed, as all words of the index: whoever has the lock sees what was written with it. */
    const _Atomic uint64_t *words = store_words(pages->store, line);
#pragma GCC unroll 8
    for (int i = 0; i < STORE_WORDS; i++)
        copy->line.words[i] = atomic_load_explicit(&words[i], memory_order_relaxed);
}

static inline void pages_init(struct pages *pages, struct store *store)
{
    pages->store = store;
    pages->damaged = false;
    pages->ways = 0;
    pages->count = PAGES_BOOKS + 1;
    memset(pages->places, 0, sizeof(pages->places));
    pages->places[STORE_BOOKS % PAGES_HASHES] = PAGES_BOOKS;
    pages->copies[0].number = UINT32_MAX; /* no line's */
    pages_copy(pages, PAGES_BOOKS, STORE_BOOKS);
}

/* Copies a line that has not been, or that another one hides. */
const union store_line *pages_fetch(struct pages *pages, uint32_t line);

/* A private copy of that line, which exists, or is 0: then it is one to no effect. */
static inline const union store_line *pages_line(struct pages *pages, uint32_t line)
{
    const struct store_copy *copy = &pages->copies[pages->places[line % PAGES_HASHES]];
    return copy->number == line ? &copy->line : pages_fetch(pages, line);
}

/* The same for one that leads nowhere yet, and nothing to it: it need not go through the journal, and begins with zeroes. */
const union store_line *pages_fresh(struct pages *pages, uint32_t line);

/* A copy is changed by `CHANGE(copy, field) = …` alone, which notes the word. */
static inline void *pages_change(const void *line, const void *field)
{
    struct store_copy *copy = (struct store_copy *)(uintptr_t)line;
    copy->changed |= (uint16_t)(1u << ((uintptr_t)field - (uintptr_t)line) / 8);
    return (void *)(uintptr_t)field;
}

/* What says what kind of message it is, and is nothing while it is none. */
static inline void pages_loosen_message(const struct store_extent *extent)
{
    enum { FIRST = offsetof(struct store_extent, stamp) / 8 };
    struct store_copy *copy = (struct store_copy *)(uintptr_t)extent;
    copy->loose |= 0xFFu << FIRST & 0xFFu;
}

#define CHANGE(line, field)                                                                        \
    (*(__typeof__(_Generic(&(line)->field, const uint8_t *                                         \
                           : (uint8_t *)0, const uint32_t *                                        \
                           : (uint32_t *)0, const uint64_t *                                       \
                           : (uint64_t *)0)))pages_change(line, &(line)->field))

/* A word of such a line as it will be; cheaper where the line is not to be changed. */
uint64_t pages_word_slowly(struct pages *pages, uint32_t line, uint32_t word);

static inline uint64_t pages_word(struct pages *pages, uint32_t line, uint32_t word)
{
    if (line == 0 || pages->places[line % PAGES_HASHES] != 0)
        return pages_word_slowly(pages, line, word);
    return atomic_load_explicit(&store_words(pages->store, line)[word], memory_order_relaxed);
}

static inline const struct store_books *pages_books(struct pages *pages)
{
    return &pages->copies[PAGES_BOOKS].line.books;
}

static inline const struct store_roots *pages_roots(struct pages *pages)
{
    return &pages_line(pages, STORE_ROOTS)->roots;
}

/* 0 is a number as bad as any that is too large; and line 0 is none that can be had. */
static inline uint32_t extent_line(const struct pages *pages, uint32_t number)
{
    return number - 1 < pages->store->shape.extents ? STORE_EXTENTS + number : 0;
}

static inline uint32_t list_line(const struct pages *pages, uint32_t number)
{
    const struct store_shape *shape = &pages->store->shape;
    return number - 1 < shape->lists ? shape->lists_at + number : 0;
}

static inline const struct store_extent *pages_extent(struct pages *pages, uint32_t number)
{
    return &pages_line(pages, extent_line(pages, number))->extent;
}

static inline const struct store_list *pages_list(struct pages *pages, uint32_t number)
{
    return &pages_line(pages, list_line(pages, number))->list;
}

/* One word of these, the one with that field. */
#define PAGES_LOOK(pages, line, kind, field)                                                       \
    ((union store_line){.words[offsetof(struct store_##kind, field) / 8] =                         \
                            pages_word(pages, line, offsetof(struct store_##kind, field) / 8)}     \
         .kind.field)

/* With the lock, for who will change something: the lines that it will write whatever it does.  Others had them last, and they
 * come while the first ones are looked at. */
static inline void store_fetch_ahead(const struct store *store)
{
    enum { LINES = 4 };
    const char *journal = (const char *)store->index;
    for (size_t line = 0; line < LINES; line++)
        prefetch_to_write(journal + line * STORE_LINE_BYTES);
    prefetch_to_write(store_words(store, STORE_BOOKS));
}

/* What a commit is to wake. */
struct store_news {
    _Atomic uint32_t *word; /* who sleeps on this, which has been stepped; NULL: nobody */
    int count;
    uint32_t value; /* what the word is now */
};

/* With the lock: all that was changed is there, and is there whatever becomes of us; -EBADMSG if it made no sense, and nothing is
 * changed.  The first keeps the lock, the second lets go of it in any case; and returns how many woke. */
int pages_commit(struct pages *pages);
int pages_commit_and_unlock(struct pages *pages, const struct store_news *news);

/* ---- Looking on, as a sender sees it (store_tap.c) ---- */

/* How much memory behind the messages' that is. */
uint64_t tap_bytes(const struct flow_shape *shape);

/* With the message linked, and before the commit: a copy for who looks on, if anybody does. */
void tap_copy(struct pages *pages, const struct store_extent *extent);

static inline void tap_note(struct pages *pages, const struct store_extent *extent)
{
    if (atomic_load_explicit(&pages->store->flow->shared->shape.tapped, memory_order_relaxed) != 0)
        tap_copy(pages, extent);
}

/* Is there something to be seen?  1; 0; -errno. */
int tap_has_sight(struct store *store, deadline end);

/* ---- Memory: extents (store_memory.c) ---- */

static inline uint32_t memory_units(uint64_t size)
{
    return size == 0 ? 1 : (uint32_t)((size + STORE_UNIT - 1) / STORE_UNIT);
}

/* The line of sizes, and the head behind it, of a new index, all of which is one free extent, number 1. */
void memory_begin(union store_line *sizes, uint32_t units);

/* Would there be an extent of so many units? */
bool memory_has(struct pages *pages, uint32_t units);

/* Where the free memory at the end begins, in units; the very end, if none is found. */
uint32_t memory_end(struct pages *pages);

/* The number of one that is nobody's yet, and that the caller gives an owner; 0: there is none, or no sense. */
uint32_t memory_alloc(struct pages *pages, uint32_t units);
void memory_free(struct pages *pages, uint32_t number);

/* ---- Tries: which list comes first (store_trie.c) ---- */

void trie_insert(struct pages *pages, unsigned trie, uint32_t list);
void trie_remove(struct pages *pages, unsigned trie, uint32_t list);

/* Would the list stay where it is if that were the number of its first message?  Then that may be changed without more. */
bool trie_stays(struct pages *pages, unsigned trie, uint32_t list, uint64_t first);

/* The list at the front; and the one that comes next.  0: there is none. */
uint32_t trie_first(struct pages *pages, unsigned trie);
uint32_t trie_second(struct pages *pages, unsigned trie);

/* Of TRIE_TYPES: the first list of that type. */
uint32_t trie_of_type(struct pages *pages, uint64_t type);
/* … and of that priority. */
uint32_t trie_exact(struct pages *pages, uint64_t type, uint32_t priority);

/* ---- Messages: in their lists (store_select.c) ---- */

/* Makes the extent a message, the last of its list. */
void select_link(struct pages *pages, uint32_t number);

/* The list whose first message is of choice; the list of what is to be dropped.  0: there is none. */
uint32_t select_find(struct pages *pages, const struct ferry_choice *choice);
uint32_t select_to_drop(struct pages *pages);

/* The message that waits longest.  0: there is none. */
uint32_t select_oldest(struct pages *pages);

/* Takes the first message out of that list: its number. */
uint32_t select_unlink(struct pages *pages, uint32_t list);

/* ---- What members have (store_owned.c) ---- */

/* The extent, which is in no list, becomes that owner's, for a message of so many bytes; and is nobody's. */
void owned_add(struct pages *pages, uint32_t number, uint32_t owner, uint32_t size);
void owned_remove(struct pages *pages, uint32_t number);

/* With the lock: frees what the dead have, and what `also` has, if it is not 0.  How many; -EBADMSG. */
int owned_reclaim(struct store *store, slot_tag also);

/* ---- Waiting (store_wait.c) ---- */

/* With the lock: picks who is to be woken by a message of that type, and steps the word that it sleeps on.  Whoever else may want
 * it is woken at once. */
struct store_news wait_pick_receiver(struct store *store, uint64_t type, uint32_t *ret_slot);

/* They have been woken: until they sleep again, nobody else need wake them. */
void wait_note_woken(const struct store_news *news);

/* Wakes them for what they see with the lock. */
int wait_wake(const struct store_news *news);

/* With the lock: there is room; steps what senders sleep on, if there are any.  Rings for who polls for it. */
struct store_news wait_pick_senders(struct pages *pages);

/* Without the lock: nobody was woken by that news.  If the member is dead, another one is. */
void wait_pick_again(struct store *store, uint32_t slot, uint64_t type, deadline end);

/* With the lock: is there room for a message of so many bytes? */
bool store_has_room_for(struct pages *pages, uint64_t size);

/* With the lock: the same, and if there is none, what the dead have is freed.  1; 0; -EBADMSG. */
int store_make_room_for(struct store *store, uint64_t size);

bool store_has_room(struct flow *flow, uint64_t size);
bool store_has_message(struct flow *flow, const struct ferry_choice *choice);
int store_await_room(struct flow *flow, uint64_t size, deadline end);
int store_await_message(struct flow *flow, const struct ferry_choice *choice, deadline end);
int store_await_taken(struct flow *flow, uint64_t ticket, deadline end);

/* With the lock, of which it lets go: commits, and there is room. */
int store_commit_room(struct pages *pages);

ssize_t store_try_receive(struct flow *flow, struct ferry_message *message,
                          const struct ferry_choice *choice, deadline end);
int store_drop_oldest(struct flow *flow, deadline end);

/* With the lock, of which it lets go: the first message of that list goes, and nobody has it. */
int store_discard(struct pages *pages, uint32_t list);

/* ---- Holding (store_hold.c) ---- */

bool holdings_any(const struct store *store);
void holdings_forget(struct store *store);

int store_try_loan(struct flow *flow, void **ret_bytes, size_t size, deadline end);
int store_check_loan(struct flow *flow, const struct ferry_message *message);
int store_try_send_loan(struct flow *flow, const struct ferry_message *message, deadline end,
                        uint64_t *ret_ticket);
int store_return_loan(struct flow *flow, void *bytes, deadline end);
ssize_t store_try_take(struct flow *flow, struct ferry_message *ret_message,
                       const struct ferry_choice *choice, deadline end);
int store_release(struct flow *flow, const void *bytes, deadline end);

/* What those are made of (store.c): memory for a message of that size becomes ours; and is sent, or freed.  -EAGAIN. */
int store_hold(struct store *store, uint64_t size, deadline end, struct store_holding *ret_holding);
int store_send_held(struct store *store, const struct store_holding *holding,
                    const struct ferry_message *message, deadline end, uint64_t *ret_ticket);
int store_let_go(struct store *store, const struct store_holding *holding, bool taken,
                 deadline end);
int store_take(struct store *store, struct ferry_message *ret_message,
               const struct ferry_choice *choice, deadline end, struct store_holding *ret_holding);

/* ---- Memory that comes as it is needed (store_backing.c) ---- */

/* Of an unbounded store, with the lock: the extent has memory.  -ENOSPC. */
int backing_reserve(struct pages *pages, uint32_t number);

/* With the lock: the index has memory for one message more.  And so much has, when the queue is made. */
int backing_reserve_index(struct pages *pages);
uint64_t backing_first_index_bytes(void);

/* Without the lock: gives back what lies behind all that is in use, if it is much. */
void backing_trim(struct store *store);

/* ---- Looking on (store_tap.c) ---- */

int store_tap_begin(struct flow *flow);
ssize_t store_try_tap(struct flow *flow, struct ferry_message *message, uint64_t *ret_missed);
int store_await_sight(struct flow *flow, deadline end);

#endif
