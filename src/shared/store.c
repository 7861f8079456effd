/* The store: messages that are chosen, or large.  Sending and receiving.  See docs/design/queue.md, and store.h for what lies where.
 *
 * A small message is copied with the lock held, before the commit that sends it, or receives it.  A large one is copied without:
 *
 *   sending     its memory becomes the sender's; it is written; it becomes a message
 *   receiving   it becomes the receiver's, and is not in the queue any more; it is read; its memory is freed
 *
 * Dying as a sender: the message is there if the last commit was reached, and whole.  Dying as a receiver: a small message is there
 * still, or was received; a large one was received when it had become the receiver's.  What the dead had is found by
 * whoever runs out of room (store_owned.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "shared/members.h"
#include "shared/store_inside.h"

/* ---- Making ------------------------------------------------------------------------------------ */

static const uint64_t PAGE = 4096, FIRST_BYTES = 65536, SPARE_MOST = 1 << 20;

/* Memory beyond the bounds: messages fill whole units, and holes remain between them. */
static uint64_t arena_bytes(const struct flow_shape *shape)
{
    uint64_t bytes = shape->bytes;
    if ((shape->flags & FERRY_UNBOUNDED) == 0) {
        uint64_t spare = shape->largest < SPARE_MOST ? shape->largest : SPARE_MOST;
        bytes += bytes / 4 + 2 * spare + STORE_UNIT * shape->messages;
    }
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

struct store_shape store_shape_of(const struct flow_shape *shape)
{
    /* Beside each message or what members have there may be a hole. */
    uint32_t used = shape->messages + shape->messages / 8 + STORE_HELD_MOST;
    bool chosen = (shape->flags & (FERRY_TYPES | FERRY_PRIORITIES)) != 0;
    struct store_shape of = {.extents = 2 * used + 1, .lists = chosen ? shape->messages : 1};
    of.lists_at = STORE_EXTENTS + of.extents;
    of.lines = of.lists_at + of.lists + 1;
    of.units = (uint32_t)(arena_bytes(shape) / STORE_UNIT);
    return of;
}

struct flow_needs store_needs(const struct flow_shape *shape)
{
    struct store_shape of = store_shape_of(shape);
    uint64_t arena = of.units * STORE_UNIT;
    uint64_t index_bytes = (uint64_t)of.lines * STORE_LINE_BYTES;
    uint64_t first_index_bytes = backing_first_index_bytes();
    bool grows = (shape->flags & FERRY_UNBOUNDED) != 0;
    return (struct flow_needs){
        .data_bytes = arena + tap_bytes(shape),
        .first_bytes = grows && arena > FIRST_BYTES ? FIRST_BYTES : arena,
        .index_bytes = index_bytes,
        .first_index_bytes = grows && index_bytes > first_index_bytes ? first_index_bytes : 0};
}

int store_begin(int control_fd, const struct flow_shape *shape)
{
    const struct store_shape of = store_shape_of(shape);
    const struct flow_needs needs = store_needs(shape);
    uint64_t backed = needs.first_bytes;
    union store_line lines[STORE_EXTENTS + 2 - STORE_BOOKS] = {0};
    lines[0].books = (struct store_books){.fresh_extent = 2, .fresh_list = 1};
    lines[STORE_ROOTS - STORE_BOOKS].roots.backed = (uint32_t)(backed / PAGE);
    /* All of it is one free extent, number 1. */
    memory_begin(&lines[STORE_SIZES - STORE_BOOKS], of.units);
    lines[STORE_EXTENTS + 1 - STORE_BOOKS].extent =
        (struct store_extent){.units = of.units, .owner = STORE_FREE};
    return file_write_at(control_fd, lines, sizeof(lines),
                         sizeof(struct layout) + STORE_BOOKS * STORE_LINE_BYTES);
}

/* ---- The view ---------------------------------------------------------------------------------- */

static int init(struct flow *flow)
{
    struct store_shape shape = store_shape_of(&flow->shape);
    if (flow->region->identity.index_bytes < (uint64_t)shape.lines * STORE_LINE_BYTES ||
        flow->region->data.size_bytes < shape.units * STORE_UNIT + tap_bytes(&flow->shape))
        return flow_damaged();
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return fail(-ENOMEM, "there is no memory for a handle");
    store->flow = flow;
    store->slots = flow->slots;
    store->lock = &flow->shared->in.lock;
    store->index = (struct store_index *)(void *)(region_control(flow->region) + 1);
    store->shape = shape;
    store->data = flow->region->data.data;
    pthread_mutex_init(&store->guard, NULL);
    pthread_mutex_init(&store->wishes, NULL);
    flow->inside = store;
    return 0;
}

static void deinit(struct flow *flow)
{
    struct store *store = store_of(flow);
    if (store == NULL)
        return;
    if (store->slots->tag != 0 && holdings_any(store) &&
        store_lock(store, clock_deadline(MEMBERS_PATIENCE_NS)) == 0) {
        owned_reclaim(store, store->slots->tag);
        store_unlock(store);
    }
    pthread_mutex_destroy(&store->guard);
    pthread_mutex_destroy(&store->wishes);
    free(store);
    flow->inside = NULL;
}

static void after_fork(struct flow *flow)
{
    struct store *store = store_of(flow);
    store->sleepers = 0;
    holdings_forget(store);
}

static void hold(struct flow *flow)
{
    pthread_mutex_lock(&store_of(flow)->guard);
    pthread_mutex_lock(&store_of(flow)->wishes);
}

static void let_go(struct flow *flow)
{
    pthread_mutex_unlock(&store_of(flow)->wishes);
    pthread_mutex_unlock(&store_of(flow)->guard);
}

/* ---- Room -------------------------------------------------------------------------------------- */

/* By number and by bytes; what senders are writing counts. */
static bool is_within_bounds(struct pages *pages, uint64_t size)
{
    const struct flow_shape *shape = &pages->store->flow->shape;
    const struct store_books *books = pages_books(pages);
    /* What is on loan there is sent as a copy, for it may come back. */
    if ((shape->flags & FERRY_RENDEZVOUS) != 0)
        return books->messages == 0;
    return (uint64_t)books->messages + books->held < shape->messages && size <= shape->bytes &&
           books->bytes + books->held_bytes <= shape->bytes - size;
}

bool store_has_room_for(struct pages *pages, uint64_t size)
{
    return is_within_bounds(pages, size) && memory_has(pages, memory_units(size));
}

int store_make_room_for(struct store *store, uint64_t size)
{
    struct pages pages;
    for (int attempt = 0;; attempt++) {
        pages_init(&pages, store);
        bool has = store_has_room_for(&pages, size);
        if (pages.damaged)
            return flow_damaged();
        if (has || attempt > 0 || pages_books(&pages)->owners == 0)
            return has;
        int r = owned_reclaim(store, 0);
        if (r <= 0)
            return r;
    }
}

/* With the lock: begins pages with memory for a message.  Its number; 0: there is no room; -EBADMSG, -ENOSPC. */
static int64_t claim(struct pages *pages, struct store *store, uint64_t size)
{
    store_fetch_ahead(store);
    for (int attempt = 0;; attempt++) {
        pages_init(pages, store);
        bool grows = (store->flow->shape.flags & FERRY_UNBOUNDED) != 0;
        int index = grows ? backing_reserve_index(pages) : 0;
        if (index < 0)
            return index;
        uint32_t number =
            is_within_bounds(pages, size) ? memory_alloc(pages, memory_units(size)) : 0;
        if (pages->damaged)
            return flow_damaged();
        if (number != 0) {
            int r = grows ? backing_reserve(pages, number) : 0;
            return r < 0 ? r : (int64_t)number;
        }
        if (attempt > 0 || pages_books(pages)->owners == 0)
            return 0;
        int r = owned_reclaim(store, 0);
        if (r <= 0)
            return r;
    }
}

/* ---- Sending ----------------------------------------------------------------------------------- */

static int check_size(const struct store *store, uint64_t size)
{
    if (size > store->flow->shape.largest)
        return fail(-EMSGSIZE, "the message has %llu bytes, and the queue's largest %llu",
                    (unsigned long long)size, (unsigned long long)store->flow->shape.largest);
    return 0;
}

/* For people; with the lock. */
static void count_in(struct store *store, const struct store_books *books, uint64_t size)
{
    struct layout_queue_side *in = &store->flow->shared->in;
    flow_count(&in->messages, 1);
    flow_count(&in->bytes, size);
    /* Relaxed: as flow_count(). */
    if (books->messages > atomic_load_explicit(&in->most_messages, memory_order_relaxed))
        atomic_store_explicit(&in->most_messages, books->messages, memory_order_relaxed);
    if (books->bytes > atomic_load_explicit(&in->most_bytes, memory_order_relaxed))
        atomic_store_explicit(&in->most_bytes, books->bytes, memory_order_relaxed);
}

static struct store_news enqueue(struct pages *pages, uint32_t number,
                                 const struct ferry_message *message, uint32_t *ret_slot)
{
    struct store *store = pages->store;
    const struct store_extent *extent = pages_extent(pages, number);
    CHANGE(extent, size) = (uint32_t)message->size_bytes;
    CHANGE(extent, type) = message->type;
    CHANGE(extent, priority) = message->priority;
    CHANGE(extent, stamp) = flow_stamp_often(&store->clock);
    select_link(pages, number);
    if (pages->damaged)
        return (struct store_news){0};
    tap_note(pages, pages_extent(pages, number));
    const struct store_books *books = pages_books(pages);
    count_in(store, books, message->size_bytes);
    const struct layout *control = store->slots->control;
    if (books->messages == 1 && crowd_is_any(store->slots, &control->listeners))
        flow_ring(store->flow);
    return wait_pick_receiver(store, message->type, ret_slot);
}

static int tell(struct pages *pages, const struct store_news *news, uint32_t slot, uint64_t type,
                deadline end)
{
    int woken = pages_commit_and_unlock(pages, news);
    if (woken == 0 && news->word != NULL)
        wait_pick_again(pages->store, slot, type, end);
    return woken < 0 ? woken : 0;
}

/* With the lock, of which it lets go unless it returns 1 and *ret_locked: sends one.  0: there is no room. */
static int send_small(struct store *store, const struct ferry_message *message, bool is_last,
                      deadline end, bool *ret_locked, uint64_t *ret_ticket)
{
    struct pages pages;
    int64_t number = claim(&pages, store, message->size_bytes);
    if (number <= 0) {
        store_unlock(store);
        *ret_locked = false;
        return (int)number;
    }
    if (message->size_bytes > 0)
        memcpy(store_bytes(store, pages_extent(&pages, (uint32_t)number)->start), message->bytes,
               message->size_bytes);
    uint32_t slot = 0;
    struct store_news news = enqueue(&pages, (uint32_t)number, message, &slot);
    *ret_ticket = pages_books(&pages)->numbers;
    *ret_locked = !is_last && news.word == NULL && !pages.damaged;
    int r = *ret_locked ? pages_commit(&pages) : tell(&pages, &news, slot, message->type, end);
    return r < 0 ? r : 1;
}

static int claim_large(struct store *store, uint64_t size, deadline end,
                       struct store_holding *ret_holding)
{
    int r = store_lock(store, end);
    if (r < 0)
        return r;
    struct pages pages;
    int64_t number = claim(&pages, store, size);
    if (number <= 0) {
        store_unlock(store);
        return number < 0 ? (int)number : -EAGAIN;
    }
    const struct store_extent *extent = pages_extent(&pages, (uint32_t)number);
    *ret_holding = (struct store_holding){.bytes = store_bytes(store, extent->start),
                                          .extent = (uint32_t)number,
                                          .start = extent->start,
                                          .units = extent->units,
                                          .size = (uint32_t)size};
    owned_add(&pages, (uint32_t)number, store->slots->tag, (uint32_t)size);
    const struct store_news nothing = {0};
    return pages_commit_and_unlock(&pages, &nothing);
}

int store_hold(struct store *store, uint64_t size, deadline end, struct store_holding *ret_holding)
{
    int r = check_size(store, size);
    return r < 0 ? r : claim_large(store, size, end, ret_holding);
}

/* Is it ours still, and where it was? */
static bool is_ours(struct pages *pages, const struct store_holding *holding, uint32_t kind)
{
    const struct store_extent *extent = pages_extent(pages, holding->extent);
    return extent->owner == (kind | pages->store->slots->tag) && extent->start == holding->start &&
           extent->units == holding->units;
}

int store_send_held(struct store *store, const struct store_holding *holding,
                    const struct ferry_message *message, deadline end, uint64_t *ret_ticket)
{
    int r = store_lock(store, end);
    if (r < 0)
        return r;
    struct pages pages;
    pages_init(&pages, store);
    /* What is held does not count at a rendezvous, so another one may have been faster. */
    if ((store->flow->shape.flags & FERRY_RENDEZVOUS) != 0 && pages_books(&pages)->messages > 0) {
        store_unlock(store);
        return -EAGAIN;
    }
    pages.damaged = !is_ours(&pages, holding, 0);
    owned_remove(&pages, holding->extent);
    uint32_t slot = 0;
    struct store_news news = enqueue(&pages, holding->extent, message, &slot);
    *ret_ticket = pages_books(&pages)->numbers;
    return tell(&pages, &news, slot, message->type, end);
}

/* So many receptions, and the end of the queue, are an occasion to look for memory to give back. */
enum { TRIM_INTERVAL = 64 };

/* With the lock, of which it lets go: commits, and there is room. */
int store_commit_room(struct pages *pages)
{
    struct store *store = pages->store;
    bool is_empty = pages_books(pages)->messages == 0;
    const struct store_news news = wait_pick_senders(pages);
    int r = pages_commit_and_unlock(pages, &news);
    if ((store->flow->shape.flags & FERRY_UNBOUNDED) != 0 &&
        (is_empty ||
         atomic_fetch_add_explicit(&store->frees, 1, memory_order_relaxed) % TRIM_INTERVAL == 0))
        backing_trim(store);
    return r < 0 ? r : 0;
}

int store_let_go(struct store *store, const struct store_holding *holding, bool taken, deadline end)
{
    int r = store_lock(store, end);
    if (r < 0)
        return r;
    struct pages pages;
    pages_init(&pages, store);
    pages.damaged = !is_ours(&pages, holding, taken ? STORE_TAKEN : 0);
    owned_remove(&pages, holding->extent);
    memory_free(&pages, holding->extent);
    return store_commit_room(&pages);
}

static int send_large(struct store *store, const struct ferry_message *message, deadline end,
                      uint64_t *ret_ticket)
{
    struct store_holding holding;
    int r = claim_large(store, message->size_bytes, end, &holding);
    if (r < 0)
        return r;
    memcpy(holding.bytes, message->bytes, message->size_bytes);
    r = store_send_held(store, &holding, message, clock_deadline(MEMBERS_PATIENCE_NS), ret_ticket);
    if (r == -EAGAIN &&
        store_let_go(store, &holding, false, clock_deadline(MEMBERS_PATIENCE_NS)) == 0)
        return r;
    store->has_lost |= r < 0; /* freed when the handle is closed */
    return r < 0 ? r : 1;
}

static ssize_t try_send(struct flow *flow, const struct ferry_message *messages, size_t count,
                        deadline end, uint64_t *ret_ticket)
{
    struct store *store = store_of(flow);
    bool locked = false;
    size_t sent = 0;
    int r = 1;
    for (; sent < count && r > 0; sent += r > 0) {
        bool is_last = sent + 1 == count || messages[sent + 1].size_bytes > STORE_SMALL_BYTES;
        if (messages[sent].size_bytes > STORE_SMALL_BYTES) {
            r = check_size(store, messages[sent].size_bytes);
            r = r < 0 ? r : send_large(store, &messages[sent], end, ret_ticket);
        } else {
            r = check_size(store, messages[sent].size_bytes);
            if (r == 0 && !locked)
                r = store_lock(store, end);
            if (r == 0)
                r = send_small(store, &messages[sent], is_last, end, &locked, ret_ticket);
            r = r == 0 ? -EAGAIN : r;
        }
    }
    if (locked)
        store_unlock(store);
    return sent > 0 ? (ssize_t)sent : r;
}

/* ---- The rest ---------------------------------------------------------------------------------- */

static int measure(struct flow *flow, struct ferry_queue_statistics *statistics)
{
    struct store *store = store_of(flow);
    int r = store_lock(store, clock_deadline(MEMBERS_PATIENCE_NS));
    if (r < 0)
        return r;
    struct pages pages;
    pages_init(&pages, store);
    const struct store_books *books = pages_books(&pages);
    uint32_t oldest = select_oldest(&pages);
    uint32_t stamp = oldest != 0 ? pages_extent(&pages, oldest)->stamp : 0;
    store_unlock(store);
    if (pages.damaged)
        return flow_damaged();
    statistics->messages = books->messages;
    statistics->bytes = books->bytes;
    statistics->oldest_age_ns = oldest != 0 ? flow_age_ns(stamp) : -1;
    return 0;
}

const struct flow_engine store_engine = {
    .init = init,
    .deinit = deinit,
    .hold = hold,
    .let_go = let_go,
    .after_fork = after_fork,
    .try_send = try_send,
    .try_receive = store_try_receive,
    .drop_oldest = store_drop_oldest,
    .has_room = store_has_room,
    .has_message = store_has_message,
    .await_room = store_await_room,
    .await_message = store_await_message,
    .await_taken = store_await_taken,
    .try_loan = store_try_loan,
    .check_loan = store_check_loan,
    .try_send_loan = store_try_send_loan,
    .return_loan = store_return_loan,
    .try_take = store_try_take,
    .release = store_release,
    .measure = measure,
    .tap_begin = store_tap_begin,
    .try_tap = store_try_tap,
    .await_sight = store_await_sight,
};
