/* What the files of the stream share among themselves. */
#ifndef FERRY_STREAM_INSIDE_H
#define FERRY_STREAM_INSIDE_H

#include <errno.h>

#include "base/error.h"
#include "shared/board.h"
#include "shared/stream.h"

/* Positions are read and written in one order with the boards: see stream.c. */
static inline uint64_t stream_look(const _Atomic uint64_t *position)
{
    return atomic_load_explicit(position, memory_order_seq_cst);
}

static inline int stream_damaged(void)
{
    return fail(-EBADMSG, "a peer wrote nonsense into the pipe; remove it and make it anew");
}

/* ---- Locks and sides (stream.c) ---- */

/* The lock of the writers, or of the readers.  Who does not want to wait waits for no more than a copy.
 * What a dead owner did not tell is told.  -EAGAIN: it is kept; -ETIMEDOUT; -EINTR. */
int stream_lock_in(struct stream *stream, deadline end);
int stream_lock_out(struct stream *stream, deadline end);

/* Looks without a lock: a hint. */
bool stream_has_room(const struct stream *stream, size_t least);

/* Is it time to ask the kernel who holds the other end?  If so: it is being asked now; and: the answer
 * was no, ask again next time. */
bool stream_is_time_to_ask(const struct stream *stream, const struct stream_side *side);
void stream_ask(const struct stream *stream, struct stream_side *side);
void stream_ask_again(struct stream_side *side);
void stream_was_told(struct stream_side *side); /* the kernel's word came by itself */

/* ---- The ring (stream_ring.c) ---- */

static inline uint64_t stream_bytes_of(const struct stream_side *side)
{
    return UINT64_C(1) << side->exponent;
}

static inline unsigned char *stream_place(const struct stream_side *side, uint64_t position)
{
    return side->ring.data + (position & (stream_bytes_of(side) - 1));
}

/* Maps the ring that the stream has now, unless this side has it mapped. */
int stream_update_ring(struct stream *stream, struct stream_side *side);

/* ---- Tokens (stream_tell.c) ---- */

/* In shape.polled: readers poll, or did; and perhaps some sleep who do not know of it. */
enum { POLLED = 1, POLLED_BESIDE_SLEEPERS = 2 };

static inline uint32_t stream_get(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_seq_cst);
}

static inline void stream_set(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_seq_cst);
}

static inline bool stream_is_on(const struct stream *stream, const struct layout_board *board)
{
    return board_any(board, slots_high(stream->slots));
}

static inline bool stream_is_polled(const struct stream *stream)
{
    return stream_get(&stream->shared->shape.polled) != 0;
}

/* Bytes were put into the ring: whoever waits for them is to know. */
void stream_tell_readers(struct stream *stream);

/* So much is free now: whoever waits for it is to know. */
void stream_tell_writers(struct stream *stream, uint64_t free);

/* Less than a page is free: whoever polls for room is to see that. */
void stream_hush_writers(struct stream *stream);

/* The ring has another size. */
void stream_tell_of_size(struct stream *stream);

/* With the readers' lock: a reader leaves bytes behind, whose token it may have had; or it leaves none,
 * and takes the tokens away. */
void stream_pass_on(struct stream *stream);
void stream_drain(struct stream *stream);
bool stream_is_quiet(const struct stream *stream); /* no token is in the FIFO, as far as is known */

/* Gives a token, through the handle's own end or one that is opened for the moment; and takes one. */
int stream_ring(struct stream *stream);
void stream_make_room(struct stream *stream);

/* Fills the FIFO, so that one token less will mean room; and the same for those who poll, 0: not so,
 * since a reader was faster than we; -EAGAIN. */
int stream_stuff(struct stream *stream);
int stream_show_no_room(struct stream *stream);

#endif
