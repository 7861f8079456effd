/* A command server: runs, for whoever may write to its pipe, the programs it was told to allow.
 *
 *     command_server NAME PROGRAM…      for instance: command_server commands date seq sort
 *
 * A request is one record: the name of the client's own pipe, the program, its arguments, each with a
 * final 0.  Records are whole or not there at all, wherever a client dies.  An answer is records, too,
 * told apart by their first byte:
 *
 *     +         the program, or an error, is about to come
 *     o…        output of the program, as it comes
 *     e…        an error of the server
 *     x…        the exit status, in digits: the last one
 *
 * No shell sees a request.  Each is served by a child, so a slow client keeps nobody waiting; when
 * a client is gone, its program is killed.  command_client is the other side. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

enum { MOST_WORDS = 64 };

struct request {
    char *words[MOST_WORDS + 1]; /* the answer's pipe, program, arguments, NULL */
};

/* Takes a record to pieces.  What is not as it should be is no request. */
static int parse(struct request *request, char *record, size_t size, const char *name)
{
    int count = 0;
    if (size == 0 || record[size - 1] != '\0')
        return 0;
    for (char *word = record; word < record + size; word += strlen(word) + 1) {
        if (count == MOST_WORDS)
            return 0;
        request->words[count++] = word;
    }
    request->words[count] = NULL;
    /* NAME.something, so that nobody has the server write to other pipes. */
    size_t length = strlen(name);
    return count >= 2 && strncmp(record, name, length) == 0 && record[length] == '.';
}

/* Whether the client is still there shows elsewhere. */
static void send_record(ferry_pipe *answer, char kind, const char *text)
{
    char record[512];
    int length = snprintf(record, sizeof(record), "%c%s", kind, text);
    if (length >= (int)sizeof(record))
        length = sizeof(record) - 1;
    ferry_pipe_write(answer, record, (size_t)length, FERRY_FOREVER);
}

static void become(char **words, int output)
{
    setpgid(0, 0); /* a group of its own, to be killed as a whole */
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    close(output);
    signal(SIGCHLD, SIG_DFL);
    execvp(words[0], words);
    perror(words[0]);
    _exit(127);
}

/* Passes the program's output on as it comes.  -1: the client is gone. */
static int pass_on(ferry_pipe *answer, int output)
{
    char record[4096] = "o";
    for (;;) {
        struct pollfd either[2] = {{.fd = output, .events = POLLIN},
                                   {.fd = ferry_pipe_descriptor(answer), .events = 0}};
        poll(either, 2, -1);
        if (either[1].revents)
            return -1;
        if (!either[0].revents)
            continue;
        ssize_t count = read(output, record + 1, sizeof(record) - 1);
        if (count <= 0)
            return 0;
        if (ferry_pipe_write(answer, record, (size_t)count + 1, FERRY_FOREVER) < 0)
            return -1;
    }
}

/* The program's exit status, as a shell would tell it. */
static int run(ferry_pipe *answer, char **words)
{
    int output[2], status;
    if (pipe2(output, O_CLOEXEC) < 0)
        return 126;
    pid_t program = fork();
    if (program < 0)
        return 126;
    if (program == 0)
        become(words, output[1]);
    setpgid(program, program); /* here, too: whoever comes first */
    close(output[1]);
    if (pass_on(answer, output[0]) < 0)
        kill(-program, SIGKILL);
    waitpid(program, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* In a child, which ends then. */
static void serve(struct request *request, char **allowed)
{
    ferry_pipe *answer;
    char text[256];
    signal(SIGCHLD, SIG_DFL);
    if (ferry_pipe_open(&answer, request->words[0],
                        FERRY_PIPE(.flags = FERRY_WRITE, .patience_ns = FERRY_NO_WAIT)) < 0)
        return; /* the client has died */
    const char *program = request->words[1];
    int status = 126;
    while (*allowed && strcmp(*allowed, program) != 0)
        allowed++;
    send_record(answer, '+', "");
    if (*allowed) {
        status = run(answer, request->words + 1);
    } else {
        snprintf(text, sizeof(text), "%.200s is not allowed\n", program);
        send_record(answer, 'e', text);
    }
    snprintf(text, sizeof(text), "%d", status);
    send_record(answer, 'x', text);
    ferry_pipe_close(answer);
}

int main(int argc, char **argv)
{
    static char record[65536];
    ferry_pipe *requests;
    struct request request;
    ssize_t size;
    if (argc < 3) {
        fprintf(stderr, "usage: command_server NAME PROGRAM...\n");
        return 2;
    }
    /* Both ends: the stream does not end when a client goes and no other is there. */
    if (ferry_pipe_open(&requests, argv[1], FERRY_PIPE(.flags = FERRY_CREATE | FERRY_RECORDS)) <
            0 ||
        !ferry_pipe_keeps_records(requests)) {
        fprintf(stderr, "command_server: no pipe for requests: %s\n", ferry_explain());
        return 1;
    }
    signal(SIGCHLD, SIG_IGN); /* nobody asks how the children ended */
    printf("%s: ready\n", argv[1]);
    fflush(stdout);
    while ((size = ferry_pipe_read(requests, record, sizeof(record), FERRY_FOREVER)) > 0) {
        if (!parse(&request, record, (size_t)size, argv[1]) || fork() != 0)
            continue;
        ferry_pipe_close(requests); /* the parent's: when it dies, clients are to know */
        serve(&request, argv + 2);
        _exit(0);
    }
    fprintf(stderr, "command_server: no more requests: %s\n", ferry_explain());
    return 1;
}
