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
    size_t reserved;        /* bytes of room that are open, their lock held; 0: none */
    size_t peeked;          /* the same for bytes to read */
};

#endif
