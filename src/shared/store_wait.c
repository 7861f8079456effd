/* Sleeping for messages and for room.
 *
 *   sender                                      receiver, about to sleep
 *   ------                                      ------------------------
 *   lock                                        says what it wants; bit on the board
 *   looks at the board: somebody that it suits  sets FLOW_ASLEEP in its word
 *   changes that one's word                     lock; looks for a message; unlocks
 *   commits, wakes, and lets go of the lock     sleeps while its word is as it was
 *   takes the flag away if the word is as it was then
 *
 * Whichever has the lock first, the other one sees what it did.  So a message wakes one who wants it, and nobody else; a word that
 * is stepped by a sender who dies then makes somebody look in vain.  Who is on the board without the flag has been woken and looks
 * with the lock before it sleeps again: it is passed over, so that there is one system call for a sleep and not one for each
 * message.  Who wakes for a message and does not take it, because its time is over or its buffer too small, sees to it that it
 * is not lost on the others.
 *
 * Members whose threads sleep for different things, and those who only peek, are woken beside; they look for themselves.  And where
 * several threads sleep on one word, the flag says nothing of each: they are woken for every message.
 *
 * Senders sleep on one word, and are woken all when there is room. */
#include <errno.h>
#include <limits.h>

#include "os/futex.h"
#include "shared/board.h"
#include "shared/lock.h"
#include "shared/members.h"
#include "shared/store_inside.h"

static uint32_t look(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_seq_cst);
}

/* Changes the word of who sleeps, who keeps the flag until it has been woken. */
static struct store_news step(_Atomic uint32_t *word, int count)
{
    uint32_t value = atomic_fetch_add_explicit(word, FLOW_COMMIT, memory_order_seq_cst);
    return (struct store_news){word, count, value + FLOW_COMMIT};
}

void wait_note_woken(const struct store_news *news)
{
    uint32_t value = news->value;
    atomic_compare_exchange_strong_explicit(news->word, &value, value & ~FLOW_ASLEEP,
                                            memory_order_seq_cst, memory_order_relaxed);
}

int wait_wake(const struct store_news *news)
{
    int woken = futex_wake(news->word, news->count);
    wait_note_woken(news);
    return woken;
}

/* What the word is, with the flag.  It is another one than it was, so that the flag is not taken away for a wake that was
 * before. */
static uint32_t set_asleep(_Atomic uint32_t *word)
{
    atomic_fetch_add_explicit(word, FLOW_COMMIT, memory_order_seq_cst);
    return FLOW_ASLEEP | atomic_fetch_or_explicit(word, FLOW_ASLEEP, memory_order_seq_cst);
}

/* ---- Whom to wake ------------------------------------------------------------------------------ */

enum fit { FITS_NOT, FITS_PERHAPS, FITS };

static enum fit fit_of(const struct layout_entry *entry, uint64_t type)
{
    /* Acquire: of several threads, who leaves sets the flag for the rest before it says that there are fewer. */
    bool alone = atomic_load_explicit(&entry->sleeping, memory_order_acquire) <= 1;
    if (alone && (look(&entry->wake) & FLOW_ASLEEP) == 0)
        return FITS_NOT;
    /* Relaxed: it was written before the bit on the board, which was found. */
    uint64_t wanted = atomic_load_explicit(&entry->type, memory_order_relaxed);
    switch (atomic_load_explicit(&entry->wants, memory_order_relaxed)) {
    case FERRY_ANY:
        return FITS;
    case FERRY_OF_TYPE:
        return type == wanted ? FITS : FITS_NOT;
    case FERRY_UP_TO:
        return type <= wanted ? FITS : FITS_NOT;
    case FERRY_EXCEPT:
        return type != wanted ? FITS : FITS_NOT;
    default:
        return FITS_PERHAPS;
    }
}

/* Calls each for every member on the board of receivers, from some place on, until it says true. */
static bool each_receiver(struct store *store, uint64_t type,
                          bool (*each)(struct layout_entry *entry, enum fit fit, void *context),
                          void *context)
{
    struct slots *slots = store->slots;
    const struct layout_board *board = &store->flow->shared->receivers;
    uint32_t high = slots_high(slots), words = (high + 63) / 64;
    for (uint32_t i = 0; i < words; i++) {
        uint64_t bits = atomic_load_explicit(&board->words[i], memory_order_seq_cst);
        for (; bits != 0; bits &= bits - 1) {
            uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(bits);
            struct layout_entry *entry = slots_entry(slots, slot);
            if (entry != NULL && each(entry, fit_of(entry, type), context))
                return true;
        }
    }
    return false;
}

static bool pick_one_that_fits(struct layout_entry *entry, enum fit fit, void *context)
{
    if (fit != FITS)
        return false;
    *(struct layout_entry **)context = entry;
    return true;
}

static bool wake_who_may_fit(struct layout_entry *entry, enum fit fit, void *context)
{
    (void)context;
    if (fit == FITS_PERHAPS) {
        /* They look with the lock, which we have: they see what we commit. */
        const struct store_news news = step(&entry->wake, INT_MAX);
        wait_wake(&news);
    }
    return false;
}

struct store_news wait_pick_receiver(struct store *store, uint64_t type, uint32_t *ret_slot)
{
    struct layout_entry *entry = NULL;
    if (!crowd_is_any(store->slots, &store->flow->shared->receivers))
        return (struct store_news){0};
    bool fits = each_receiver(store, type, pick_one_that_fits, &entry);
    /* Relaxed: whoever looks on says so before it is on the board, which has been looked at. */
    bool tapped = atomic_load_explicit(&store->flow->shared->shape.tapped, memory_order_relaxed);
    if (!fits || tapped)
        each_receiver(store, type, wake_who_may_fit, NULL);
    if (!fits)
        return (struct store_news){0};
    *ret_slot = (uint32_t)(entry - store->slots->control->members);
    return step(&entry->wake, 1);
}

struct store_news wait_pick_senders(struct pages *pages)
{
    const struct store *store = pages->store;
    struct layout_queue *shared = store->flow->shared;
    if (crowd_is_any(store->slots, &shared->room))
        flow_ring(store->flow);
    if ((look(&shared->out.sequence) & FLOW_ASLEEP) == 0)
        return (struct store_news){0};
    return step(&shared->out.sequence, INT_MAX);
}

void wait_pick_again(struct store *store, uint32_t slot, uint64_t type, deadline end)
{
    for (uint32_t i = 0; i < LAYOUT_MEMBERS; i++) {
        if (slot == store->slots->slot || slots_is_locked(store->slots, slot))
            return; /* it was about to sleep, and sees that its word has changed */
        members_reap(store->slots, slot, clock_now_ns());
        if (store_lock(store, end) < 0)
            return;
        board_clear(&store->flow->shared->receivers, slot);
        struct store_news news = wait_pick_receiver(store, type, &slot);
        store_unlock(store);
        if (news.word == NULL || wait_wake(&news) > 0)
            return;
    }
}

/* ---- Hints ------------------------------------------------------------------------------------- */

static uint64_t peep(const struct store *store, size_t field)
{
    const _Atomic uint64_t *books = store->index->words;
    return atomic_load_explicit(&books[field / 8], memory_order_relaxed);
}

/* Something is committed and perhaps not applied. */
static bool is_in_flux(const struct store *store)
{
    /* Acquire: what is not committed any more has been applied. */
    return (atomic_load_explicit(&store->lock->word, memory_order_acquire) & LOCK_LOUD) != 0 ||
           atomic_load_explicit(&store->index->commit, memory_order_acquire) != 0;
}

static uint32_t messages_of(const struct store *store)
{
    union store_line line;
    line.words[0] = peep(store, offsetof(struct store_books, messages));
    return line.books.messages;
}

bool store_has_message(struct flow *flow, const struct ferry_choice *choice)
{
    (void)choice;
    const struct store *store = store_of(flow);
    return is_in_flux(store) || messages_of(store) != 0;
}

/* Exact, with the lock; if that cannot be had now, it may well be. */
bool store_has_room(struct flow *flow, uint64_t size)
{
    struct store *store = store_of(flow);
    if (store_lock(store, 0) < 0)
        return true;
    int r = store_make_room_for(store, size);
    store_unlock(store);
    return r != 0;
}

/* ---- Messages ---------------------------------------------------------------------------------- */

/* Is there a message of choice?  1; 0; -errno. */
static int look_for_message(struct store *store, const struct ferry_choice *choice, deadline end,
                            uint64_t *ret_numbers)
{
    int r = store_lock(store, end);
    if (r < 0)
        return r;
    struct pages pages;
    pages_init(&pages, store);
    uint32_t list = select_find(&pages, choice);
    *ret_numbers = pages_books(&pages)->numbers;
    store_unlock(store);
    return pages.damaged ? flow_damaged() : list != 0;
}

/* Says what we sleep for, and that we do. */
static void announce(struct store *store, const struct ferry_choice *choice)
{
    struct layout_entry *entry = &store->slots->control->members[store->slots->slot];
    bool peeks = (choice->flags & FERRY_PEEK) != 0;
    uint32_t wants = peeks ? STORE_VAGUE : choice->selection;
    pthread_mutex_lock(&store->wishes);
    /* Relaxed: our own; and the bit on the board publishes it. */
    if (store->sleepers++ > 0 &&
        (atomic_load_explicit(&entry->wants, memory_order_relaxed) != wants ||
         atomic_load_explicit(&entry->type, memory_order_relaxed) != choice->type))
        wants = STORE_VAGUE;
    atomic_store_explicit(&entry->type, choice->type, memory_order_relaxed);
    atomic_store_explicit(&entry->wants, wants, memory_order_relaxed);
    atomic_store_explicit(&entry->sleeping, store->sleepers, memory_order_relaxed);
    slot_tag lonely = crowd_join(&store->flow->receivers);
    pthread_mutex_unlock(&store->wishes);
    struct layout_entry *other =
        lonely == 0 ? NULL : slots_entry(store->slots, slot_of_tag(lonely));
    if (other == NULL)
        return;
    atomic_fetch_add_explicit(&other->wake, CROWD_STEP, memory_order_seq_cst);
    futex_wake(&other->wake, INT_MAX);
    crowd_told(&store->flow->receivers);
}

static void withdraw(struct store *store)
{
    struct layout_entry *entry = &store->slots->control->members[store->slots->slot];
    pthread_mutex_lock(&store->wishes);
    crowd_leave(&store->flow->receivers);
    if (--store->sleepers > 0) /* we may have been woken instead of them */
        set_asleep(&entry->wake);
    atomic_store_explicit(&entry->sleeping, store->sleepers, memory_order_release);
    pthread_mutex_unlock(&store->wishes);
}

static int64_t patience_of(struct crowd *crowd, const struct flow *flow)
{
    int64_t patience_ns = crowd_patience(crowd);
    return flow->interruptible && patience_ns > FUTEX_AGES ? FUTEX_AGES : patience_ns;
}

/* -EIDRM; or 0, and it is to be looked again soon if that is not decided. */
static int check_removed(const struct flow *flow, int64_t *patience_ns)
{
    int r = flow_check_removed(flow);
    if (r == 1 && *patience_ns > FLOW_UNDECIDED_NS)
        *patience_ns = FLOW_UNDECIDED_NS;
    return r < 0 ? r : 0;
}

/* On the board. */
static int sleep_for_message(struct store *store, const struct ferry_choice *choice, deadline end)
{
    struct flow *flow = store->flow;
    _Atomic uint32_t *word = &store->slots->control->members[store->slots->slot].wake;
    uint64_t numbers;
    for (;;) {
        uint32_t seen = set_asleep(word);
        int64_t patience_ns = patience_of(&flow->receivers, flow);
        int r = look_for_message(store, choice, end, &numbers);
        if (r == 0)
            r = check_removed(flow, &patience_ns);
        if (r != 0)
            return r < 0 ? r : 0;
        flow_count_sleep(&flow->shared->in.sleeps);
        r = crowd_sleep(&flow->receivers, word, seen, patience_ns, end);
        if (r < 0 && (r != -EINTR || flow->interruptible))
            return r;
    }
}

int store_await_message(struct flow *flow, const struct ferry_choice *choice, deadline end)
{
    struct store *store = store_of(flow);
    uint64_t numbers;
    int r = look_for_message(store, choice, end, &numbers);
    if (r != 0)
        return r < 0 ? r : 0;
    if (SPIN_UNTIL(&flow->message_spin,
                   is_in_flux(store) ||
                       peep(store, offsetof(struct store_books, numbers)) != numbers)) {
        r = look_for_message(store, choice, end, &numbers);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    announce(store, choice);
    r = sleep_for_message(store, choice, end);
    withdraw(store);
    /* Somebody may have woken us for a message, and nobody else, just when our time was over. */
    if (r < 0 && r != -EBADMSG &&
        look_for_message(store, choice, clock_deadline(MEMBERS_PATIENCE_NS), &numbers) == 1)
        return 0;
    return r;
}

/* ---- Sights ------------------------------------------------------------------------------------ */

/* Who looks on is woken beside whom a message is for, and takes none. */
int store_await_sight(struct flow *flow, deadline end)
{
    struct store *store = store_of(flow);
    _Atomic uint32_t *word = &store->slots->control->members[store->slots->slot].wake;
    const struct ferry_choice looking = {.flags = FERRY_PEEK};
    int r;
    announce(store, &looking);
    for (;;) {
        uint32_t seen = set_asleep(word);
        int64_t patience_ns = patience_of(&flow->receivers, flow);
        r = tap_has_sight(store, end);
        if (r == 0)
            r = check_removed(flow, &patience_ns);
        if (r != 0)
            break;
        r = crowd_sleep(&flow->receivers, word, seen, patience_ns, end);
        if (r < 0 && (r != -EINTR || flow->interruptible))
            break;
    }
    withdraw(store);
    return r < 0 ? r : 0;
}

/* ---- Room -------------------------------------------------------------------------------------- */

/* What a sender sleeps for: room, or that its message is taken. */
struct need {
    struct store *store;
    int (*is_met)(const struct need *need, deadline end); /* 1; 0; -errno */
    uint64_t size;
    uint64_t ticket;
};

static int is_room(const struct need *need, deadline end)
{
    int r = store_lock(need->store, end);
    if (r < 0)
        return r;
    r = store_make_room_for(need->store, need->size);
    store_unlock(need->store);
    return r;
}

/* With the lock: the list of that message; 0: it is not there any more. */
static uint32_t find_ticket(struct pages *pages, uint64_t ticket)
{
    /* One message at a time. */
    uint32_t list = trie_first(pages, TRIE_FIRSTS);
    return list != 0 && pages_list(pages, list)->first == ticket ? list : 0;
}

static int is_taken(const struct need *need, deadline end)
{
    int r = store_lock(need->store, end);
    if (r < 0)
        return r;
    struct pages pages;
    pages_init(&pages, need->store);
    r = find_ticket(&pages, need->ticket) == 0;
    store_unlock(need->store);
    return pages.damaged ? flow_damaged() : r;
}

static int sleep_for(const struct need *need, deadline end)
{
    struct flow *flow = need->store->flow;
    struct layout_queue_side *out = &flow->shared->out;
    for (;;) {
        uint32_t seen = set_asleep(&out->sequence);
        int64_t patience_ns = patience_of(&flow->senders, flow);
        int r = need->is_met(need, end);
        if (r == 0)
            r = check_removed(flow, &patience_ns);
        if (r != 0)
            return r < 0 ? r : 0;
        flow_count_sleep(&out->sleeps);
        r = crowd_sleep(&flow->senders, &out->sequence, seen, patience_ns, end);
        if (r < 0 && (r != -EINTR || flow->interruptible))
            return r;
    }
}

/* Something went, since there was so much. */
static bool has_changed(const struct store *store, uint64_t messages, uint64_t bytes)
{
    return is_in_flux(store) || peep(store, offsetof(struct store_books, messages)) != messages ||
           peep(store, offsetof(struct store_books, bytes)) != bytes;
}

static int await(const struct need *need, deadline end)
{
    struct store *store = need->store;
    struct flow *flow = store->flow;
    uint64_t messages = peep(store, offsetof(struct store_books, messages));
    uint64_t bytes = peep(store, offsetof(struct store_books, bytes));
    int r = need->is_met(need, end);
    if (r == 0 && SPIN_UNTIL(&flow->room_spin, has_changed(store, messages, bytes)))
        r = need->is_met(need, end);
    if (r != 0)
        return r < 0 ? r : 0;
    flow_join(&flow->senders, &flow->shared->out.sequence);
    r = sleep_for(need, end);
    crowd_leave(&flow->senders);
    return r;
}

int store_await_room(struct flow *flow, uint64_t size, deadline end)
{
    return await(&(struct need){.store = store_of(flow), .is_met = is_room, .size = size}, end);
}

/* How long to wait for a lock that somebody keeps; then nobody knows. */
static const int64_t WITHDRAWAL_NS = 1000000000;

/* Takes the message back, if nobody has taken it meanwhile: 1. */
static int take_back(struct store *store, uint64_t ticket)
{
    int r = store_lock(store, clock_deadline(WITHDRAWAL_NS));
    if (r < 0)
        return r;
    struct pages pages;
    pages_init(&pages, store);
    uint32_t list = find_ticket(&pages, ticket);
    if (list == 0 || pages.damaged) {
        store_unlock(store);
        return 0;
    }
    flow_count(&store->flow->shared->out.withdrawn, 1);
    r = store_discard(&pages, list);
    return r < 0 ? r : 1;
}

int store_await_taken(struct flow *flow, uint64_t ticket, deadline end)
{
    struct store *store = store_of(flow);
    int r = await(&(struct need){.store = store, .is_met = is_taken, .ticket = ticket}, end);
    return r < 0 && take_back(store, ticket) != 0 ? r : 0;
}
