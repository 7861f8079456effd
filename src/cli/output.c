/* See output.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/text.h"
#include "cli/verb.h"

/* A missing descriptor is replaced by one that cannot be used in its direction, so that a closed
 * standard output is still an error for whoever writes to it. */
void output_start(void)
{
    for (int descriptor = 0; descriptor <= 2; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0 &&
            open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY) != descriptor)
            _exit(STATUS_FAILED);
}

static int first_error; /* of standard output */

bool output_flush(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    if (first_error == 0)
        first_error = errno;
    return false;
}

int output_finish(int status)
{
    if (output_flush())
        return status;
    complain("standard output could not be written: %s",
             first_error ? strerror(first_error) : "an earlier write failed");
    return STATUS_FAILED;
}

void *expect_memory(void *memory)
{
    if (memory)
        return memory;
    fputs("ferry: out of memory; close something, or raise `ulimit -v`\n", stderr);
    _exit(STATUS_FAILED);
}

char *safe_text(const char *format, va_list arguments)
{
    char *raw;
    if (vasprintf(&raw, format, arguments) < 0)
        raw = NULL;
    expect_memory(raw);
    char *safe = expect_memory(malloc(4 * strlen(raw) + 1));
    text_make_safe(safe, raw);
    free(raw);
    return safe;
}

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = safe_text(format, arguments);
    va_end(arguments);
    fprintf(stderr, "ferry: %s\n", text);
    free(text);
}

void output_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = safe_text(format, arguments);
    va_end(arguments);
    puts(text);
    free(text);
}

int output_bytes(const void *bytes, size_t count)
{
    const char *rest = bytes;
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, rest, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            complain("standard output could not be written: %s", strerror(errno));
            return STATUS_FAILED;
        }
        rest += written;
        count -= (size_t)written;
    }
    return 0;
}

bool output_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

bool output_has_colour(void)
{
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return output_is_terminal() && (refused == NULL || refused[0] == '\0') && terminal &&
           strcmp(terminal, "dumb") != 0;
}
