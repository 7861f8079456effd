/* How a pipe ends.  When the last writer goes, readers get the rest, and then 0.  When the last
 * reader goes, a write is -EPIPE, and in the kernel's manner SIGPIPE as well.  A pipe cannot seek.
 *
 *     pipe_ends
 *
 * On the command line: yes | ferry write ends & ferry read ends --count 8 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

static int complain(const char *what)
{
    fprintf(stderr, "pipe_ends: %s: %s\n", what, ferry_explain());
    return 1;
}

static int writer_goes(void)
{
    ferry_pipe *ends[2];
    char bytes[64];
    if (ferry_pipe_pair(ends, NULL) < 0)
        return complain("cannot make a pipe");
    ferry_pipe_write(ends[1], "the rest", 8, FERRY_FOREVER);
    ferry_pipe_close(ends[1]);
    ssize_t count = ferry_pipe_read(ends[0], bytes, sizeof(bytes), FERRY_FOREVER);
    printf("the writer has closed: \"%.*s\"", (int)count, bytes);
    printf(", then %zd\n", ferry_pipe_read(ends[0], bytes, sizeof(bytes), FERRY_FOREVER));
    ferry_pipe_close(ends[0]);
    return 0;
}

static int reader_goes(void)
{
    ferry_pipe *ends[2];
    if (ferry_pipe_pair(ends, NULL) < 0)
        return complain("cannot make a pipe");
    ferry_pipe_close(ends[0]);
    ssize_t r = ferry_pipe_write(ends[1], "x", 1, FERRY_FOREVER);
    printf("the reader has closed: %s\n", r == -EPIPE ? "-EPIPE" : "something else");
    ferry_pipe_close(ends[1]);
    return 0;
}

static int reader_goes_as_in_the_kernel(void)
{
    ferry_pipe *ends[2];
    int status;
    if (ferry_pipe_pair(ends, FERRY_PIPE(.flags = FERRY_SIGPIPE)) < 0)
        return complain("cannot make a pipe");
    ferry_pipe_close(ends[0]);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        ferry_pipe_write(ends[1], "x", 1, FERRY_FOREVER);
        _exit(0); /* is not reached */
    }
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("the same with FERRY_SIGPIPE: the child died of signal %d (%s)\n", WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    ferry_pipe_close(ends[1]);
    return 0;
}

static int seeking(void)
{
    ferry_pipe *ends[2];
    if (ferry_pipe_pair(ends, NULL) < 0)
        return complain("cannot make a pipe");
    off_t at = lseek(ferry_pipe_descriptor(ends[0]), 0, SEEK_SET);
    printf("seeking: %s\n", at < 0 && errno == ESPIPE ? "-ESPIPE" : "something else");
    ferry_pipe_close(ends[0]);
    ferry_pipe_close(ends[1]);
    return 0;
}

int main(void)
{
    return writer_goes() || reader_goes() || reader_goes_as_in_the_kernel() || seeking();
}
