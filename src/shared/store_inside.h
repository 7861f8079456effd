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
    _Atomic bool has_lost; /* memory of ours that could not be freed in time */
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

enum { PAGES_MOST = 64 };

struct pages {
    struct store *store;
    bool damaged; /* what was read made no sense: nothing will be written */
    uint32_t count;
    uint64_t fresh; /* a bit for each place: nothing leads there */
    uint8_t places
        [PAGES_MOST]; /* by a line's number modulo 64: the place of the last such, and 1 more; 0: none */
    uint32_t lines[PAGES_MOST];
    union store_line now[PAGES_MOST];
};

/* Takes the lock and does what was committed but not applied.  `end` is for the lock.  -ETIMEDOUT. */
int store_lock(struct store *store, deadline end);
void store_unlock(struct store *store);

static inline void pages_init(struct pages *pages, struct store *store)
{
    pages->store = store;
    pages->damaged = false;
    pages->count = 0;
    pages->fresh = 0;
    memset(pages->places, 0, sizeof(pages->places));
}

/* Copies a line that has not been, or that another has taken the entry in `places` from. */
union store_line *pages_fetch(struct pages *pages, uint32_t line);

/* A private copy of that line, which may be changed.  Never NULL: where there is no such line, one to no effect. */
static inline union store_line *pages_line(struct pages *pages, uint32_t line)
{
    uint32_t place = pages->places[line % PAGES_MOST];
    return place != 0 && pages->lines[place - 1] == line ? &pages->now[place - 1]
                                                         : pages_fetch(pages, line);
}

/* A word of a line as it will be; cheaper where the line is not to be changed. */
uint64_t pages_word(struct pages *pages, uint32_t line, uint32_t word);

/* The line that was got last leads nowhere yet, and nothing to it: it need not go through the journal. */
void pages_mark_fresh(struct pages *pages, uint32_t line);

static inline struct store_books *pages_books(struct pages *pages)
{
    return &pages_line(pages, STORE_BOOKS)->books;
}

static inline struct store_roots *pages_roots(struct pages *pages)
{
    return &pages_line(pages, STORE_ROOTS)->roots;
}

/* 0 is a number as bad as any that is too large. */
static inline struct store_extent *pages_extent(struct pages *pages, uint32_t number)
{
    bool exists = number - 1 < pages->store->shape.extents;
    return &pages_line(pages, exists ? STORE_EXTENTS + number : 0)->extent;
}

static inline struct store_list *pages_list(struct pages *pages, uint32_t number)
{
    const struct store_shape *shape = &pages->store->shape;
    return &pages_line(pages, number - 1 < shape->lists ? shape->lists_at + number : 0)->list;
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
void tap_note(struct pages *pages, const struct store_extent *extent);

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

enum {
    TRIE_TYPES, /* by type, and the highest priority first */
    TRIE_FIRSTS, /* of each type the list of the highest priority: by priority, highest first, and first message */
    TRIE_LOWS, /* only where the oldest of the lowest priority may have to go: by priority, lowest first, and first message */
};

void trie_insert(struct pages *pages, unsigned trie, uint32_t list);
void trie_remove(struct pages *pages, unsigned trie, uint32_t list);

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

/* With the lock: the extent has memory.  -ENOSPC. */
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
