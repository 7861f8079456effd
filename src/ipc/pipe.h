/* The inside of a pipe handle. */
#ifndef FERRY_IPC_PIPE_H
#define FERRY_IPC_PIPE_H

#include <ferry/pipe.h>

#include "ipc/object.h"
#include "shared/notice.h"
#include "shared/stream.h"

struct ferry_pipe {
    struct object object;
    struct stream stream;
    struct notice arrivals; /* of either side */
    bool keeps_records;     /* a property of the pipe */
    bool raises_sigpipe;    /* asked for by who opened it */
    bool taps;              /* it has no end, and looks on */
    bool tap_is_over;       /* all have gone who wrote, and this has not been said yet */
    bool tap_met_writer;    /* when it looked last */
    uint32_t tap_arrivals;  /* of writers that it has seen to be gone */
    struct stream_tap tap;
    pthread_mutex_t tap_guard;  /* of these five, and of the ring while it is looked at */
    pthread_t reserver, peeker; /* the threads that have the following open */
    _Atomic size_t reserved;    /* bytes of room that are open, their lock held; 0: none */
    unsigned char *room;        /* where they are, with the header of a record */
    _Atomic size_t peeked;      /* the same for bytes to read */
};

/* *ret_pipe is a ferry_pipe *. */
object_adopt pipe_new;

/* Begins to look on. */
int pipe_begin_tap(ferry_pipe *pipe);

/* What is asked for, checked and put into the words of the region. */
int pipe_check_options(const char *name, const struct ferry_pipe_options *options,
                       unsigned known_flags);
struct region_request pipe_request(const char *name, const struct ferry_pipe_options *options);

/* Tells who waits for the other side to come that an end is here. */
void pipe_arrive(ferry_pipe *pipe, bool writes);

#endif
