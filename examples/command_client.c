/* The client of command_server: has a program run there, and prints what it prints.
 *
 *     command_client NAME PROGRAM [ARGUMENT…]     ends with the program's exit status
 *
 * The answer comes through a pipe of its own, which is gone with it, however it ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ferry/ferry.h>

static const int64_t PATIENCE_NS = INT64_C(5000000000);

static int complain(const char *what)
{
    fprintf(stderr, "command_client: %s: %s\n", what, ferry_explain());
    return 125;
}

/* With both ends: it does not end before the server has come. */
static int open_answer(ferry_pipe **ret_answer, const char *name)
{
    unsigned flags = FERRY_CREATE | FERRY_EXCLUSIVE | FERRY_TEMPORARY | FERRY_RECORDS;
    return ferry_pipe_open(ret_answer, name, FERRY_PIPE(.flags = flags));
}

/* The request is written at once, and so it is one record. */
static int request(const char *server, const char *answer, char **words)
{
    char record[4096];
    size_t size = 0;
    ferry_pipe *requests;
    int r = ferry_pipe_open(&requests, server,
                            FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = FERRY_NO_WAIT));
    if (r < 0)
        return r;
    for (const char *word = answer; word; word = *words++) {
        size_t length = strlen(word) + 1;
        if (size + length > sizeof(record)) {
            fprintf(stderr, "command_client: the command is too long\n");
            exit(2);
        }
        memcpy(record + size, word, length);
        size += length;
    }
    ssize_t written = ferry_pipe_write(requests, record, size, FERRY_FOREVER);
    ferry_pipe_close(requests);
    return written < 0 ? (int)written : 0;
}

/* Until the last record, or the end of the stream: then the server has died. */
static int print_answer(ferry_pipe *answer)
{
    static char record[65536];
    int64_t patience = PATIENCE_NS; /* for the first one */
    ssize_t size;
    while ((size = ferry_pipe_read(answer, record, sizeof(record) - 1, patience)) > 0) {
        record[size] = '\0';
        switch (record[0]) {
        case '+': /* the server has the pipe open: from now on, no other writer is to be */
            ferry_pipe_close_end(answer, FERRY_WRITE);
            patience = FERRY_FOREVER;
            break;
        case 'o':
            fwrite(record + 1, 1, (size_t)size - 1, stdout);
            fflush(stdout);
            break;
        case 'e':
            fprintf(stderr, "command_client: %s", record + 1);
            break;
        case 'x':
            return atoi(record + 1);
        }
    }
    if (size < 0)
        return complain("no answer");
    fprintf(stderr, "command_client: the server died before the program ended\n");
    return 125;
}

int main(int argc, char **argv)
{
    char name[FERRY_NAME_SIZE];
    ferry_pipe *answer;
    if (argc < 3) {
        fprintf(stderr, "usage: command_client NAME PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    snprintf(name, sizeof(name), "%s.%d", argv[1], (int)getpid());
    if (open_answer(&answer, name) < 0)
        return complain("cannot make a pipe for the answer");
    if (request(argv[1], name, argv + 2) < 0) {
        ferry_pipe_close(answer);
        return complain("cannot reach the server");
    }
    int status = print_answer(answer);
    ferry_pipe_close(answer);
    return status;
}
