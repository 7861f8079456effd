/* A pipe to a program that is started anew: exec closes every handle, so an end is handed over.  Until the
 * new program takes it, the descriptor counts as the end itself.
 *
 *     pipe_exec TEXT …     the program, started anew, prints what it is written */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

static int complain(const char *what)
{
    fprintf(stderr, "pipe_exec: %s: %s\n", what, ferry_explain());
    return 1;
}

/* The new program, which has nothing but the number of a descriptor. */
static int print_all(const char *descriptor)
{
    ferry_pipe *pipe;
    char bytes[4096];
    ssize_t count;
    if (ferry_pipe_take(&pipe, atoi(descriptor)) < 0)
        return complain("cannot take the pipe");
    while ((count = ferry_pipe_read(pipe, bytes, sizeof(bytes), FERRY_FOREVER)) > 0)
        fwrite(bytes, 1, (size_t)count, stdout);
    ferry_pipe_close(pipe);
    return count < 0 ? complain("cannot read") : 0;
}

static int start_anew(ferry_pipe *reading, const char *program)
{
    char number[16];
    int descriptor;
    if (ferry_pipe_hand_over(reading, FERRY_READ, &descriptor) < 0)
        return complain("cannot hand the pipe over");
    fcntl(descriptor, F_SETFD, 0); /* it is to outlive exec */
    snprintf(number, sizeof(number), "%d", descriptor);
    execl("/proc/self/exe", program, "--read", number, (char *)NULL);
    perror("pipe_exec: cannot start anew");
    return 1;
}

static int write_all(ferry_pipe *writing, char **texts)
{
    for (; *texts; texts++)
        if (ferry_pipe_write(writing, *texts, strlen(*texts), FERRY_FOREVER) < 0 ||
            ferry_pipe_write(writing, "\n", 1, FERRY_FOREVER) < 0)
            return complain("cannot write");
    return 0;
}

int main(int argc, char **argv)
{
    ferry_pipe *ends[2];
    if (argc == 3 && strcmp(argv[1], "--read") == 0)
        return print_all(argv[2]);
    if (argc < 2) {
        fprintf(stderr, "usage: pipe_exec TEXT …\n");
        return 2;
    }
    if (ferry_pipe_pair(ends, NULL) < 0)
        return complain("cannot make a pipe");
    pid_t child = fork();
    if (child == 0)
        _exit(start_anew(ends[0], argv[0]));
    ferry_pipe_close(ends[0]);
    int failed = write_all(ends[1], argv + 1);
    ferry_pipe_close(ends[1]); /* the end of the stream */
    int status = 1;
    waitpid(child, &status, 0);
    return failed || status != 0;
}
