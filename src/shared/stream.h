/* A stream of bytes through a ring in shared memory, whose ends the kernel counts (docs/design/pipe.md).
 *
 * Writers and readers each have a lock of their own, held for as long as bytes are being put into
 * the ring or looked at.  A write is committed by one store of a position, and so is a read.  Who has to
 * sleep does so on a FIFO of tokens (os/tokens.h), of which writers hold one end and readers the other. */
#ifndef FERRY_STREAM_H
#define FERRY_STREAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/clock.h"
#include "os/map.h"
#include "shared/notice.h"
#include "shared/region.h"
#include "shared/slots.h"
#include "shared/spin.h"

/* Writes of up to so many bytes are never mixed with others'; and so much must be free before a
 * stream that was full takes more. */
enum { STREAM_ATOMIC = 4096 };

/* The deadline of who does not wait. */
#define STREAM_NOW ((deadline)0)

enum { STREAM_LEAST_EXPONENT = 12, STREAM_MOST_EXPONENT = 30 };

/* A handle's view of one side.  Touched with that side's lock, or, of a handle that looks on, with its own;
 * but for the spin, and for what is atomic. */
struct stream_side {
    struct map ring;
    uint32_t exponent; /* of the ring that is mapped; 0: none yet */
    uint64_t other;    /* the other side's position, when it was looked at last */
    uint64_t last;     /* out: how many bytes were consumed last */
    uint32_t looks;    /* out: for more bytes */
    bool is_burst;     /* out: they come faster than we look */
    struct spin spin;
    _Atomic uint32_t departures; /* when the kernel was asked last who holds the other end, … */
    _Atomic uint64_t asked;      /* … and the processor's counter then */
};

struct stream {
    const struct region *region; /* whose ends tell the role */
    struct slots *slots;
    struct notice *notice; /* of arrivals, and for those who tap */
    struct layout_stream *shared;
    struct stream_side in, out;
    pthread_mutex_t guard;   /* of both rings while they change: no fork may see them half-made */
    bool interruptible;      /* waits end when a signal handler ran */
    uint32_t first_arrivals; /* of writers, when the handle came to be */
    _Atomic bool met_writer; /* there was one since then */
    _Atomic bool listens_to_bytes, listens_to_room; /* an end is in the caller's poll loop */
};

/* What is open for one side: bytes from `data` on, contiguous. */
struct stream_piece {
    unsigned char *data;
    size_t size_bytes;
};

/* The exponent for a capacity: at least that many bytes. */
uint32_t stream_exponent(uint64_t capacity);

void stream_init(struct stream *stream, const struct region *region, struct slots *slots,
                 struct notice *notice, bool interruptible);
void stream_deinit(struct stream *stream);
void stream_after_fork(struct stream *stream);

uint64_t stream_capacity(const struct stream *stream);
uint64_t stream_depth(const struct stream *stream);

/* Looks without a lock: a hint. */
bool stream_has_bytes(const struct stream *stream);

/* ---- Coming and going ---- */

/* This handle has opened an end.  How many writers have, so far; and is there one among the other
 * members now? */
void stream_arrive(struct stream *stream, bool writes);
uint32_t stream_arrivals(const struct stream *stream);
bool stream_has_writer(struct stream *stream);

/* Closes an end, if it is one, and has the other side look whether it was the last. */
void stream_depart(struct stream *stream, int *end);

/* ---- Writing ---- */

/* Takes the writers' lock and opens room for at least `least` bytes, and at most `most`.  -EAGAIN: not
 * so much is free, or (STREAM_NOW) another writer keeps the lock; -EPIPE: nobody reads; -EBADMSG;
 * -ETIMEDOUT; -EINTR. */
int stream_open_room(struct stream *stream, size_t least, size_t most, deadline end,
                     struct stream_piece *ret_room);

/* Commits so many bytes of it and lets go of the lock. */
void stream_commit(struct stream *stream, size_t count);

/* Waits until there is some, perhaps `least` bytes.  0; -EPIPE; -ETIMEDOUT; -EINTR. */
int stream_await_room(struct stream *stream, size_t least, deadline end);

/* ---- Reading ---- */

/* Takes the readers' lock and opens all bytes there are, at least one.  -EAGAIN: none. */
int stream_open_bytes(struct stream *stream, deadline end, struct stream_piece *ret_bytes);

/* Consumes so many of them, and keeps the lock; looks for more behind these, -EAGAIN: none; lets go of
 * the lock. */
void stream_take(struct stream *stream, size_t count);
int stream_open_more_bytes(struct stream *stream, struct stream_piece *ret_bytes);
void stream_close_bytes(struct stream *stream);

/* Waits until there may be bytes.  0; -EPIPE: all are read, and nobody writes; -ETIMEDOUT; -EINTR. */
int stream_await_bytes(struct stream *stream, deadline end);

/* ---- The caller's own poll loop ---- */

/* From here on, an end in this handle is readable while there are bytes, or writable while a page is
 * free. */
void stream_listen(struct stream *stream, bool writes);

/* There was no room, or there were no bytes, and the caller will not wait here: its descriptor is to
 * be quiet.  0: there may be some now; -EAGAIN; -EPIPE: there will be none. */
int stream_want_room(struct stream *stream);
int stream_want_bytes(struct stream *stream);

/* ---- Looking on ---- */

/* Where somebody who looks on is. */
struct stream_tap {
    uint64_t position; /* of the next byte to see */
    uint64_t missed;   /* bytes that went by unseen, so far */
    bool whole; /* what was missed is made up for to where readers are: a record begins there */
};

/* Begins where the readers are. */
int stream_tap_begin(struct stream *stream, struct stream_tap *ret_tap);
void stream_tap_end(struct stream *stream);

/* Copies what it has not seen, at most `size` bytes, and takes nothing.  How many; -EAGAIN: none. */
ssize_t stream_tap_look(struct stream *stream, struct stream_tap *tap, void *ret_bytes,
                        size_t size);

/* ---- Another size ---- */

/* Moves the bytes into a ring of 2^exponent bytes.  -EBUSY: they do not fit, or somebody keeps room or
 * bytes open; -EINVAL: the object has no place for such a ring; -ENOSPC … */
int stream_resize(struct stream *stream, uint32_t exponent);

#endif
