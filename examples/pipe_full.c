/* A pipe holds so much and no more: a child writes byte by byte while nobody reads, and stops at
 * 65,536.  Room comes back by pages: taking 1 byte or 64 frees nothing, taking 4,096 does.
 *
 *     pipe_full
 *
 * On the command line: yes | ferry write full & ferry read full --count 1 */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

static int complain(const char *what)
{
    fprintf(stderr, "pipe_full: %s: %s\n", what, ferry_explain());
    return 1;
}

/* In the child: one byte more than fits, so that the last one waits until there is room. */
static int write_byte_by_byte(ferry_pipe *out, uint64_t count)
{
    for (; count > 0; count--)
        if (ferry_pipe_write(out, "x", 1, FERRY_FOREVER) != 1)
            return complain("cannot write");
    return 0;
}

static void take(ferry_pipe *ends[2], size_t count)
{
    char bytes[FERRY_PIPE_ATOMIC];
    ssize_t taken = ferry_pipe_read(ends[0], bytes, count, FERRY_NOW);
    ssize_t written = ferry_pipe_write(ends[1], "y", 1, FERRY_NOW);
    printf("%zd taken: one more %s\n", taken,
           written == 1         ? "goes in"
           : written == -EAGAIN ? "does not go in"
                                : ferry_explain());
}

int main(void)
{
    ferry_pipe *ends[2];
    uint64_t capacity, depth = 0;
    int status;
    if (ferry_pipe_pair(ends, NULL) < 0 || ferry_pipe_capacity(ends[0], &capacity) < 0)
        return complain("cannot make a pipe");
    pid_t child = fork();
    if (child == 0)
        return write_byte_by_byte(ends[1], capacity + 1);

    while (child > 0 && depth < capacity)
        if (ferry_pipe_depth(ends[0], &depth) < 0)
            return complain("cannot look");
    printf("the child stopped at %llu bytes\n", (unsigned long long)depth);
    take(ends, 0);
    take(ends, 1);
    take(ends, 64);
    take(ends, 4096);
    waitpid(child, &status, 0);
    printf("the child went on, and ended with %d\n", WEXITSTATUS(status));
    ferry_pipe_close(ends[0]);
    ferry_pipe_close(ends[1]);
    return 0;
}
