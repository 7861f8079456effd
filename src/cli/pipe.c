/* See pipe.h.  Bytes are on their way as soon as they are there: nothing is gathered. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "base/cleanup.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/pipe.h"
#include "cli/verb.h"

static char buffer[1 << 18];

static void pipe_cleanup(ferry_pipe **pipe)
{
    *pipe = ferry_pipe_close(*pipe);
}

static int open_end(ferry_pipe **ret_pipe, const char *name, unsigned role, int64_t timeout_ns)
{
    int64_t patience = timeout_ns == FERRY_FOREVER ? 0
                       : timeout_ns == FERRY_NOW   ? FERRY_NO_WAIT
                                                   : timeout_ns;
    int r = ferry_pipe_open(ret_pipe, name,
                            FERRY_PIPE(.flags = FERRY_CREATE | role, .patience_ns = patience));
    return r < 0 ? report(r) : 0;
}

static int write_all(ferry_pipe *pipe, const char *bytes, size_t count, int64_t timeout_ns)
{
    while (count > 0) {
        ssize_t n = ferry_pipe_write(pipe, bytes, count, timeout_ns);
        if (n < 0)
            return report((int)n);
        bytes += n;
        count -= (size_t)n;
    }
    return 0;
}

/* More of standard input: 1, 0 at its end, or -1 after a complaint. */
static int read_input(size_t *ret_count)
{
    ssize_t n;
    do
        n = read(STDIN_FILENO, buffer, sizeof(buffer));
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        complain("standard input could not be read: %s", strerror(errno));
        return -1;
    }
    *ret_count = (size_t)n;
    return n > 0;
}

int pipe_write(const char *name, const char *text, int64_t timeout_ns)
{
    ferry_pipe *pipe CLEANUP(pipe_cleanup) = NULL;
    int status = open_end(&pipe, name, FERRY_WRITE, timeout_ns);
    if (status)
        return status;
    if (text)
        return write_all(pipe, text, strlen(text), timeout_ns);
    size_t count;
    int more;
    while ((more = read_input(&count)) == 1) {
        status = write_all(pipe, buffer, count, timeout_ns);
        if (status)
            return status;
    }
    return more < 0 ? STATUS_FAILED : STATUS_DONE;
}

int pipe_read(const char *name, uint64_t count, int64_t timeout_ns)
{
    ferry_pipe *pipe CLEANUP(pipe_cleanup) = NULL;
    int status = open_end(&pipe, name, FERRY_READ, timeout_ns);
    while (status == 0 && count > 0) {
        size_t most = count < sizeof(buffer) ? (size_t)count : sizeof(buffer);
        ssize_t n = ferry_pipe_read(pipe, buffer, most, timeout_ns);
        if (n == 0)
            break;
        if (n < 0)
            return report((int)n);
        count -= (uint64_t)n;
        status = output_bytes(buffer, (size_t)n);
        if (status == 0 && !output_flush())
            return STATUS_FAILED;
    }
    return status;
}

int pipe_has_no(const char *name, const char *option)
{
    complain("\"%s\" is a pipe, and %s is for segments", name, option);
    return STATUS_USAGE;
}
