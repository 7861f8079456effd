/* Loaned and taken messages of a queue with a ring: buffers of the handle's own.  See ring.h.
 *
 * They are private memory, so nobody else has to do with them, and a member that dies leaves nothing. */
#include <stdlib.h>

#include "shared/ring.h"

enum { MOST_OF_A_USE = 64 };

/* Cache lines are the units of copying. */
static size_t stride(const struct ring *ring)
{
    return ((size_t)ring->flow->shape.largest / RING_LINE + 1) * RING_LINE;
}

/* Memory for all, of which only what is touched is really had. */
static int prepare(struct ring *ring)
{
    if (ring->buffers != NULL)
        return 0;
    ring->buffers = malloc(stride(ring) * RING_BUFFERS);
    if (ring->buffers == NULL)
        return fail(-ENOMEM, "no memory for messages on loan, or taken");
    ring_forget_buffers(ring);
    return 0;
}

static int refuse_more(enum ring_use_of_buffer use)
{
    return fail(-ENOBUFS, "%d messages are %s already through this handle; %s some first",
                MOST_OF_A_USE, use == BUFFER_LOANED ? "on loan" : "taken",
                use == BUFFER_LOANED ? "send or return" : "release");
}

/* A buffer for that use, as large as the largest message: its number.  With the guard. */
static int get_guarded(struct ring *ring, enum ring_use_of_buffer use, size_t size_bytes)
{
    int r = prepare(ring);
    if (r < 0)
        return r;
    if (ring->used[use] == MOST_OF_A_USE)
        return refuse_more(use);
    ring->used[use]++;
    int i = ring->free[--ring->free_count];
    ring->records[i] = (struct ring_buffer){.use = use, .size_bytes = size_bytes};
    return i;
}

static int get(struct ring *ring, enum ring_use_of_buffer use, size_t size_bytes,
               unsigned char **ret_bytes)
{
    pthread_mutex_lock(&ring->guard);
    int i = get_guarded(ring, use, size_bytes);
    if (i >= 0)
        *ret_bytes = ring->buffers + (size_t)i * stride(ring);
    pthread_mutex_unlock(&ring->guard);
    return i < 0 ? i : 0;
}

static int explain_unknown(enum ring_use_of_buffer use)
{
    return fail(-EINVAL, use == BUFFER_LOANED ? "these bytes are not on loan from this handle"
                                              : "these bytes were not taken through this handle");
}

/* Which buffer begins there and has that use; NULL: none.  With the guard. */
static struct ring_buffer *find(struct ring *ring, enum ring_use_of_buffer use, const void *bytes)
{
    if (ring->buffers == NULL)
        return NULL;
    uintptr_t offset = (uintptr_t)bytes - (uintptr_t)ring->buffers;
    size_t number = offset / stride(ring);
    if (offset % stride(ring) != 0 || number >= RING_BUFFERS)
        return NULL;
    return ring->records[number].use == use ? &ring->records[number] : NULL;
}

static int put_back(struct ring *ring, enum ring_use_of_buffer use, const void *bytes)
{
    pthread_mutex_lock(&ring->guard);
    struct ring_buffer *buffer = find(ring, use, bytes);
    if (buffer != NULL) {
        buffer->use = BUFFER_FREE;
        ring->used[use]--;
        ring->free[ring->free_count++] = (uint8_t)(buffer - ring->records);
    }
    pthread_mutex_unlock(&ring->guard);
    return buffer != NULL ? 0 : explain_unknown(use);
}

void ring_forget_buffers(struct ring *ring)
{
    ring->used[BUFFER_LOANED] = ring->used[BUFFER_TAKEN] = 0;
    ring->free_count = RING_BUFFERS;
    for (int i = 0; i < RING_BUFFERS; i++) {
        ring->records[i].use = BUFFER_FREE;
        ring->free[i] = (uint8_t)i;
    }
}

void ring_free_buffers(struct ring *ring)
{
    free(ring->buffers);
}

int ring_try_loan(struct flow *flow, void **ret_bytes, size_t size, deadline end)
{
    (void)end;
    unsigned char *bytes;
    int r = get(ring_of(flow), BUFFER_LOANED, size, &bytes);
    if (r == 0)
        *ret_bytes = bytes;
    return r;
}

int ring_check_loan(struct flow *flow, const struct ferry_message *message)
{
    struct ring *ring = ring_of(flow);
    pthread_mutex_lock(&ring->guard);
    const struct ring_buffer *buffer = find(ring, BUFFER_LOANED, message->bytes);
    size_t size = buffer != NULL ? buffer->size_bytes : 0;
    pthread_mutex_unlock(&ring->guard);
    if (buffer == NULL)
        return explain_unknown(BUFFER_LOANED);
    if (message->size_bytes > size)
        return fail(-EMSGSIZE, "%zu bytes are on loan there, and not %zu", size,
                    message->size_bytes);
    return 0;
}

int ring_try_send_loan(struct flow *flow, const struct ferry_message *message, deadline end,
                       uint64_t *ret_ticket)
{
    ssize_t sent = ring_try_send(flow, message, 1, end, ret_ticket);
    return sent < 0 ? (int)sent : put_back(ring_of(flow), BUFFER_LOANED, message->bytes);
}

int ring_return_loan(struct flow *flow, void *bytes, deadline end)
{
    (void)end;
    return put_back(ring_of(flow), BUFFER_LOANED, bytes);
}

ssize_t ring_try_take(struct flow *flow, struct ferry_message *ret_message,
                      const struct ferry_choice *choice, deadline end)
{
    struct ring *ring = ring_of(flow);
    unsigned char *bytes;
    int r = get(ring, BUFFER_TAKEN, 0, &bytes);
    if (r < 0)
        return r;
    struct ferry_message message = {.bytes = bytes, .size_bytes = (size_t)flow->shape.largest};
    ssize_t n = ring_try_receive(flow, &message, choice, end);
    if (n < 0)
        put_back(ring, BUFFER_TAKEN, bytes);
    else
        *ret_message = message;
    return n;
}

int ring_release(struct flow *flow, const void *bytes, deadline end)
{
    (void)end;
    return put_back(ring_of(flow), BUFFER_TAKEN, bytes);
}
