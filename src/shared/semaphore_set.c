/* See semaphore_set.h.
 *
 *   who changes it                           who is about to sleep
 *   --------------                           ---------------------
 *   lock                                     bit on the board, hushes its vigil
 *   computes all values                      lock, looks; unlock
 *   somebody on the board: rings             sleeps until the bell rings, or a member is gone
 *   journal: commits, applies; unlock
 *
 * The lock is the mark of law 7: whoever looks behind a ring waits for the commit.
 *
 * Dying: with the lock before the commit, nothing happened, but perhaps a ring for nothing; behind it, whoever takes the lock over
 * applies the records.  Who dies owing is heard of by who sleeps (its description is closed), and is found by who asks for what is not
 * there: its row has a tag that nobody alive has.  To give back is one journalled step as well. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "os/file.h"
#include "shared/bell.h"
#include "shared/board.h"
#include "shared/lock.h"
#include "shared/members.h"
#include "shared/semaphore_set.h"
#include "shared/vigil.h"

struct row {
    _Atomic uint64_t tag; /* whose it is; 0: nobody's */
    _Atomic uint64_t owed[];
};

/* After so many rings, those who died asleep are struck off. */
enum { REAP_EVERY = 64, ROW_UNIT = 64 };

/* ---- Words ------------------------------------------------------------------------------------ */

static uint32_t low(uint64_t word)
{
    return (uint32_t)word;
}

static uint32_t epoch(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static uint64_t pack(uint32_t epoch, uint32_t units)
{
    return (uint64_t)epoch << 32 | units;
}

/* Relaxed: the lock is ours. */
static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static uint64_t bytes_of_row(uint32_t count)
{
    return (sizeof(struct row) + count * sizeof(uint64_t) + ROW_UNIT - 1) / ROW_UNIT * ROW_UNIT;
}

static struct row *row_of(const struct semaphore_set *set, uint32_t slot)
{
    return (struct row *)(void *)((char *)(set->index + 1) + slot * bytes_of_row(set->count));
}

uint64_t semaphore_set_bytes(uint32_t count)
{
    return sizeof(struct set_index) + LAYOUT_MEMBERS * bytes_of_row(count);
}

uint64_t semaphore_set_first_bytes(void)
{
    return sizeof(struct set_index);
}

int semaphore_set_begin(int control_fd, uint32_t count, uint32_t value)
{
    uint64_t values[SET_MOST] = {0};
    for (uint32_t i = 0; i < count && i < SET_MOST; i++)
        values[i] = pack(0, value);
    return file_write_at(control_fd, values, count * sizeof(values[0]),
                         sizeof(struct layout) + offsetof(struct set_index, values));
}

struct journal_book semaphore_set_book(struct set_index *index, uint64_t row_bytes)
{
    return (struct journal_book){.commit = &index->commit,
                                 .records = index->records,
                                 .capacity = SET_RECORDS,
                                 .memory = (char *)index,
                                 .first = offsetof(struct set_index, values),
                                 .end = sizeof(*index) + row_bytes};
}

void semaphore_set_init(struct semaphore_set *set, struct slots *slots, uint32_t count,
                        uint32_t most, int bell)
{
    struct set_index *index = (struct set_index *)(void *)(slots->control + 1);
    *set = (struct semaphore_set){.shared = &slots->control->semaphore,
                                  .index = index,
                                  .slots = slots,
                                  .count = count,
                                  .most = most,
                                  .bell = bell,
                                  .closing = -1};
    set->book = semaphore_set_book(index, LAYOUT_MEMBERS * bytes_of_row(count));
    crowd_init(&set->crowd, slots, &slots->control->sleepers, &set->shared->lonely);
}

void semaphore_set_deinit(struct semaphore_set *set)
{
    int closing = atomic_exchange_explicit(&set->closing, -1, memory_order_acq_rel);
    file_close(&closing);
    crowd_deinit(&set->crowd);
}

void semaphore_set_after_fork(struct semaphore_set *set)
{
    int closing = atomic_exchange_explicit(&set->closing, -1, memory_order_acq_rel);
    file_close(&closing);
    crowd_after_fork(&set->crowd);
}

/* ---- The lock --------------------------------------------------------------------------------- */

static int lock(struct semaphore_set *set)
{
    const struct lock_wait wait = {.end = clock_deadline(MEMBERS_PATIENCE_NS)};
    int r = lock_try(&set->shared->lock, set->slots->tag)
                ? 0
                : lock_take_patiently(&set->shared->lock, set->slots, &wait);
    if (r == 1)
        journal_finish(&set->book);
    return r < 0 ? fail(r, "another member stands in the middle of using the set; is it stopped?")
                 : 0;
}

static void unlock(struct semaphore_set *set)
{
    lock_release(&set->shared->lock);
}

/* Before a commit that others may wait for. */
static void ring(struct semaphore_set *set)
{
    struct layout *control = set->slots->control;
    bool asleep = crowd_is_any(set->slots, &control->sleepers);
    if (!asleep && !board_any(&control->listeners, slots_high(set->slots)))
        return;
    bell_ring(set->bell);
    if (asleep && atomic_fetch_add_explicit(&set->rings, 1, memory_order_relaxed) % REAP_EVERY ==
                      REAP_EVERY - 1)
        crowd_reap(set->slots, &control->sleepers);
}

/* ---- What is owed ----------------------------------------------------------------------------- */

/* A row has memory before it is touched.  With the lock. */
static int back_row(struct semaphore_set *set, uint32_t slot)
{
    uint64_t *word = &set->backed[slot / 64], bit = UINT64_C(1) << slot % 64;
    if ((*word & bit) != 0)
        return 0;
    uint64_t bytes = bytes_of_row(set->count);
    uint64_t at = sizeof(struct layout) + sizeof(struct set_index) + slot * bytes;
    int r = file_reserve_range(set->slots->lock_fd, at, bytes);
    if (r == 0)
        *word |= bit;
    return r;
}

static void note_debtor(struct semaphore_set *set, struct journal *journal, uint32_t slot,
                        bool owes)
{
    _Atomic uint64_t *word = &set->index->debtors.words[slot / 64];
    uint64_t bit = UINT64_C(1) << slot % 64, old = load(word);
    if (((old & bit) != 0) != owes)
        journal_set(journal, word, owes ? old | bit : old & ~bit);
}

static bool is_debtor(const struct semaphore_set *set, uint32_t slot)
{
    return (load(&set->index->debtors.words[slot / 64]) >> slot % 64 & 1) != 0;
}

/* The value that one is brought to: never below 0 or above the most, as nobody waits for it. */
static uint32_t repaid(const struct semaphore_set *set, uint32_t units, int32_t owed)
{
    int64_t sum = (int64_t)units + owed;
    return sum < 0 ? 0 : sum > set->most ? set->most : (uint32_t)sum;
}

/* With the lock: gives back all that a row says, whoever's it is. */
static void settle(struct semaphore_set *set, uint32_t slot)
{
    struct row *row = row_of(set, slot);
    struct journal journal = journal_begin(&set->book);
    for (uint32_t i = 0; i < set->count; i++) {
        uint64_t value = load(&set->index->values[i]), owed = load(&row->owed[i]);
        if (owed == 0)
            continue;
        if (epoch(owed) == epoch(value))
            journal_set(&journal, &set->index->values[i],
                        pack(epoch(value), repaid(set, low(value), (int32_t)low(owed))));
        journal_set(&journal, &row->owed[i], 0);
    }
    journal_set(&journal, &row->tag, 0);
    note_debtor(set, &journal, slot, false);
    ring(set);
    journal_commit(&journal);
}

/* With the lock: what the dead owe is given back.  Did anybody? */
static bool settle_the_dead(struct semaphore_set *set)
{
    uint32_t high = slots_high(set->slots);
    bool any = false;
    for (uint32_t slot = 0; slot < high; slot++) {
        if (!is_debtor(set, slot) || back_row(set, slot) < 0)
            continue;
        slot_tag tag = (slot_tag)load(&row_of(set, slot)->tag) & TAG_MASK;
        if (tag == set->slots->tag || (slot_of_tag(tag) == slot && slots_is_alive(set->slots, tag)))
            continue;
        settle(set, slot);
        any = true;
    }
    return any;
}

/* Whoever had the slot before us has died, and owes what is in our row. */
static int prepare_row(struct semaphore_set *set)
{
    uint32_t slot = set->slots->slot;
    int r = back_row(set, slot);
    if (r < 0)
        return r;
    if (is_debtor(set, slot) && load(&row_of(set, slot)->tag) != set->slots->tag)
        settle(set, slot);
    return 0;
}

void semaphore_set_settle(struct semaphore_set *set)
{
    uint32_t slot = set->slots->slot;
    if (!is_debtor(set, slot) || lock(set) < 0)
        return; /* nothing is owed; or we are found dead later */
    if (is_debtor(set, slot) && back_row(set, slot) == 0 &&
        load(&row_of(set, slot)->tag) == set->slots->tag)
        settle(set, slot);
    unlock(set);
}

/* ---- Steps ------------------------------------------------------------------------------------ */

/* What comes of some steps: for each semaphore that they touch. */
struct outcome {
    uint64_t touched[SET_MOST / 64];
    int64_t units[SET_MOST], owed[SET_MOST]; /* as they will be; and how much more is owed */
    bool gives, owes;                        /* others may go on; something is owed */
};

static bool touches(const struct outcome *outcome, uint32_t which)
{
    return (outcome->touched[which / 64] >> which % 64 & 1) != 0;
}

/* One step.  0; -EAGAIN: not now. */
static int take_step(const struct semaphore_set *set, struct outcome *outcome,
                     const struct ferry_semaphore_step *step)
{
    uint32_t which = step->which;
    if (!touches(outcome, which)) {
        outcome->touched[which / 64] |= UINT64_C(1) << which % 64;
        outcome->units[which] = low(load(&set->index->values[which]));
        outcome->owed[which] = 0;
    }
    int64_t units = outcome->units[which] + step->change;
    if (units < 0 || (step->change == 0 && units != 0))
        return -EAGAIN;
    if (units > set->most)
        return fail(-EOVERFLOW,
                    "semaphore %u of the set would be at %lld, the most it may be is %u", which,
                    (long long)units, set->most);
    outcome->units[which] = units;
    outcome->gives = outcome->gives || step->change > 0 || units == 0;
    if ((step->flags & FERRY_GIVE_BACK) != 0 && step->change != 0) {
        outcome->owed[which] -= step->change;
        outcome->owes = true;
    }
    return 0;
}

/* How much we owe of one, if these steps are done; -ERANGE. */
static int owe(const struct semaphore_set *set, const struct outcome *outcome, uint32_t which,
               uint64_t *ret_word)
{
    uint64_t value = load(&set->index->values[which]);
    uint64_t old = load(&row_of(set, set->slots->slot)->owed[which]);
    int64_t before = epoch(old) == epoch(value) ? (int32_t)low(old) : 0;
    int64_t sum = before + outcome->owed[which];
    if (sum > INT32_MAX || sum < INT32_MIN)
        return fail(-ERANGE,
                    "more units of semaphore %u would have to be given back than can be "
                    "counted",
                    which);
    *ret_word = sum == 0 ? 0 : pack(epoch(value), (uint32_t)(int32_t)sum);
    return 0;
}

/* Notes it all.  -ERANGE. */
static int note_outcome(struct semaphore_set *set, const struct outcome *outcome,
                        struct journal *journal)
{
    struct row *row = row_of(set, set->slots->slot);
    for (uint32_t i = 0; i < set->count; i++) {
        if (!touches(outcome, i))
            continue;
        const _Atomic uint64_t *value = &set->index->values[i];
        journal_set(journal, value, pack(epoch(load(value)), (uint32_t)outcome->units[i]));
        if (outcome->owed[i] == 0)
            continue;
        uint64_t owed = 0;
        int r = owe(set, outcome, i, &owed);
        if (r < 0)
            return r;
        journal_set(journal, &row->owed[i], owed);
    }
    if (outcome->owes) {
        journal_set(journal, &row->tag, set->slots->tag);
        note_debtor(set, journal, set->slots->slot, true);
    }
    return 0;
}

/* With the lock. */
static int try_steps(struct semaphore_set *set, const struct ferry_semaphore_step *steps,
                     size_t count)
{
    struct outcome outcome;
    memset(outcome.touched, 0, sizeof(outcome.touched));
    outcome.gives = outcome.owes = false;
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = take_step(set, &outcome, &steps[i]);
    if (r == 0 && outcome.owes)
        r = prepare_row(set);
    if (r < 0)
        return r;
    struct journal journal = journal_begin(&set->book);
    r = note_outcome(set, &outcome, &journal);
    if (r < 0)
        return r;
    if (outcome.gives)
        ring(set);
    journal_commit(&journal);
    return 0;
}

static int try_once(struct semaphore_set *set, const struct ferry_semaphore_step *steps,
                    size_t count)
{
    int r = lock(set);
    if (r < 0)
        return r;
    r = try_steps(set, steps, count);
    if (r == -EAGAIN && settle_the_dead(set))
        r = try_steps(set, steps, count);
    unlock(set);
    return r;
}

static int sleep_until_done(struct semaphore_set *set, struct vigil *vigil,
                            const struct ferry_semaphore_step *steps, size_t count, deadline end)
{
    for (;;) {
        vigil_deepen(vigil);
        vigil_hush(vigil);
        int r = try_once(set, steps, count);
        if (r != -EAGAIN)
            return r;
        int64_t left_ns = clock_left_ns(end);
        if (left_ns == 0)
            return fail(-ETIMEDOUT, "not all of it could be done in time");
        r = vigil_sleep(vigil, VIGIL_ANYBODY, left_ns);
        if (r == -EINTR && set->interruptible)
            return fail(r, "a signal handler ran during the wait");
    }
}

int semaphore_set_operate(struct semaphore_set *set, const struct ferry_semaphore_step *steps,
                          size_t count, int64_t timeout_ns)
{
    int r = try_once(set, steps, count);
    if (r != -EAGAIN)
        return r;
    if (timeout_ns == FERRY_NOW)
        return fail(r, "not all of it can be done now");
    deadline end = clock_deadline(timeout_ns);
    atomic_fetch_add_explicit(&set->shared->sleeps, 1, memory_order_relaxed); /* for people */
    struct vigil vigil = vigil_begin(set->bell, set->slots->lock_fd, &set->closing);
    crowd_join(&set->crowd);
    r = sleep_until_done(set, &vigil, steps, count, end);
    crowd_leave(&set->crowd);
    vigil_end(&vigil);
    return r;
}

/* ---- Values ----------------------------------------------------------------------------------- */

int semaphore_set_values(struct semaphore_set *set, uint32_t *ret_values, size_t count)
{
    int r = lock(set);
    if (r < 0)
        return r;
    settle_the_dead(set);
    for (size_t i = 0; i < count && i < set->count; i++)
        ret_values[i] = low(load(&set->index->values[i]));
    unlock(set);
    return 0;
}

int semaphore_set_value(struct semaphore_set *set, uint32_t which, uint32_t value)
{
    int r = lock(set);
    if (r < 0)
        return r;
    _Atomic uint64_t *word = &set->index->values[which];
    struct journal journal = journal_begin(&set->book);
    journal_set(&journal, word, pack(epoch(load(word)) + 1, value));
    ring(set);
    journal_commit(&journal);
    unlock(set);
    return 0;
}
