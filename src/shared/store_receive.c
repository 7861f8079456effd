/* Receiving from a store: copied, taken, peeked at or dropped.  See store.c.
 *
 * Dying: a small message is there still, or was received; a large one, and one that is taken, was received when it had become
 * the receiver's, and its memory is found by who runs out of it (store_owned.c). */
#include <errno.h>

#include "shared/members.h"
#include "shared/store_inside.h"

static void count_out(struct store *store, uint64_t size)
{
    flow_count(&store->flow->shared->out.messages, 1);
    flow_count(&store->flow->shared->out.bytes, size);
}

/* What a receiver wants to know of a message. */
struct found {
    uint32_t extent, start, units, size, priority;
    uint64_t type, number;
};

/* The first message of a list, which is read, and its memory checked. */
static struct found message_of(struct pages *pages, uint32_t list)
{
    const struct store *store = pages->store;
    uint32_t number = pages_list(pages, list)->head;
    const struct store_extent *message = pages_extent(pages, number);
    if (message->owner != STORE_QUEUED || message->size > store->flow->shape.largest ||
        message->units > store->shape.units ||
        message->start > store->shape.units - message->units ||
        message->size > message->units * STORE_UNIT)
        pages->damaged = true;
    if (pages->damaged)
        return (struct found){0};
    return (struct found){.extent = number,
                          .start = message->start,
                          .units = message->units,
                          .size = message->size,
                          .priority = message->priority,
                          .type = message->type,
                          .number = message->number};
}

static void describe(struct ferry_message *message, const struct found *from)
{
    message->size_bytes = from->size;
    message->type = from->type;
    message->priority = from->priority;
    message->reserved = 0;
}

static size_t copy_out(const struct store *store, void *bytes, size_t size,
                       const struct found *from)
{
    size_t count = size < from->size ? size : from->size;
    if (count > 0)
        memcpy(bytes, store_bytes(store, from->start), count);
    return count;
}

/* With the lock, of which it lets go: the message becomes the caller's. */
static int take(struct pages *pages, uint32_t list, const struct found *message,
                struct store_holding *ret_holding)
{
    struct store *store = pages->store;
    uint32_t number = select_unlink(pages, list);
    owned_add(pages, number, STORE_TAKEN | store->slots->tag, message->size);
    *ret_holding = (struct store_holding){.bytes = store_bytes(store, message->start),
                                          .extent = number,
                                          .start = message->start,
                                          .units = message->units,
                                          .size = message->size};
    count_out(store, message->size);
    return store_commit_room(pages);
}

/* The same for a message that is to be copied. */
static int receive_large(struct pages *pages, uint32_t list, const struct found *from, void *bytes,
                         size_t size)
{
    struct store *store = pages->store;
    struct store_holding holding;
    int r = take(pages, list, from, &holding);
    if (r < 0)
        return r;
    copy_out(store, bytes, size, from);
    if (store_let_go(store, &holding, true, clock_deadline(MEMBERS_PATIENCE_NS)) < 0)
        store->has_lost = true; /* freed when the handle is closed */
    return 0;
}

static int receive_small(struct pages *pages, uint32_t list, const struct found *from, void *bytes,
                         size_t size)
{
    struct store *store = pages->store;
    copy_out(store, bytes, size, from);
    memory_free(pages, select_unlink(pages, list));
    count_out(store, from->size);
    return store_commit_room(pages);
}

/* With the lock, of which it lets go.  -ESTALE: somebody has received it meanwhile. */
static int peek(struct pages *pages, const struct found *from, void *bytes, size_t size,
                bool is_patient)
{
    struct store *store = pages->store;
    bool unlocks = from->size > STORE_SMALL_BYTES && is_patient;
    if (unlocks)
        store_unlock(store);
    copy_out(store, bytes, size, from);
    if (!unlocks) {
        store_unlock(store);
        return 0;
    }
    int r = store_lock(store, clock_deadline(MEMBERS_PATIENCE_NS));
    if (r < 0)
        return r;
    pages_init(pages, store);
    const struct store_extent *now = pages_extent(pages, from->extent);
    bool same = now->owner == STORE_QUEUED && now->number == from->number;
    store_unlock(store);
    return same ? 0 : -ESTALE;
}

static int too_small(struct store *store, const struct found *from, size_t size)
{
    /* We may have been woken for it; another one may have room. */
    uint32_t slot = 0;
    struct store_news news = wait_pick_receiver(store, from->type, &slot);
    store_unlock(store);
    if (news.word != NULL)
        wait_wake(&news);
    return fail(-EMSGSIZE, "the next message has %u bytes, and there is room for %zu; it stays",
                from->size, size);
}

/* Takes the lock and looks for a message of choice.  Not 0: without the lock. */
static int find(struct pages *pages, struct store *store, const struct ferry_choice *choice,
                deadline end, uint32_t *ret_list)
{
    int r = store_lock(store, end);
    if (r < 0)
        return r;
    store_fetch_ahead(store);
    pages_init(pages, store);
    *ret_list = select_find(pages, choice);
    if (*ret_list == 0 && !pages->damaged)
        r = -EAGAIN;
    else if (pages->damaged)
        r = flow_damaged();
    if (r < 0)
        store_unlock(store);
    return r;
}

enum { PEEKS = 4 }; /* without the lock; then with it */

static ssize_t receive(struct store *store, struct ferry_message *message,
                       const struct ferry_choice *choice, deadline end, int attempt)
{
    struct pages pages;
    uint32_t list;
    int r = find(&pages, store, choice, end, &list);
    if (r < 0)
        return r;
    unsigned flags = choice ? choice->flags : 0;
    size_t size = message->size_bytes;
    struct found from = message_of(&pages, list);
    if (pages.damaged) {
        store_unlock(store);
        return flow_damaged();
    }
    if (from.size > size && (flags & FERRY_TRUNCATE) == 0)
        return too_small(store, &from, size);
    if ((flags & FERRY_PEEK) != 0)
        r = peek(&pages, &from, message->bytes, size, attempt < PEEKS);
    else if (from.size <= STORE_SMALL_BYTES)
        r = receive_small(&pages, list, &from, message->bytes, size);
    else
        r = receive_large(&pages, list, &from, message->bytes, size);
    if (r < 0)
        return r;
    describe(message, &from);
    return (ssize_t)(size < from.size ? size : from.size);
}

ssize_t store_try_receive(struct flow *flow, struct ferry_message *message,
                          const struct ferry_choice *choice, deadline end)
{
    ssize_t r = -ESTALE;
    for (int attempt = 0; r == -ESTALE; attempt++)
        r = receive(store_of(flow), message, choice, end, attempt);
    return r;
}

int store_take(struct store *store, struct ferry_message *ret_message,
               const struct ferry_choice *choice, deadline end, struct store_holding *ret_holding)
{
    struct pages pages;
    uint32_t list;
    int r = find(&pages, store, choice, end, &list);
    if (r < 0)
        return r;
    struct found from = message_of(&pages, list);
    r = take(&pages, list, &from, ret_holding);
    if (r == 0) {
        ret_message->bytes = ret_holding->bytes;
        describe(ret_message, &from);
    }
    return r;
}

int store_discard(struct pages *pages, uint32_t list)
{
    struct found message = message_of(pages, list);
    memory_free(pages, select_unlink(pages, list));
    count_out(pages->store, message.size);
    return store_commit_room(pages);
}

int store_drop_oldest(struct flow *flow, deadline end)
{
    struct store *store = store_of(flow);
    int r = store_lock(store, end);
    if (r < 0)
        return r;
    struct pages pages;
    pages_init(&pages, store);
    uint32_t list = select_to_drop(&pages);
    if (list == 0 && !pages.damaged) {
        store_unlock(store);
        return 0;
    }
    flow_count(&flow->shared->out.dropped, 1);
    r = store_discard(&pages, list);
    return r < 0 ? r : 1;
}
