/* The kernel's FIFO: mkfifo(3) in the case's root. */
#include "kernel.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

struct path {
    char text[256];
};

static struct path path_of(const char *name)
{
    struct path path;
    snprintf(path.text, sizeof path.text, "%s/%s", test_root(), name);
    return path;
}

static void create(const char *name)
{
    CHECK_ERRNO(mkfifo(path_of(name).text, 0600));
}

static void remove_name(const char *name)
{
    CHECK_ERRNO(unlink(path_of(name).text));
}

/* An end that does not wait to be opened waits later, as every other. */
static int open_end(struct end *ret_end, const char *name, unsigned role, int64_t patience_ns)
{
    signal(SIGPIPE, SIG_IGN);
    int mode = role == FERRY_READ ? O_RDONLY : role == FERRY_WRITE ? O_WRONLY : O_RDWR;
    int wait = patience_ns == FERRY_NO_WAIT ? O_NONBLOCK : 0;
    int descriptor = open(path_of(name).text, mode | wait | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    CHECK_ERRNO(fcntl(descriptor, F_SETFL, 0));
    ret_end->descriptor = descriptor;
    return 0;
}

static void make(struct ends *ret_ends, uint64_t capacity)
{
    create(ret_ends->name);
    CHECK_EQ(open_end(ret_ends->reading, ret_ends->name, FERRY_READ, FERRY_NO_WAIT), 0);
    CHECK_EQ(open_end(ret_ends->writing, ret_ends->name, FERRY_WRITE, FERRY_NO_WAIT), 0);
    kernel_prepare(ret_ends, capacity);
}

const struct back_end kernel_fifo = {.name = "kernel_fifo",
                                     .make = make,
                                     .create = create,
                                     .open = open_end,
                                     .remove = remove_name,
                                     .close = kernel_close,
                                     .write = kernel_write,
                                     .read = kernel_read,
                                     .capacity = kernel_capacity,
                                     .depth = kernel_depth,
                                     .set_capacity = kernel_set_capacity,
                                     .descriptor = kernel_descriptor};
