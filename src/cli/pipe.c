/* See pipe.h.  How bytes move is in pour.c; here is how a pipe is opened, and what is said when it
 * does not end well. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "base/cleanup.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/pipe.h"
#include "cli/pour.h"
#include "cli/text.h"
#include "cli/verb.h"

/* Standard output is broken, and nothing is to be said about it: the command dies of SIGPIPE. */
enum { STATUS_BROKEN = -1 };

static void pour_cleanup(struct pour *pour)
{
    meter_end(&pour->meter);
    pour->pipe = ferry_pipe_close(pour->pipe);
}

/* Nobody is at the other end. */
static int complain_alone(const char *name, unsigned role)
{
    bool writes = role == FERRY_WRITE;
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    complain("no %s came in time for the pipe \"%s\"; start one: ferry %s %s",
             writes ? "reader" : "writer", name, writes ? "read" : "write", quoted);
    return STATUS_NOTHING;
}

static int open_end(struct pour *pour, const struct pipe_request *request, unsigned role)
{
    pour->timeout_ns = request->timeout_ns;
    int64_t patience = request->timeout_ns == FERRY_FOREVER ? 0
                       : request->timeout_ns == FERRY_NOW   ? FERRY_NO_WAIT
                                                            : request->timeout_ns;
    if (request->progress && request->timeout_ns != FERRY_NOW)
        meter_await(&pour->meter, role == FERRY_WRITE ? "reader" : "writer");
    int r = ferry_pipe_open(&pour->pipe, request->name,
                            FERRY_PIPE(.flags = FERRY_CREATE | role, .patience_ns = patience));
    if (r == 0)
        return 0;
    meter_end(&pour->meter);
    return r == -ETIMEDOUT || r == -ENXIO ? complain_alone(request->name, role) : report(r);
}

/* ---- Complaints ------------------------------------------------------------------------------- */

static int complain_stopped(const struct pour *pour, const char *name, int error)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    const struct phrase done = phrase_count(pour->meter.done_bytes);
    if (error == -EPIPE) {
        complain("nobody reads the pipe \"%s\" any more: %s bytes were written, the rest was not; "
                 "what was not read is lost unless somebody else has the pipe open; start a reader "
                 "(ferry read %s), and write all of it again",
                 name, done.text, quoted);
        return STATUS_FAILED;
    }
    complain("the pipe \"%s\" had no room in time: %s bytes were written, the rest was not; see "
             "whether its reader is stopped or slow: ferry show %s",
             name, done.text, quoted);
    return STATUS_NOTHING;
}

static int complain_too_long(const struct pour *pour, const char *name)
{
    uint64_t capacity = 0;
    ferry_pipe_capacity(pour->pipe, &capacity);
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    complain(
        "a line is longer than the largest record of the pipe \"%s\", %s bytes; %s bytes were "
        "written before it; make a larger one: ferry rm %s; ferry new pipe %s --records --size %s",
        name, phrase_count(capacity - 4).text, phrase_count(pour->meter.done_bytes).text, quoted,
        quoted, phrase_size(capacity * 4).text);
    return STATUS_FAILED;
}

static int complain_of(struct pour *pour, const char *name, unsigned role, int trouble, int error)
{
    meter_end(&pour->meter);
    bool writes = role == FERRY_WRITE;
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    if (trouble == POUR_STREAM) {
        complain("standard %s could not be %s: %s", writes ? "input" : "output",
                 writes ? "read" : "written", strerror(-error));
        return STATUS_FAILED;
    }
    if (trouble == POUR_COUNT) {
        complain(
            "the next record of \"%s\" has %d bytes, which is more than --count allows; it stays "
            "for others as long as somebody has the pipe open",
            name, error);
        return STATUS_FAILED;
    }
    if (writes && error == -EMSGSIZE)
        return complain_too_long(pour, name);
    if (!writes && (error == -ETIMEDOUT || error == -EAGAIN)) {
        complain(
            "no bytes came through the pipe \"%s\" in time; see who writes to it: ferry show %s",
            name, quoted);
        return STATUS_NOTHING;
    }
    if (writes && (error == -EPIPE || error == -ETIMEDOUT || error == -EAGAIN))
        return complain_stopped(pour, name, error);
    return report(error);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* What is left of a regular file; 0 of anything else. */
static uint64_t input_size(void)
{
    struct stat input;
    if (fstat(STDIN_FILENO, &input) < 0 || !S_ISREG(input.st_mode))
        return 0;
    off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
    return at >= 0 && at < input.st_size ? (uint64_t)(input.st_size - at) : 0;
}

int pipe_write(const struct pipe_request *request, const char *text)
{
    struct pour pour CLEANUP(pour_cleanup) = {0};
    int status = open_end(&pour, request, FERRY_WRITE);
    if (status)
        return status;
    uint64_t size = request->size_bytes ? request->size_bytes : text ? strlen(text) : input_size();
    if (request->progress)
        meter_start(&pour.meter, size);
    int error,
        trouble = text ? pour_text(&pour, text, strlen(text), &error) : pour_in(&pour, &error);
    return trouble ? complain_of(&pour, request->name, FERRY_WRITE, trouble, error) : STATUS_DONE;
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static int read_all(const struct pipe_request *request, uint64_t count, bool may_die)
{
    struct pour pour CLEANUP(pour_cleanup) = {0};
    int status = open_end(&pour, request, FERRY_READ);
    if (status)
        return status;
    uint64_t size = request->size_bytes ? request->size_bytes : count < UINT64_MAX ? count : 0;
    if (request->progress)
        meter_start(&pour.meter, size);
    int error, trouble = pour_out(&pour, count, &error);
    if (trouble == 0 && pour.meter.done_bytes == 0 && request->timeout_ns == FERRY_NOW) {
        meter_end(&pour.meter);
        return complain_alone(request->name, FERRY_READ);
    }
    if (trouble == POUR_STREAM && error == -EPIPE && may_die)
        return STATUS_BROKEN;
    return trouble ? complain_of(&pour, request->name, FERRY_READ, trouble, error) : STATUS_DONE;
}

/* When standard output breaks, what was written is still to be counted as read, and nothing else;
 * only then the signal may have its way. */
int pipe_read(const struct pipe_request *request, uint64_t count)
{
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    int status = read_all(request, count, before == SIG_DFL);
    signal(SIGPIPE, before);
    if (status != STATUS_BROKEN)
        return status;
    raise(SIGPIPE);
    return STATUS_FAILED;
}

/* ---- The other kind's options ------------------------------------------------------------------ */

int pipe_has_no(const char *name, const char *option)
{
    complain("\"%s\" is a pipe, and %s is for segments", name, option);
    return STATUS_USAGE;
}

int segment_has_no(const char *name, const char *option)
{
    complain("\"%s\" is a segment, and %s is for pipes", name, option);
    return STATUS_USAGE;
}
