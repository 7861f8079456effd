/* Loaned and taken messages of a queue with a ring: buffers of the handle's own.  See ring.h.
 *
 * They are private memory, so nobody else has to do with them, and a member that dies leaves nothing. */
#include <stdlib.h>

#include "shared/ring.h"

enum { MOST_OF_A_USE = 64 };

static int find_free(const struct ring *ring, int use)
{
    int free = -1, used = 0;
    for (int i = 0; i < RING_BUFFERS; i++) {
        const struct ring_buffer *buffer = &ring->buffers[i];
        used += (int)buffer->use == use;
        /* Preferably one that has its memory already. */
        if (buffer->use == BUFFER_FREE && (free < 0 || ring->buffers[free].bytes == NULL))
            free = i;
    }
    if (used == MOST_OF_A_USE)
        return fail(-ENOBUFS, "%d messages are %s already through this handle; %s some first", used,
                    use == BUFFER_LOANED ? "on loan" : "taken",
                    use == BUFFER_LOANED ? "send or return" : "release");
    return free;
}

/* A buffer for that use, as large as the largest message. */
static int get(struct ring *ring, int use, size_t size_bytes, struct ring_buffer **ret_buffer)
{
    pthread_mutex_lock(&ring->guard);
    int i = find_free(ring, use);
    if (i >= 0) {
        struct ring_buffer *buffer = &ring->buffers[i];
        if (buffer->bytes == NULL)
            buffer->bytes =
                malloc(ring->flow->shape.largest ? (size_t)ring->flow->shape.largest : 1);
        if (buffer->bytes == NULL) {
            i = fail(-ENOMEM, "no memory for a message");
        } else {
            buffer->use = use;
            buffer->size_bytes = size_bytes;
            *ret_buffer = buffer;
        }
    }
    pthread_mutex_unlock(&ring->guard);
    return i < 0 ? i : 0;
}

static int explain_unknown(int use)
{
    return fail(-EINVAL, use == BUFFER_LOANED ? "these bytes are not on loan from this handle"
                                              : "these bytes were not taken through this handle");
}

static struct ring_buffer *find(struct ring *ring, int use, const void *bytes)
{
    for (int i = 0; i < RING_BUFFERS; i++)
        if (bytes != NULL && ring->buffers[i].bytes == bytes && (int)ring->buffers[i].use == use)
            return &ring->buffers[i];
    return NULL;
}

static int put_back(struct ring *ring, int use, const void *bytes)
{
    pthread_mutex_lock(&ring->guard);
    struct ring_buffer *buffer = find(ring, use, bytes);
    if (buffer != NULL)
        buffer->use = BUFFER_FREE;
    pthread_mutex_unlock(&ring->guard);
    return buffer != NULL ? 0 : explain_unknown(use);
}

void ring_forget_buffers(struct ring *ring)
{
    for (int i = 0; i < RING_BUFFERS; i++)
        ring->buffers[i].use = BUFFER_FREE;
}

void ring_free_buffers(struct ring *ring)
{
    for (int i = 0; i < RING_BUFFERS; i++)
        free(ring->buffers[i].bytes);
}

int ring_try_loan(struct flow *flow, void **ret_bytes, size_t size, deadline end)
{
    (void)end;
    struct ring_buffer *buffer;
    int r = get(ring_of(flow), BUFFER_LOANED, size, &buffer);
    if (r == 0)
        *ret_bytes = buffer->bytes;
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
    struct ring_buffer *buffer;
    int r = get(ring, BUFFER_TAKEN, 0, &buffer);
    if (r < 0)
        return r;
    struct ferry_message message = {.bytes = buffer->bytes,
                                    .size_bytes = (size_t)flow->shape.largest};
    ssize_t n = ring_try_receive(flow, &message, choice, end);
    if (n < 0)
        put_back(ring, BUFFER_TAKEN, buffer->bytes);
    else
        *ret_message = message;
    return n;
}

int ring_release(struct flow *flow, const void *bytes, deadline end)
{
    (void)end;
    return put_back(ring_of(flow), BUFFER_TAKEN, bytes);
}
