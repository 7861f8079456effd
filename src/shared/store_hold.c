/* Loaned and taken messages: extents of this handle, known by the addresses that the caller has.
 *
 * What belongs to the member is noted in the index, so that it comes back when we die; which address is which extent, here. */
#include <errno.h>
#include <string.h>

#include "shared/store_inside.h"

bool holdings_any(const struct store *store)
{
    bool any = store->has_lost;
    for (int i = 0; i < STORE_HELD_MOST; i++)
        any |= store->loans[i].bytes != NULL || store->taken[i].bytes != NULL;
    return any;
}

void holdings_forget(struct store *store)
{
    memset(store->loans, 0, sizeof(store->loans));
    memset(store->taken, 0, sizeof(store->taken));
    store->has_lost = false;
}

static char occupied; /* its address is a place's while it is being filled */

static struct store_holding *find(struct store *store, struct store_holding *table,
                                  const void *bytes)
{
    struct store_holding *found = NULL;
    pthread_mutex_lock(&store->guard);
    for (int i = 0; i < STORE_HELD_MOST && found == NULL; i++)
        if (table[i].bytes == bytes)
            found = &table[i];
    if (found != NULL)
        found->bytes = &occupied;
    pthread_mutex_unlock(&store->guard);
    return found;
}

static void fill(struct store *store, struct store_holding *place,
                 const struct store_holding *holding)
{
    pthread_mutex_lock(&store->guard);
    *place = *holding;
    pthread_mutex_unlock(&store->guard);
}

/* Of what was found there only the address changes; NULL: the place is free. */
static void settle(struct store *store, struct store_holding *place, void *bytes)
{
    pthread_mutex_lock(&store->guard);
    place->bytes = bytes;
    pthread_mutex_unlock(&store->guard);
}

static int find_place(struct store *store, struct store_holding *table,
                      struct store_holding **ret_place)
{
    *ret_place = find(store, table, NULL);
    if (*ret_place != NULL)
        return 0;
    return fail(-ENOBUFS, "%d messages are %s already through this handle; %s some first",
                STORE_HELD_MOST, table == store->loans ? "on loan" : "taken",
                table == store->loans ? "send or return" : "release");
}

static int find_bytes(struct store *store, struct store_holding *table, const void *bytes,
                      struct store_holding **ret_place)
{
    bool makes_sense = bytes != NULL && bytes != &occupied;
    *ret_place = makes_sense ? find(store, table, bytes) : NULL;
    if (*ret_place != NULL)
        return 0;
    return fail(-EINVAL, table == store->loans ? "these bytes are not on loan from this handle"
                                               : "these bytes were not taken through this handle");
}

int store_try_loan(struct flow *flow, void **ret_bytes, size_t size, deadline end)
{
    struct store *store = store_of(flow);
    struct store_holding *place, holding;
    int r = find_place(store, store->loans, &place);
    if (r < 0)
        return r;
    r = store_hold(store, size, end, &holding);
    if (r < 0) {
        settle(store, place, NULL);
        return r;
    }
    *ret_bytes = holding.bytes;
    fill(store, place, &holding);
    return 0;
}

int store_check_loan(struct flow *flow, const struct ferry_message *message)
{
    struct store *store = store_of(flow);
    struct store_holding *place;
    int r = find_bytes(store, store->loans, message->bytes, &place);
    if (r < 0 || place == NULL)
        return r;
    uint32_t size = place->size;
    settle(store, place, message->bytes);
    if (message->size_bytes > size)
        return fail(-EMSGSIZE, "%u bytes are on loan there, and not %zu", size,
                    message->size_bytes);
    return 0;
}

int store_try_send_loan(struct flow *flow, const struct ferry_message *message, deadline end,
                        uint64_t *ret_ticket)
{
    struct store *store = store_of(flow);
    struct store_holding *place;
    int r = find_bytes(store, store->loans, message->bytes, &place);
    if (r < 0 || place == NULL)
        return r;
    if (message->size_bytes > place->size)
        r = fail(-EMSGSIZE, "%u bytes are on loan there, and not %zu", place->size,
                 message->size_bytes);
    else
        r = store_send_held(store, place, message, end, ret_ticket);
    settle(store, place, r < 0 ? message->bytes : NULL);
    return r;
}

static int give_back(struct store *store, struct store_holding *table, void *bytes, deadline end)
{
    struct store_holding *place;
    int r = find_bytes(store, table, bytes, &place);
    if (r < 0)
        return r;
    r = store_let_go(store, place, table == store->taken, end);
    settle(store, place, r < 0 ? bytes : NULL);
    return r;
}

int store_return_loan(struct flow *flow, void *bytes, deadline end)
{
    return give_back(store_of(flow), store_of(flow)->loans, bytes, end);
}

ssize_t store_try_take(struct flow *flow, struct ferry_message *ret_message,
                       const struct ferry_choice *choice, deadline end)
{
    struct store *store = store_of(flow);
    struct store_holding *place, holding;
    int r = find_place(store, store->taken, &place);
    if (r < 0)
        return r;
    r = store_take(store, ret_message, choice, end, &holding);
    if (r < 0) {
        settle(store, place, NULL);
        return r;
    }
    fill(store, place, &holding);
    return (ssize_t)ret_message->size_bytes;
}

int store_release(struct flow *flow, const void *bytes, deadline end)
{
    return give_back(store_of(flow), store_of(flow)->taken, (void *)(uintptr_t)bytes, end);
}
