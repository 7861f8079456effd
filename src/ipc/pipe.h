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
    size_t reserved;        /* bytes of room that are open, their lock held; 0: none */
    unsigned char *room;    /* where they are, with the header of a record */
    size_t peeked;          /* the same for bytes to read */
};

#endif
