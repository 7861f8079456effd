/* What both engines use.  See flow.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "os/file.h"
#include "os/futex.h"
#include "os/map.h"
#include "os/ofd.h"
#include "shared/board.h"
#include "shared/flow.h"

/* Relaxed: a hint, which saves asking the kernel; who removes changes the words that others sleep on behind it. */
static bool may_be_going(const struct flow *flow)
{
    return flow->region->name[0] != '\0' &&
           atomic_load_explicit(&flow->shared->shape.removals, memory_order_relaxed) != 0;
}

static bool is_being_removed(const struct flow *flow)
{
    return ofd_is_locked(flow->region->lock_fd, LAYOUT_REMOVAL_BYTE, 1) == 1;
}

static bool has_no_name(const struct flow *flow)
{
    struct stat status;
    return fstat(flow->region->lock_fd, &status) == 0 && status.st_nlink == 0;
}

bool flow_is_going(const struct flow *flow)
{
    return may_be_going(flow) && (is_being_removed(flow) || has_no_name(flow));
}

int flow_check_removed(const struct flow *flow)
{
    if (!may_be_going(flow))
        return 0;
    if (is_being_removed(flow))
        return 1;
    return has_no_name(flow) ? -EIDRM : 0;
}

int flow_open_data(struct flow *flow)
{
    struct explanation before;
    explanation_keep(&before);
    bool is_kept = flow->region->data_fd >= 0 && (flow->region->role & FERRY_WRITE) != 0;
    flow->data = is_kept ? fcntl(flow->region->data_fd, F_DUPFD_CLOEXEC, 0)
                         : region_reopen_data(flow->region, FERRY_READ | FERRY_WRITE);
    if (flow->data >= 0 || (flow->region->role & FERRY_WRITE) != 0)
        return flow->data < 0 ? flow->data : 0;
    explanation_restore(&before);
    return 0;
}

enum { STAMP_SHIFT = 24, RINGS_TO_REAP = 64 };

uint32_t flow_stamp(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)(((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) >> STAMP_SHIFT);
}

uint32_t flow_stamp_often(struct flow_clock *clock)
{
    enum { PACE = 16 };
    int64_t second = time(NULL);
    if (clock->left > 0 && second == clock->second) {
        clock->left--;
        return clock->stamp;
    }
    uint32_t stamp = flow_stamp();
    clock->left = stamp == clock->stamp ? PACE : 0;
    clock->stamp = stamp;
    clock->second = second;
    return stamp;
}

int64_t flow_age_ns(uint32_t stamp)
{
    return (int64_t)(uint32_t)(flow_stamp() - stamp) << STAMP_SHIFT;
}

void flow_ring(struct flow *flow)
{
    bell_ring(flow->region->bell_fd);
    /* Relaxed: once in so many, those are struck off whom it is rung for and who are dead. */
    uint32_t rings = atomic_fetch_add_explicit(&flow->rings, 1, memory_order_relaxed);
    if (rings % RINGS_TO_REAP == RINGS_TO_REAP - 1) {
        crowd_reap(flow->slots, &flow->slots->control->listeners);
        crowd_reap(flow->slots, &flow->shared->room);
    }
}

void flow_step(_Atomic uint32_t *word, int most)
{
    if (futex_add_and_wake(word, 1, most) >= 0)
        return;
    /* No such call: publish, then wake. */
    atomic_fetch_add_explicit(word, 1, memory_order_seq_cst);
    futex_wake(word, most);
}

void flow_step_aside(_Atomic uint32_t *word)
{
    atomic_fetch_add_explicit(word, CROWD_STEP, memory_order_seq_cst);
    futex_wake(word, INT_MAX);
}

void flow_join(struct crowd *crowd, _Atomic uint32_t *word)
{
    slot_tag lonely = crowd_join(crowd);
    if (lonely == 0 || lonely == crowd->slots->tag)
        return;
    flow_step_aside(word);
    crowd_told(crowd);
}

/* ---- Looking on ------------------------------------------------------------------------------- */

void flow_tap_begin(struct flow *flow)
{
    _Atomic uint32_t *tapped = &flow->shared->shape.tapped;
    if (atomic_load_explicit(tapped, memory_order_seq_cst) == 0)
        atomic_store_explicit(tapped, flow->slots->tag, memory_order_seq_cst);
}

/* The tag of another living member that looks on, which is one without a role; 0: there is none. */
static slot_tag find_other(struct slots *slots)
{
    uint32_t high = slots_high(slots);
    for (uint32_t slot = 0; slot < high; slot++) {
        struct layout_entry *entry = slots_entry(slots, slot);
        if (entry != NULL && slot != slots->slot &&
            atomic_load_explicit(&entry->joined, memory_order_seq_cst) != 0 &&
            atomic_load_explicit(&entry->role, memory_order_seq_cst) == 0 &&
            slots_is_locked(slots, slot))
            return slot_tag_make(slot,
                                 atomic_load_explicit(&entry->generation, memory_order_acquire));
    }
    return 0;
}

static void replace(_Atomic uint32_t *tapped, slot_tag tag, slot_tag other)
{
    atomic_compare_exchange_strong_explicit(tapped, &tag, other, memory_order_seq_cst,
                                            memory_order_relaxed);
}

void flow_tap_end(struct flow *flow)
{
    _Atomic uint32_t *tapped = &flow->shared->shape.tapped;
    if (flow->slots->tag == 0)
        return;
    slot_tag other = find_other(flow->slots);
    replace(tapped, flow->slots->tag, other);
    if (other == 0 &&
        (other = find_other(flow->slots)) != 0) /* it came just now, and saw our tag */
        replace(tapped, 0, other);
}

/* ---- Removal ---------------------------------------------------------------------------------- */

/* Where the boards and the members' words are, for those who sleep on these. */
struct sleepers {
    uint64_t high;
    struct layout_board receivers, senders;
};

static int read_sleepers(struct sleepers *ret_sleepers, int control_fd)
{
    int r = file_read_at(control_fd, &ret_sleepers->high, sizeof(ret_sleepers->high),
                         offsetof(struct layout, ledger.high));
    if (r == 0)
        r = file_read_at(control_fd, &ret_sleepers->receivers, sizeof(ret_sleepers->receivers),
                         offsetof(struct layout, queue.receivers));
    if (r == 0)
        r = file_read_at(control_fd, &ret_sleepers->senders, sizeof(ret_sleepers->senders),
                         offsetof(struct layout, queue.senders));
    return r;
}

/* All by the kernel, which does not mind if the file is cut short under it. */
static void disturb(_Atomic uint32_t *word)
{
    futex_add_and_wake(word, CROWD_STEP, INT_MAX);
}

void flow_announce_removal(int control_fd)
{
    struct map map;
    struct sleepers sleepers;
    if (map_file(&map, control_fd, sizeof(struct layout), true, NULL) < 0)
        return;
    struct layout *control = (struct layout *)(void *)map.data;
    futex_add_and_wake(&control->queue.shape.removals, 1, 0);
    disturb(&control->queue.in.sequence);
    disturb(&control->queue.out.sequence);
    if (read_sleepers(&sleepers, control_fd) == 0)
        for (uint32_t slot = 0; slot < sleepers.high && slot < LAYOUT_MEMBERS; slot++)
            if (board_has(&sleepers.receivers, slot) || board_has(&sleepers.senders, slot))
                disturb(&control->members[slot].wake);
    map_release(&map);
}
