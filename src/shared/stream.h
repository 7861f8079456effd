/* A stream of bytes through a ring in shared memory, whose ends the kernel counts (docs/design/pipe.md).
 *
 * Writers and readers each have a lock of their own, held for as long as bytes are being put into
 * the ring or looked at.  A write is committed by one store of a position, and so is a read.  Who has to
 * sleep does so on a FIFO of tokens (os/tokens.h), of which writers hold one end and readers the other. */
#ifndef FERRY_STREAM_H
#define FERRY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/clock.h"
#include "os/map.h"
#include "shared/slots.h"
#include "shared/spin.h"

/* Writes of up to so many bytes are never mixed with others'; and so much must be free before a
 * stream that was full takes more. */
enum { STREAM_ATOMIC = 4096 };

enum { STREAM_LEAST_EXPONENT = 12, STREAM_MOST_EXPONENT = 30 };

/* A handle's view of one side.  Touched with that side's lock only, but for the spin. */
struct stream_side {
    struct map ring;
    uint32_t exponent; /* of the ring that is mapped; 0: none yet */
    uint64_t other;    /* the other side's position, when it was looked at last */
    struct spin spin;
};

struct stream {
    struct layout_stream *shared;
    struct slots *slots;
    const struct map *data;  /* all of the data file */
    int read_end, write_end; /* -1: this handle has not that role */
    struct stream_side in, out;
    uint32_t departures;     /* writers: of readers, when the kernel was asked last … */
    uint64_t asked;          /* … and the processor's counter then */
    _Atomic bool listens[2]; /* its descriptor is in a poll loop: the reader's, the writer's */
};

/* What is open for one side: bytes from `data` on, contiguous. */
struct stream_piece {
    unsigned char *data;
    size_t size_bytes;
};

void stream_init(struct stream *stream, struct slots *slots, const struct map *data);
void stream_deinit(struct stream *stream);

/* Sets up a new object's stream, before anybody else can see it. */
void stream_begin(struct layout_stream *stream, uint32_t exponent);

/* The exponent for a capacity: at least that many bytes. */
uint32_t stream_exponent(uint64_t capacity);

/* Takes the writers' lock and opens all room there is, at least `least` bytes.  -EAGAIN: not so much is
 * free; -EPIPE: nobody reads; -EBADMSG; -ETIMEDOUT: another writer keeps the lock. */
int stream_open_room(struct stream *stream, size_t least, deadline end,
                     struct stream_piece *ret_room);

/* Commits so many bytes of it and lets go of the lock. */
void stream_commit(struct stream *stream, size_t count);

/* Takes the readers' lock and opens all bytes there are, at least one.  -EAGAIN: none. */
int stream_open_bytes(struct stream *stream, deadline end, struct stream_piece *ret_bytes);

/* Consumes so many of them and lets go of the lock. */
void stream_consume(struct stream *stream, size_t count);

/* Wait until there may be room for `least` bytes, or bytes; then try again.
 * 0; -EPIPE: nobody reads, or nobody writes and all has been read; -ETIMEDOUT; -EINTR. */
int stream_await_room(struct stream *stream, size_t least, deadline end, bool interruptible);
int stream_await_bytes(struct stream *stream, deadline end, bool interruptible);

#endif
